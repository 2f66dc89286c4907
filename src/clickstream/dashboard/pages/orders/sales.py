"""What the Orders page shows of the shop's orders: items, pairs, customers, refunds and times."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from clickstream.dashboard.ask.coverage import to_local
from clickstream.dashboard.ask.intervals import (
    SHARE_MINIMUM,
    Z99,
    known_share,
    poisson_interval,
    wilson,
)
from clickstream.dashboard.ask.metrics import METRICS
from clickstream.dashboard.charts.columns import bar_widths
from clickstream.dashboard.pages.orders.panels import (
    CUSTOMERS,
    MENU_SALES,
    PAIRS,
    REFUNDS,
    SALES_TIMES,
    SOLD_BY,
)
from clickstream.dashboard.pages.orders.questions import item_questions
from clickstream.dashboard.pages.trust.sales import (
    compare_records,
    day_with_year,
    describe_as_read,
    missing_dates,
    read_days,
    rounding_of,
    sales_questions,
)
from clickstream.dashboard.widgets.lists import ListPanel, list_panel
from clickstream.dashboard.widgets.page import PageContext
from clickstream.dashboard.widgets.times import Times, TimesPanel, times_of
from clickstream.step_config import sources_of_orders

# Items of the menu: what is sold, beside the visits that viewed the item's page.

ROWS = 12
"""Maximum number of items on the page; the CSV file has all."""

RARELY = 1.5
"""An item is rarely bought if it has that many times as many visits per order as the others."""

_WORDS = re.compile(r"[^\W_]+")


@dataclass(frozen=True)
class MenuRow:
    """An item: orders with it, what was sold, and the visits that viewed its page.

    `visits` and `per_order` are None if no page has the item's name. With `is_rarely_bought`, it is
    viewed as the others, and bought less than chance explains.
    """

    name: str
    orders: int
    sold: str
    sales: str
    width: float
    visits: int | None
    per_order: float | None = None
    is_rarely_bought: bool = False


@dataclass(frozen=True)
class _Item:
    """The numbers of an item, with its name as shown."""

    name: str
    orders: int = 0
    sold: float = 0
    cents: int = 0
    visits: int | None = None


def menu_rows(page: PageContext) -> list[MenuRow]:
    """Return the items by their sales; those that were viewed and never bought come last."""
    (question,) = page.questions(MENU_SALES)
    sold = page.ask(question).records()
    views = _views_by_item(page)
    items = [
        _Item(
            record["item"],
            record["item_orders"],
            record["items_sold"],
            record["item_sales"],
            views.get(item_key(record["item"]), ("", None))[1],
        )
        for record in sorted(sold, key=lambda record: -record["item_sales"])
    ]
    sold_keys = {item_key(item.name) for item in items}
    items += [_Item(name, visits=n) for key, (name, n) in views.items() if key not in sold_keys]
    widths = bar_widths([item.cents for item in items])
    return [_row(page, item, items, width) for item, width in zip(items, widths, strict=True)]


def item_key(name: str) -> str:
    """Return a name's words in lower case, as in an address: chocolate-chip-cookie."""
    return "-".join(_WORDS.findall(name.casefold()))


def _views_by_item(page: PageContext) -> Mapping[str, tuple[str, int]]:
    """Return the name and the visits of each item's page: its name in the settings, or its end."""
    by_key: dict[str, tuple[str, int]] = {}
    names = page.settings.dashboard.page_names
    for record in page.ask(item_questions(page)[0]).records():
        last = record["page"].rstrip("/").rpartition("/")[2].partition(".")[0]
        name = names.get(record["page"], last)
        by_key.setdefault(item_key(name), (name, int(record["page_visits"])))
    return by_key


def _row(page: PageContext, item: _Item, items: Sequence[_Item], width: float) -> MenuRow:
    return MenuRow(
        item.name,
        item.orders,
        _quantity(page, item.sold),
        page.shown(METRICS["item_sales"], item.cents),
        width,
        item.visits,
        item.visits / item.orders if item.visits and item.orders else None,
        _is_rarely_bought(item, [other for other in items if other is not item]),
    )


def _quantity(page: PageContext, value: Any) -> str:
    """Format a number of pieces, or a weight with a decimal."""
    is_whole = float(value).is_integer()
    return page.formats.count(value) if is_whole else page.formats.decimal(value)


def _is_rarely_bought(item: _Item, others: Sequence[_Item]) -> bool:
    """Whether an item has fewer orders than its visits would give at the others' rate."""
    viewed = [other for other in others if other.visits]
    visits, orders = sum(other.visits or 0 for other in viewed), sum(o.orders for o in viewed)
    if (item.visits or 0) < SHARE_MINIMUM or visits < SHARE_MINIMUM:
        return False
    expected = (item.visits or 0) * orders / visits
    return expected >= RARELY * item.orders and poisson_interval(item.orders, Z99)[1] < expected


# Whether the orders of a page are those of the shop, in one or two sentences.


def reconciliation_of(page: PageContext) -> list[str]:
    """State whether the lake's orders equal the shop's, and how many dates have none."""
    (question,) = sales_questions(page)
    records = page.ask(question).records()
    if not records:
        return ["The lake has no sales of these dates."]
    return [*_verdict(page, records), *rounding_of(page, records), *_missing(page, records)]


def _verdict(page: PageContext, records: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    formats, compared = page.formats, compare_records(page, records)
    bad = [record for record in records if not record["reconciled_dates"]]
    if bad:
        yield _differing(page, bad)
    elif compared.compared_at:
        yield formats.plural(
            "The {number} order that the lake has equals the shop's to the cent, as compared on "
            "{day}.",
            "All {number} orders that the lake has equal the shop's to the cent, as compared on "
            "{day}.",
            sum(record["sales_orders"] for record in compared.compared),
            day=day_with_year(page, to_local(compared.compared_at, page.zone).date()),
        )
    if compared.changed:
        yield formats.plural(
            "{number} date has changed at the shop since it was read on {days}.",
            "{number} dates have changed at the shop since they were read on {days}.",
            len(compared.changed),
            days=read_days(page, compared.changed),
        )
    if compared.as_read:
        yield describe_as_read(page, compared.as_read)


def _differing(page: PageContext, bad: Sequence[Mapping[str, Any]]) -> str:
    """State how many dates differ from what was read."""
    formats = page.formats
    days = len({record["day"] for record in bad})
    cents = sum(record["missing_cents"] for record in bad)
    if not cents:
        return formats.plural(
            "{number} date does not reconcile with the shop.",
            "{number} dates do not reconcile with the shop.",
            days,
        )
    return formats.plural(
        "{number} date differs from the shop by {amount}.",
        "{number} dates differ from the shop by {amount}.",
        days,
        amount=formats.money(cents, formats.currency),
    )


def _missing(page: PageContext, records: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    sources = sources_of_orders(page.settings)
    days = {day for source in sources for day in missing_dates(page, records, source)}
    if days:
        yield page.formats.plural(
            "No orders on {number} date: the shop had none, or was not read.",
            "No orders on {number} dates: the shop had none, or was not read.",
            len(days),
        )


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
    orders = {record["customer_kind"]: record["orders"] for record in records}
    of_known = orders.get("new", 0) + orders.get("returning", 0)
    share = known_share(orders.get("returning", 0), of_known)
    if share is None:
        return ["Too few orders have a known customer."]
    low, high = wilson(orders.get("returning", 0), of_known)
    sentence = (
        f"{formats.share(share, 0)} of the orders with a known customer are of returning ones "
        f"(95 % interval: {formats.share(low, 0)} – {formats.share(high, 0)})."
    )
    if of_known == sum(orders.values()):
        return [sentence]
    part = formats.share(of_known / sum(orders.values()), 0)
    return [sentence, f"{part} of all orders have one."]


def _refunded(page: PageContext) -> str:
    """State the sum of the refunds and its share of the gross sales of these dates."""
    sums, formats = page.answer(("gross_sales", "refunds_paid")).single(), page.formats
    if not sums["refunds_paid"] or not sums["gross_sales"]:
        return ""
    share = formats.share(sums["refunds_paid"] / sums["gross_sales"])
    return f"{formats.money(sums['refunds_paid'], formats.currency)}, {share} of gross sales"


def _times_of_sales(page: PageContext) -> Times:
    """Count each weekday and hour of the dates with sales, up to the last hour that is shown."""
    days = {record["day"] for record in page.ask(sales_questions(page)[0]).records()}
    times: Counter[tuple[int, int]] = Counter()
    shown = page.until_complete(page.period)
    for day in (day for day in days if day <= shown.last):
        is_whole = day < shown.last or shown.until_hour is None
        hours = 24 if is_whole else shown.until_hour or 0
        times.update((day.isoweekday(), hour) for hour in range(hours))
    return times
