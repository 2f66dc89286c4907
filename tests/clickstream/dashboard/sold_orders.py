"""The paid orders of a shop's files, read in plain Python."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from zoneinfo import ZoneInfo


@dataclass(frozen=True)
class SoldOrder:
    """An order: its time, its customer (empty without one), and the names of its items."""

    at: datetime
    customer: str
    names: tuple[str, ...]

    def day(self, zone: ZoneInfo) -> date:
        """Its local date."""
        return self.at.astimezone(zone).date()

    def kind(self, others: Sequence[SoldOrder], zone: ZoneInfo) -> str:
        """Whether its customer had an order on an earlier date."""
        if not self.customer:
            return "unknown"
        days = [one.day(zone) for one in others if one.customer == self.customer]
        return "returning" if min(days) < self.day(zone) else "new"


def sold_orders(directories: Sequence[Path]) -> list[SoldOrder]:
    """Read the orders in EUR of several shops, each in a folder; others are rejects."""
    found = []
    for directory in directories:
        lines = _rows(directory / "order_items.csv")
        for one in _rows(directory / "orders.csv"):
            of_order = (line for line in lines if line["order_id"] == one["order_id"])
            names = tuple(line["name"] for line in of_order)
            if one["currency"] == "EUR":
                at = datetime.fromisoformat(one["ordered_at"])
                found.append(SoldOrder(at, one["customer"], names))
    return found


def _rows(path: Path) -> list[dict[str, str]]:
    with path.open(newline="", encoding="utf-8") as file:
        return [*csv.DictReader(file)]
