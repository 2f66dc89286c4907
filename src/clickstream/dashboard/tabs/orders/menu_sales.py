"""Items of the menu: what is sold, beside the visits that viewed the item's page."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from clickstream.dashboard.charts.columns import bar_widths
from clickstream.dashboard.questions.intervals import SHARE_MINIMUM, Z99, poisson_interval
from clickstream.dashboard.questions.metrics import METRICS
from clickstream.dashboard.tabs.orders.panels import MENU_SALES
from clickstream.dashboard.tabs.orders.questions import item_questions
from clickstream.dashboard.widgets.page import PageContext

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
            one["item"],
            one["item_orders"],
            one["items_sold"],
            one["item_sales"],
            views.get(item_key(one["item"]), ("", None))[1],
        )
        for one in sorted(sold, key=lambda one: -one["item_sales"])
    ]
    known = {item_key(one.name) for one in items}
    items += [_Item(name, visits=n) for key, (name, n) in views.items() if key not in known]
    widths = bar_widths([one.cents for one in items])
    return [_row(page, one, items, width) for one, width in zip(items, widths, strict=True)]


def item_key(name: str) -> str:
    """Return a name's words in lower case, as in an address: chocolate-chip-cookie."""
    return "-".join(_WORDS.findall(name.casefold()))


def _views_by_item(page: PageContext) -> Mapping[str, tuple[str, int]]:
    """Return the name and the visits of each item's page: its name in the settings, or its end."""
    found: dict[str, tuple[str, int]] = {}
    names = page.settings.dashboard.page_names
    for one in page.ask(item_questions(page)[0]).records():
        last = one["page"].rstrip("/").rpartition("/")[2].partition(".")[0]
        name = names.get(one["page"], last)
        found.setdefault(item_key(name), (name, int(one["page_visits"])))
    return found


def _row(page: PageContext, one: _Item, items: Sequence[_Item], width: float) -> MenuRow:
    return MenuRow(
        one.name,
        one.orders,
        _quantity(page, one.sold),
        page.shown(METRICS["item_sales"], one.cents),
        width,
        one.visits,
        one.visits / one.orders if one.visits and one.orders else None,
        _is_rarely_bought(one, [other for other in items if other is not one]),
    )


def _quantity(page: PageContext, value: Any) -> str:
    """Format a number of pieces, or a weight with a decimal."""
    is_whole = float(value).is_integer()
    return page.formats.count(value) if is_whole else page.formats.decimal(value)


def _is_rarely_bought(one: _Item, others: Sequence[_Item]) -> bool:
    """Whether an item has fewer orders than its visits would give at the others' rate."""
    viewed = [other for other in others if other.visits]
    visits, orders = sum(other.visits or 0 for other in viewed), sum(o.orders for o in viewed)
    if (one.visits or 0) < SHARE_MINIMUM or visits < SHARE_MINIMUM:
        return False
    expected = (one.visits or 0) * orders / visits
    return expected >= RARELY * one.orders and poisson_interval(one.orders, Z99)[1] < expected
