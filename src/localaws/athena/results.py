"""Result files and result pages in Athena's format.

A result file is CSV: every value is in quotes, and NULL is an empty field without quotes.
GetQueryResults reads its pages from that file. ``trino_duckdb.value_text`` prints the values.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from trino_duckdb.types import TIMESTAMP_TZ, Type

PRECISIONS = {
    "tinyint": 3,
    "smallint": 5,
    "integer": 10,
    "bigint": 19,
    "double": 17,
    "varchar": 2147483647,
    "timestamp": 3,
    TIMESTAMP_TZ: 3,
}
Row = Sequence[str | None]


def column_info(name: str, kind: Type) -> dict[str, Any]:
    """Build the ``ColumnInfo`` of GetQueryResults for a column."""
    decimal = kind.name == "decimal"
    return {
        "CatalogName": "hive",
        "SchemaName": "",
        "TableName": "",
        "Name": name,
        "Label": name,
        "Type": kind.name,
        "Precision": kind.numbers[0] if decimal else PRECISIONS.get(kind.name, 0),
        "Scale": kind.numbers[1] if decimal else 0,
        "Nullable": "UNKNOWN",
        "CaseSensitive": kind.name == "varchar",
    }


def csv_line(values: Row) -> str:
    """One line of a result file."""
    return ",".join("" if text is None else _quoted(text) for text in values) + "\n"


def _quoted(text: str) -> str:
    return '"' + text.replace('"', '""') + '"'


def read_page(path: Path, offset: int, count: int) -> tuple[list[Row], int | None]:
    """Return up to ``count`` rows of a result file from a byte offset, and the next offset.

    The next offset is None after the last row.
    """
    rows: list[Row] = []
    with path.open("rb") as file:
        file.seek(offset)
        for line in _records(file):
            if len(rows) == count:
                return rows, offset
            rows.append(parse_line(line.decode()))
            offset += len(line)
    return rows, None


def _records(lines: Iterator[bytes]) -> Iterator[bytes]:
    """Yield the records of a CSV file; a line break inside quotes does not end a record."""
    held = b""
    for line in lines:
        held += line
        if held.count(b'"') % 2 == 0:
            yield held
            held = b""


def parse_line(line: str) -> Row:
    """Parse one CSV record. Python's csv module can't distinguish NULL and empty text."""
    values: list[str | None] = []
    place, line = 0, line.removesuffix("\n")
    while place <= len(line):
        if line[place : place + 1] != '"':
            values.append(None)
            place += 1
            continue
        end = place + 1
        while line[end] != '"' or line[end + 1 : end + 2] == '"':
            end += 2 if line[end] == '"' else 1
        values.append(line[place + 1 : end].replace('""', '"'))
        place = end + 2
    return values
