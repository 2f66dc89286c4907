"""What the Orders page shows of the shop's orders: items, pairs, customers, refunds and times."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from clickstream.dashboard.questions.intervals import known_share, wilson
from clickstream.dashboard.tabs.orders.menu_sales import ROWS, MenuRow, menu_rows
from clickstream.dashboard.tabs.orders.panels import (
    CUSTOMERS,
    PAIRS,
    REFUNDS,
    SALES_TIMES,
    SOLD_BY,
)
from clickstream.dashboard.tabs.orders.reconciled import reconciliation_of
from clickstream.dashboard.tabs.trust.sales import sales_questions
from clickstream.dashboard.widgets.lists import ListPanel, list_panel
from clickstream.dashboard.widgets.page import PageContext
from clickstream.dashboard.widgets.times import Times, TimesPanel, times_of


@dataclass(frozen=True)
class OrderSales:
    """The panels of sales, and the sentences beside them; empty without enough orders."""

    reconciled: Sequence[str]
    menu: Sequence[MenuRow]
    has_more_items: bool
    has_views: bool
    pairs: ListPanel
    customers: ListPanel
    returning: Sequence[str]
    refunds: ListPanel
    refunded: str
    sold_by: ListPanel
    times: TimesPanel


def build_sales(page: PageContext) -> OrderSales:
    """Ask for everything that the page shows of sales."""
    menu = menu_rows(page)
    return OrderSales(
        reconciliation_of(page),
        menu[:ROWS],
        len(menu) > ROWS,
        any(row.visits is not None for row in menu),
        list_panel(page, PAIRS),
        list_panel(page, CUSTOMERS),
        _returning(page),
        list_panel(page, REFUNDS),
        _refunded(page),
        list_panel(page, SOLD_BY),
        times_of(page, page.ask(page.questions(SALES_TIMES)[0]), _times_of_sales(page)),
    )


def _returning(page: PageContext) -> list[str]:
    """State which share of the orders is by customers who come back, and of how many it is known.

    The second sentence is left out if the customer of each order is known.
    """
    formats = page.formats
    records = page.ask(page.questions(CUSTOMERS)[0]).records()
    orders = {one["customer_kind"]: one["orders"] for one in records}
    known = orders.get("new", 0) + orders.get("returning", 0)
    share = known_share(orders.get("returning", 0), known)
    if share is None:
        return ["Too few orders have a known customer."]
    low, high = wilson(orders.get("returning", 0), known)
    sentence = (
        f"{formats.share(share, 0)} of the orders with a known customer are of returning ones "
        f"(95 % interval: {formats.share(low, 0)} – {formats.share(high, 0)})."
    )
    if known == sum(orders.values()):
        return [sentence]
    part = formats.share(known / sum(orders.values()), 0)
    return [sentence, f"{part} of all orders have one."]


def _refunded(page: PageContext) -> str:
    """State the sum of the refunds and its share of the gross sales of these dates."""
    found, formats = page.answer(("gross_sales", "refunds_paid")).single(), page.formats
    if not found["refunds_paid"] or not found["gross_sales"]:
        return ""
    share = formats.share(found["refunds_paid"] / found["gross_sales"])
    return f"{formats.money(found['refunds_paid'], formats.currency)}, {share} of gross sales"


def _times_of_sales(page: PageContext) -> Times:
    """Count each weekday and hour of the dates with sales, up to the last hour that is shown."""
    days = {one["day"] for one in page.ask(sales_questions(page)[0]).records()}
    times: Counter[tuple[int, int]] = Counter()
    shown = page.until_complete(page.period)
    for day in (day for day in days if day <= shown.last):
        is_whole = day < shown.last or shown.until_hour is None
        hours = 24 if is_whole else shown.until_hour or 0
        times.update((day.isoweekday(), hour) for hour in range(hours))
    return times
