"""The first layer: what the user agent says of itself.

Two RE2 sets hold all patterns, so an agent is read twice, however many there are: once for the
names of known bots, once for the general shapes of unknown ones.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from functools import cache, lru_cache

import re2

from clickstream.clean.bots.ai import AI_AGENTS
from clickstream.clean.bots.attacks import attacks, scanners
from clickstream.clean.bots.listed import is_plain_word, listed
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
    verdict = _verdict(user_agent)
    if verdict is None:
        return None
    # Only for bots: removing the model of every agent takes twice as long as the verdict.
    without_model = _MODEL.sub(r"\1\2", user_agent)
    return verdict if without_model == user_agent else _verdict(without_model)


def _verdict(text: str) -> Verdict | None:
    if named := _known().find(text)[1]:
        return named
    by_shape = shape_verdict(text, _shapes())
    return by_shape and (_plain_words().find(text)[1] or by_shape)


def shape_verdict(user_agent: str, shapes: PatternSet) -> Verdict | None:
    """The verdict on an agent that is on no list."""
    is_familiar, verdict = shapes.find(user_agent)
    return verdict if is_familiar else _NO_PLATFORM


@cache
def _known() -> PatternSet:
    """Attacks and names. A name counts as it is written; most count in any case."""
    names = [*listed()]
    distinctive = [(pattern, v) for pattern, v in names if not is_plain_word(pattern)]
    return PatternSet(
        [*attacks(), *scanners(), *_in_any_case(_ai_agents()), *names, *_in_any_case(distinctive)]
    )


@cache
def _plain_words() -> PatternSet:
    """Names that are words, as Fever and speedy are: in any case, people's apps have them too.

    So they only tell which bot it is, once the shape has told that it is one.
    """
    words = [(pattern, v) for pattern, v in listed() if is_plain_word(pattern)]
    return PatternSet(_in_any_case(words))


def _ai_agents() -> Iterator[tuple[str, Verdict]]:
    for bot_class, names in AI_AGENTS.items():
        for name in names:
            yield re.escape(name), Verdict(bot_class, f"user agent: {name}")


def _in_any_case(names: Iterable[tuple[str, Verdict]]) -> Iterator[tuple[str, Verdict]]:
    """The patterns without case, as whole words: Sonic, in lower case, is a part of Panasonic."""
    return ((rf"(?i:\b(?:{pattern})(?:\b|$))", verdict) for pattern, verdict in names)


@cache
def _shapes() -> PatternSet:
    words, marks = (
        [(pattern, Verdict(bot_class, f"user agent: {sign}")) for sign, bot_class, pattern in signs]
        for signs in (WORDS, MARKS)
    )
    patterns = [*words, (LEFT_ALONE, None), *marks, (PLATFORM, None)]
    return PatternSet(patterns, is_case_sensitive=False)
