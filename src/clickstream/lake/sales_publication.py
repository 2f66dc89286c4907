"""Publish a date of a source of sales, or of matches: replace its rows, the ledger last."""

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
from clickstream.tables.sales_matches import MATCH_TABLES

UNPUBLISHED = ""

MATCHES = "order_matches"
"""The name of the state of matches; the name of no source has an underscore."""


def publication_of(lake: Lake, source: str, day: date) -> str:
    """Return what identifies the current publication of a date; UNPUBLISHED if it has none."""
    return _publication(ledger_rows(lake, day, day), {"sales_source": source})


def ledger_rows(lake: Lake, first: date, last: date) -> pa.Table:
    """Return the ledger's rows of all sources for the dates from `first` to `last`."""
    ledger = iceberg_tables.load(lake, SALES_LEDGER)
    return ledger.read(Hour.midnight(first), Hour.midnight(last))


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
    in_order = {table: rows[table] for table in (*OF_SALES_DAYS, SALES_LEDGER)}
    only = {"sales_source": source}
    _publish(lake, source, day, in_order, replaces, version, only)


def publish_matches(
    lake: Lake, day: date, rows: Mapping[Table, pa.Table], replaces: str, version: str
) -> None:
    """Replace the matches of a date in all their tables, as `publish_date` does with sales."""
    in_order = {table: rows[table] for table in MATCH_TABLES}
    _publish(lake, MATCHES, day, in_order, replaces, version, {})


def publication_of_matches(ledger: pa.Table) -> str:
    """Return what identifies the publication in the ledger's row of a date."""
    return _publication(ledger, {})


def _publication(ledger: pa.Table, only: Mapping[str, str]) -> str:
    rows = [row for row in ledger.to_pylist() if only.items() <= row.items()]
    return f"{rows[0]['published_at']} {rows[0]['published_by']}" if rows else UNPUBLISHED


def _publish(
    lake: Lake,
    name: str,
    day: date,
    rows: Mapping[Table, pa.Table],
    replaces: str,
    version: str,
    only: Mapping[str, str],
) -> None:
    """Replace the rows of a date with the values of `only`; the last table is the ledger."""
    mark = sales_state.begin(lake, name, day)
    tables = {table: iceberg_tables.load(lake, table) for table in rows}
    at, ledger = Hour.midnight(day), [*rows][-1]
    if _publication(tables[ledger].read(at, at), only) != replaces:
        raise StaleHour(f"{day} of {name} was published by another process; read it again.")
    for table, loaded in tables.items():
        loaded.replace(at, at.plus(23), rows[table], only=[only] if only else ())
    sales_state.end(lake, name, day, version, mark)
