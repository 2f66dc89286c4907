"""The parts that sections of the page of `clickstream try` consist of: titles, tables, rankings."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from clickstream.logs.charts import TerminalAbilities, bar

WIDEST = 120
TWO_COLUMNS_FROM = 100
GUTTER = 4
ACCENT = "cyan"


@dataclass(frozen=True)
class RankingRow:
    """One row of a ranking: a label (which may come from the log), its count, its bar's colour."""

    label: str
    count: int
    style: str = ACCENT
    more: str = ""


def make_ranking(
    title: str, note: str, rows: Sequence[RankingRow], nothing: str, look: TerminalAbilities
) -> Group:
    """Build a section with a bar for each row; `nothing` is its text without rows."""
    if not rows:
        return make_section(title, note, dim_text(nothing))
    width = look.width // 4
    table = make_table(width, look)
    peak = max(row.count for row in rows)
    for row in rows:
        share = bar(row.count, peak, width, row.style, look)
        table.add_row(Text(look.safe(row.label)), f"{row.count:,}", Text(row.more, "dim"), share)
    return make_section(title, note, table)


def make_table(bar_width: int, look: TerminalAbilities) -> Table:
    """Build a table with label, count, remark and bar; if a row is too long, its label is cut."""
    table = Table.grid(expand=True, padding=(0, 1))
    table.add_column(ratio=1, no_wrap=True, overflow=look.overflow)
    table.add_column(justify="right", no_wrap=True)
    table.add_column(justify="right", no_wrap=True, style="dim")
    table.add_column(width=bar_width, no_wrap=True)
    return table


def make_section(title: str, note: str, *content: RenderableType) -> Group:
    """Build a section: its title with a note, and its content."""
    heading = Text.assemble((title, f"bold {ACCENT}"), "  ", (note, "dim"))
    return Group(heading, *content)


def beside(left: Group, right: Group, look: TerminalAbilities) -> RenderableType:
    """Put two sections side by side on a wide terminal, else one below the other."""
    if not is_wide(look):
        return Group(left, Text(), right)
    grid = Table.grid(padding=(0, GUTTER, 0, 0), pad_edge=False)
    for _ in (left, right):
        grid.add_column(width=(look.width - GUTTER) // 2)
    grid.add_row(left, right)
    return grid


def is_wide(look: TerminalAbilities) -> bool:
    """Whether two sections fit side by side."""
    return look.width >= TWO_COLUMNS_FROM


def dim_text(text: str) -> Text:
    """Return a text in a faint colour."""
    return Text(text, "dim")
