"""Publish a date of a source of sales: replace its rows in every table, the ledger last."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date

import pyarrow as pa

from clickstream.errors import StaleHour
from clickstream.hours import Hour
from clickstream.lake import sales_state
from clickstream.lake.client import Lake
from clickstream.lake.iceberg import iceberg_tables
from clickstream.tables import Table
from clickstream.tables.sales import OF_SALES_DAYS, SALES_LEDGER

UNPUBLISHED = ""


def publication_of(lake: Lake, source: str, day: date) -> str:
    """Return what identifies the current publication of a date; UNPUBLISHED if it has none."""
    return _publication(ledger_rows(lake, day, day), source)


def ledger_rows(lake: Lake, first: date, last: date) -> pa.Table:
    """Return the ledger's rows of all sources for the dates from `first` to `last`."""
    ledger = iceberg_tables.load(lake, SALES_LEDGER)
    return ledger.read(Hour.midnight(first), Hour.midnight(last))


def _publication(ledger: pa.Table, source: str) -> str:
    rows = [row for row in ledger.to_pylist() if row["sales_source"] == source]
    return f"{rows[0]['published_at']} {rows[0]['published_by']}" if rows else UNPUBLISHED


def publish_date(
    lake: Lake,
    source: str,
    day: date,
    rows: Mapping[Table, pa.Table],
    replaces: str,
    version: str,
) -> None:
    """Replace the rows of a date of a source in all tables; `rows` have those of the ledger, too.

    `replaces` is the publication that the date had when its rows were read, and `version` is
    recorded for the next runs. All tables are loaded first. If another process has published the
    date since the rows were read, or does so meanwhile, StaleHour is raised: read the rows again.
    A killed publication is repeated by the next run, because it has no recorded version.
    """
    mark = sales_state.begin(lake, source, day)
    tables = {table: iceberg_tables.load(lake, table) for table in (*OF_SALES_DAYS, SALES_LEDGER)}
    at = Hour.midnight(day)
    if _publication(tables[SALES_LEDGER].read(at, at), source) != replaces:
        raise StaleHour(f"{day} of {source} was published by another process; read it again.")
    for table, loaded in tables.items():
        loaded.replace(at, at, rows[table], only=[{"sales_source": source}])
    sales_state.end(lake, source, day, version, mark)
