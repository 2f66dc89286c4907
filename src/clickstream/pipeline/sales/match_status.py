"""Summaries of the matches of some dates for `clickstream sales status`."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from clickstream.hours import Hour
from clickstream.lake import Lake, aws_errors
from clickstream.lake.iceberg import iceberg_tables
from clickstream.tables import Table
from clickstream.tables.sales_matches import CONFIRMATION_VIEWS, ORDER_MATCHES
from clickstream.wording import quantity


@dataclass(frozen=True)
class MatchSummary:
    """The orders of some dates by the method of their match and by the reason of having none.

    `unknown` counts views of people with a number that no order has, and `differing` views that
    show another amount than their order has.
    """

    methods: Counter[str]
    reasons: Counter[str]
    unknown: int
    differing: int

    @property
    def sentence(self) -> str:
        """One line for the terminal."""
        orders = sum(self.methods.values())
        matched = orders - self.methods["none"]
        by_time = f", {self.methods['time']:,} of them by time" if self.methods["time"] else ""
        reasons = ", ".join(f"{number:,} {why}" for why, number in self.reasons.most_common())
        parts = [f"{matched:,} of {quantity(orders, 'order')} matched to visits{by_time}"]
        if reasons:
            parts.append(f"without a visit: {reasons}")
        parts += [
            f"{quantity(self.unknown, 'view')} with an unknown number",
            f"{quantity(self.differing, 'order')} with another amount on the page",
        ]
        return f"{'; '.join(parts)}."


@aws_errors.translate_errors()
def summarize_matches(
    lake: Lake, days: Sequence[date], sources: Collection[str]
) -> MatchSummary | None:
    """Count the matches of sources from the first to the last of some dates; None without any."""
    if not days:
        return None
    orders = [
        row
        for row in _rows(lake, ORDER_MATCHES, days, ["sales_source", "method", "why_none"])
        if row["sales_source"] in sources
    ]
    views = _rows(lake, CONFIRMATION_VIEWS, days, ["kind", "shown_cents", "order_cents"])
    if not orders and not views:
        return None
    return MatchSummary(
        Counter(row["method"] for row in orders),
        Counter(row["why_none"] for row in orders if row["why_none"]),
        sum(row["kind"] == "unknown number" for row in views),
        sum(
            row["kind"] == "order" and row["shown_cents"] not in (None, row["order_cents"])
            for row in views
        ),
    )


def _rows(
    lake: Lake, table: Table, days: Sequence[date], columns: list[str]
) -> list[dict[str, Any]]:
    first, last = Hour.midnight(min(days)), Hour.midnight(max(days)).plus(23)
    rows: list[dict[str, Any]] = (
        iceberg_tables.load(lake, table).read(first, last, columns).to_pylist()
    )
    return rows
