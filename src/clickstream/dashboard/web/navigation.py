"""The links around the panels: tabs, ranges, comparison, filters and keyboard shortcuts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

from clickstream.dashboard.questions.dimensions import DIMENSIONS
from clickstream.dashboard.questions.periods import COMPARISONS, RANGES, Comparison, RangeName
from clickstream.dashboard.questions.view import TABS, Tab, View
from clickstream.dashboard.texts import mark
from clickstream.dashboard.web.filter_field import filter_dimensions
from clickstream.dashboard.widgets.addresses import PATHS, address_on
from clickstream.dashboard.widgets.lists import shorten_name, value_name
from clickstream.dashboard.widgets.page import PageContext

TAB_LABELS: dict[Tab, str] = {
    "overview": mark("Overview"),
    "visitors": mark("Visitors"),
    "marketing": mark("Marketing"),
    "orders": mark("Orders"),
    "places": mark("Places"),
    "trust": mark("Trust"),
}

RANGE_LABELS: dict[RangeName, tuple[str, str]] = {
    "today": (mark("Today"), "d"),
    "yesterday": (mark("Yesterday"), "e"),
    "7d": (mark("7 days"), "w"),
    "28d": (mark("28 days"), "f"),
    "90d": (mark("90 days"), "n"),
    "month": (mark("This month"), "m"),
    "year": (mark("This year"), "y"),
}
"""The label and the key of each range."""

IN_BAR: tuple[RangeName, ...] = ("today", "7d", "28d", "90d")
"""The ranges in the bar; the menu has the others."""

COMPARISON_LABELS: dict[Comparison, str] = {
    "previous": mark("Compare with before"),
    "year": mark("Compare with last year"),
    "none": mark("Don't compare"),
}

KEYS = (
    ("D E W F N M Y", mark("Today, yesterday, 7, 28, 90 days, month, year")),
    ("← →", mark("Earlier, later")),
    ("X", mark("Switch the comparison")),
    ("Esc", mark("Clear the filters")),
    ("?", mark("This list")),
)

TAB_KEYS = mark("The pages, in their order")


@dataclass(frozen=True)
class MenuLink:
    """A link of the bar: its address, its key, and whether it is the current choice."""

    label: str
    query: str
    is_shown: bool = False
    key: str = ""


@dataclass(frozen=True)
class TabLink:
    """A tab that keeps the view's state."""

    label: str
    href: str
    is_shown: bool


@dataclass(frozen=True)
class Chip:
    """One value of a filter, and the query without it."""

    label: str
    relation: str
    value: str
    query: str


def navigation(page: PageContext) -> dict[str, Any]:
    """Build the values of the bar's template."""
    view, formats = page.view, page.formats
    text = formats.text
    compared = page.compared_dates
    shown = [tab for tab in TABS if page.identity.opens(tab) and _has_content(page, tab)]
    return {
        "tabs": [
            TabLink(tab_label(page, tab), PATHS[tab] + view.on_tab(tab).query, tab == view.tab)
            for tab in shown
        ],
        "tab_path": PATHS[view.tab],
        "trust_path": "" if view.tab == "trust" else address_on(page, "trust", view),
        "ranges": [_range_link(page, name) for name in IN_BAR],
        "more_ranges": [_range_link(page, name) for name in RANGES if name in _in_menu()],
        "range_in_bar": view.range in IN_BAR,
        "span": page.days(page.period),
        "compared": text(COMPARISON_LABELS[view.compare])
        if compared is None
        else text(mark("vs %(days)s"), days=page.days(compared)),
        "comparisons": _comparison_links(page),
        "earlier": _stepped(page, -1),
        "later": _stepped(page, 1),
        "first": page.period.first,
        "last": page.period.last,
        "kept_parameters": _kept_parameters(view),
        "chips": chips(page),
        "filter_dimensions": filter_dimensions(page),
        "cleared": replace(view, filters=()).query,
        "keys": [
            (" ".join(str(number) for number in range(1, len(shown) + 1)), text(TAB_KEYS)),
            *((key, text(label)) for key, label in KEYS),
        ],
    }


def tab_label(page: PageContext, tab: Tab) -> str:
    """Return the name of a tab; the one of conversions has the name of what the site's goal is."""
    if tab == "orders" and not page.is_main_goal_order:
        return page.formats.text(mark("Conversions"))
    return page.formats.text(TAB_LABELS[tab])


def _has_content(page: PageContext, tab: Tab) -> bool:
    """Whether a tab has figures: the one of conversions needs a goal or a funnel."""
    return tab != "orders" or not page.hidden or bool(page.settings.funnel)


def _in_menu() -> Sequence[RangeName]:
    return [name for name in RANGE_LABELS if name not in IN_BAR]


def _range_link(page: PageContext, name: RangeName) -> MenuLink:
    label, key = RANGE_LABELS[name]
    is_shown = page.view.range == name
    return MenuLink(page.formats.text(label), page.view.with_range(name).query, is_shown, key)


def _comparison_links(page: PageContext) -> list[MenuLink]:
    """Return the comparisons; the key X selects the one after the current one."""
    shown = COMPARISONS.index(page.view.compare)
    following = COMPARISONS[(shown + 1) % len(COMPARISONS)]
    return [
        MenuLink(
            page.formats.text(COMPARISON_LABELS[name]),
            replace(page.view, compare=name).query,
            name == page.view.compare,
            "x" if name == following else "",
        )
        for name in COMPARISONS
    ]


def _stepped(page: PageContext, direction: int) -> str:
    """Return the query of the range before or after, with the same number of days."""
    moved = page.period.shifted(direction * page.period.days)
    today = page.now.date()
    if direction > 0 and moved.first > today:
        return page.view.query
    if page.view.range == "month" or _is_month(page):
        return _month_beside(page, direction)
    return page.view.with_days(moved.first, moved.last).query


def _is_month(page: PageContext) -> bool:
    first, after = page.period.first, page.period.last + timedelta(days=1)
    return first.day == 1 and after.day == 1 and (after - first).days <= 31


def _month_beside(page: PageContext, direction: int) -> str:
    if direction > 0:
        first = page.period.last + timedelta(days=1)
    else:
        first = (page.period.first - timedelta(days=1)).replace(day=1)
    after = (first + timedelta(days=32)).replace(day=1)
    return page.view.with_days(first, after - timedelta(days=1)).query


def _kept_parameters(view: View) -> list[tuple[str, str]]:
    """Return the parameters that the form of dates keeps."""
    return [
        pair for pair in view.parameters if pair[0] not in ("range", "from", "to", "by", "hour")
    ]


MOST_NAMED = 3
"""Maximum number of filters in a page's title."""


def page_title(page: PageContext) -> str:
    """Return the name of the tab, and what its filters choose."""
    label, found = tab_label(page, page.view.tab), chips(page)
    named = [f"{one.label} {one.relation} {shorten_name(one.value)}" for one in found[:MOST_NAMED]]
    if more := len(found) - MOST_NAMED:
        named += [f"+{more}"] if more > 0 else []
    return f"{label}: {', '.join(named)}" if named else label


def chips(page: PageContext) -> list[Chip]:
    """Return each value of each filter."""
    text = page.formats.text
    return [
        Chip(
            text(DIMENSIONS[one.dimension].label),
            text(mark("is not")) if one.is_excluded else text(mark("is")),
            value_name(page, one.dimension, value),
            page.view.without_filter(one.dimension, value, one.is_excluded).query,
        )
        for one in page.view.filters
        for value in one.values
    ]
