"""A console that shows text from outside without letting it control the terminal.

Any client on the internet can write a line of a log, and names of files come from other systems.
All code that prints to a terminal uses a `SafeConsole`.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from contextlib import suppress
from io import StringIO
from signal import SIGPIPE
from typing import Any

from rich.console import Console, ConsoleOptions, JustifyMethod, RenderableType
from rich.measure import Measurement
from rich.segment import Segment
from rich.table import Column, Table
from rich.text import Text

from clickstream.core.wording import printable_lines


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

    def on_broken_pipe(self) -> None:
        """End the process quietly, with the exit code of a program that SIGPIPE has ended.

        The reader of the output, such as `head`, has seen enough.
        """
        with suppress(SystemExit):
            super().on_broken_pipe()  # nothing more is written
        raise SystemExit(128 + SIGPIPE)


def print_rows(
    headings: Sequence[str], rows: Iterable[Sequence[RenderableType]], out: Console
) -> None:
    """Print rows below headings, as `print_table` does; nothing without a row."""
    table = rows_table(headings, rows)
    if table.row_count:
        print_table(table, out)


def rows_table(headings: Sequence[str], rows: Iterable[Sequence[RenderableType]]) -> Table:
    """Return a table of rows. Columns whose heading begins with `>` are aligned right."""
    table = Table(box=None, header_style="bold", pad_edge=False)
    for heading in headings:
        justify: JustifyMethod = "right" if heading.startswith(">") else "left"
        table.add_column(Text(heading.removeprefix(">")), justify=justify)
    for row in rows:
        table.add_row(*row)
    return table


def text_lines(table: Table, width: int) -> list[str]:
    """Return a table as lines of plain text, as wide as `width`; the first column is cut to fit."""
    table.expand = True
    first, *rest = table.columns
    first.ratio, first.no_wrap, first.overflow = 1, True, "ellipsis"
    for column in rest:
        column.no_wrap = True
    console = SafeConsole(file=StringIO(), width=width, color_system=None)
    with console.capture() as captured:
        console.print(table)
    return [line.rstrip() for line in captured.get().splitlines()]


def print_table(table: Table, out: Console) -> None:
    """Print a table or, if it is wider than the terminal, one record after the other.

    A cut date or amount would be a wrong one.
    """
    width = Measurement.get(out, out.options.update(width=10_000), table).maximum
    if width <= out.width:
        out.print(table)
        return
    for row in zip(*(column.cells for column in table.columns), strict=True):
        record = Table(Column(style="bold"), Column(overflow="fold"), box=None, show_header=False)
        for column, cell in zip(table.columns, row, strict=True):
            record.add_row(column.header, cell)
        out.print(record, "")
