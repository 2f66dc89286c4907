"""Print the result of an Athena query for people or programs: as a table, CSV or JSON.

`clickstream query` calls this.
"""

from __future__ import annotations

import csv
import json
import sys
from typing import TYPE_CHECKING, Any

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from clickstream.core.terminal import print_table
from clickstream.core.wording import printable, printable_lines

if TYPE_CHECKING:
    from clickstream.lake.athena import QueryResult


def show_result(result: QueryResult, style: str, out: Console) -> None:
    """Print a query's result in one of STYLES."""
    STYLES[style](result, out)


def _show_table(result: QueryResult, out: Console) -> None:
    """Print a table or, if it is wider than the terminal, one record after the other.

    A result that is lines of text is printed unchanged.
    """
    if not result.columns:
        out.print("Done.")
    elif not result.rows:
        out.print(
            f"No rows. Columns: {escape(printable(', '.join(result.columns)))}.", soft_wrap=True
        )
    elif result.is_text and len(result.columns) == 1:
        for (line,) in result.rows:
            text = escape(printable_lines(str(line)))
            out.print(text, soft_wrap=True, highlight=False)
    elif result.is_text:
        out.print(build_table(result))  # wraps lines of text if the table is too wide
    else:
        print_table(build_table(result), out)


def build_table(result: QueryResult) -> Table:
    """Build a table of a result's rows; numbers are aligned right, and null is `-`."""
    table = Table(header_style="bold", box=SIMPLE_HEAD, pad_edge=False, padding=(0, 1, 0, 0))
    for position, name in enumerate(result.columns):
        numbers = all(isinstance(row[position], int | float | None) for row in result.rows)
        table.add_column(escape(printable(name)), justify="right" if numbers else "left")
    for row in result.rows:
        table.add_row(*map(_cell, row))
    return table


def _cell(value: Any) -> str:
    if value is None:
        return "-"
    return f"{value:.4g}" if isinstance(value, float) else escape(printable_lines(str(value)))


def _show_csv(result: QueryResult, out: Console) -> None:
    """Write CSV (RFC 4180): exact values for a program, escaped ones on a terminal."""
    rows = [[*row] for row in (result.columns, *result.rows)]
    if out.is_terminal:
        rows = [[printable(v) if isinstance(v, str) else v for v in row] for row in rows]
    csv.writer(sys.stdout).writerows(rows)


def _show_json(result: QueryResult, _out: Console) -> None:
    def plain(value: Any) -> str:
        return value.isoformat() if hasattr(value, "isoformat") else str(value)

    sys.stdout.write(json.dumps(result.records(), default=plain, indent=2) + "\n")


STYLES = {"table": _show_table, "csv": _show_csv, "json": _show_json}
"""The styles in which a result can be printed."""
