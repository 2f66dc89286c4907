from datetime import date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clickstream.dashboard.ask.periods import (
    Period,
    beside,
    compared_with,
    cut_at,
    period_of,
)

TODAY = date(2026, 11, 27)
days = st.dates(date(2020, 1, 1), date(2030, 12, 31))


@pytest.mark.parametrize(
    ("name", "first", "last"),
    [
        ("today", "2026-11-27", "2026-11-27"),
        ("yesterday", "2026-11-26", "2026-11-26"),
        ("7d", "2026-11-21", "2026-11-27"),
        ("28d", "2026-10-31", "2026-11-27"),
        ("90d", "2026-08-30", "2026-11-27"),
        ("month", "2026-11-01", "2026-11-30"),
        ("year", "2026-01-01", "2026-12-31"),
    ],
)
def test_named_ranges_have_these_dates(name, first, last) -> None:
    found = period_of(name, TODAY)
    assert (str(found.first), str(found.last)) == (first, last)


@given(days, st.integers(0, 400), st.sampled_from(["previous", "year"]))
def test_a_day_is_compared_with_an_earlier_one_of_the_same_weekday(first, length, how) -> None:
    period = Period(first, first + timedelta(days=length))
    before = compared_with(period, how)
    assert before is not None
    assert before.days == period.days
    assert before.first.weekday() == first.weekday()
    assert before.first < first


@given(days, st.integers(0, 400))
def test_the_previous_period_ends_at_most_six_days_before(first, length) -> None:
    period = Period(first, first + timedelta(days=length))
    before = compared_with(period, "previous")
    assert before is not None
    assert 1 <= (period.first - before.last).days <= 7


@given(days, st.integers(0, 400), st.sampled_from([1, -1]))
def test_ranges_beside_each_other_touch(first, length, direction) -> None:
    period = Period(first, first + timedelta(days=length))
    other = beside(period, direction)
    before, after = sorted((period, other), key=lambda one: one.first)
    assert after.first - before.last == timedelta(days=1)


@given(days, st.sampled_from(["month", "year"]), st.sampled_from([1, -1]))
def test_a_month_or_year_is_beside_a_whole_one(day, name, direction) -> None:
    period = period_of(name, day)
    other = beside(period, direction)
    assert other == period_of(name, other.last)


def test_nothing_is_compared_on_request() -> None:
    assert compared_with(period_of("28d", TODAY), "none") is None


@pytest.mark.parametrize(
    ("moment", "last", "until_hour"),
    [
        (datetime(2026, 11, 8, 5), "2026-11-07", None),
        (datetime(2026, 11, 7, 14), "2026-11-07", 14),
        (datetime(2026, 11, 7, 0), "2026-11-06", None),
        (datetime(2026, 11, 3, 9), "2026-11-03", 9),
        (datetime(2026, 10, 1, 9), "2026-11-01", 9),
    ],
)
def test_a_period_is_cut_at_the_hour_that_the_facts_reach(moment, last, until_hour) -> None:
    cut = cut_at(Period(date(2026, 11, 1), date(2026, 11, 7)), moment)
    assert (str(cut.last), cut.until_hour) == (last, until_hour)
