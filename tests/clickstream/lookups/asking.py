"""A function whose answers are remembered, for any number of processes to ask."""

from __future__ import annotations

from pathlib import Path
from random import Random
from typing import NamedTuple

from clickstream.lookups import AnswerCache

TEXTS = [f"text {n}" for n in range(300)]


class Answer(NamedTuple):
    """What the functions of these tests return."""

    text: str
    length: int
    upper: str | None


def answer_of(text: str) -> Answer | None:
    return Answer(text, len(text), text.upper() or None) if "x" in text or not text else None


def ask(path: Path, texts: list[str], version: str = "1", limit: int = 100_000) -> list[str]:
    """The texts that the function had to be asked for; answers are checked."""
    asked: list[str] = []

    def function(text: str) -> Answer | None:
        asked.append(text)
        return answer_of(text)

    with AnswerCache(path, limit) as cache:
        remembered = cache.remembering(function, Answer, version)
        assert [remembered(text) for text in texts] == [answer_of(text) for text in texts]
    return asked


def ask_often(path: Path, seed: int) -> int:
    rng = Random(seed)
    return sum(len(ask(path, rng.sample(TEXTS, 100), limit=150)) for _ in range(10))
