"""The staging area: an hour's rows on their way, as Parquet that no reader of the tables sees.

Two builds of the same input write the same bytes to the same keys, so builds may overlap freely.
"""

from __future__ import annotations

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from clickstream.hours import Hour
from clickstream.lake import objects
from clickstream.lake.client import Lake
from clickstream.tables import Table


def shape(frame: pd.DataFrame, table: Table, hour: Hour) -> pa.Table:
    """An hour's rows as the table wants them: its columns, types and order of rows."""
    full = frame.assign(event_date=hour.event_date, hour_at=pd.Timestamp(hour.naive))
    ordered = full.sort_values(list(table.sort_by), kind="stable")[table.column_names]
    plain = ordered.astype(dict.fromkeys(ordered.select_dtypes("category").columns, "str"))
    return pa.Table.from_pandas(plain, schema=table.arrow_schema(), preserve_index=False)


def write(lake: Lake, key: str, rows: pa.Table) -> None:
    """Write rows as one Parquet object."""
    sink = pa.BufferOutputStream()
    pq.write_table(rows.replace_schema_metadata(None), sink, compression="zstd")
    objects.put(lake, key, sink.getvalue().to_pybytes())


def read(lake: Lake, key: str) -> pa.Table:
    """Read the rows of a staged object."""
    stored = objects.get(lake, key)
    if stored is None:
        raise FileNotFoundError(f"{lake.uri(key)} is gone; clear the hour's first task to rebuild.")
    return pq.read_table(pa.BufferReader(stored.body))
