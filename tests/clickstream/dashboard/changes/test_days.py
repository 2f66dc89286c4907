"""The days that a range is compared with, and the numbers that they say are usual."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.clickstream.dashboard.builders import FactStore, Visit, fact_tables, hours_between
from tests.clickstream.dashboard.money_builders import money, order
from tests.clickstream.dashboard.rendered import page_of
from tests.clickstream.dashboard.week_facts import joined_store
from tests.support.sales_files import with_sales

from clickstream.dashboard.ask.periods import Period, start_of
from clickstream.dashboard.ask.view import View
from clickstream.dashboard.changes.days import HISTORY, Days, DaySeries, ask_days, find_days
from clickstream.dashboard.changes.history import days_with_sales
from clickstream.settings import Settings

START = date(2026, 6, 1)

visits = st.lists(
    st.tuples(st.integers(0, 99), st.integers(0, 23), st.sampled_from(["Direct", "Email"])),
    min_size=1,
    max_size=60,
)


@given(visits, st.integers(1, 40), st.none() | st.integers(0, 23))
def test_the_days_have_the_visits_of_the_hours_that_are_compared(some, length, until) -> None:
    first = START + timedelta(days=HISTORY)
    days = Days(Period(first, first + timedelta(days=length - 1), until))
    made = [
        Visit(start_of(START + timedelta(days=day), at), number, channel=channel)
        for number, (day, at, channel) in enumerate(some)
    ]
    with page_of(joined_store(made), View()) as page:
        groups = ask_days(page, days, ("visits",), ("channel",))
        whole = ask_days(page, days, ("visits",))[()]["visits"]
    none = DaySeries(np.zeros(HISTORY + length), np.zeros(HISTORY))
    for channel in ("Direct", "Email"):
        times = [one.started_at for one in made if one.channel == channel]
        series = groups.get((channel,), {"visits": none})["visits"]
        assert [*series.days] == _counted(times, days)
        early = _counted(times, days, is_early=True)[:HISTORY]
        assert days.is_cut or [*series.early] == early
    assert 0 <= whole.part <= 1
    assert days.has_part or whole.part == 1


def _counted(times: Sequence[datetime], days: Days, is_early: bool = False) -> list[float]:
    """The visits of each day; of the hours before the end of the range where they are compared."""
    until, last = days.checked.until_hour, days.checked.last
    numbers = []
    for day in days.span.dates:
        is_cut = until is not None and (
            day == last or days.is_cut or (is_early and day.weekday() == last.weekday())
        )
        numbers.append(
            float(sum(at.date() == day and not (is_cut and at.hour >= until) for at in times))
        )
    return numbers


@given(st.integers(1, 40), st.lists(st.booleans(), min_size=HISTORY, max_size=HISTORY))
def test_the_mean_has_the_weekdays_of_the_range_whichever_days_are_known(length, known) -> None:
    """Of a number that depends on the weekday only, it is the number of the range."""
    first = START + timedelta(days=HISTORY)
    days = Days(Period(first, first + timedelta(days=length - 1)), np.array(known))
    pattern = np.array([3.0, 1, 4, 1, 5, 9, 2])
    numbers = pattern[np.arange(HISTORY + length) % 7]
    series = DaySeries(numbers, numbers[:HISTORY])
    if all(np.array(known)[weekday::7].any() for weekday in range(7)):
        assert series.mean(days) == pytest.approx(series.now)
        assert series.excess(days) == pytest.approx(0)
    elif any(known):
        assert 0 < series.mean(days) <= 9 * length
    else:
        assert series.mean(days) == 0


def test_a_day_that_lacks_an_hour_is_not_known() -> None:
    first = START + timedelta(days=HISTORY)
    gone = start_of(START + timedelta(days=3), 12)
    lacking = start_of(START + timedelta(days=5), 20)
    hours = [
        hour
        for hour in hours_between(start_of(START), start_of(first + timedelta(days=1)))
        if hour.hour_at != gone
    ]
    hours = [
        type(hour)(hour.hour_at, missing="web-2") if hour.hour_at == lacking else hour
        for hour in hours
    ]
    with page_of(joined_store([], hours), View()) as page:
        whole = find_days(page, Period(first, first))
        morning = find_days(page, Period(first, first, 12))
    assert np.flatnonzero(~whole.is_known).tolist() == [3, 5]
    assert morning.is_known.all()


def test_a_day_whose_sales_are_not_read_is_no_day_without_sales() -> None:
    """One without orders is in the ledger. A range with an unread day is not compared."""
    first = START + timedelta(days=HISTORY)
    period = Period(first, first + timedelta(days=6))
    shop = with_sales(Settings(), Path("/srv"), ("shop",))

    def known(unread: set[int], without_orders: set[int]) -> list[int] | None:
        orders, ledger = [], []
        for number, day in enumerate(Days(period).span.dates):
            at = start_of(day, 12)
            if number not in unread | without_orders:
                orders.append(order(at, str(number), 1000))
            if number not in unread:
                ledger.append(
                    {
                        "hour_at": start_of(day),
                        "sales_source": "shop",
                        "published_at": start_of(period.last + timedelta(days=1), 2),
                    }
                )
        hours = hours_between(start_of(START), period.end)
        store = FactStore(fact_tables([], hours, money(orders) | {"sales_facts": ledger}))
        with page_of(store, View(), now=period.end + timedelta(hours=3), settings=shop) as page:
            found = days_with_sales(page, find_days(page, period))
        return None if found is None else np.flatnonzero(~found.is_known).tolist()

    assert known(set(), {10, 60}) == []
    assert known({20, 21}, {10}) == [20, 21]
    assert known({HISTORY + 2}, set()) is None
