"""Requests of machines over time, by purpose."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from clickstream.dashboard.charts.columns import ColumnChart
from clickstream.dashboard.questions.metrics import METRICS
from clickstream.dashboard.questions.panel import grain_of
from clickstream.dashboard.tabs.machines.panels import PURPOSES
from clickstream.dashboard.widgets.buckets import buckets_of
from clickstream.dashboard.widgets.course import summarize
from clickstream.dashboard.widgets.page import PageContext
from clickstream.dashboard.widgets.stacked_columns import stacked_columns, stacks_of

REQUESTS = METRICS["bot_requests"]

GROUPS: Mapping[str, str] = {
    "search engine": "Search engines",
    "ai training": "AI training",
    "ai search": "AI search and agents",
    "ai user": "AI search and agents",
    "scanner": "Scanners",
}
"""The groups of the chart, by class; all other classes are `OTHERS`."""

OTHERS = "Others"
NAMES = (*dict.fromkeys(GROUPS.values()), OTHERS)


@dataclass(frozen=True)
class PurposesPanel:
    """Columns over time with a part for each group, the same as a table, and a description."""

    names: Sequence[str]
    wide: ColumnChart
    narrow: ColumnChart
    rows: Sequence[Sequence[str]]
    summary: str


def build_purposes(page: PageContext) -> PurposesPanel | None:
    """Ask for the requests over time; return None without a request."""
    records = page.ask(page.questions(PURPOSES)[-1]).records()
    buckets = buckets_of(page.period, grain_of(page.view, page.period))
    if not records or not buckets:
        return None
    of_groups = ((GROUPS.get(row["bot_class"], OTHERS), row) for row in records)
    stacks = stacks_of(page, buckets, REQUESTS, of_groups, NAMES)
    names = [*NAMES]
    chart = stacked_columns(page, buckets, REQUESTS, names, stacks)
    sums = [
        None if None in parts else sum(value or 0 for value in parts)
        for parts in zip(*stacks, strict=True)
    ]
    return PurposesPanel(names, *chart, summarize(page, buckets, sums, REQUESTS))
