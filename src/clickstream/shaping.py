"""Frames as a table's rows, and those as a Parquet file: the same rows make the same bytes."""

from __future__ import annotations

from typing import Any, Self

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from clickstream.hours import Hour
from clickstream.tables import Table

_WRITTEN_AT_ONCE = 1 << 16
_TEXT = pa.dictionary(pa.int32(), pa.string())


def shaped_schema(table: Table) -> pa.Schema:
    """The schema of shaped rows: the table's own, with texts as dictionaries."""
    plain = table.arrow_schema()
    return pa.schema(
        [field.with_type(_TEXT) if field.type == pa.string() else field for field in plain]
    )


def shape(frame: pd.DataFrame, table: Table, hour: Hour) -> pa.Table:
    """Rows of an hour as the table wants them: its columns and types, the order kept.

    Categories stay dictionaries, which Parquet takes several times faster than plain texts.
    """
    wanted = shaped_schema(table)
    constant = {"event_date": hour.event_date, "hour_at": pd.Timestamp(hour.naive)}
    columns = [
        pa.repeat(pa.scalar(constant[field.name], field.type), len(frame))
        if field.name in constant
        else _shaped(frame[field.name], field.type)
        for field in wanted
    ]
    return pa.Table.from_arrays(columns, schema=wanted)


def _shaped(column: pd.Series, kind: pa.DataType) -> pa.Array:
    if kind == _TEXT:
        texts = column.astype("category")
        if len(texts.cat.categories) > len(texts):
            texts = texts.cat.remove_unused_categories()
        return pa.array(texts, from_pandas=True).cast(kind)
    return pa.array(column, kind, from_pandas=True)


class RowsWriter:
    """Writes an hour's rows of a table as one Parquet file, each frame as a row group."""

    def __init__(self, sink: Any, table: Table, hour: Hour) -> None:
        """`sink` is a path, or a binary file that is open for writing."""
        self._table, self._hour = table, hour
        # Nobody filters these files, so statistics would tell nobody anything.
        self._parquet = pq.ParquetWriter(
            sink,
            shaped_schema(table),
            compression="zstd",
            store_schema=False,
            write_statistics=False,
            write_batch_size=_WRITTEN_AT_ONCE,
        )
        self.rows = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._parquet.close()

    def write(self, frame: pd.DataFrame) -> None:
        """Add the rows of a frame, in the order that the table wants."""
        self._parquet.write_table(shape(frame, self._table, self._hour))
        self.rows += len(frame)
