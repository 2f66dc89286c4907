"""Frames as a table's rows, and those as a Parquet file: the same rows make the same bytes."""

from __future__ import annotations

from typing import Any, Self

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from clickstream import dictionary_encoding
from clickstream.dictionary_encoding import TEXT
from clickstream.hours import Hour
from clickstream.tables import Table

_WRITTEN_AT_ONCE = 1 << 16
CONSTANT = ("event_date", "hour_at")
"""The columns that all rows of an hour have in common."""


def shaped_schema(table: Table) -> pa.Schema:
    """The schema of shaped rows: the table's own, with texts as dictionaries."""
    plain = table.arrow_schema()
    return pa.schema(
        [field.with_type(TEXT) if field.type == pa.string() else field for field in plain]
    )


def shape(rows: pd.DataFrame | pa.Table, table: Table, hours: Hour | pa.Array) -> pa.Table:
    """Rows as the table wants them: its columns and types, the order kept.

    `hours` is the hour that all are of, or the start of each one's. Texts stay or become
    dictionaries, which Parquet takes several times faster than plain texts.
    """
    wanted = shaped_schema(table)
    hour_at = _repeated(hours, len(rows)) if isinstance(hours, Hour) else hours
    given = {"event_date": hour_at.cast(pa.date32()), "hour_at": hour_at}
    columns = [
        given[field.name] if field.name in given else _shaped(rows[field.name], field.type)
        for field in wanted
    ]
    return pa.Table.from_arrays(columns, schema=wanted)


def _repeated(hour: Hour, rows: int) -> pa.Array:
    return pa.repeat(pa.scalar(hour.naive, pa.timestamp("us")), rows)


def _shaped(column: pd.Series | pa.ChunkedArray, kind: pa.DataType) -> pa.Array | pa.ChunkedArray:
    if isinstance(column, pd.Series):
        column = dictionary_encoding.to_arrow(column)
    if kind == TEXT:
        return _texts(column)
    return column.cast(kind)


def _texts(column: pa.Array | pa.ChunkedArray) -> pa.Array:
    """A column of texts as a dictionary of those that the column has, or few more."""
    coded = dictionary_encoding.combine_chunks(column)
    if coded.type == pa.string():
        coded = coded.dictionary_encode()
    if len(coded.dictionary) > len(coded):
        coded = coded.dictionary_decode().dictionary_encode()
    return coded.cast(TEXT)


def _is_counted(field: pa.Field) -> bool:
    """Whether hardly any value comes twice: a dictionary would be made in vain."""
    return field.name not in CONSTANT and field.type in (pa.int64(), pa.timestamp("us"))


class RowsWriter:
    """Writes an hour's rows of a table as one Parquet file, one row group for each `write`."""

    def __init__(self, sink: Any, table: Table, hour: Hour) -> None:
        """`sink` is a path, or a binary file that is open for writing."""
        self._table, self._hour = table, hour
        schema = shaped_schema(table)
        counted = [field.name for field in schema if _is_counted(field)]
        # Nobody filters these files, so statistics would tell nobody anything.
        self._parquet = pq.ParquetWriter(
            sink,
            schema,
            compression="zstd",
            store_schema=False,
            write_statistics=False,
            write_batch_size=_WRITTEN_AT_ONCE,
            use_dictionary=[name for name in schema.names if name not in counted],
            column_encoding=dict.fromkeys(counted, "DELTA_BINARY_PACKED"),
        )
        self.rows = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._parquet.close()

    def write(self, rows: pd.DataFrame | pa.Table) -> None:
        """Add rows, in the order that the table wants."""
        self._parquet.write_table(shape(rows, self._table, self._hour))
        self.rows += len(rows)
