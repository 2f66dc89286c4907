"""What the dashboard must show of the files of shops: their rows, grouped in plain Python."""

from __future__ import annotations

import csv
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo


@dataclass(frozen=True)
class Sold:
    """An order (positive) or a refund (negative) in cents, at its local time.

    `why_none` is the reason why its visit is not known.
    """

    at: datetime
    cents: int
    why_none: str


METRICS: Mapping[str, Callable[[Sequence[Sold]], Any]] = {
    "orders": lambda some: len(_orders(some)),
    "net_sales": lambda some: sum(one.cents for one in some),
    "gross_sales": lambda some: sum(_orders(some)),
    "average_order": lambda some: (
        sum(_orders(some)) / len(_orders(some)) if _orders(some) else None
    ),
    "sales_squares": lambda some: float(sum(one.cents**2 for one in some)),
    "web_orders": lambda some: len(_orders(some)),
    "matched_orders": lambda _some: 0,
}


def _orders(some: Sequence[Sold]) -> list[int]:
    return [one.cents for one in some if one.cents > 0]


def read_sold(directories: Sequence[Path], zone: ZoneInfo) -> list[Sold]:
    """Read the orders and refunds in EUR of some shops, of which no order is matched."""
    found = []
    for directory in directories:
        orders = {row["order_id"]: row for row in _rows(directory / "orders.csv")}
        for one in orders.values():
            at = datetime.fromisoformat(one["ordered_at"])
            found.append(Sold(at.astimezone(zone), _cents(one["total"]), "not matched yet"))
        for one in _rows(directory / "refunds.csv"):
            at = datetime.fromisoformat(one["refunded_at"])
            why = "not matched yet" if one["order_id"] in orders else "no paid order"
            found.append(Sold(at.astimezone(zone), -_cents(one["amount"]), why))
    return found


def _rows(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8") as file:
        return [row for row in csv.DictReader(file) if row["currency"] == "EUR"]


def _cents(text: str) -> int:
    return round(100 * float(text))


def grouped(
    some: Sequence[Sold], metrics: Sequence[str], by: Sequence[str]
) -> list[tuple[Any, ...]]:
    """Group the rows by dimensions, and compute the metrics of each group."""
    groups: dict[tuple[Any, ...], list[Sold]] = defaultdict(list)
    for one in some:
        groups[tuple(_value(one, name) for name in by)].append(one)
    if not by and not groups:
        groups[()] = []
    return [(*of, *(METRICS[name](rows) for name in metrics)) for of, rows in groups.items()]


COSTS = ("ad_cost", "ad_clicks")
_COLUMNS = {
    "ad_platform": "platform",
    "ad_campaign_id": "campaign_id",
    "ad_source": "utm_source",
    "ad_medium": "utm_medium",
    "ad_campaign": "utm_campaign",
}


def costs(directories: Sequence[Path], by: Sequence[str], dates: Sequence[date]) -> list[Any]:
    """The cost in cents and the clicks of campaigns, by the given dimensions of SPEND."""
    groups: dict[tuple[str | None, ...], list[int]] = {}
    for directory in directories:
        with (directory / "campaign_spend.csv").open(encoding="utf-8") as file:
            for row in csv.DictReader(file):
                if date.fromisoformat(row["event_date"]) in dates:
                    key = tuple(row[_COLUMNS[name]].strip().lower() or None for name in by)
                    sums = groups.setdefault(key, [0, 0])
                    sums[0] += _cents(row["spend"])
                    sums[1] += int(row["clicks"])
    return [(*key, *sums) for key, sums in groups.items()]


def _value(one: Sold, name: str) -> Any:
    day = one.at.date()
    return {
        "day": day,
        "hour": one.at.hour,
        "weekday": day.isoweekday(),
        "week": day - timedelta(days=day.weekday()),
        "why_none": one.why_none,
    }.get(name)
