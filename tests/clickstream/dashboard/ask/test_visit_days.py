"""Answers from daily sums equal those of the rows, after any refreshes."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from hypothesis import Phase, given
from hypothesis import strategies as st
from tests.clickstream.dashboard import strategies
from tests.clickstream.dashboard.builders import FactStore, Visit, fact_tables
from tests.support.examples import examples

from clickstream.dashboard.ask.dimensions import DIMENSIONS
from clickstream.dashboard.ask.fact_copy import FactCopy
from clickstream.dashboard.ask.fact_views import SESSIONS
from clickstream.dashboard.ask.metrics import METRICS
from clickstream.dashboard.ask.periods import Period
from clickstream.dashboard.ask.question import Question, build_question
from clickstream.dashboard.ask.view import Filter
from clickstream.dashboard.ask.visit_days import dates_by_hour
from clickstream.dashboard.changes.days import Days, daily_question

FIRST, DAYS = date(2026, 10, 20), 40
"""Longer than a month, with the night in which clocks change."""

days = st.integers(0, DAYS - 1).map(lambda number: FIRST + timedelta(days=number))
visits = st.builds(
    replace,
    strategies.visits,
    started_at=st.builds(datetime.combine, days, st.times()),
    visitor=st.integers(1, 4),
    region=st.sampled_from([None, "England", "Ohio"]),
    city=st.sampled_from([None, "Boston", "London"]),
    cohort=st.sampled_from([None, None, None, "none: assets=none"]),
)
periods = st.builds(
    lambda ends, hour: Period(min(ends), max(ends), hour),
    st.tuples(days, days),
    st.none() | st.integers(0, 23),
)
SUMMED = [name for name, metric in METRICS.items() if metric.days_sql]
TIMES: tuple[tuple[str, ...], ...] = ((), ("day",), ("week",), ("weekday",), ("weekday", "hour"))
of_visits = [
    name
    for name, dimension in DIMENSIONS.items()
    if dimension.facts is SESSIONS and not dimension.history_sql
]
names = st.none() | st.sampled_from(of_visits)
VALUES = (None, "Direct", "Email", "GB", "US", "/", "/menu", "desktop", "Boston, GB", "0", "Safari")
filters = st.builds(
    Filter,
    st.sampled_from(of_visits),
    st.lists(st.sampled_from(VALUES), min_size=1, max_size=2, unique=True).map(tuple),
    st.booleans(),
)


@st.composite
def questions(draw: st.DrawFn) -> Question:
    name, period = draw(names), draw(periods)
    metrics = draw(st.lists(st.sampled_from(SUMMED), min_size=1, max_size=4, unique=True))
    chosen = draw(st.lists(filters, max_size=1))
    if name and chosen and draw(st.booleans()):
        chosen = [replace(chosen[0], dimension=name)]
    by = (name,) if name else ()
    goal = draw(st.sampled_from(["order", "newsletter"]))
    if draw(st.booleans()):
        return build_question(
            metrics, (*by, *draw(st.sampled_from(TIMES))), period, chosen, goal=goal
        )
    compared = Days(replace(period, last=min(period.last, period.first + timedelta(days=20))))
    if draw(st.booleans()):
        whole = Days(replace(compared.checked, until_hour=None))
        return daily_question(whole, ("visitors", *metrics), (), chosen, goal=goal)
    return daily_question(compared, metrics, by, chosen, goal=goal)


def in_order(rows: list[tuple[Any, ...]]) -> list[tuple[Any, ...]]:
    return sorted(rows, key=repr)


steps = st.lists(st.lists(visits, min_size=15, max_size=30), min_size=2, max_size=3)


# A lake costs as much as 50 questions.
@examples(times=0.5, phases=[Phase.generate])
@given(steps, st.lists(questions(), min_size=60, max_size=60))
def test_sums_have_the_answers_of_the_rows(steps, asked) -> None:
    store = FactStore({})
    with TemporaryDirectory() as directory:
        copy = FactCopy(Path(directory), store.read_file)
        for some in steps:
            store.put(fact_tables(some, []))
            copy.update(store.manifest)
        with copy.snapshot() as snapshot:
            for question in asked:
                ordered = in_order if "late" in question.dimensions else list
                rows = ordered(snapshot.rows(replace(question, on_days=None)))
                assert ordered(snapshot.rows(question)) == rows, question.on_days
        copy.close()


def test_questions_of_long_ranges_are_answered_by_sums() -> None:
    period = Period(FIRST, FIRST + timedelta(days=30), until_hour=9)
    email = [Filter("channel", ("Email",))]
    summed = [
        build_question(("visits", "conversion_rate"), ("source",), period, goal="order"),
        build_question(("visitors", "visits"), ("day",), period),
        build_question(("page_views",), ("week",), period, email),
        daily_question(Days(period), ("visits", "conversions"), ("city",), goal="order"),
    ]
    of_rows = [
        build_question(("visitors",), (), period),
        build_question(("visits",), ("hour",), period),
        build_question(("visits",), ("device",), period, email),
        build_question(("visits",), ("country",), period),
        build_question(("visits",), (), period, [Filter("suspicion", ("machine",))]),
        build_question(("visits",), (), period, [Filter("page", ("/menu",))]),
    ]
    assert all(question.on_days for question in summed)
    assert not any(question.on_days for question in of_rows)


def test_sums_of_all_dates_are_computed_when_the_copy_has_none(tmp_path: Path) -> None:
    moment = datetime(2026, 11, 2, 9)
    store = FactStore(fact_tables([Visit(moment), Visit(moment + timedelta(days=9))]))
    copy = FactCopy(tmp_path, store.read_file)
    copy.update(store.manifest)
    with copy.snapshot() as snapshot:
        snapshot.cursor.execute("drop table visit_days")
        snapshot.cursor.execute("commit")
    store.put(fact_tables([Visit(moment), Visit(moment + timedelta(days=9))] * 2))
    question = build_question(("visits",), (), Period(FIRST, FIRST + timedelta(days=40)))
    with copy.snapshot() as snapshot:
        assert snapshot.rows(question) == [(2,)]
    copy.update(store.manifest)
    with copy.snapshot() as snapshot:
        assert snapshot.rows(question) == [(4,)]
    copy.close()


def test_after_midnight_the_sums_of_the_new_weekday_are_by_hour(tmp_path: Path) -> None:
    monday = datetime(2026, 10, 19, 9)
    moments = [monday + timedelta(days=7 * week, hours=week) for week in range(6)]
    today = moments[-1].date()
    period = Period(today - timedelta(days=6), today, until_hour=12)
    question = daily_question(Days(period), ("visits",), ("channel",))
    tuesday = moments[-2] + timedelta(days=1)
    store = FactStore({})
    copy = FactCopy(tmp_path, store.read_file)
    for newest in (tuesday, moments[-1]):
        store.put(fact_tables([Visit(moment) for moment in (*moments[:-1], tuesday, newest)]))
        copy.update(store.manifest)
    with copy.snapshot() as snapshot:
        assert question.on_days.by_hour <= dates_by_hour(snapshot.cursor)
        rows = snapshot.rows(replace(question, on_days=None))
        assert in_order(snapshot.rows(question)) == in_order(rows)
    copy.close()
