"""Bots by their user agent: the crawler-user-agents list, corrected where it takes people for bots.

Calling a person a bot loses a customer from every figure, so patterns that also match programs
people browse with are narrowed or left out.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache

import crawleruseragents
import re2

NO_USER_AGENT = "no user agent"

# Patterns of the list that match people too, each with the pattern that takes its place, or None.
# Those left out are apps and tools with a browser in them, and builds of single handsets.
_NARROWED: dict[str, str | None] = {
    "Slurp": r"Slurp[^)]",
    "Sonic": r"Sonic(\/|Site)",
    r"Fetch\/": r"^Fetch\/",
    "Viber": "^Viber$",
    "Amzn-User": "Amzn-User;",
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

# What bots that no list knows yet call themselves. Cubot is a maker of telephones.
_SELF_DECLARED = {
    "calls itself a bot": r"(?i)(^|[^u])bots?\b",
    "calls itself a crawler": r"(?i)crawler",
    "calls itself a spider": r"(?i)spider",
    "gives an address to complain to": r"\+https?://",
}


class _Patterns:
    """The compiled patterns with the reason each stands for. Listed ones come first."""

    def __init__(self) -> None:
        options = re2.Options()
        options.max_mem = 256 << 20  # the automaton of 1,500 patterns outgrows the default of 8 MB
        self._set = re2.Set.SearchSet(options)
        self._reasons: list[str] = []
        for reason, pattern in (*_listed(), *_SELF_DECLARED.items()):
            self._set.Add(pattern)
            self._reasons.append(reason)
        self._set.Compile()

    def reason(self, user_agent: str) -> str | None:
        """The reason of the first pattern that matches, None when none does."""
        found = self._set.Match(user_agent)
        return self._reasons[min(found)] if found else None


@cache
def _patterns() -> _Patterns:
    return _Patterns()


def bot_reason(user_agent: str) -> str | None:
    """What gives the user agent away as a bot's: a short name; None for people."""
    return _patterns().reason(user_agent)


def _listed() -> Iterator[tuple[str, str]]:
    for crawler in crawleruseragents.CRAWLER_USER_AGENTS_DATA:
        listed = crawler["pattern"]
        pattern = _NARROWED.get(listed, listed)
        if pattern is not None:
            yield _short_name(listed), pattern


def _short_name(pattern: str) -> str:
    r"""The first plain words of a pattern: `Googlebot\/` is Googlebot, `[wW]get` is wget."""
    plain = re.sub(r"\[(\w)\w\]", r"\1", pattern)
    plain = re.sub(r"\\(\W)", r"\1", plain)
    words = re.search(r"[\w .+/:@!&'-]{2,}", plain)
    return words[0].strip(" /") if words else pattern
