"""The links around the panels: tabs, ranges, comparison, filters and keyboard shortcuts."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from clickstream.dashboard.ask.dimensions import DIMENSIONS
from clickstream.dashboard.ask.periods import (
    COMPARISONS,
    RANGES,
    Comparison,
    RangeName,
    beside,
)
from clickstream.dashboard.ask.view import TABS, Tab, View
from clickstream.dashboard.sentences import Findings
from clickstream.dashboard.web.filter_field import filter_dimensions
from clickstream.dashboard.widgets.addresses import PATHS, address_on
from clickstream.dashboard.widgets.lists import shorten_name, value_name, value_title
from clickstream.dashboard.widgets.page import PageContext

TAB_LABELS: dict[Tab, str] = {
    "overview": "Overview",
    "visitors": "Visitors",
    "marketing": "Marketing",
    "orders": "Orders",
    "places": "Places",
    "machines": "Machines",
    "trust": "Trust",
}

RANGE_LABELS: dict[RangeName, tuple[str, str]] = {
    "today": ("Today", "d"),
    "yesterday": ("Yesterday", "e"),
    "7d": ("7 days", "w"),
    "28d": ("28 days", "f"),
    "90d": ("90 days", "n"),
    "month": ("This month", "m"),
    "year": ("This year", "y"),
}
"""The label and the key of each range."""

IN_BAR: tuple[RangeName, ...] = ("today", "7d", "28d", "90d")
"""The ranges in the bar; the menu has the others."""

COMPARISON_LABELS: dict[Comparison, str] = {
    "previous": "Compare with before",
    "year": "Compare with last year",
    "none": "Don't compare",
}

KEYS = (
    ("D E W F N M Y", "Today, yesterday, 7, 28, 90 days, month, year"),
    ("← →", "Earlier, later"),
    ("X", "Switch the comparison"),
    ("Esc", "Clear the filters"),
    ("?", "This list"),
)

TAB_KEYS = "The pages, in their order"


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
    title: str
    query: str


def navigation(page: PageContext) -> dict[str, Any]:
    """Build the values of the bar's template."""
    view = page.view
    shown = shown_tabs(page)
    in_menu = [name for name in RANGES if name in RANGE_LABELS and name not in IN_BAR]
    return {
        "tabs": [
            TabLink(tab_label(page, tab), PATHS[tab] + view.on_tab(tab).query, tab == view.tab)
            for tab in shown
        ],
        "tab_path": PATHS[view.tab],
        "trust_path": "" if view.tab == "trust" else address_on(page, "trust", view),
        "ranges": [_range_link(page, name) for name in IN_BAR],
        "more_ranges": [_range_link(page, name) for name in in_menu],
        "range_in_bar": view.range in IN_BAR,
        "span": page.days(page.period),
        "compared": _compared_label(page),
        "comparisons": _comparison_links(page),
        "earlier": _stepped(page, -1),
        "later": _stepped(page, 1),
        "first": page.period.first,
        "last": page.period.last,
        "kept_parameters": _kept_parameters(view),
        "chips": chips(page),
        "filter_dimensions": filter_dimensions(page),
        "cleared": replace(view, filters=()).query,
        "keys": [(" ".join(str(number) for number in range(1, len(shown) + 1)), TAB_KEYS), *KEYS],
    }


def visits_frame(page: PageContext) -> dict[str, Any]:
    """Build the values of the frame that differ on the list of visits, which is on no tab.

    It makes no share links, because their readers may not see single visits.
    """
    links = navigation(page)["tabs"]
    view = page.view
    remaining = tuple(
        filter_ for filter_ in view.filters if filter_.dimension not in ("met_goal", "met_error")
    )
    every = replace(view, filters=remaining)
    choices = [
        ("All", every),
        *([("Met a goal", every.with_filter("met_goal", "yes"))] if page.has_goals else []),
        ("Met an error", every.with_filter("met_error", "yes")),
    ]
    return {
        "tabs": [replace(link, is_shown=False) for link in links],
        "tab_path": "visits",
        "identity": replace(page.identity, shares_at=""),
        "tab_title": "Visits",
        "made": None,
        "says": Findings((), ""),
        "choices": [
            (label, chosen.query, chosen.filters == view.filters) for label, chosen in choices
        ],
    }


def _compared_label(page: PageContext) -> str:
    """Return the label of the menu of comparisons: the compared dates, or why there are none."""
    if page.compared_dates is None:  # the reader compares with nothing
        return COMPARISON_LABELS["none"]
    if page.compared is None:  # too many hours of either period are missing
        return "Nothing to compare with"
    return f"vs {page.days(page.compared_dates)}"


def shown_tabs(page: PageContext) -> list[Tab]:
    """Return the tabs that the page's reader may open and that have figures."""
    return [tab for tab in TABS if page.identity.opens(tab) and _has_content(page, tab)]


def tab_label(page: PageContext, tab: Tab) -> str:
    """Return the name of a tab; the one of conversions has the name of what the site's goal is."""
    if tab == "orders" and not page.is_main_goal_order:
        return "Conversions"
    return TAB_LABELS[tab]


def _has_content(page: PageContext, tab: Tab) -> bool:
    """Whether a tab has figures: that of orders needs a goal, a funnel or a shop."""
    if tab != "orders":
        return True
    return page.has_goals or page.has_shop or bool(page.settings.funnel)


def _range_link(page: PageContext, name: RangeName) -> MenuLink:
    label, key = RANGE_LABELS[name]
    is_shown = page.view.range == name
    return MenuLink(label, page.view.with_range(name).query, is_shown, key)


def _comparison_links(page: PageContext) -> list[MenuLink]:
    """Return the comparisons; the key X selects the one after the current one."""
    shown = COMPARISONS.index(page.view.compare)
    following = COMPARISONS[(shown + 1) % len(COMPARISONS)]
    return [
        MenuLink(
            COMPARISON_LABELS[name],
            replace(page.view, compare=name).query,
            name == page.view.compare,
            "x" if name == following else "",
        )
        for name in COMPARISONS
    ]


def _stepped(page: PageContext, direction: int) -> str:
    """Return the query of the range before or after: a year, a month, or as many days."""
    moved = beside(page.chosen_dates, direction)
    if direction > 0 and moved.first > page.now.date():
        return page.view.query
    return page.view.with_days(moved.first, moved.last).query


def _kept_parameters(view: View) -> list[tuple[str, str]]:
    """Return the parameters that the form of dates keeps."""
    return [
        pair for pair in view.parameters if pair[0] not in ("range", "from", "to", "by", "hour")
    ]


MOST_NAMED = 3
"""Maximum number of filters in a page's title."""


def page_title(page: PageContext) -> str:
    """Return the name of the tab, and what its filters choose."""
    label, shown = tab_label(page, page.view.tab), chips(page)
    named = [
        f"{chip.label} {chip.relation} {shorten_name(chip.value)}" for chip in shown[:MOST_NAMED]
    ]
    if unnamed := len(shown) - MOST_NAMED:
        named += [f"+{unnamed}"] if unnamed > 0 else []
    return f"{label}: {', '.join(named)}" if named else label


def chips(page: PageContext) -> list[Chip]:
    """Return each value of each filter."""
    return [
        Chip(
            DIMENSIONS[filter_.dimension].label,
            "is not" if filter_.is_excluded else "is",
            value_name(page, filter_.dimension, value),
            value_title(page, filter_.dimension, value),
            page.view.without_filter(filter_.dimension, value, filter_.is_excluded).query,
        )
        for filter_ in page.view.filters
        for value in filter_.values
    ]
