"""Reads of the rows that orders are matched with, each of a few columns and filtered by Arrow."""

from __future__ import annotations

import re
from collections.abc import Collection
from datetime import date
from functools import reduce

import pyarrow as pa
from pyiceberg.expressions import And, BooleanExpression, EqualTo, LessThan, NotNull
from pyiceberg.table import DataScan

from clickstream.core.hours import Hour
from clickstream.lake.client import Lake
from clickstream.lake.iceberg import iceberg_tables, table_scan
from clickstream.tables import HITS, SESSION_PARTS, Table
from clickstream.tables.sales import CONSENTS, ORDERS

_OF_HITS = ("hit_at", "status", "is_bot", "opted_out", "part_id", "network")
_OF_LINES = ("raw_object", "line_number")


def numbered_hits(lake: Lake, day: date) -> pa.Table:
    """Return the requests of a UTC date that have the number of an order."""
    columns = (*_OF_HITS, *_OF_LINES, "order_number", "shown_cents")
    return table_scan.read(_scan(lake, HITS, day, day, columns, NotNull(term="order_number")))


def sent_forms(lake: Lake, day: date, form: str) -> pa.Table:
    """Return the POST requests of people on a UTC date that were answered without an error.

    The expression `form` finds their paths.
    """
    is_sent = EqualTo(term="method", value="POST")
    people = EqualTo(term="is_bot", value=False)
    answered = LessThan(term="status", value=400)
    columns = (*_OF_HITS, "path")
    hits = table_scan.read(_scan(lake, HITS, day, day, columns, is_sent, answered, people))
    is_form = [re.search(form, path) is not None for path in hits["path"].to_pylist()]
    return hits.filter(pa.array(is_form, pa.bool_()))


def parts_with(
    lake: Lake,
    first: date,
    last: date,
    column: str,
    values: Collection[str],
    columns: Collection[str],
) -> pa.Table:
    """Return the session parts of a range of dates that have one of some texts in a column."""
    scan = _scan(lake, SESSION_PARTS, first, last, columns)
    return table_scan.read_any_of(scan, column, values)


def dates_of_customers(lake: Lake, first: date, customers: Collection[str]) -> set[date]:
    """Return the UTC dates, from `first` on, with orders of some customers."""
    scan = _scan(lake, ORDERS, first, None, ("event_date", "customer_key"))
    orders = table_scan.read_any_of(scan, "customer_key", customers)
    return {*orders["event_date"].to_pylist()}


def consents(lake: Lake, first: date | None = None, last: date | None = None) -> pa.Table:
    """Return what customers agreed to or refused, by the date of the statement."""
    columns = ("customer_key", "purpose", "recorded_at", "state")
    return table_scan.read(_scan(lake, CONSENTS, first, last, columns))


def _scan(
    lake: Lake,
    table: Table,
    first: date | None,
    last: date | None,
    columns: Collection[str],
    *conditions: BooleanExpression,
) -> DataScan:
    ends = (Hour.midnight(first) if first else None, Hour.midnight(last).plus(23) if last else None)
    chosen = reduce(And, conditions, iceberg_tables.between(*ends))
    return iceberg_tables.load(lake, table).iceberg.scan(chosen, selected_fields=tuple(columns))
