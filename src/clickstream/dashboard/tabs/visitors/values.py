"""The Visitors tab: what people do on the site."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from clickstream.dashboard.questions.dimensions import DIMENSIONS
from clickstream.dashboard.questions.panel import grain_of
from clickstream.dashboard.tabs.orders.figures import KeyFigure
from clickstream.dashboard.tabs.overview.tiles import build_tiles
from clickstream.dashboard.tabs.visitors.cohorts import SMALLEST_COHORT, WEEKS, build_cohorts
from clickstream.dashboard.tabs.visitors.next_pages import build_next_pages
from clickstream.dashboard.tabs.visitors.panels import DEVICES, VIEWED_PAGES
from clickstream.dashboard.tabs.visitors.response_times import build_response_times
from clickstream.dashboard.tabs.visitors.visitor_kinds import build_kinds
from clickstream.dashboard.widgets.course import ask_course
from clickstream.dashboard.widgets.lists import ListPanel, list_panel
from clickstream.dashboard.widgets.page import PageContext

FIGURES = {"visitors", "visits", "page_views"}
"""The metrics of the key figures."""


def visitors_values(page: PageContext) -> dict[str, Any]:
    """Build the values of the tab's template."""
    return {
        "figures": _figures(page),
        "viewed_pages": _viewed_pages(page),
        "estimated": _estimated(page),
        "next_pages": build_next_pages(page),
        "response_times": build_response_times(page),
        "kinds": build_kinds(page),
        "devices": list_panel(page, DEVICES),
        "cohorts": build_cohorts(page),
        "weeks": WEEKS,
        "too_small": f"fewer than {page.formats.count(SMALLEST_COHORT)} visitors",
        "key_days": page.formats.plural(
            "A visitor is recognized for {number} day at most.",
            "A visitor is recognized for {number} days at most.",
            page.key_days,
        ),
    }


def _figures(page: PageContext) -> list[KeyFigure]:
    """Build the numbers of visitors, visits and page views, as the Overview shows them."""
    course = ask_course(page, grain_of(page.view, page.period), with_money=False)
    return [
        KeyFigure(
            tile.metric.label,
            tile.metric.definition,
            *(tile.value, tile.change, tile.hint, tile.spark),
            prefix=tile.prefix,
        )
        for tile in build_tiles(page, course, with_money=False)
        if tile.metric.name in FIGURES
    ]


def _viewed_pages(page: PageContext) -> ListPanel:
    """Build the list of pages; the estimated share of the times is above it, not in a column.

    It is the share of last page views, so each row's value would be close to its exit rate.
    """
    panel = list_panel(page, VIEWED_PAGES, hidden=("estimated_share",))
    if page.view.choice(VIEWED_PAGES.name) == "host" or _has_hosts(page):
        return panel
    host = DIMENSIONS["host"].label
    return replace(panel, choices=[one for one in panel.choices if one[0] != host])


def _has_hosts(page: PageContext) -> bool:
    """Whether the pages have more than one host, so that a list of hosts says something."""
    return len(page.answer(("views",), ("host",), limit=2).rows) > 1


def _estimated(page: PageContext) -> str:
    """State the estimated share of the times on the listed pages; empty if no times are shown."""
    if page.view.choice("viewed_pages") != "page":
        return ""
    answer = page.answer(("views", "estimated_share")).single()
    if answer["estimated_share"] is None:
        return ""
    return f"Time: {page.formats.share(answer['estimated_share'], 0)} estimated"
