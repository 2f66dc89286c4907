"""Reads and changes of the ledger: rows of hours, their versions, and published session parts."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import pandas as pd
import pyarrow as pa
from pyiceberg.expressions import (
    And,
    BooleanExpression,
    GreaterThan,
    GreaterThanOrEqual,
    In,
    LessThan,
    LessThanOrEqual,
    NotNull,
    Or,
)

from clickstream.core.errors import StaleHour
from clickstream.core.hours import Hour
from clickstream.lake.client import Lake
from clickstream.lake.iceberg import iceberg_tables, table_scan
from clickstream.tables import HOUR_LEDGER, RAW_OBJECTS, SESSION_PARTS, Table

UNPUBLISHED = ""


@dataclass(frozen=True)
class LedgerRow:
    """An hour's row in the ledger; `values` is empty while the hour is unpublished."""

    values: Mapping[str, Any]

    @property
    def version(self) -> str:
        """Identifies this publication of the hour."""
        if not self.values:
            return UNPUBLISHED
        return f"{self.values['published_at'].isoformat()} {self.values['published_by']}"


def ledger_row(lake: Lake, hour: Hour) -> LedgerRow:
    """Return an hour's current row in the ledger."""
    return ledger_rows(lake, hour, hour).get(hour, LedgerRow({}))


def ledger_rows(lake: Lake, first: Hour, last: Hour) -> dict[Hour, LedgerRow]:
    """Return the rows of the published hours from `first` to `last`, in one read."""
    return rows_of(iceberg_tables.load(lake, HOUR_LEDGER), first, last)


def rows_of_hours(lake: Lake, hours: Collection[Hour]) -> dict[Hour, LedgerRow]:
    """Return the rows of the published hours; only the partitions of their dates are read."""
    if not hours:
        return {}
    chosen = And(
        In(term="event_date", literals={hour.event_date.isoformat() for hour in hours}),
        In(term="hour_at", literals={hour.naive.isoformat() for hour in hours}),
    )
    scan = iceberg_tables.load(lake, HOUR_LEDGER).iceberg.scan(row_filter=chosen)
    return by_hour(table_scan.read(scan))


def incomplete_rows(
    lake: Lake, first: date | None = None, last: date | None = None
) -> dict[Hour, LedgerRow]:
    """Return the rows of hours that lack a source, of the UTC dates from `first` to `last`.

    The table's metadata count the nulls of `missing_sources`, so only files with a name are read.
    """
    chosen: BooleanExpression = NotNull(term="missing_sources")
    if first is not None:
        chosen = And(chosen, GreaterThanOrEqual(term="event_date", value=first.isoformat()))
    if last is not None:
        chosen = And(chosen, LessThanOrEqual(term="event_date", value=last.isoformat()))
    scan = iceberg_tables.load(lake, HOUR_LEDGER).iceberg.scan(row_filter=chosen)
    return by_hour(table_scan.read(scan))


def rewrite_rows(
    lake: Lake, first: Hour, last: Hour, change: Callable[[dict[str, Any]], dict[str, Any]]
) -> bool:
    """Change rows of hours of one date in one commit; no commit if no row changes.

    Returns False if another process has changed the ledger's date meanwhile; nothing is written.
    """
    ledger = iceberg_tables.load(lake, HOUR_LEDGER)
    stored = ledger.read(first, last)
    before = stored.to_pylist()
    after = [change(row) for row in before]
    if after == before:
        return True
    try:
        ledger.replace(first, last, pa.Table.from_pylist(after, stored.schema))
    except StaleHour:
        return False
    return True


def rows_of(ledger: iceberg_tables.LoadedTable, first: Hour, last: Hour) -> dict[Hour, LedgerRow]:
    """Return the rows of the published hours of a range in a ledger that was loaded before."""
    return by_hour(ledger.read(first, last))


def by_hour(ledger: pa.Table) -> dict[Hour, LedgerRow]:
    """Return rows of the ledger by their hour."""
    return {Hour.at(row["hour_at"]): LedgerRow(row) for row in ledger.to_pylist()}


def has_lines_before(lake: Lake, first: Hour) -> bool:
    """Whether a published hour before `first` has lines or lacks a source.

    Of earlier dates no row is read: the table's metadata have the largest number of lines of each
    data file.
    """
    midnight = first.minus(first.start.hour)
    same_day = _rows(lake, HOUR_LEDGER, midnight, first.previous, ("lines", "missing_sources"))
    if any(row["lines"] or row["missing_sources"] for row in same_day.to_pylist()):
        return True
    chosen = And(
        LessThan(term="event_date", value=first.event_date.isoformat()),
        Or(GreaterThan(term="lines", value=0), NotNull(term="missing_sources")),
    )
    scan = iceberg_tables.load(lake, HOUR_LEDGER).iceberg.scan(chosen)
    return any(True for _ in scan.plan_files())


def raw_lines_between(lake: Lake, first: Hour, last: Hour) -> pa.Table:
    """Return key, hour and lines of the raw objects that published hours were built from."""
    return _rows(lake, RAW_OBJECTS, first, last, ("raw_object", "hour_at", "lines"))


def published_hours(lake: Lake, first: Hour, last: Hour) -> set[Hour]:
    """Return which of the hours from `first` to `last` are in the ledger."""
    hours = _rows(lake, HOUR_LEDGER, first, last, ["hour_at"]).column("hour_at").to_pylist()
    return {Hour.at(hour_at) for hour_at in hours}


def ledger(lake: Lake, first: Hour | None = None, last: Hour | None = None) -> pd.DataFrame:
    """Return the ledger by hour: all of it, or the rows of the hours from `first` to `last`."""
    return ledger_in_order(lake, first, last).to_pandas()


def ledger_in_order(
    lake: Lake,
    first: Hour | None = None,
    last: Hour | None = None,
    columns: Sequence[str] = ("*",),
) -> pa.Table:
    """Return the ledger by hour as an Arrow table, or some columns of it, among them `hour_at`."""
    return _rows(lake, HOUR_LEDGER, first, last, columns).sort_by("hour_at")


def parts_between(lake: Lake, first: Hour, last: Hour, columns: list[str]) -> pa.Table:
    """Return some columns of the published session parts of the hours from `first` to `last`."""
    return _rows(lake, SESSION_PARTS, first, last, columns)


def _rows(
    lake: Lake,
    table: Table,
    first: Hour | None,
    last: Hour | None,
    columns: Sequence[str] = ("*",),
) -> pa.Table:
    chosen = iceberg_tables.between(first, last)
    iceberg = iceberg_tables.load(lake, table).iceberg
    return table_scan.read(iceberg.scan(row_filter=chosen, selected_fields=tuple(columns)))
