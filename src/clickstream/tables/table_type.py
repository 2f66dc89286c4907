"""What a table and a column are."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import pyarrow as pa

Type = Literal[
    "string",
    "int",
    "long",
    "double",
    "boolean",
    "timestamp",
    "date",
    "map<string, long>",
    "list<long>",
]
Privacy = Literal["plain", "pseudonymous", "free text"]

ARROW: dict[Type, pa.DataType] = {
    "string": pa.string(),
    "int": pa.int32(),
    "long": pa.int64(),
    "double": pa.float64(),
    "boolean": pa.bool_(),
    "timestamp": pa.timestamp("us"),
    "date": pa.date32(),
    "map<string, long>": pa.map_(pa.string(), pa.field("value", pa.int64(), nullable=False)),
    "list<long>": pa.list_(pa.field("element", pa.int64(), nullable=False)),
}


@dataclass(frozen=True)
class Column:
    """One column of a table. `privacy` is the class of its values in the data dictionary."""

    name: str
    type: Type
    meaning: str
    required: bool = False
    privacy: Privacy = "plain"


@dataclass(frozen=True)
class Table:
    """One table: what one row is, its columns in order, and the order in which rows are stored.

    `filtered_by`: the columns that readers filter by. The table's metadata have the lowest and the
    highest value of each of them in every data file, so a query skips the files that can't match.
    `rarely_set`: optional columns that readers filter by. The metadata also count their nulls, so a
    query for rows that have a value skips the files without one.
    """

    name: str
    one_row_is: str
    columns: tuple[Column, ...]
    sort_by: tuple[str, ...]
    filtered_by: tuple[str, ...] = ("event_date", "hour_at")
    rarely_set: tuple[str, ...] = ()

    def arrow_schema(self) -> pa.Schema:
        """Arrow schema of the table's files."""
        return pa.schema([pa.field(c.name, ARROW[c.type], not c.required) for c in self.columns])

    def in_order(self, rows: pa.Table) -> pa.Table:
        """Return rows in the types and the order of the table, to compare them."""
        plain = rows.select(self.column_names).cast(self.arrow_schema())
        return plain.sort_by([(name, "ascending") for name in self.sort_by])

    def column(self, name: str) -> Column:
        """Return a column by its name."""
        return next(column for column in self.columns if column.name == name)

    @property
    def column_names(self) -> list[str]:
        """Names of the columns, in the order of the table."""
        return [column.name for column in self.columns]


def key(name: str, kind: Type, meaning: str) -> Column:
    """Return a required column."""
    return Column(name, kind, meaning, required=True)
