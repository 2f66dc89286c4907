"""The staging area: an hour's rows on their way, as Parquet that no reader of the tables sees.

Two builds of the same input write the same bytes to the same keys, so builds may overlap freely.
"""

from __future__ import annotations

from collections.abc import Iterable

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from clickstream.hours import Hour
from clickstream.lake import objects
from clickstream.lake.client import Lake
from clickstream.tables import Table

_TEXT = pa.dictionary(pa.int32(), pa.string())


def schema(table: Table) -> pa.Schema:
    """The schema of shaped rows: the table's own, with texts as dictionaries."""
    plain = table.arrow_schema()
    return pa.schema(
        [field.with_type(_TEXT) if field.type == pa.string() else field for field in plain]
    )


def shape(frame: pd.DataFrame, table: Table, hour: Hour) -> pa.Table:
    """Rows of an hour as the table wants them: its columns and types, the order kept.

    Categories stay dictionaries, which Parquet takes several times faster than plain texts.
    """
    wanted = schema(table)
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


def parquet(frames: Iterable[pd.DataFrame], table: Table, hour: Hour) -> pa.Buffer:
    """An hour's rows of a table as a Parquet file, each frame as a row group."""
    sink, wanted = pa.BufferOutputStream(), schema(table)
    with pq.ParquetWriter(sink, wanted, compression="zstd", store_schema=False) as writer:
        for frame in frames:
            writer.write_table(shape(frame, table, hour))
    return sink.getvalue()


def write_rows(
    lake: Lake, key: str, table: Table, hour: Hour, frames: Iterable[pd.DataFrame]
) -> None:
    """Write an hour's rows of a table as one object."""
    objects.put(lake, key, parquet(frames, table, hour))


def write_frame(lake: Lake, key: str, frame: pd.DataFrame) -> None:
    """Write a frame as it is, for the next step alone."""
    sink = pa.BufferOutputStream()
    pq.write_table(pa.Table.from_pandas(frame, preserve_index=False), sink, compression="zstd")
    objects.put(lake, key, sink.getvalue())


def read_frame(lake: Lake, key: str) -> pd.DataFrame:
    """A frame that `write_frame` wrote."""
    return read(lake, key).to_pandas()


def read(lake: Lake, key: str) -> pa.Table:
    """The rows of a staged object."""
    return _opened(lake, key).read()


def count(lake: Lake, key: str) -> int:
    """How many rows a staged object has."""
    rows: int = _opened(lake, key).metadata.num_rows
    return rows


def _opened(lake: Lake, key: str) -> pq.ParquetFile:
    stored = objects.get(lake, key)
    if stored is None:
        raise FileNotFoundError(f"{lake.uri(key)} is gone; clear the hour's first task to rebuild.")
    return pq.ParquetFile(pa.BufferReader(stored.body))
