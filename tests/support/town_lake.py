"""A lake with the orders, people and cafés of 16 towns, in its tables."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date, datetime, timedelta
from typing import Any

import numpy as np
import pyarrow as pa

from clickstream.lake import Lake
from clickstream.lake.iceberg import iceberg_tables
from clickstream.pipeline.publish.publish import refresh_views
from clickstream.tables import HITS, HOUR_LEDGER
from clickstream.tables.locations import LOCATION_CANDIDATES
from clickstream.tables.sales import ORDERS, REFUNDS, SALES_LEDGER, SALES_TABLES
from clickstream.tables.sales_listings import DEMOGRAPHICS, LISTING_LEDGER, STORES
from clickstream.tables.sales_matches import ORDER_MATCHES
from clickstream.tables.table_type import Table, Type

SALES = """
[[sales]]
name = "shop"
kind = "csv"
columns = "generic"
currency = "GBP"
path = "sales"
"""
CANDIDATES = """\
name,place,competition
Busy,"Town 15, England, GB",
Quiet,"Town 14, England, GB",1
Sea,,
"""
WEEKS = 4
TOWNS = 16
_EVERY = np.arange(TOWNS)
_PEOPLE = 50_000 + _EVERY * 7919 % 90_000
_ORDERS = _PEOPLE // 1000 * np.where(_EVERY % 3, 1, 4)  # a third orders four times as much
_CAFES = {0: ("south", 52.0), 12: ("north", 52.9)}

_EMPTY: Mapping[Type, Any] = {
    **{"string": "", "long": 0, "int": 0, "double": 0.0, "boolean": False},
    **{"timestamp": datetime(2026, 1, 1), "date": date(2026, 1, 1)},
}


def store_towns(lake: Lake, last: date) -> None:
    """Store rows of the weeks up to a UTC date, and create the views."""
    for table, rows in _rows(last).items():
        stored = pa.Table.from_pylist([_row(table, one) for one in rows], table.arrow_schema())
        iceberg_tables.load(lake, table).iceberg.append(stored)
    refresh_views(lake)


def stored_plan(lake: Lake) -> list[dict[str, Any]]:
    """The rows of location_candidates, in the order of the ranking."""
    rows = iceberg_tables.load(lake, LOCATION_CANDIDATES).read_between(None, None).to_pylist()
    return sorted(rows, key=lambda one: one["rank"])


def _rows(last: date) -> Mapping[Table, list[dict[str, Any]]]:
    orders = [*_orders(last)]
    return {
        ORDERS: [of_shop for of_shop, _ in orders],
        ORDER_MATCHES: [match for _, match in orders],
        REFUNDS: [{"order_id": "15001", "amount_cents": 100, "kind": "refund", "event_date": last}],
        DEMOGRAPHICS: [
            {"place_id": str(n), "name": f"Town {n}", "region": "England", "country": "GB"}
            | {"measure": "people", "year": 2021, "value": float(people), "event_date": last}
            for n, people in enumerate(_PEOPLE.tolist())
        ],
        STORES: [
            {"store_id": name, "name": name.title(), "kind": "café", "event_date": last}
            | {"latitude": latitude, "longitude": 0.0}
            for name, latitude in _CAFES.values()
        ],
        # The ledgers have the dates whose fact files are due.
        SALES_LEDGER: [{"event_date": day} for day in {one["event_date"] for one, _ in orders}],
        LISTING_LEDGER: [{"event_date": last}],
        HOUR_LEDGER: [{"event_date": last}],
        HITS: [
            {"kind": "page", "latitude": 52 + n // 4 * 0.3, "longitude": 0.5 * (n % 4)}
            | _place(n)
            | {"event_date": last}
            for n in range(TOWNS)
        ],
    }


def _orders(last: date) -> Iterable[tuple[dict[str, Any], dict[str, Any]]]:
    """Yield orders and matches: half of the orders of the towns close to a café are sold there.

    The last order is of the day after, which a plan of that day does not read.
    """
    for town, number in enumerate(_ORDERS.tolist()):
        store, _ = _CAFES.get(town, (None, 0))
        for n in range(1, number + 1):
            before = timedelta(days=7 * ((n * 13 + town) % WEEKS))
            is_last = (town, n) == (TOWNS - 1, number)
            key = {
                "order_id": str(town * 1000 + n),
                "event_date": last + timedelta(days=1) if is_last else last - before,
            }
            sold = {"status": "paid", "sold_by": "web", "total_cents": 950, "currency": "GBP"}
            device = "mobile" if n % 3 else "desktop"
            yield (
                key | sold | {"store_id": store if n % 2 else None},
                key | {"method": "number", "device": device} | _place(town),
            )


def _place(town: int) -> dict[str, str]:
    return {"country": "GB", "region": "England", "city": f"Town {town}"}


def _row(table: Table, values: Mapping[str, Any]) -> dict[str, Any]:
    """Return a row with its dates and a value in each required column."""
    required = {one.name: _EMPTY[one.type] for one in table.columns if one.required}
    day: date = values["event_date"]
    at = {"hour_at": datetime(day.year, day.month, day.day)}
    source = {"sales_source": "shop"} if table in SALES_TABLES else {}
    return required | at | source | dict(values)
