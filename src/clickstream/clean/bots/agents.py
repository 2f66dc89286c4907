"""The first layer: what the user agent says of itself.

Two RE2 sets hold all patterns, so an agent is read twice, however many there are: once for the
names of known bots, once for the general shapes of unknown ones.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import cache, lru_cache

import re2

from clickstream.clean.bots.ai import AI_AGENTS
from clickstream.clean.bots.listed import listed
from clickstream.clean.bots.shapes import LEFT_ALONE, MARKS, MODEL, PLATFORM, WORDS
from clickstream.clean.bots.verdict import NO_USER_AGENT, OTHER, Verdict

# The automata are built as agents come in and outgrow RE2's 8 MB; 200,000 agents take 17 MB.
_MOST_MEMORY = 64 << 20

_NO_PLATFORM = Verdict(OTHER, "user agent: names no system, as browsers and apps do")
_MODEL = re.compile(MODEL)


class PatternSet:
    """Patterns that are all looked for at once, each with its verdict; the first ones go first."""

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
        """Whether any pattern is in the text, and the verdict of the first one that is."""
        found = self._set.Match(text.encode("utf-8", "replace"))
        return (True, self._verdicts[min(found)]) if found else (False, None)


@lru_cache(maxsize=1 << 16)
def agent_verdict(user_agent: str | None) -> Verdict | None:
    """The verdict on a user agent; None for a person's.

    None as the agent: the request had none, which makes it a bot's. An empty text: the format of
    the log has no place for agents, which says nothing.
    """
    if user_agent is None:
        return NO_USER_AGENT
    if not user_agent:
        return None
    text = _MODEL.sub(r"\1", user_agent)
    return _known().find(text)[1] or shape_verdict(text, _shapes())


def shape_verdict(user_agent: str, shapes: PatternSet) -> Verdict | None:
    """The verdict on an agent that is on no list."""
    is_familiar, verdict = shapes.find(user_agent)
    return verdict if is_familiar else _NO_PLATFORM


@cache
def _known() -> PatternSet:
    names = (
        (re.escape(name), Verdict(bot_class, f"user agent: {name.strip(';')}"))
        for bot_class, names in AI_AGENTS.items()
        for name in names
    )
    return PatternSet([*names, *listed()])


@cache
def _shapes() -> PatternSet:
    words, marks = (
        [(pattern, Verdict(bot_class, f"user agent: {sign}")) for sign, bot_class, pattern in signs]
        for signs in (WORDS, MARKS)
    )
    patterns = [*words, (LEFT_ALONE, None), *marks, (PLATFORM, None)]
    return PatternSet(patterns, is_case_sensitive=False)
