"""The Overview tab: how the café is doing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from clickstream.dashboard.ask.metrics import METRICS, Metric
from clickstream.dashboard.ask.panel import grain_of
from clickstream.dashboard.ask.periods import Period
from clickstream.dashboard.ask.view import Grain
from clickstream.dashboard.changes.candidates import compare_numbers, count_number
from clickstream.dashboard.changes.days import ask_days, find_days
from clickstream.dashboard.changes.history import (
    SALES,
    days_with_sales,
    is_read_until,
    needed_days,
)
from clickstream.dashboard.charts.line import NARROW, WIDE, ChartSeries, LineChart, line_chart
from clickstream.dashboard.pages.overview.panels import PAGES, SOURCES
from clickstream.dashboard.pages.overview.tiles import Tile, build_tiles, describe_before
from clickstream.dashboard.widgets.buckets import Bucket, buckets_of
from clickstream.dashboard.widgets.chart_notes import ChartNotes, number_notes
from clickstream.dashboard.widgets.course import (
    Course,
    ask_course,
    summarize,
    unfinished_place,
    value_at,
)
from clickstream.dashboard.widgets.goal_proposals import propose_goals
from clickstream.dashboard.widgets.goals import GoalRow, Pace, goal_rows, pace_text, sales_pace
from clickstream.dashboard.widgets.lists import ListPanel, choices_of, list_panel
from clickstream.dashboard.widgets.money import explain_no_money
from clickstream.dashboard.widgets.page import PageContext
from clickstream.dashboard.widgets.times import HOURS, TimesPanel, build_times

# The main chart: one metric over the period, with the compared period and notes.


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
    before = [value_at(course.then, bucket.key, metric) if course.then else None for bucket in past]
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
        [(choice, replace(page.view, grain=choice).query) for choice in _grains(page)],
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
    """Return the index of the bucket that is not over, if it has a value."""
    index = unfinished_place(page, buckets)
    return index if index is not None and values[index] is not None else None


# Net sales so far today, beside those of the same weekday by the same hour.


def describe_today(page: PageContext) -> str:
    """State the net sales of today's complete hours; empty if the page has none."""
    end, today = page.coverage.complete_to, page.now.date()
    if end is None or end.date() != today or not end.hour or not page.has_money:
        return ""
    if not is_read_until(page, end):
        return ""
    days = find_days(page, Period(today, today, end.hour))
    with_sales = days_with_sales(page, days) if days.is_known.sum() >= needed_days(1) else None
    days = with_sales or days
    series = ask_days(page, days, SALES)[()]
    numbers = [count_number("net_sales", (), series)] if with_sales else []
    compared = [number.compared for number in compare_numbers(days, numbers)]
    usual = compared[0].usual if compared else None
    now, hour = _brief(page, series["net_sales"].now), page.formats.hour(end.hour)
    if usual is None:
        return f"So far today {now}, until {hour}."
    weekday = page.formats.long_weekday(today)
    return (
        f"So far today {now}; usually {_brief(page, usual)} by this hour ({hour}) on a {weekday}."
    )


def _brief(page: PageContext, cents: float) -> str:
    return page.formats.brief(METRICS["net_sales"], cents)


@dataclass(frozen=True)
class Overview:
    """All panels of the tab."""

    tiles: Sequence[Tile]
    trend: TrendPanel
    sources: ListPanel
    pages: ListPanel
    times: TimesPanel
    goals: Sequence[GoalRow]
    sales: Pace | None


def build_overview(page: PageContext) -> Overview:
    """Ask for everything that the tab shows."""
    grain = grain_of(page.view, page.period)
    # Only the chart's links name the resolved grain; other links keep the view's own.
    drawn = replace(page, view=replace(page.view, grain=grain))
    course = ask_course(page, grain)
    return Overview(
        build_tiles(page, course),
        build_trend(drawn, course),
        list_panel(page, SOURCES),
        list_panel(page, PAGES),
        build_times(page),
        goal_rows(page),
        sales_pace(page),
    )


def overview_values(page: PageContext) -> dict[str, Any]:
    """Build the values of the tab's template."""
    data = build_overview(page)
    compared = page.compared_dates if page.compared else None
    span = page.days(compared) if compared else ""
    grains = {"hour": "by hour", "day": "by day", "week": "by week"}
    return {
        "data": data,
        "compared_span": span,
        "trend_choices": [
            (grains[grain], query, grain == data.trend.grain) for grain, query in data.trend.grains
        ],
        "trend_label": f"{data.trend.metric.label}, {data.trend.label}. {data.trend.summary}",
        "more_notes": page.formats.plural(
            "{number} more note", "{number} more notes", len(data.trend.notes.others)
        ),
        "note_day": max(page.period.first, min(page.period.last, page.now.date())),
        "note_hours": [(hour, page.formats.hour(hour)) for hour in range(24)],
        "trend_rows": [row if compared else row[:2] for row in data.trend.rows],
        "times_choices": choices_of(page, "times"),
        "hours": HOURS,
        "before_text": partial(describe_before, page),
        "pace_text": lambda pace: pace_text(page.formats, pace),
        "sales_text": lambda pace: pace_text(page.formats, pace, page.formats.whole_units),
        "today": describe_today(page),
        "no_money": explain_no_money(page),
        "proposed_goals": propose_goals(page) if not data.goals else None,
    }
