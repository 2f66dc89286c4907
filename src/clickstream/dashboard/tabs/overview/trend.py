"""The main chart: one metric over the period, with the compared period and notes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from clickstream.dashboard.charts.line import NARROW, WIDE, ChartSeries, LineChart, line_chart
from clickstream.dashboard.questions.metrics import Metric
from clickstream.dashboard.questions.panel import grain_of
from clickstream.dashboard.questions.view import Grain
from clickstream.dashboard.widgets.buckets import Bucket, buckets_of
from clickstream.dashboard.widgets.chart_notes import ChartNotes, number_notes
from clickstream.dashboard.widgets.course import Course, summarize, unfinished_place, value_at
from clickstream.dashboard.widgets.page import PageContext


@dataclass(frozen=True)
class TrendPanel:
    """The main chart for wide and for narrow screens, as a table, and as a sentence.

    `few` explains gaps where a share has too few visits, empty without such gaps.
    """

    metric: Metric
    grain: Grain
    wide: LineChart
    narrow: LineChart
    rows: Sequence[tuple[str, str, str]]
    notes: ChartNotes
    grains: Sequence[tuple[Grain, str]]
    label: str
    summary: str
    few: str


def build_trend(page: PageContext, course: Course) -> TrendPanel:
    """Draw the view's metric."""
    metric, formats = page.metric(page.view.metric), page.formats
    buckets, values = course.buckets, course.values(metric.name)
    past = [bucket.shifted(page.shift) for bucket in buckets]
    before = [value_at(course.then, one.key, metric) if course.then else None for one in past]
    notes = number_notes(page, buckets)
    rows = [
        (bucket.title(formats), formats.value(metric, value), formats.value(metric, earlier))
        for bucket, value, earlier in zip(buckets, values, before, strict=True)
    ]
    series = ChartSeries(
        values,
        before,
        [bucket.label(formats, page.period.days) for bucket in buckets],
        [
            _title(row, old.title(formats), bool(course.then))
            for row, old in zip(rows, past, strict=True)
        ],
        [bucket.days for bucket in buckets],
        _unfinished_from(page, buckets, values),
        notes.places,
        notes.own_places,
    )

    def label_of(value: float) -> str:
        return formats.tick(metric, value)

    grain = page.view.grain or "day"
    return TrendPanel(
        metric,
        grain,
        line_chart(series, WIDE, label_of),
        line_chart(series, NARROW, label_of),
        rows,
        notes,
        [(one, replace(page.view, grain=one).query) for one in _grains(page)],
        page.days(page.period),
        summarize(page, buckets, values, metric),
        _explain_gaps(course, metric),
    )


def _explain_gaps(course: Course, metric: Metric) -> str:
    rows = course.now.values()
    if metric.format != "share" or not any(
        row.get(metric.name, 0) is None and row["visits"] for row in rows
    ):
        return ""
    return f"A share of fewer than {metric.smallest_group} visits is not shown."


def _grains(page: PageContext) -> list[Grain]:
    """Return the grains that can be chosen for the period."""
    grains: tuple[Grain, ...] = ("hour", "day", "week")
    fine = [g for g in grains if grain_of(replace(page.view, grain=g), page.period) == g]
    return [g for g in fine if len(buckets_of(page.period, g)) > 1]


def _title(row: tuple[str, str, str], past: str, is_compared: bool) -> str:
    when, value, before = row
    return f"{when}: {value}\n{past}: {before}" if is_compared else f"{when}: {value}"


def _unfinished_from(
    page: PageContext, buckets: Sequence[Bucket], values: Sequence[float | None]
) -> int | None:
    """Return the place of the bucket that is not over, if it has a value."""
    place = unfinished_place(page, buckets)
    return place if place is not None and values[place] is not None else None
