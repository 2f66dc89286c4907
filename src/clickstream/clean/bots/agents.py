"""The first layer of bot detection: the user agent.

The patterns come from data files: attacks.toml, scanners.csv, ai_agents.csv, the package
crawler-user-agents with crawler_corrections.toml, and bot_shapes.toml for bots that no list
names. Attacks come first, because they are the work of a program under any name.

RE2 sets match many patterns in one pass. A user agent needs two passes: one for the names of known
bots, and one for the general shapes of unknown bots.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from functools import cache, lru_cache
from typing import Any

import crawleruseragents
import re2

from clickstream.clean.bots.verdict import (
    NO_USER_AGENT,
    OTHER,
    SCANNER,
    Verdict,
)
from clickstream.clean.data import read_csv, read_toml


def attacks() -> Iterator[tuple[str, Verdict]]:
    """Yield the patterns of attacks.toml (RE2 syntax, case ignored), each with its verdict."""
    for family in read_toml("attacks.toml")["attacks"]:
        verdict = Verdict(SCANNER, f"user agent: {family['sign']}")
        yield from ((f"(?i:{pattern})", verdict) for pattern in family["patterns"])


def scanners() -> Iterator[tuple[str, Verdict]]:
    """Yield the names of scanners.csv as patterns of whole words, case ignored, with verdicts."""
    for row in read_csv("scanners.csv"):
        name = row["name"]
        yield rf"(?i:\b{re.escape(name)}\b)", Verdict(SCANNER, f"user agent: {name}")


CRAWLERS = read_toml("crawler_corrections.toml")
"""Corrections of the package crawler-user-agents."""

# Names that are plain words match only in the case in which they are written.
_PLAIN_WORD = re.compile(r"\^?[A-Za-z][a-z]+(?:\\/|\$)?")


def listed() -> Iterator[tuple[str, Verdict]]:
    """Yield the corrected patterns of crawler-user-agents, each with its verdict.

    They are in RE2 syntax, match anywhere, and are case-sensitive.
    """
    for crawler in crawleruseragents.CRAWLER_USER_AGENTS_DATA:
        written = crawler["pattern"]
        if written not in CRAWLERS["left_out"]:
            tags, classes = crawler.get("tags", ()), CRAWLERS["class_of_tag"].items()
            bot_class = next((bot_class for tag, bot_class in classes if tag in tags), OTHER)
            verdict = Verdict(bot_class, f"user agent: {short_name(written)}")
            yield CRAWLERS["narrowed"].get(written, written), verdict


def is_plain_word(pattern: str) -> bool:
    """Return whether a pattern is a plain word, such as Fever or speedy, or an app's name."""
    return pattern in CRAWLERS["apps"] or _PLAIN_WORD.fullmatch(pattern) is not None


def short_name(pattern: str) -> str:
    r"""Return the first plain words of a pattern: `Googlebot\/` gives Googlebot, `[wW]get` wget.

    Reasons of verdicts contain this name.
    """
    plain = re.sub(r"\[(\w)\w\]", r"\1", pattern)
    plain = re.sub(r"\\(\W)", r"\1", plain)
    words = re.search(r"[\w .+/:@!&'-]{2,}", plain)
    return words[0].strip(" /") if words else pattern


# RE2 builds its automata while it matches. For 200,000 user agents they take 17 MB; the default
# limit is 8 MB.
_MOST_MEMORY = 64 << 20

_NO_PLATFORM = Verdict(OTHER, "user agent: names no system, as browsers and apps do")
_SHAPES = read_toml("bot_shapes.toml")
_MODEL = re.compile("|".join(_SHAPES["models"]))


class PatternSet:
    """Patterns with verdicts, all matched in one pass; earlier patterns take precedence."""

    def __init__(
        self, patterns: Iterable[tuple[str, Verdict | None]], *, is_case_sensitive: bool = True
    ) -> None:
        options = re2.Options()
        options.max_mem = _MOST_MEMORY
        options.case_sensitive = is_case_sensitive
        self._set = re2.Set.SearchSet(options)
        self._verdicts: list[Verdict | None] = []
        for pattern, verdict in patterns:
            self._set.Add(pattern)
            self._verdicts.append(verdict)
        self._set.Compile()

    def find(self, text: str) -> tuple[bool, Verdict | None]:
        """Return whether any pattern matches, and the verdict of the first pattern that does."""
        matching = self._set.Match(text.encode("utf-8", "replace"))
        return (True, self._verdicts[min(matching)]) if matching else (False, None)


@lru_cache(maxsize=1 << 16)
def agent_verdict(user_agent: str | None) -> Verdict | None:
    """Return the verdict on a user agent; None if it is a person's.

    `user_agent` is None if the request had none, which only bots do. It is an empty text if the log
    format has no field for it, which is no evidence.
    """
    if user_agent is None:
        return NO_USER_AGENT
    if not user_agent:
        return None
    verdict = _verdict(user_agent)
    if verdict is None:
        return None
    # Only for bots: removing the model from all user agents takes twice as long as the verdicts.
    without_model = _MODEL.sub(r"\1\2", user_agent)
    return verdict if without_model == user_agent else _verdict(without_model)


def _verdict(text: str) -> Verdict | None:
    if named := _known().find(text)[1]:
        return named
    by_shape = shape_verdict(text, _shapes())
    return by_shape and (_plain_words().find(text)[1] or by_shape)


def shape_verdict(user_agent: str, shapes: PatternSet) -> Verdict | None:
    """Return the verdict on a user agent that no list names."""
    is_familiar, verdict = shapes.find(user_agent)
    return verdict if is_familiar else _NO_PLATFORM


@cache
def _known() -> PatternSet:
    """Build the patterns of attacks and names. Names that are not plain words match in any case."""
    ai_agents = [
        (re.escape(row["name"]), Verdict(row["class"], f"user agent: {row['name']}"))
        for row in read_csv("ai_agents.csv")
    ]
    names = [*listed()]
    distinctive = [(pattern, v) for pattern, v in names if not is_plain_word(pattern)]
    return PatternSet(
        [*attacks(), *scanners(), *_in_any_case(ai_agents), *names, *_in_any_case(distinctive)]
    )


@cache
def _plain_words() -> PatternSet:
    """Build the patterns of names that are plain words, such as Fever and speedy, in any case.

    Apps of people contain such words too. They therefore only name a bot that its shape has shown
    to be one.
    """
    words = [(pattern, v) for pattern, v in listed() if is_plain_word(pattern)]
    return PatternSet(_in_any_case(words))


def _in_any_case(names: Iterable[tuple[str, Verdict]]) -> Iterator[tuple[str, Verdict]]:
    """Yield patterns that ignore case and match whole words; `sonic` is a part of Panasonic."""
    return ((rf"(?i:\b(?:{pattern})(?:\b|$))", verdict) for pattern, verdict in names)


@cache
def _shapes() -> PatternSet:
    patterns: list[tuple[str, Verdict | None]] = [
        *_verdicts_of(_SHAPES["words"]),
        *((pattern, None) for pattern in _SHAPES["exceptions"]),
        *_verdicts_of(_SHAPES["marks"]),
        *((pattern, None) for pattern in _SHAPES["platforms"]),
    ]
    return PatternSet(patterns, is_case_sensitive=False)


def _verdicts_of(shapes: Iterable[Any]) -> Iterator[tuple[str, Verdict]]:
    for shape in shapes:
        verdict = Verdict(shape["class"], f"user agent: {shape['sign']}")
        yield from ((pattern, verdict) for pattern in shape["patterns"])
