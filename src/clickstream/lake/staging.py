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
from clickstream.shaping import parquet
from clickstream.tables import Table


def write_rows(
    lake: Lake, key: str, table: Table, hour: Hour, frames: Iterable[pd.DataFrame]
) -> None:
    """Write an hour's rows of a table as one object."""
    objects.put(lake, key, parquet(frames, table, hour).to_pybytes())


def write_frame(lake: Lake, key: str, frame: pd.DataFrame) -> None:
    """Write a frame as it is, for the next step alone."""
    sink = pa.BufferOutputStream()
    pq.write_table(pa.Table.from_pandas(frame, preserve_index=False), sink, compression="zstd")
    objects.put(lake, key, sink.getvalue().to_pybytes())


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
