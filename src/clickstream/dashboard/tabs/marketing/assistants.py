"""AI assistants: which ones bring visits, to which pages, and how their share changes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from clickstream.dashboard.charts.line import sparkline
from clickstream.dashboard.formats import Change
from clickstream.dashboard.questions.intervals import known_share, share_moved
from clickstream.dashboard.questions.metrics import METRICS
from clickstream.dashboard.questions.panel import GRAIN_DIMENSIONS, grain_of
from clickstream.dashboard.questions.periods import Period
from clickstream.dashboard.tabs.marketing.panels import ASSISTANTS
from clickstream.dashboard.widgets.buckets import buckets_of
from clickstream.dashboard.widgets.course import published_keys
from clickstream.dashboard.widgets.lists import ListPanel, list_panel
from clickstream.dashboard.widgets.page import PageContext


@dataclass(frozen=True)
class AssistantsPanel:
    """The list, the share of all visits, its change, and the share over time as a sparkline."""

    listing: ListPanel
    share: str
    change: Change | None
    spark: Sequence[str]


def build_assistants(page: PageContext) -> AssistantsPanel:
    """Ask for the visits that AI assistants brought."""
    share, visits = _share(page, page.period)
    return AssistantsPanel(
        list_panel(page, ASSISTANTS),
        page.formats.share(share),
        _change(page, share, visits),
        sparkline(_course(page)),
    )


def _share(page: PageContext, period: Period) -> tuple[float | None, int]:
    """Return their share of all visits that pass the filters, and the number of those visits."""
    filters = ASSISTANTS.filters(page.view)
    ours = page.answer(("visits",), period=period, filters=filters).single()["visits"] or 0
    visits = page.answer(("visits",), period=period).single()["visits"] or 0
    return known_share(ours, visits), visits


def _change(page: PageContext, share: float | None, visits: int) -> Change | None:
    """Return the change of the share, or None if chance explains it."""
    if page.compared is None or share is None:
        return None
    before, visits_before = _share(page, page.compared)
    if before is None or not share + before:
        return None
    if not share_moved(share, visits, before, visits_before):
        return None
    return page.formats.change(METRICS["engaged_rate"], share, before)


def _course(page: PageContext) -> list[float | None]:
    """Return their share of the visits in each hour, day or week."""
    buckets = buckets_of(page.period, grain_of(page.view, page.period))
    if not buckets:
        return []
    by = GRAIN_DIMENSIONS[buckets[0].grain]
    filters = ASSISTANTS.filters(page.view)
    ours = {row[:-1]: row[-1] for row in page.answer(("visits",), by, filters=filters).rows}
    visits = {row[:-1]: row[-1] for row in page.answer(("visits",), by).rows}
    published = published_keys(page, buckets)
    return [
        known_share(ours.get(b.key, 0), visits.get(b.key, 0)) if b.key in published else None
        for b in buckets
    ]
