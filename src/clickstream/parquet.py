"""Convert frames to a table's rows, and write rows as Parquet: equal rows give equal bytes."""

from __future__ import annotations

from typing import Any, Self

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from clickstream.core import dictionary_encoding
from clickstream.core.dictionary_encoding import TEXT
from clickstream.core.hours import Hour
from clickstream.tables import Table

_WRITTEN_AT_ONCE = 1 << 16
CONSTANT = ("event_date", "hour_at")
"""The columns with one value for all rows of an hour."""


def shaped_schema(table: Table) -> pa.Schema:
    """Return the schema of shaped rows: the table's own, with texts as dictionaries."""
    plain = table.arrow_schema()
    return pa.schema(
        [field.with_type(TEXT) if field.type == pa.string() else field for field in plain]
    )


def add_missing(rows: pa.Table, schema: pa.Schema) -> pa.Table:
    """Return rows with the columns of a schema, in its order; absent optional columns are null.

    The types of present columns stay.
    Raises ValueError for a column that the schema lacks, because its values would be lost.
    """
    if unknown := set(rows.column_names) - set(schema.names):
        raise ValueError(f"The rows have columns that the table lacks: {sorted(unknown)}.")
    columns = [
        pa.nulls(len(rows), field.type)
        if field.nullable and field.name not in rows.column_names
        else rows[field.name]
        for field in schema
    ]
    fields = [field.with_type(c.type) for field, c in zip(schema, columns, strict=True)]
    return pa.Table.from_arrays(columns, schema=pa.schema(fields))


def shape(rows: pd.DataFrame | pa.Table, table: Table, hours: Hour | pa.Array) -> pa.Table:
    """Convert rows to the table's columns and types, in the same order.

    `hours` is the hour of all rows, or an array with the start of each row's hour. Texts stay or
    become dictionaries, which Parquet writes several times faster than plain texts.
    """
    wanted = shaped_schema(table)
    if isinstance(hours, Hour):
        hour_at = pa.repeat(pa.scalar(hours.naive, pa.timestamp("us")), len(rows))
    else:
        hour_at = hours
    times = {"event_date": hour_at.cast(pa.date32()), "hour_at": hour_at}
    columns = [
        times[field.name] if field.name in times else _shaped(rows[field.name], field.type)
        for field in wanted
    ]
    return pa.Table.from_arrays(columns, schema=wanted)


def _shaped(column: pd.Series | pa.ChunkedArray, kind: pa.DataType) -> pa.Array | pa.ChunkedArray:
    if isinstance(column, pd.Series):
        column = dictionary_encoding.to_arrow(column)
    if kind == TEXT:
        return _texts(column)
    return column.cast(kind)


def _texts(column: pa.Array | pa.ChunkedArray) -> pa.Array:
    """Return a column of texts as a dictionary with few or no unused texts."""
    coded = dictionary_encoding.combine_chunks(column)
    if coded.type == pa.string():
        coded = coded.dictionary_encode()
    if len(coded.dictionary) > len(coded):
        coded = coded.dictionary_decode().dictionary_encode()
    return coded.cast(TEXT)


class RowsWriter:
    """Writes an hour's rows of a table as one Parquet file, one row group for each `write`."""

    def __init__(self, sink: Any, table: Table, hour: Hour) -> None:
        """`sink` is a path, or a binary file that is open for writing."""
        self._table, self._hour = table, hour
        schema = shaped_schema(table)
        # Hardly any value of these columns repeats, so a dictionary would be of no use.
        counted = [
            field.name
            for field in schema
            if field.name not in CONSTANT and field.type in (pa.int64(), pa.timestamp("us"))
        ]
        # No reader filters these files, so statistics would be of no use.
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
        """Add rows, which must be in the table's order."""
        self._parquet.write_table(shape(rows, self._table, self._hour))
        self.rows += len(rows)
