"""The paid orders of a shop's files, read in plain Python."""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from itertools import combinations
from math import sqrt
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


def pairs_beyond_chance(baskets: Sequence[Iterable[str]]) -> dict[frozenset[str], float]:
    """The lift of each pair of items that is in clearly more baskets than by chance."""
    both = Counter(
        frozenset(pair) for basket in baskets for pair in combinations(sorted({*basket}), 2)
    )
    ends = Counter(name for pair, number in both.items() for name in pair for _ in range(number))
    odds = {name: number / (ends.total() - number) for name, number in ends.items()}
    weights = {frozenset(pair): odds[pair[0]] * odds[pair[1]] for pair in combinations(odds, 2)}
    expected = {pair: both.total() * one / sum(weights.values()) for pair, one in weights.items()}
    return {
        pair: number / expected[pair]
        for pair, number in both.items()
        if number >= 1.2 * expected[pair] and number - expected[pair] > 4 * sqrt(number)
    }


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
