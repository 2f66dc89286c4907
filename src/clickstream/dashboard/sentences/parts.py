"""What a page says in words: sentences, and their parts that link to the views behind them."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from clickstream.dashboard.formats import Formats

_PLACE = re.compile(r"%\((\w+)\)s")


@dataclass(frozen=True)
class Part:
    """A piece of a sentence; `href` is the view that shows its number, empty for plain words.

    `is_name`: it is a value of the facts, whose direction of writing stays its own.
    """

    text: str
    href: str = ""
    is_name: bool = False


@dataclass(frozen=True)
class Sentence:
    """A sentence. `direction` is up or down, `is_good` None where neither is good nor bad."""

    parts: Sequence[Part]
    direction: str = "up"
    is_good: bool | None = None

    @property
    def text(self) -> str:
        """The sentence without links."""
        return "".join(part.text for part in self.parts)


@dataclass(frozen=True)
class Findings:
    """At most three sentences, the most important first.

    `told` is what the page says when there is none. `basis` says what the range was compared with.
    """

    sentences: Sequence[Sentence]
    told: str
    basis: str = ""


def compose(formats: Formats, message: str, parts: Mapping[str, Part]) -> list[Part]:
    """Translate a message, and put parts in place of its `%(name)s`."""
    pieces = _PLACE.split(formats.text(message))
    return [
        parts[piece] if number % 2 else Part(piece) for number, piece in enumerate(pieces) if piece
    ]
