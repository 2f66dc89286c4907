"""Result files and result pages in Athena's format.

A result file is CSV: every value is in quotes, and NULL is an empty field without quotes.
GetQueryResults reads its pages from that file. ``trino_duckdb.types`` prints the values.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

PRECISIONS = {
    "tinyint": 3,
    "smallint": 5,
    "integer": 10,
    "bigint": 19,
    "double": 17,
    "varchar": 2147483647,
    "timestamp": 3,
    "timestamp with time zone": 3,
}
Row = Sequence[str | None]


def column_info(name: str, kind: str) -> dict[str, Any]:
    """Build the ``ColumnInfo`` of GetQueryResults for a column with a type in Trino's notation."""
    base = re.sub(r"\(.*\)", "", kind)
    precision, scale = PRECISIONS.get(base, 0), 0
    if base == "decimal":
        precision, scale = (int(number) for number in re.findall(r"\d+", kind))
    return {
        "CatalogName": "hive",
        "SchemaName": "",
        "TableName": "",
        "Name": name,
        "Label": name,
        "Type": base,
        "Precision": precision,
        "Scale": scale,
        "Nullable": "UNKNOWN",
        "CaseSensitive": base == "varchar",
    }


def csv_line(values: Row) -> str:
    """One line of a result file."""
    quoted = ("" if text is None else '"' + text.replace('"', '""') + '"' for text in values)
    return ",".join(quoted) + "\n"


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
    position, line = 0, line.removesuffix("\n")
    while position <= len(line):
        if line[position : position + 1] != '"':
            values.append(None)
            position += 1
            continue
        end = position + 1
        while line[end] != '"' or line[end + 1 : end + 2] == '"':
            end += 2 if line[end] == '"' else 1
        values.append(line[position + 1 : end].replace('""', '"'))
        position = end + 2
    return values
