"""Menu items: the visits that viewed each item, and the share of them that ordered."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from clickstream.dashboard.charts.columns import bar_widths
from clickstream.dashboard.questions.intervals import known_share, wilson
from clickstream.dashboard.tabs.orders.questions import item_questions
from clickstream.dashboard.widgets.lists import value_name
from clickstream.dashboard.widgets.page import PageContext


@dataclass(frozen=True)
class ItemRow:
    """A page of the menu: the visits that viewed it, and those of them that ordered.

    `rate` is the share that ordered, `low` and `high` its 95 % interval; None for too few visits.
    """

    name: str
    page: str
    visits: int
    views: int
    seconds: float | None
    orders: int
    rate: float | None
    low: float | None
    high: float | None
    width: float
    query: str


def item_rows(page: PageContext) -> list[ItemRow]:
    """Return the pages of the menu, by number of visits."""
    seen, ordered = (page.ask(one).records() for one in item_questions(page))
    orders = {row["page"]: int(row["page_visits"]) for row in ordered}
    widths = bar_widths([row["page_visits"] for row in seen])
    return [
        _row(page, row, orders.get(row["page"], 0), width)
        for row, width in zip(seen, widths, strict=True)
    ]


def _row(page: PageContext, row: Mapping[str, Any], orders: int, width: float) -> ItemRow:
    visits = int(row["page_visits"])
    rate = known_share(orders, visits)
    low, high = (None, None) if rate is None else wilson(orders, visits)
    return ItemRow(
        value_name(page, "page", row["page"]),
        row["page"],
        visits,
        int(row["views"]),
        row["time_on_page"],
        orders,
        rate,
        low,
        high,
        width,
        page.view.with_filter("page", row["page"]).query,
    )


def rate_axis(rows: Sequence[ItemRow]) -> tuple[float, float]:
    """Return the ends of an axis that contains the intervals of all rows."""
    ends = [end for row in rows for end in (row.low, row.high) if end is not None]
    return (min(ends), max(ends)) if ends else (0.0, 1.0)
