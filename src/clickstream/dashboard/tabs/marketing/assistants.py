"""AI assistants: which ones bring visits, to which pages, and how their share changes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from clickstream.dashboard.changes.wording import change_of
from clickstream.dashboard.charts.line import sparkline
from clickstream.dashboard.formats import Change
from clickstream.dashboard.questions.intervals import known_share
from clickstream.dashboard.questions.panel import GRAIN_DIMENSIONS, grain_of
from clickstream.dashboard.tabs.marketing.panels import ASSISTANTS
from clickstream.dashboard.widgets.buckets import buckets_of
from clickstream.dashboard.widgets.course import finished_values, published_keys
from clickstream.dashboard.widgets.lists import ListPanel, list_panel
from clickstream.dashboard.widgets.page import PageContext


@dataclass(frozen=True)
class AssistantsPanel:
    """The list, the share of all visits, and the share over time as a sparkline.

    `change` is that of the number of visits.
    """

    listing: ListPanel
    share: str
    change: Change | None
    spark: Sequence[str]


def build_assistants(page: PageContext) -> AssistantsPanel:
    """Ask for the visits that AI assistants brought."""
    return AssistantsPanel(
        list_panel(page, ASSISTANTS),
        page.formats.share(_share(page)),
        change_of(page, "visits", (("channel", "AI Assistants"),)),
        sparkline(_course(page)),
    )


def _share(page: PageContext) -> float | None:
    """Return their share of all visits that pass the filters; None for too few visits."""
    filters = ASSISTANTS.filters(page.view)
    ours = page.answer(("visits",), filters=filters).single()["visits"] or 0
    visits = page.answer(("visits",)).single()["visits"] or 0
    return known_share(ours, visits)


def _course(page: PageContext) -> list[float | None]:
    """Return their share of the visits in each finished hour, day or week."""
    buckets = buckets_of(page.period, grain_of(page.view, page.period))
    if not buckets:
        return []
    by = GRAIN_DIMENSIONS[buckets[0].grain]
    filters = ASSISTANTS.filters(page.view)
    ours = {row[:-1]: row[-1] for row in page.answer(("visits",), by, filters=filters).rows}
    visits = {row[:-1]: row[-1] for row in page.answer(("visits",), by).rows}
    published = published_keys(page, buckets)
    shares = [
        known_share(ours.get(b.key, 0), visits.get(b.key, 0)) if b.key in published else None
        for b in buckets
    ]
    return finished_values(page, buckets, shares)
