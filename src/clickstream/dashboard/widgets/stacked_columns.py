"""Columns over time, each a stack of groups, and the same numbers as a table."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from clickstream.dashboard.ask.metrics import Metric
from clickstream.dashboard.ask.panel import GRAIN_DIMENSIONS
from clickstream.dashboard.charts import columns
from clickstream.dashboard.charts.columns import ColumnChart
from clickstream.dashboard.widgets.buckets import Bucket
from clickstream.dashboard.widgets.course import published_keys, unfinished_place
from clickstream.dashboard.widgets.page import PageContext

Stack = Sequence[float | None]
"""The numbers of a group in each bucket; None where no hour is published."""


class StackedColumns(NamedTuple):
    """The chart in two widths, and the rows of the table: a title and a cell of each group."""

    wide: ColumnChart
    narrow: ColumnChart
    rows: list[tuple[str, ...]]


def stacks_of(
    page: PageContext,
    buckets: Sequence[Bucket],
    metric: Metric,
    records: Iterable[tuple[str, Mapping[str, Any]]],
    groups: Sequence[str],
) -> list[Stack]:
    """Return the stack of each group, the lowest first; `records` are those of an answer by group.

    Records of one group and bucket are added.
    """
    if not buckets:
        return [[] for _ in groups]
    by = GRAIN_DIMENSIONS[buckets[0].grain]
    published = published_keys(page, buckets)
    counts: Counter[tuple[str, tuple[Any, ...]]] = Counter()
    for group, row in records:
        counts[group, tuple(row[name] for name in by)] += row[metric.name]
    return [
        [float(counts[group, b.key]) if b.key in published else None for b in buckets]
        for group in groups
    ]


def stacked_columns(
    page: PageContext,
    buckets: Sequence[Bucket],
    metric: Metric,
    names: Sequence[str],
    stacks: Sequence[Stack],
) -> StackedColumns:
    """Draw the stacks of the groups with some names."""
    formats = page.formats
    rows = [
        (bucket.title(formats), *(formats.value(metric, value) for value in values))
        for bucket, *values in zip(buckets, *stacks, strict=True)
    ]
    titles = [
        "\n".join([row[0], *(f"{name}: {cell}" for name, cell in zip(names, row[1:], strict=True))])
        for row in rows
    ]
    labels = [bucket.label(formats, page.period.days) for bucket in buckets]
    unfinished = unfinished_place(page, buckets)

    def label_of(value: float) -> str:
        return formats.tick(metric, value)

    wide, narrow = (
        columns.column_chart(stacks, labels, titles, box, label_of, unfinished)
        for box in (columns.HALF, columns.NARROW)
    )
    return StackedColumns(wide, narrow, rows)
