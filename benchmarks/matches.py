"""Measure the match of a large date: `python -m benchmarks.matches`.

It fills the lake of a local AWS with three dates of 100,000 sessions, 800,000 requests and 2,000
orders each, compacts the past dates, matches the one in the middle, and prints seconds of CPU time
of this process.
"""

from __future__ import annotations

import sys
import tempfile
import time
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from tests.support.lakes import aws_session, settings_of_a_lake
from tests.support.localaws_process import LocalAwsProcess

from clickstream.core.hours import Hour
from clickstream.lake import Lake, open_lake
from clickstream.lake.iceberg import iceberg_tables
from clickstream.pipeline.publish.maintenance import compact_days
from clickstream.pipeline.sales.match_plan import MatchRange, plan_matches
from clickstream.pipeline.sales.matches import match_orders
from clickstream.settings.sales import SalesSettings
from clickstream.settings.sections import OrderSettings
from clickstream.tables import HITS, HOUR_LEDGER, SESSION_PARTS, Table
from clickstream.tables.sales import ORDERS, SALES_LEDGER

DAYS = [date(2026, 11, 19) + timedelta(days=number) for number in range(3)]
SESSIONS, HITS_OF_A_SESSION, ORDERS_OF_A_DAY = 100_000, 8, 2_000
HOURS = 24
EMPTY: dict[str, Any] = {
    "string": "",
    "int": 0,
    "long": 0,
    "double": 0.0,
    "boolean": False,
}


def fill(table: Table, rows: int, values: dict[str, Any]) -> pa.Table:
    """Return rows of a table; columns without values are empty, or null if they may be."""
    columns = []
    for column, field in zip(table.columns, table.arrow_schema(), strict=True):
        value = values.get(column.name, EMPTY.get(column.type) if column.required else None)
        if isinstance(value, (list, np.ndarray, pa.Array)):
            columns.append(pa.array(value, field.type))
        else:
            columns.append(pa.array([value] * rows, field.type))
    return pa.Table.from_arrays(columns, schema=table.arrow_schema())


def times(day: date, seconds: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """Return moments of a date."""
    return np.datetime64(day, "us") + (seconds * 1_000_000).astype("timedelta64[us]")


def write_hour(lake: Lake, day: date, number: int) -> None:
    """Write the sessions of an hour, and its row of the ledger."""
    at, sessions = Hour.midnight(day).plus(number), SESSIONS // HOURS
    ids = [f"{day}-{number}-{n:018}" for n in range(sessions)]
    visitors = [f"{(n * 7919 + number) % (SESSIONS * 2):024x}" for n in range(sessions)]
    starts = number * 3600 + np.arange(sessions) % 3000
    of_hour = {"event_date": day, "hour_at": at.naive, "site": "cafe"}
    parts = {
        **of_hour,
        "part_id": ids,
        "session_id": ids,
        "visitor_id": visitors,
        "session_started_at": times(day, starts),
        "first_hit_at": times(day, starts),
        "last_hit_at": times(day, starts + 400),
        "first_page_at": times(day, starts),
        "landing_page": [f"/page/{n % 200}" for n in range(sessions)],
        "channel": ["Organic Search" if n % 2 else None for n in range(sessions)],
        "source": ["google" if n % 2 else None for n in range(sessions)],
        "device": "mobile",
        "country": "GB",
        "referrer_logged": True,
    }
    write(lake, SESSION_PARTS, at, fill(SESSION_PARTS, sessions, parts))
    rows = sessions * HITS_OF_A_SESSION
    which = np.repeat(np.arange(sessions), HITS_OF_A_SESSION)
    index = np.tile(np.arange(HITS_OF_A_SESSION), sessions)
    orders = ORDERS_OF_A_DAY // HOURS + 1
    is_confirmation = (index == HITS_OF_A_SESSION - 1) & (which < orders)
    order_ids = [
        f"{day:%d}{number:02}{n:05}" if is_one else None
        for n, is_one in zip(which, is_confirmation, strict=True)
    ]
    hits = {
        **of_hour,
        "part_id": pa.array(ids).take(pa.array(which)),
        "visitor_id": pa.array(visitors).take(pa.array(which)),
        "hit_at": times(day, starts[which] + index * 50),
        "kind": "page",
        "status": 200,
        "path": [f"/page/{n % 200}" for n in range(rows)],
        "order_number": order_ids,
        "raw_object": f"raw/{at}/a",
        "line_number": np.arange(1, rows + 1),
    }
    write(lake, HITS, at, fill(HITS, rows, hits))
    ledger = {
        **of_hour,
        "settings_digest": "x",
        "library_version": "x",
        "published_by": "x",
        "published_at": at.naive,
        "has_order_numbers": True,
    }
    write(lake, HOUR_LEDGER, at, fill(HOUR_LEDGER, 1, ledger))
    names = [f"{day:%d}{number:02}{n:05}" for n in range(orders)]
    sold = {
        **of_hour,
        "hour_at": Hour.midnight(day).naive,
        "sales_source": "shop",
        "order_id": names,
        "order_number": names,
        "sold_by": "web",
        "status": "paid",
        "ordered_at": times(day, starts[:orders] + 340),
        "business_date": day,
        "currency": "EUR",
    }
    write(lake, ORDERS, Hour.midnight(day), fill(ORDERS, orders, sold), str(number))


def write(lake: Lake, table: Table, at: Hour, rows: pa.Table, only: str = "") -> None:
    """Replace the rows of an hour; with `only`, no row is replaced."""
    chosen = [{"sales_source": f"none {only}"}] if only else ()
    iceberg_tables.load(lake, table).replace(at, at, rows, only=chosen)


def main() -> None:
    """Measure, and print the results."""
    with tempfile.TemporaryDirectory() as name, LocalAwsProcess(Path(name)) as aws:
        settings = settings_of_a_lake(aws.endpoint, Path(name))
        shop = SalesSettings(name="shop", kind="csv", columns="generic", currency="EUR", path=name)
        orders = OrderSettings(number="(?P<order>x)")
        lake = open_lake(
            settings.model_copy(update={"sales": (shop,), "orders": orders}), aws_session()
        )
        for day in DAYS:
            for number in range(HOURS):
                write_hour(lake, day, number)
            at = Hour.midnight(day)
            ledger = {
                "event_date": day,
                "hour_at": at.naive,
                "sales_source": "shop",
                "currency": "EUR",
                "source_digest": "x",
                "published_at": at.naive,
                "library_version": "x",
            }
            write(lake, SALES_LEDGER, at, fill(SALES_LEDGER, 1, ledger))
        now = datetime(2026, 11, 22, tzinfo=UTC)
        compact_days(lake, now)
        chosen = MatchRange(DAYS[1], DAYS[1])
        for what in ("match of a date", "another match of it"):
            began = time.process_time()
            [result] = match_orders(
                lake, now, "benchmark", MatchRange(DAYS[1], DAYS[1], everything=True)
            )
            seconds = time.process_time() - began
            sys.stdout.write(f"{what:<24} {seconds:5.2f} s  {result.sentence}\n")
        began = time.process_time()
        plan = plan_matches(lake, now, chosen)
        seconds = time.process_time() - began
        sys.stdout.write(f"{'a run without changes':<24} {seconds:5.2f} s  {plan.sentence}\n")


if __name__ == "__main__":
    main()
