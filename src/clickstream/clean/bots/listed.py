"""The crawler-user-agents list, corrected where it takes people for bots, sorted into our classes.

Calling a person a bot loses a customer from every figure, so patterns that also match programs
people browse with are narrowed or left out.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

import crawleruseragents

from clickstream.clean.bots.verdict import (
    ADVERTISING,
    AI_TRAINING,
    ARCHIVER,
    FEED_READER,
    LINK_PREVIEW,
    MONITOR,
    OTHER,
    SCANNER,
    SEARCH_ENGINE,
    SEO,
    TOOL,
    Verdict,
)

# Patterns of the list that match people too, each with the pattern that takes its place, or None.
# Those left out are apps and tools with a browser in them, and builds of single handsets.
NARROWED: dict[str, str | None] = {
    "Slurp": r"Slurp[^)]",
    "Sonic": r"Sonic(\/|Site)",
    r"Fetch\/": r"^Fetch\/",
    "Viber": "^Viber$",
    "Sogou": r"Sogou[ -]",
    "Blackboard": "^Blackboard",
    r"008\/": r"(^|[ (])008\/",
    "Fluid": None,
    r"Miniature\.io\/": None,
    r"Trae\/": None,
    r"Code\/1\.": None,
    r"AP3A\.240617\.008": None,
    "MetaIAB Facebook": None,
    "YLT Chrome": None,
    "TSM-turingos": None,
    "GTmetrix": None,
}

# Names that are words, and those of people's apps, count only as they are written.
_PLAIN_WORD = re.compile(r"\^?[A-Za-z][a-z]+(?:\\/|\$)?")
_APPS = frozenset(("WhatsApp", "WordPress\\/", "PayPal\\/", "PocketCasts\\/", "NextCloud"))

# The class for each tag of the list. A crawler with several tags gets the first one found here.
CLASS_OF_TAG = {
    "ai-crawler": AI_TRAINING,
    "search-engine": SEARCH_ENGINE,
    "social-preview": LINK_PREVIEW,
    "feed-reader": FEED_READER,
    "monitoring": MONITOR,
    "scanner": SCANNER,
    "advertising": ADVERTISING,
    "seo": SEO,
    "archiver": ARCHIVER,
    "http-library": TOOL,
    "browser-automation": TOOL,
    "academic": OTHER,
}


def listed() -> Iterator[tuple[str, Verdict]]:
    """The patterns (RE2 syntax, found anywhere, case counts), each with the verdict it means."""
    for crawler in crawleruseragents.CRAWLER_USER_AGENTS_DATA:
        written = crawler["pattern"]
        pattern = NARROWED.get(written, written)
        if pattern is not None:
            reason = f"user agent: {short_name(written)}"
            yield pattern, Verdict(_class_of(crawler.get("tags", ())), reason)


def is_plain_word(pattern: str) -> bool:
    """Whether a pattern is a plain word, such as Fever or speedy, or the name of an app."""
    return pattern in _APPS or _PLAIN_WORD.fullmatch(pattern) is not None


def short_name(pattern: str) -> str:
    r"""The first plain words of a pattern: `Googlebot\/` is Googlebot, `[wW]get` is wget."""
    plain = re.sub(r"\[(\w)\w\]", r"\1", pattern)
    plain = re.sub(r"\\(\W)", r"\1", plain)
    words = re.search(r"[\w .+/:@!&'-]{2,}", plain)
    return words[0].strip(" /") if words else pattern


def _class_of(tags: Sequence[str]) -> str:
    return next((CLASS_OF_TAG[tag] for tag in CLASS_OF_TAG if tag in tags), OTHER)
