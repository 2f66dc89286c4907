"""New and returning visitors and weekly cohorts, held against a count in plain Python."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.clickstream.dashboard.ask.test_questions import copy_of, in_period
from tests.clickstream.dashboard.builders import FactStore, Visit, fact_tables, hours_between
from tests.clickstream.dashboard.rendered import page_of
from tests.clickstream.dashboard.strategies import filters, periods, visits
from tests.support.examples import examples

from clickstream.dashboard.ask.fact_copy import Snapshot
from clickstream.dashboard.ask.periods import Period
from clickstream.dashboard.ask.question import build_question
from clickstream.dashboard.ask.view import Filter, View
from clickstream.dashboard.pages.visitors.values import Cohort, build_cohorts, build_kinds
from clickstream.settings import Settings

some_visits = st.lists(visits, max_size=14)
MONDAY = datetime(2026, 10, 5)
WEEK, DAY = timedelta(weeks=1), timedelta(days=1)
NOW = MONDAY + 6 * WEEK + timedelta(hours=12)
RANGE = View("visitors").with_days(MONDAY.date(), NOW.date())


def kinds_of(rows: list[Visit]) -> list[str]:
    """Whether each visit is on the first day of its visitor, or on a later one."""
    first: dict[int, date] = {}
    for visit in rows:
        day = visit.started_at.date()
        first[visit.visitor] = min(first.get(visit.visitor, day), day)
    return [
        "returning" if visit.started_at.date() > first[visit.visitor] else "new" for visit in rows
    ]


@given(some_visits, periods(), st.lists(filters, max_size=2), st.booleans())
@examples(times=0.5)
def test_new_and_returning_visits_and_cohorts_are_those_of_a_count(
    rows, period, chosen, is_excluded
) -> None:
    with copy_of(rows) as snapshot:
        assert_new_and_returning_visits_are_all_visits(snapshot, period, chosen)
        for kind in ("new", "returning"):
            assert_a_visit_is_new_if_its_visitor_was_not_seen_on_an_earlier_day(
                snapshot, rows, period, Filter("visitor_kind", (kind,), is_excluded)
            )
        assert_every_visitor_of_a_cohort_came_in_its_first_week(snapshot, period, chosen)


def assert_new_and_returning_visits_are_all_visits(
    snapshot: Snapshot, period: Period, chosen: Sequence[Filter]
) -> None:
    kinds = snapshot.rows(build_question(("visits",), ("visitor_kind",), period, chosen))
    (whole,) = snapshot.rows(build_question(("visits",), (), period, chosen))
    assert sum(number for _, number in kinds) == whole[0]
    assert {kind for kind, _ in kinds} <= {"new", "returning"}


def assert_a_visit_is_new_if_its_visitor_was_not_seen_on_an_earlier_day(
    snapshot: Snapshot, rows: list[Visit], period: Period, chosen: Filter
) -> None:
    passed = [
        visit
        for visit, found in zip(rows, kinds_of(rows), strict=True)
        if ((found,) == chosen.values) != chosen.is_excluded and in_period(visit, period)
    ]
    views = sum(len(visit.pages) for visit in passed)
    assert snapshot.rows(build_question(("visits",), (), period, [chosen])) == [(len(passed),)]
    assert snapshot.rows(build_question(("views",), (), period, [chosen])) == [(views,)]


def assert_every_visitor_of_a_cohort_came_in_its_first_week(
    snapshot: Snapshot, period: Period, chosen: Sequence[Filter]
) -> None:
    weeks = replace(period, first=period.first - 7 * DAY, until_hour=None)
    question = build_question(("visitors",), ("first_week", "week"), weeks, chosen)
    counts = {(first, week): number for first, week, number in snapshot.rows(question)}
    assert all(first <= week for first, week in counts)
    sizes = {first: number for (first, week), number in counts.items() if first == week}
    assert all(number <= sizes[first] for (first, _), number in counts.items())


@pytest.mark.parametrize(("days", "kind"), [(7, "returning"), (30, "returning"), (31, "new")])
def test_earlier_visits_count_for_as_long_as_a_visitor_key_is_good(days, kind) -> None:
    rows = [Visit(MONDAY, 1), Visit(MONDAY + days * DAY, 1)]
    day = (MONDAY + days * DAY).date()
    question = build_question(("visits",), ("visitor_kind",), Period(day, day), key_days=30)
    with copy_of(rows) as snapshot:
        assert snapshot.rows(question) == [(kind, 1)]


def test_the_setting_of_key_days_reaches_the_question() -> None:
    moments = (MONDAY, MONDAY + 40 * DAY)
    visits = [Visit(at, number) for at in moments for number in range(30)]
    store = FactStore(fact_tables(visits, []))
    view = View("visitors").with_days(*[(MONDAY + 40 * DAY).date()] * 2)
    for days, returning in ((30, "No visitor is known"), (60, "At least 30 of 30 visitors")):
        chosen = Settings.model_validate({"privacy": {"key_days": days}})
        with page_of(store, view, now=MONDAY + 41 * DAY, settings=chosen) as page:
            kinds = build_kinds(page)
        assert kinds
        assert kinds.returning.startswith(returning)


@given(some_visits, periods())
def test_the_sentence_on_returning_counts_people(rows, period) -> None:
    chosen = [v for v in zip(rows, kinds_of(rows), strict=True) if in_period(v[0], period)]
    people = {visit.visitor for visit, _ in chosen}
    returned = {visit.visitor for visit, kind in chosen if kind == "returning"}
    view, now = View("visitors").with_days(period.first, period.last), datetime(2026, 12, 1)
    store = FactStore(fact_tables(rows))
    with page_of(store, view, now=now) as page:
        page.__dict__["period"] = period
        kinds = build_kinds(page)
    assert (kinds is None) == (not chosen)
    if kinds and returned:
        assert f"At least {len(returned)} of {len(people)} visitors" in kinds.returning
    elif kinds:
        assert kinds.returning.startswith("No visitor is known")


def loyal(start: datetime, first: int, size: int, weeks: dict[int, int]) -> list[Visit]:
    """A cohort that begins in a week: its first visits, and how many come again weeks later."""
    came = [Visit(start + DAY, first + number) for number in range(size)]
    return came + [
        Visit(start + later * WEEK + 2 * DAY, first + number)
        for later, again in weeks.items()
        for number in range(again)
    ]


VISITS = [
    *loyal(MONDAY, 1, 40, {1: 10, 2: 4, 3: 2, 4: 3}),
    *loyal(MONDAY + WEEK, 101, 50, {1: 5, 2: 5, 4: 3}),
    *loyal(MONDAY + 3 * WEEK, 201, 29, {1: 29}),
    *loyal(MONDAY + 5 * WEEK, 301, 60, {}),
    *[Visit(MONDAY + 6 * WEEK + timedelta(hours=6), 301 + number) for number in range(6)],
]


@pytest.fixture(scope="module")
def store() -> FactStore:
    return FactStore(fact_tables(VISITS, hours_between(MONDAY, NOW)))


def cohorts_of(store: FactStore, view: View = RANGE, now: datetime = NOW) -> dict[str, Cohort]:
    with page_of(store, view, now=now) as page:
        return {cohort.week: cohort for cohort in build_cohorts(page).cohorts}


def texts(cohort: Cohort) -> list[str]:
    return [cell.text for cell in cohort.cells]


def states(cohort: Cohort) -> list[str]:
    return [cell.state for cell in cohort.cells]


def test_a_cohort_is_followed_for_three_weeks(store: FactStore) -> None:
    found = cohorts_of(store)
    assert list(found) == ["9 Nov", "26 Oct", "12 Oct", "5 Oct"]
    assert texts(found["5 Oct"]) == ["25.0%", "10.0%", "5.0%"]
    assert texts(found["12 Oct"]) == ["10.0%", "10.0%", "0.0%"]
    assert found["5 Oct"].visitors == "40"


def test_a_week_that_is_not_over_is_marked_and_later_ones_are_empty(store: FactStore) -> None:
    found = cohorts_of(store)
    assert states(found["9 Nov"]) == ["open", "ahead", "ahead"]
    assert texts(found["9 Nov"]) == ["10.0%", "", ""]


def test_a_small_cohort_has_no_shares(store: FactStore) -> None:
    found = cohorts_of(store)
    assert set(states(found["26 Oct"])) == {"small"}
    assert texts(found["26 Oct"]) == ["–"] * 3


@pytest.mark.parametrize(
    ("rotated", "first", "second"),
    [
        (MONDAY + 2 * WEEK, "known rotated rotated", "rotated rotated rotated"),
        (MONDAY + 4 * WEEK, "known known known", "known known rotated"),
    ],
)
def test_no_cohort_is_followed_across_a_rotation_of_keys(rotated, first, second) -> None:
    hours = [
        *hours_between(MONDAY, rotated),
        *hours_between(rotated, NOW, visitor_key="key-2"),
    ]
    found = cohorts_of(FactStore(fact_tables(VISITS, hours)))
    assert states(found["5 Oct"]) == first.split()
    assert states(found["12 Oct"]) == second.split()


def test_a_rotation_is_told_beside_new_and_returning(store: FactStore) -> None:
    rotated = NOW - 10 * DAY
    hours = [*hours_between(MONDAY, rotated), *hours_between(rotated, NOW, visitor_key="key-2")]
    with_rotation = FactStore(fact_tables(VISITS, hours))
    for view in (View("visitors", "7d"), View("visitors", "28d")):
        with page_of(with_rotation, view, now=NOW) as page:
            kinds = build_kinds(page)
        assert kinds
        assert "Visitor keys changed on 6 Nov" in kinds.rotated
    with page_of(store, now=NOW) as page:
        kinds = build_kinds(page)
    assert kinds
    assert kinds.rotated == ""


def test_weeks_begin_at_local_midnight_when_clocks_change() -> None:
    """In London the week of 26 October begins at 00:00 UTC, and the one before at 23:00 UTC."""
    london = ZoneInfo("Europe/London")
    rotated = datetime(2026, 10, 18, 23)
    hours = [*hours_between(MONDAY, rotated), *hours_between(rotated, NOW, visitor_key="key-2")]
    with page_of(FactStore(fact_tables(VISITS, hours)), RANGE, now=NOW) as page:
        local = build_cohorts(replace(page, zone=london))
        in_utc = build_cohorts(page)
    shown = {cohort.week: states(cohort) for cohort in local.cohorts}
    assert shown["5 Oct"] == ["known", "rotated", "rotated"]
    assert {c.week: states(c) for c in in_utc.cohorts}["5 Oct"] == ["rotated"] * 3


def test_a_range_of_a_day_has_the_cohorts_of_six_weeks(store: FactStore) -> None:
    found = cohorts_of(store, View("visitors", "today"))
    assert "12 Oct" in found
    assert "5 Oct" not in found


def test_columns_of_both_kinds_add_up_to_the_visits_of_a_day(store: FactStore) -> None:
    with page_of(store, RANGE, now=NOW) as page:
        kinds = build_kinds(page)
        visits_by_day = page.answer(("visits",), ("day",)).rows
    assert kinds
    shown = [sum(int(cell) for cell in row[1:]) for row in kinds.rows if row[1] != "–"]
    counted: dict[date, int] = defaultdict(int, visits_by_day)
    assert [number for number in shown if number] == [counted[d] for d in sorted(counted)]
    assert sum(part.height for part in kinds.wide.parts) > 0
