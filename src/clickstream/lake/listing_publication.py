"""Publish the tables without dates of a source of sales, and record which rows the lake has.

`sales_listings/SOURCE.json` has the digest of the published rows, so a run that finds nothing new
reads this object only. A publication first replaces it by a unique mark, and writes the digest only
if this mark is still stored. So a publication that is killed, or that another one overtakes, is
repeated.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import date

import pyarrow as pa

from clickstream.errors import StaleHour
from clickstream.hours import Hour
from clickstream.lake import objects
from clickstream.lake.client import Lake
from clickstream.lake.iceberg import iceberg_tables
from clickstream.lake.iceberg.iceberg_tables import LoadedTable
from clickstream.tables import Table
from clickstream.tables.sales_listings import LISTING_TABLES

PREFIX = "sales_listings/"


def published_digest(lake: Lake, source: str) -> str:
    """Return the digest of the rows that the lake has; empty without, or during a publication."""
    stored = objects.get(lake, _key(source))
    return str(json.loads(stored.body)["digest"]) if stored else ""


def begin(lake: Lake, source: str, run_id: str, at: str) -> str:
    """Record that a publication begins `at` a time, and return its mark for `end`.

    Raises StaleHour if another process does so at the same time.
    """
    key, stored = _key(source), objects.get(lake, _key(source))
    body = json.dumps({"digest": "", "run": run_id, "begun_at": at}).encode()
    mark = objects.swap(lake, key, body, stored.etag if stored else None)
    if mark is None:
        raise StaleHour(f"{lake.uri(key)} was changed by another process; pull again.")
    return mark


def end(lake: Lake, source: str, digest: str, mark: str) -> None:
    """Record the digest of published rows, unless another publication has begun since `begin`."""
    objects.swap(lake, _key(source), json.dumps({"digest": digest}).encode(), mark)


def _key(source: str) -> str:
    return f"{PREFIX}{source}.json"


def load_tables(lake: Lake) -> dict[Table, LoadedTable]:
    """Load the tables in the order of the commits; writes from them detect later changes."""
    return {table: iceberg_tables.load(lake, table) for table in LISTING_TABLES}


def replace_date(
    tables: Mapping[Table, LoadedTable], source: str, day: date, rows: Mapping[Table, pa.Table]
) -> None:
    """Replace a source's rows of a date in the tables of `rows`.

    Raises StaleHour if another process changed one of them since the load.
    """
    at = Hour.midnight(day)
    for table, loaded in tables.items():
        if table in rows:
            loaded.replace(at, at, rows[table], only=[{"sales_source": source}])
