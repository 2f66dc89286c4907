"""Orders and net sales of what brings people, so that the rows sum to the net sales of the page."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from clickstream.dashboard.changes.wording import change_of
from clickstream.dashboard.formats import Change
from clickstream.dashboard.questions.intervals import known_share
from clickstream.dashboard.questions.metrics import METRICS
from clickstream.dashboard.tabs.marketing.panels import ACQUISITION, SALES_MATCHES
from clickstream.dashboard.widgets.page import PageContext

Key = tuple[str | None, ...]
"""The values of a row's dimensions."""


@dataclass(frozen=True)
class Amounts:
    """The orders of a row, their net sales and their total before refunds, in hundredths."""

    orders: int = 0
    net: int = 0
    gross: int = 0

    def plus(self, other: Amounts) -> Amounts:
        """Return the sums of both."""
        return Amounts(self.orders + other.orders, self.net + other.net, self.gross + other.gross)

    def minus(self, other: Amounts) -> Amounts:
        """Return the differences to others."""
        return Amounts(self.orders - other.orders, self.net - other.net, self.gross - other.gross)


NOTHING = Amounts()


@dataclass(frozen=True)
class SoldCells:
    """Orders, net sales and the average order as text, and the change of net sales."""

    orders: str
    net_sales: str
    average: str
    change: Change | None = None


@dataclass(frozen=True)
class SoldColumns:
    """The cells of each listed row, of the rows below the list, and of all orders.

    `matched` states for how many orders the visit is known; empty with filters.
    """

    by_key: Mapping[Key, SoldCells]
    below: Sequence[tuple[str, SoldCells]]
    whole: SoldCells
    matched: str


def build_sold(page: PageContext, by: Sequence[str], listed: Sequence[Key]) -> SoldColumns | None:
    """Ask for the orders by the dimensions of a list; None if orders do not have them."""
    metrics = ACQUISITION.money(page.view, page.hidden)
    if not metrics:
        return None
    rows = page.answer(metrics, by).records()
    amounts = {tuple(row[name] for name in by): _amounts(row) for row in rows}
    matches = page.answer(*SALES_MATCHES.parts(page.view)).records()
    unknown = _sum(_amounts(row) for row in matches if row["why_none"] is not None)
    whole = _sum(amounts.values())
    no_value: Key = (None,) * len(by)
    amounts[no_value] = amounts.get(no_value, NOTHING).minus(unknown)
    known = {key: amounts.get(key, NOTHING) for key in listed}
    others = whole.minus(unknown).minus(_sum(known.values()))
    named = [("All others", others), ("No visit known", unknown)]
    return SoldColumns(
        {key: _cells(page, one, _change(page, by, key)) for key, one in known.items()},
        [(name, _cells(page, one)) for name, one in named if one != NOTHING],
        _cells(page, whole),
        "" if page.view.filters else _describe_matches(page, matches),
    )


def _amounts(row: Mapping[str, Any]) -> Amounts:
    return Amounts(row["orders"], row["net_sales"], row["gross_sales"])


def _sum(some: Iterable[Amounts]) -> Amounts:
    found = NOTHING
    for one in some:
        found = found.plus(one)
    return found


def _cells(page: PageContext, one: Amounts, change: Change | None = None) -> SoldCells:
    average = one.gross / one.orders if one.orders else None
    return SoldCells(
        page.formats.count(one.orders),
        page.shown(METRICS["net_sales"], one.net),
        page.shown(METRICS["average_order"], average),
        change,
    )


def _change(page: PageContext, by: Sequence[str], key: Key) -> Change | None:
    return change_of(page, "net_sales", tuple(zip(by, map(str, key), strict=True)))


def _describe_matches(page: PageContext, rows: Sequence[Mapping[str, Any]]) -> str:
    """State the share of the web orders whose visit is known."""
    matched, web = (sum(row[name] for row in rows) for name in ("matched_orders", "web_orders"))
    if not web:
        return ""
    share = known_share(matched, web)
    if share is None:
        return page.formats.plural(
            "The visit of {matched} of {number} web order is known.",
            "The visit of {matched} of {number} web orders is known.",
            web,
            matched=page.formats.count(matched),
        )
    return page.formats.plural(
        "The visit is known for {share} of {number} web order.",
        "The visit is known for {share} of {number} web orders.",
        web,
        share=page.formats.share(share),
    )
