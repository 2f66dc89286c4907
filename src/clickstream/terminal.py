"""Consoles on which text from outside is only ever shown.

A line of a log is written by any client on the internet, and names of files come from other
systems. Whatever prints to a terminal uses a `SafeConsole`.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from rich.console import Console, ConsoleOptions, RenderableType
from rich.segment import Segment

from clickstream.wording import printable


class SafeConsole(Console):
    r"""A console that escapes what would control the terminal: `\x1b` is shown as four characters.

    These are the control characters of ECMA-48 (C0 and C1), the bidirectional ones of Unicode
    (UAX #9), and all others that are not printable. Codes such as `:cat:` are no emoji. Markup is
    still markup: give text from outside as `Text`, or through `rich.markup.escape`.
    """

    def __init__(self, **options: Any) -> None:
        super().__init__(emoji=False, **options)

    def render(
        self, renderable: RenderableType, options: ConsoleOptions | None = None
    ) -> Iterable[Segment]:
        """Render to segments, each of them printable but for the console's own control codes."""
        for segment in super().render(renderable, options):
            if segment.control or segment.text.isprintable():
                yield segment
            else:
                yield Segment(printable_lines(segment.text), segment.style)


def printable_lines(text: str) -> str:
    r"""Escape what is not printable, except for the ends of lines (`\n`)."""
    return "\n".join(map(printable, text.split("\n")))
