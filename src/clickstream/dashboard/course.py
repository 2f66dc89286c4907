"""The course of the metrics over a period: their values in each bucket of the main chart."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from clickstream.dashboard.buckets import Bucket
from clickstream.dashboard.metrics import METRICS
from clickstream.dashboard.page import Page
from clickstream.dashboard.panels import GRAIN_DIMENSIONS
from clickstream.dashboard.view import TILES, Grain

Records = Mapping[tuple[Any, ...], Mapping[str, Any]]
"""Figures of buckets by their keys."""


def ask_course(page: Page, grain: Grain) -> tuple[Records, Records]:
    """The figures of the period's buckets, and of those it is compared with."""
    by = GRAIN_DIMENSIONS[grain]
    now = page.answer(TILES, by)
    then = page.answer(TILES, by, page.compared_dates) if page.compared else None
    return _by_key(now.records(), by), _by_key(then.records() if then else [], by)


def _by_key(records: Sequence[Mapping[str, Any]], by: Sequence[str]) -> Records:
    return {tuple(record[name] for name in by): record for record in records}


def values_of(
    page: Page, buckets: Sequence[Bucket], course: Records, name: str
) -> list[float | None]:
    """A metric's values; None where no hour is published, and for shares of too few visits."""
    metric = METRICS[name]
    published = published_keys(page, buckets)
    values: list[float | None] = []
    for bucket in buckets:
        figures = course.get(bucket.key)
        if bucket.key not in published:
            values.append(None)
        elif figures is None:
            values.append(0 if metric.format == "count" else None)
        else:
            value = figures[name]
            values.append(None if value is None else float(value))
    return values


def published_keys(page: Page, buckets: Sequence[Bucket]) -> set[tuple[Any, ...]]:
    """The keys of the buckets of which an hour is published."""
    if buckets and buckets[0].grain == "hour":
        answer = page.answer(("published_hours",), ("day", "hour"))
        return {(row[0], row[1]) for row in answer.rows}
    days = page.coverage.days
    if buckets and buckets[0].grain == "week":
        return {b.key for b in buckets if any(b.start.date() <= d < b.end.date() for d in days)}
    return {(day,) for day in days}
