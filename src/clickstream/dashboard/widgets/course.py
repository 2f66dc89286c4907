"""Values of the metrics over a period, in each bucket of the main chart."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence, Set
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

from clickstream.dashboard.ask.coverage import HOURS_OF_A_DAY, clock_changes
from clickstream.dashboard.ask.metrics import METRICS, Metric
from clickstream.dashboard.ask.panel import GRAIN_DIMENSIONS
from clickstream.dashboard.ask.periods import start_of
from clickstream.dashboard.ask.view import MONEY_TILES, TILES, Grain
from clickstream.dashboard.widgets.buckets import Bucket, buckets_of
from clickstream.dashboard.widgets.page import PageContext

MOST_BETWEEN = timedelta(days=7)
"""Maximum gap between two periods that one question reads."""

Records = Mapping[tuple[Any, ...], Mapping[str, Any]]
"""Figures by the keys of the buckets."""


@dataclass(frozen=True)
class Course:
    """The buckets of a chart, their figures, and the figures of the compared buckets.

    `published` has the keys of the buckets with at least one published hour.
    """

    buckets: Sequence[Bucket]
    now: Records
    then: Records
    published: Set[tuple[Any, ...]]

    def values(self, name: str) -> list[float | None]:
        """Return a metric's values; None where no hour is published, or a share has no visits."""
        metric = METRICS[name]
        return [
            value_at(self.now, bucket.key, metric) if bucket.key in self.published else None
            for bucket in self.buckets
        ]


def value_at(records: Records, key: tuple[Any, ...], metric: Metric) -> float | None:
    """Return a metric's value in a bucket; 0 for a count or a sum without rows."""
    figures = records.get(key, {})
    if metric.name not in figures:
        return 0.0 if _is_sum(metric) else None
    value = figures[metric.name]
    return None if value is None else float(value)


def ask_course(page: PageContext, grain: Grain, *, with_money: bool = True) -> Course:
    """Ask for the figures of the period's buckets and of the compared period.

    Those of money are asked `with_money`, if the page has it.
    """
    by, buckets = GRAIN_DIMENSIONS[grain], buckets_of(page.period, grain)
    twice = _hours_twice(page) if grain == "hour" else set()
    metrics = (TILES, MONEY_TILES) if with_money and page.has_money else (TILES,)
    answers = [_ask_both(page, names, by) for names in metrics]
    now, then = (
        _join_figures(_by_key(records, by, twice) for records in pair)
        for pair in zip(*answers, strict=True)
    )
    return Course(buckets, now, then, published_keys(page, buckets))


def _join_figures(parts: Iterable[Records]) -> Records:
    """Join the figures of visits and of money by their keys."""
    joined: dict[tuple[Any, ...], dict[str, Any]] = {}
    for records in parts:
        for key, figures in records.items():
            joined.setdefault(key, {}).update(figures)
    return joined


def _ask_both(
    page: PageContext, metrics: Sequence[str], by: Sequence[str]
) -> tuple[Sequence[Mapping[str, Any]], Sequence[Mapping[str, Any]]]:
    """Ask for the figures of the period and of the one before; as one question if they adjoin.

    Without a comparison, there are none of the period before.

    The figures of a day or hour do not depend on the question's dates; those of a week do.
    """
    before = page.compared_dates if page.compared else None
    if before is None:
        return page.answer(metrics, by).records(), []
    gap = page.period.first - before.last
    if by[0] != "day" or not timedelta() < gap <= MOST_BETWEEN:
        return page.answer(metrics, by).records(), page.answer(metrics, by, before).records()
    records = page.answer(metrics, by, replace(page.period, first=before.first)).records()
    return (
        [record for record in records if record["day"] >= page.period.first],
        [record for record in records if record["day"] <= before.last],
    )


def _by_key(
    records: Sequence[Mapping[str, Any]], by: Sequence[str], twice: Set[tuple[Any, ...]]
) -> Records:
    """Return the records by their key; the sums of hours that occur `twice` are halved."""
    by_key = {tuple(record[name] for name in by): record for record in records}
    for key in by_key.keys() & twice:
        by_key[key] = {
            name: value / 2 if name in METRICS and _is_sum(METRICS[name]) else value
            for name, value in by_key[key].items()
        }
    return by_key


def _is_sum(metric: Metric) -> bool:
    return metric.format == "count" or metric.is_additive


def _hours_twice(page: PageContext) -> set[tuple[Any, ...]]:
    """Return the dates and hours, of the period and the compared one, that clocks show twice."""
    return {
        (at.date(), at.hour)
        for period in (page.period, page.compared_dates)
        for at, hours in (clock_changes(period, page.zone) if period else ())
        if hours > HOURS_OF_A_DAY
    }


def published_keys(page: PageContext, buckets: Sequence[Bucket]) -> set[tuple[Any, ...]]:
    """Return the keys of the buckets with at least one published hour."""
    if buckets and buckets[0].grain == "hour":
        answer = page.answer(("published_hours",), ("day", "hour"))
        return {(row[0], row[1]) for row in answer.rows}
    days = page.coverage.days
    if buckets and buckets[0].grain == "week":
        return {b.key for b in buckets if any(b.start.date() <= d < b.end.date() for d in days)}
    return {(day,) for day in days}


def finished_values(
    page: PageContext, buckets: Sequence[Bucket], values: Sequence[float | None]
) -> list[float | None]:
    """Return the values for a sparkline: None for each hour, day or week that is not complete.

    A part of a day or week would look like a fall.
    """
    first, end = page.starts_at or start_of(page.period.first), page.coverage.complete_to
    return [
        value if end and first <= bucket.start and bucket.end <= end else None
        for bucket, value in zip(buckets, values, strict=True)
    ]


def summarize(
    page: PageContext, buckets: Sequence[Bucket], values: Sequence[float | None], metric: Metric
) -> str:
    """Describe a line to those who can't see it: its first, last, highest and lowest value.

    The bucket that is not over counts only if there is no other.
    """
    unfinished = unfinished_place(page, buckets)
    points = [(value, index) for index, value in enumerate(values) if value is not None]
    points = [point for point in points if point[1] != unfinished] or points
    if not points:
        return "No value is known."

    def name(point: tuple[float, int]) -> str:
        return f"{page.formats.value(metric, point[0])} ({buckets[point[1]].title(page.formats)})"

    return (
        f"First {name(points[0])}, last {name(points[-1])}, highest "
        f"{name(max(points, key=lambda point: point[0]))}, lowest "
        f"{name(min(points, key=lambda point: point[0]))}."
    )


def unfinished_place(page: PageContext, buckets: Sequence[Bucket]) -> int | None:
    """Return the index of the bucket in which the published hours end; None if they fill it."""
    end = page.coverage.complete_to
    if end is None:
        return None
    return next((i for i, b in enumerate(buckets) if b.start < end < b.end), None)
