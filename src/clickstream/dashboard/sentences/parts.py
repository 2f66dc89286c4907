"""Sentences of a page, and their parts that link to the views of their numbers."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

_PLACE = re.compile(r"\{(\w+)\}")


@dataclass(frozen=True)
class SentencePart:
    """A piece of a sentence; `href` is the view that shows its number, empty for plain words.

    `is_name` marks a value of the facts, which keeps its own direction of writing.
    """

    text: str
    href: str = ""
    is_name: bool = False
    title: str = ""


@dataclass(frozen=True)
class Sentence:
    """A sentence. `direction` is up or down; `is_good` is None if it is neither good nor bad."""

    parts: Sequence[SentencePart]
    direction: str = "up"
    is_good: bool | None = None

    @property
    def text(self) -> str:
        """The sentence without links."""
        return "".join(part.text for part in self.parts)


@dataclass(frozen=True)
class Findings:
    """At most three sentences, in order of importance.

    `reason` is the text of the page if there is none. `basis` states what the range was compared
    with.
    """

    sentences: Sequence[Sentence]
    reason: str
    basis: str = ""


def compose(message: str, parts: Mapping[str, SentencePart]) -> list[SentencePart]:
    """Replace each `{name}` of a message by a part."""
    pieces = _PLACE.split(message)
    return [
        parts[piece] if number % 2 else SentencePart(piece)
        for number, piece in enumerate(pieces)
        if piece
    ]
