"""Holdout tests: what campaigns brought, by regions in which they were switched off."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, timedelta
from importlib.util import find_spec

from clickstream.dashboard.ask.answers import Answer
from clickstream.dashboard.ask.metrics import METRICS, Metric
from clickstream.dashboard.ask.periods import Period
from clickstream.dashboard.ask.question import Question
from clickstream.dashboard.charts.line import NARROW, WIDE, ChartSeries, LineChart, line_chart
from clickstream.dashboard.pages.marketing.panels import HOLDOUTS
from clickstream.dashboard.widgets.page import PageContext
from clickstream.insight.holdout import Lift, NoAnswer
from clickstream.insight.holdout_history import (
    COLUMNS,
    dates_of_test,
    evaluate_test,
    history_of_rows,
    history_sql,
)
from clickstream.insight.holdout_terms import TestedMetric
from clickstream.insight.holdout_texts import describe
from clickstream.settings.holdouts import HoldoutSettings

HoldoutResult = tuple[Lift | NoAnswer, Sequence[str]]
"""The result of a test, and sentences on what limits it."""

HAS_SCIPY = find_spec("scipy") is not None
"""Whether tests can be planned and evaluated: the extra `open` lacks SciPy."""

NO_SCIPY = "SciPy is not installed; run: pip install 'clickstream[insight]'."


@dataclass(frozen=True)
class HoldoutChart:
    """Means per day by week: observed, and expected from the control; the test is shaded.

    `rows` are the weeks as texts: when, observed, expected.
    """

    metric: str
    wide: LineChart
    narrow: LineChart
    rows: Sequence[tuple[str, str, str]]


@dataclass(frozen=True)
class HoldoutTest:
    """A test with the sentence of its result; without a chart if there is none.

    `query` is that of the values by region.
    """

    name: str
    dates: str
    sentence: str
    notes: Sequence[str]
    query: str
    chart: HoldoutChart | None = None


def build_holdouts(page: PageContext) -> list[HoldoutTest]:
    """Evaluate the tests of the settings, the newest first."""
    tests = sorted(page.settings.holdouts, key=lambda test: test.first, reverse=True)
    return [_build(page, test) for test in tests]


def _build(page: PageContext, test: HoldoutSettings) -> HoldoutTest:
    result, limits = _evaluate(page, test)
    dates = dates_of_test(test, utc_date(page))
    view = replace(page.view, filters=()).with_days(*dates)
    return HoldoutTest(
        test.name,
        page.days(Period(test.first, test.last)),
        describe(result, test.campaigns, test.metric, page.settings.sales_currency),
        limits,
        view.with_choice(HOLDOUTS.name, test.metric).query,
        _draw(page, test, result) if isinstance(result, Lift) else None,
    )


def _evaluate(page: PageContext, test: HoldoutSettings) -> HoldoutResult:
    """Evaluate a test on all visits, whatever the page's filters are; once for its facts."""
    if not HAS_SCIPY:
        return NoAnswer("no package", NO_SCIPY), ()
    holdouts, dates = page.settings.holdouts, Period(*dates_of_test(test, utc_date(page)))
    answer = ask_history(page, test.metric, test.campaigns, dates)

    def compute() -> HoldoutResult:
        return evaluate_test(history_of_rows(test.metric, answer.rows), test, holdouts)

    return answer.derive(
        ("lift", *(holdout.model_dump_json() for holdout in (test, *holdouts))), compute
    )


def utc_date(page: PageContext) -> date:
    """Return the UTC date of the page's moment: tests have UTC dates."""
    return page.now.replace(tzinfo=page.zone).astimezone(UTC).date()


def ask_history(
    page: PageContext, metric: TestedMetric, campaigns: Sequence[str], dates: Period
) -> Answer:
    """Ask for the values by region and UTC date, as `clickstream lift` does."""
    sql = history_sql(metric, campaigns, dates.first, dates.last)
    return page.ask(Question(sql, (), COLUMNS, (), dates))


def _draw(page: PageContext, test: HoldoutSettings, result: Lift) -> HoldoutChart:
    metric, weeks = METRICS[test.metric], result.weeks
    spans = [Period(week.first, week.first + timedelta(days=6)) for week in weeks]
    rows = [
        (page.days(span), _mean(page, metric, week.observed), _mean(page, metric, week.synthetic))
        for span, week in zip(spans, weeks, strict=True)
    ]
    series = ChartSeries(
        [week.observed for week in weeks],
        [week.synthetic for week in weeks],
        [page.formats.day(span.first) for span in spans],
        [f"{when}: {seen} / {wanted}" for when, seen, wanted in rows],
        [f"{span.first}/{span.last}" for span in spans],
        shaded_from=sum(week.first < result.first for week in weeks),
    )

    def label_of(value: float) -> str:
        return page.formats.tick(metric, value)

    wide, narrow = (line_chart(series, box, label_of) for box in (WIDE, NARROW))
    return HoldoutChart(metric.label, wide, narrow, rows)


def _mean(page: PageContext, metric: Metric, value: float) -> str:
    """Format a mean per day: counts with a decimal."""
    is_money = metric.format == "cents"
    return page.shown(metric, round(value)) if is_money else page.formats.decimal(value)
