"""Answers from sums, and from the visits that filters choose, equal those of all rows."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime, time, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from tests.clickstream.dashboard import strategies
from tests.clickstream.dashboard.builders import FactStore, PublishedHour, fact_tables
from tests.support.examples import examples

from clickstream.dashboard.changes.weeks import Weeks, weekly_question
from clickstream.dashboard.questions.daily_sums import COHORTS
from clickstream.dashboard.questions.dimensions import DIMENSIONS, FILTERS
from clickstream.dashboard.questions.fact_copy import FactCopy
from clickstream.dashboard.questions.fact_views import GOALS, PAGE_VIEWS, SESSIONS, FactView
from clickstream.dashboard.questions.metrics import METRICS
from clickstream.dashboard.questions.periods import Period
from clickstream.dashboard.questions.question import Question, build_question
from clickstream.dashboard.questions.view import Filter

FIRST, DAYS = date(2026, 10, 20), 40
"""Longer than a month, with the night in which clocks change."""

days = st.integers(0, DAYS - 1).map(lambda number: FIRST + timedelta(days=number))
moments = st.builds(datetime.combine, days, st.times())
visits = st.builds(
    replace,
    strategies.visits,
    started_at=moments,
    visitor=st.integers(1, 4),
    region=st.sampled_from([None, "England", "Ohio"]),
    city=st.sampled_from([None, "Boston", "London"]),
    device=st.sampled_from(["desktop", "mobile"]),
    cohort=st.sampled_from([None, None, None, "none: assets=none"]),
)
newest = days.map(lambda day: PublishedHour(datetime.combine(day, time())))
"""The newest hour, whose date has sums by hour."""
steps = st.lists(st.tuples(st.lists(visits, max_size=12), newest), min_size=1, max_size=3)
TIMES: tuple[tuple[str, ...], ...] = ((), ("day",), ("week",), ("weekday", "hour"), ("day", "hour"))


@st.composite
def periods(draw: st.DrawFn) -> Period:
    first, last = sorted((draw(days), draw(days)))
    return Period(first, last, draw(st.none() | st.integers(0, 23)))


@st.composite
def filters_of(draw: st.DrawFn, dimensions: list[str]) -> Filter:
    known = [
        "Direct",
        "Email",
        "GB",
        "US",
        "/",
        "/menu",
        "desktop",
        "order",
        "Boston, GB",
        "machine",
        "person",
        None,
    ]
    values = draw(st.lists(st.sampled_from(known), min_size=1, max_size=2, unique=True))
    return Filter(draw(st.sampled_from(dimensions)), tuple(values), is_excluded=draw(st.booleans()))


def of_facts(facts: FactView) -> tuple[list[str], list[str]]:
    """The metrics of a fact view, and its dimensions."""
    metrics = [name for name, one in METRICS.items() if one.facts is facts]
    return metrics, [name for name, one in DIMENSIONS.items() if one.facts is facts]


@st.composite
def questions(draw: st.DrawFn) -> Question:
    """A question about visits, page views or goals, with small groups of two visitors."""
    metrics, dimensions = of_facts(draw(st.sampled_from([SESSIONS, SESSIONS, PAGE_VIEWS, GOALS])))
    chosen = draw(st.lists(st.sampled_from(metrics), min_size=1, max_size=4, unique=True))
    one = draw(st.none() | st.sampled_from(dimensions))
    plain = [name for name in dimensions if name in FILTERS]
    kinds = [[one] if one in plain else plain, [*FILTERS]]
    filters = draw(st.lists(st.sampled_from(kinds).flatmap(filters_of), max_size=2))
    period = draw(periods())
    if draw(st.integers(0, 9)) == 0:
        cohorts = filters if draw(st.booleans()) else []
        key_days = draw(st.sampled_from([3, 30]))
        return build_question(("visitors",), COHORTS, period, cohorts, key_days=key_days)
    if draw(st.integers(0, 9)) == 0:
        whole_days = Weeks(replace(period, until_hour=None))
        return weekly_question(whole_days, ("visitors",), (), filters, is_daily=True)
    if draw(st.booleans()) and chosen[0] in ("visits", "views", "goal_visits"):
        weeks = Weeks(replace(period, last=min(period.last, period.first + timedelta(days=20))))
        by = (one,) if one in plain and not DIMENSIONS[one].known else ()
        metrics = [*dict.fromkeys((chosen[0], *ADDITIVE[chosen[0]]))]
        return weekly_question(weeks, metrics, by, filters, goal="order")
    by_time = draw(st.sampled_from(TIMES))
    found = build_question(
        chosen,
        (*([one] if one else ()), *by_time),
        period,
        filters,
        key_days=draw(st.sampled_from([3, 30])),
        goal=draw(st.sampled_from(["order", "order", "newsletter"])),
    )
    return replace(found, sql=found.sql.replace("visitor_id) >= 10", "visitor_id) >= 2"))


ADDITIVE = {
    "visits": ("conversion_rate", "engaged_rate", "conversions"),
    "views": (),
    "goal_visits": (),
}
"""Metrics that the sentences ask by week, by the first one."""


def in_order(rows: list[tuple[Any, ...]]) -> list[tuple[Any, ...]]:
    return sorted(rows, key=repr)


# A lake costs as much as 50 questions: two lakes with 60 questions each take 2 s of CPU time.
@examples(times=0.3)
@given(steps, st.lists(questions(), min_size=60, max_size=60))
def test_after_any_refreshes_answers_equal_those_of_all_rows(lakes, asked) -> None:
    store = FactStore({})
    with TemporaryDirectory() as directory:
        copy = FactCopy(Path(directory), store.read_file)
        for some, hour in lakes:
            store.put(fact_tables(some, [hour]))
            copy.update(store.manifest)
        with copy.snapshot() as snapshot:
            for one in asked:
                of_rows = snapshot.cursor.execute(one.sql, list(one.values)).fetchall()
                answer = snapshot.rows(one)
                if "order by" in one.sql and "weight" not in one.dimensions:
                    assert answer == of_rows
                else:
                    assert in_order(answer) == in_order(of_rows)
        copy.close()
