"""A console that shows text from outside without letting it control the terminal.

Any client on the internet can write a line of a log, and names of files come from other systems.
All code that prints to a terminal uses a `SafeConsole`.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from rich.console import Console, ConsoleOptions, RenderableType
from rich.segment import Segment

from clickstream.wording import printable_lines


class SafeConsole(Console):
    r"""A console that escapes control characters: `\x1b` is shown as four characters.

    `wording.printable` says which characters these are. Codes such as `:cat:` do not become emoji.
    Markup still works: pass text from outside as `Text`, or through `rich.markup.escape`.
    """

    def __init__(self, **options: Any) -> None:
        super().__init__(emoji=False, **options)

    def render(
        self, renderable: RenderableType, options: ConsoleOptions | None = None
    ) -> Iterable[Segment]:
        """Render to segments without hidden characters, except the console's own control codes."""
        for segment in super().render(renderable, options):
            if segment.control or segment.text.isprintable():
                yield segment
            else:
                yield Segment(printable_lines(segment.text), segment.style)
