"""The first hours of a lake: ranges begin with the log, and nothing is compared or forecast."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from math import sqrt
from zoneinfo import ZoneInfo

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st
from tests.clickstream.dashboard.builders import FactStore, Visit, fact_tables, hours_between
from tests.clickstream.dashboard.rendered import html_of, page_of, texts_of
from tests.support.cases import each_case
from tests.support.examples import examples

from clickstream.dashboard.ask.periods import start_of
from clickstream.dashboard.ask.view import TABS, View
from clickstream.dashboard.widgets.course import ask_course
from clickstream.dashboard.widgets.goals import Pace, goal_rows
from clickstream.settings import GoalSettings, Settings

NOW = datetime(2026, 11, 20, 15, 20)
END = NOW.replace(minute=0)
HOUR = timedelta(hours=1)
LONDON = ZoneInfo("Europe/London")
TARGET = Settings.model_validate(
    {
        "goals": {"order": GoalSettings(page="/order")},
        "dashboard": {"monthly_targets": {"order": 1000}},
    }
)


@lru_cache(2)
def young(hours: int) -> FactStore:
    """A lake of the last hours before now, with a visit with an order in each."""
    start = END - hours * HOUR
    visits = [Visit(start + n * HOUR, n, goals=("order",)) for n in range(hours)]
    return FactStore(fact_tables(visits, hours_between(start, END)))


def text_of(store: FactStore, view: View) -> str:
    with page_of(store, view, now=NOW, settings=TARGET) as page:
        return " ".join(" ".join(texts_of(html_of(page))).split())


@each_case("tab, hours", [*((tab, 1) for tab in TABS), ("overview", 30), ("trust", 30)])
def test_a_page_of_a_young_lake_begins_with_the_log_and_compares_nothing(tab, hours) -> None:
    begins = END - hours * HOUR
    with page_of(young(hours), View(tab), now=NOW) as page:
        assert page.period.first == begins.date()
        assert page.compared is None
    text = text_of(young(hours), View(tab))
    assert f"the log begins {begins.day} Nov, {begins:%H:%M}" in text
    assert "Nothing to compare with" in text
    assert "vs " not in text
    assert "missing or lack" not in text


def test_28_days_are_the_default_once_eight_weeks_before_them_can_be_compared() -> None:
    for days, name in ((1, "7d"), (83, "7d"), (84, "28d")):
        hours = (END - start_of(NOW.date() - timedelta(days=days))) // HOUR
        with page_of(young(hours), now=NOW) as page:
            assert page.with_default_range().view.range == name, days
            chosen = replace(page, view=View(range="90d")).with_default_range()
            assert chosen.view.range == "90d"


@given(st.integers(1, 400))
@examples(times=0.5)
def test_the_dates_of_a_page_are_those_of_the_range_from_the_log_on(hours: int) -> None:
    view = View(range="7d")
    begins = (END - hours * HOUR).date()
    with page_of(young(hours), view, now=NOW) as page:
        assert page.period.last == NOW.date()
        assert page.period.first == max(begins, NOW.date() - timedelta(days=6))
        shown = page.answer(("visits",)).single()["visits"]
        asked = page.answer(("visits",), period=page.chosen_dates).single()["visits"]
    assert shown == asked


@given(st.integers(1, 28 * 24))
@examples(times=0.5)
@example(7 * 24 - 1)
@example(7 * 24)
def test_a_forecast_adds_what_the_coming_hours_usually_bring(hours: int) -> None:
    """Each hour brings one order, so at the end of the month there is one for each hour."""
    with page_of(young(hours), now=NOW, settings=TARGET) as page:
        (row,) = goal_rows(page)
    assert row.pace
    coming = (datetime(2026, 12, 1) - END) // HOUR
    reached = min(hours, (END - datetime(2026, 11, 1)) // HOUR)
    assert row.pace.reached == reached
    assert row.pace.projected == (reached + coming if hours >= 7 * 24 else None)


@given(st.integers(1, 10**5), st.integers(0, 10**6))
def test_a_goal_is_on_pace_near_its_target_only(target: int, projected: int) -> None:
    pace = Pace(0, target, projected, 0.0, 0.0)
    off = abs(projected - target)
    assume(off)
    if off <= 2 * sqrt(target):
        assert pace.state == "on pace"
    if off > max(0.05 * target, 2 * sqrt(target)):
        assert pace.state == ("ahead" if projected > target else "behind")


@pytest.fixture(scope="module")
def empty() -> FactStore:
    return FactStore({})


@each_case("tab", TABS)
def test_an_empty_lake_says_how_to_start(empty, tab) -> None:
    settings = Settings.model_validate({"sources": ({"name": "web-1", "path": "/var/log/nginx"},)})
    with page_of(empty, View(tab), settings=settings) as page:
        text = " ".join(texts_of(html_of(page)))
    assert "clickstream_hourly" in text
    assert "web-1 : /var/log/nginx/*access*log*" in text
    assert "clickstream status" in text
    assert "Choose another range" not in text


CLOCKS = {
    date(2026, 10, 25): "Clocks go back: the day has 25 hours, and 01:00 occurs twice; "
    "a chart by hour shows half of both",
    date(2026, 3, 29): "Clocks go forward: the day has 23 hours, without 01:00",
}


@lru_cache(2)
def around(day: date) -> FactStore:
    """A lake in London of the days around one, with a visit in each hour of UTC."""
    start = datetime(day.year, day.month, day.day) - timedelta(days=10)
    hours = [one.row() for one in hours_between(start, start + timedelta(days=30))]
    visits = []
    for number, row in enumerate(hours):
        local = row["hour_at"].replace(tzinfo=UTC).astimezone(LONDON)
        row |= {"local_date": local.date(), "local_hour": local.hour}
        visits.append(Visit(local.replace(tzinfo=None), number))
    return FactStore(fact_tables(visits, [], {"hour_facts": hours}))


@pytest.mark.parametrize("day", CLOCKS)
def test_equal_hours_make_a_flat_chart_when_clocks_change(day) -> None:
    now = datetime(day.year, day.month, day.day) + timedelta(days=19)
    for shown in (day, day + timedelta(days=7)):
        view = View().with_days(shown, shown)
        with page_of(around(day), view, now=now, zone=LONDON.key) as page:
            course = ask_course(page, "hour")
        missing = [1] if (day.month, shown) == (3, day) else []
        values = course.values("visits")
        assert [n for n, value in enumerate(values) if value != 1] == missing
        assert all(figures["visits"] == 1 for figures in course.then.values())


@pytest.mark.parametrize("day", CLOCKS)
@pytest.mark.parametrize("later", [0, 7])
def test_a_day_of_23_or_25_hours_is_noted_also_where_it_is_compared(day, later) -> None:
    shown = day + timedelta(days=later)
    now = datetime(day.year, day.month, day.day) + timedelta(days=19)
    view = View().with_days(shown, shown)
    with page_of(around(day), view, now=now, zone=LONDON.key) as page:
        text = " ".join(texts_of(html_of(page)))
    compared = f"Compared with {day.day} {day:%b}, which has {25 if day.month == 10 else 23} hours"
    assert (CLOCKS[day] in text) == (not later)
    assert (compared in text) == bool(later)
