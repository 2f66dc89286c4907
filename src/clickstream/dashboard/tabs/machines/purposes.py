"""Requests of machines over time, by purpose."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from clickstream.dashboard.charts import columns
from clickstream.dashboard.charts.columns import ColumnChart
from clickstream.dashboard.questions.metrics import METRICS
from clickstream.dashboard.questions.panel import GRAIN_DIMENSIONS, grain_of
from clickstream.dashboard.tabs.machines.panels import PURPOSES
from clickstream.dashboard.texts import mark
from clickstream.dashboard.widgets.buckets import Bucket, buckets_of
from clickstream.dashboard.widgets.course import published_keys, summarize, unfinished_place
from clickstream.dashboard.widgets.page import PageContext

REQUESTS = METRICS["bot_requests"]

GROUPS: Mapping[str, str] = {
    "search engine": mark("Search engines"),
    "ai training": mark("AI training"),
    "ai search": mark("AI search and agents"),
    "ai user": mark("AI search and agents"),
    "scanner": mark("Scanners"),
}
"""The groups of the chart, by class; all other classes are `OTHERS`."""

OTHERS = mark("Others")
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
    stacks = _stacks(page, buckets, records)
    wide, narrow, rows = _charts(page, buckets, stacks)
    sums = [
        None if None in parts else sum(value or 0 for value in parts)
        for parts in zip(*stacks, strict=True)
    ]
    names = [page.formats.text(name) for name in NAMES]
    return PurposesPanel(names, wide, narrow, rows, summarize(page, buckets, sums, REQUESTS))


def _stacks(
    page: PageContext, buckets: Sequence[Bucket], records: Sequence[Mapping[str, Any]]
) -> list[list[float | None]]:
    """Return the requests of each group in each bucket; None where no hour is published."""
    by = GRAIN_DIMENSIONS[buckets[0].grain]
    published = published_keys(page, buckets)
    counts: dict[tuple[str, tuple[Any, ...]], float] = {}
    for row in records:
        key = GROUPS.get(row["bot_class"], OTHERS), tuple(row[name] for name in by)
        counts[key] = counts.get(key, 0) + row["bot_requests"]
    return [
        [counts.get((name, b.key), 0.0) if b.key in published else None for b in buckets]
        for name in NAMES
    ]


def _charts(
    page: PageContext, buckets: Sequence[Bucket], stacks: Sequence[Sequence[float | None]]
) -> tuple[ColumnChart, ColumnChart, list[tuple[str, ...]]]:
    formats = page.formats
    rows = [
        (bucket.title(formats), *(formats.value(REQUESTS, value) for value in values))
        for bucket, *values in zip(buckets, *stacks, strict=True)
    ]
    names = [formats.text(name) for name in NAMES]
    titles = [
        "\n".join([row[0], *(f"{name}: {cell}" for name, cell in zip(names, row[1:], strict=True))])
        for row in rows
    ]
    labels = [bucket.label(formats, page.period.days) for bucket in buckets]
    place = unfinished_place(page, buckets)

    def label_of(value: float) -> str:
        return formats.tick(REQUESTS, value)

    wide, narrow = (
        columns.column_chart(stacks, labels, titles, box, label_of, place)
        for box in (columns.HALF, columns.NARROW)
    )
    return wide, narrow, rows
