"""The habits of a site come from earlier dates only."""

from __future__ import annotations

from datetime import timedelta
from functools import cache

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.clickstream.people.builders import (
    DATE,
    LEAVES,
    crowd,
    some,
    usual_habit,
    usual_people,
)

from clickstream.people import COUNT_COLUMNS, SiteHistory, count_kinds, learn_habit
from clickstream.people.counts import Counts
from clickstream.people.habits import LARGEST_RATIO, LEAST_RATIO

PEOPLE = usual_people()
EVERYONE = pd.Series(1.0, PEOPLE.index)


def history(dates: int) -> pd.DataFrame:
    days = range(1, dates + 1)
    return pd.concat(
        [count_kinds(DATE - timedelta(day), PEOPLE, EVERYONE).frame() for day in days],
        ignore_index=True,
    )


def test_ratios_are_those_of_earlier_dates() -> None:
    habit = usual_habit()
    proof = PEOPLE["proof"].value_counts()
    assert habit.is_known
    assert habit.unproved.site_ratio == pytest.approx(proof[0] / (proof[1] + proof[2]), rel=0.01)
    assert habit.weak.site_ratio == pytest.approx(proof[1] / proof[2], rel=0.01)


def test_the_date_itself_and_later_dates_change_nothing() -> None:
    machines = pd.concat([PEOPLE, some(60, "fleet", **LEAVES)])  # no date that is left out as far
    everything = pd.Series(1.0, machines.index)
    later = [count_kinds(DATE + timedelta(days), machines, everything).frame() for days in range(3)]
    ratio = learn_habit(history(14), DATE).unproved.site_ratio
    with_later = pd.concat([history(14), *later], ignore_index=True)
    assert learn_habit(with_later, DATE).unproved.site_ratio == ratio


@pytest.mark.parametrize(("dates", "is_known"), [(0, False), (6, False), (7, True)])
def test_seven_dates_are_enough(dates: int, is_known: bool) -> None:
    counts = history(dates) if dates else pd.DataFrame(columns=[*COUNT_COLUMNS])
    habit = learn_habit(counts, DATE)
    assert habit.is_known == is_known
    assert habit.dates == dates
    if not is_known:
        assert (habit.unproved.lowest, habit.unproved.highest) == (LEAST_RATIO, LARGEST_RATIO)


def test_a_date_with_a_wave_of_machines_does_not_become_the_habit() -> None:
    machines = pd.concat([PEOPLE, some(5000, "fleet", **LEAVES)])
    wave = count_kinds(DATE - timedelta(20), machines, pd.Series(1.0, machines.index)).frame()
    counts = pd.concat([history(14), wave], ignore_index=True)
    assert learn_habit(counts, DATE).unproved.site_ratio == pytest.approx(
        learn_habit(history(14), DATE).unproved.site_ratio, rel=0.01
    )


def test_a_site_where_nobody_reads_on_has_a_bounded_ratio() -> None:
    blog = some(400, "reader", **LEAVES)
    counts = [
        count_kinds(DATE - timedelta(day), blog, pd.Series(1.0, blog.index)).frame()
        for day in range(1, 15)
    ]
    habit = learn_habit(pd.concat(counts, ignore_index=True), DATE)
    assert habit.unproved.site_ratio == LARGEST_RATIO


def test_counts_add_expected_shares() -> None:
    counts = count_kinds(DATE, PEOPLE, EVERYONE / 2).frame()
    totals = counts[counts["field"] == "all"]
    assert totals[["none", "weak", "strong"]].to_numpy().sum() == pytest.approx(len(PEOPLE) / 2)
    assert list(counts) == [*COUNT_COLUMNS]


@cache
def varied_counts(days: int) -> pd.DataFrame:
    """Count the date some days before DATE: numbers and shares differ, some dates have a wave."""
    paid = {"device": "tablet", "channel": 'Paid, "Q4"'}
    people = [usual_people(90 + 13 * days % 50), crowd(days % 4 * 3, "paid", 0.3, **paid)]
    wave = [some(900, "wave", **LEAVES)] if days % 8 == 0 else []
    visitors = pd.concat([*people, *wave])
    shares = pd.Series(1.0, visitors.index)
    shares.iloc[::7] = 0.12345678 * (days % 3 + 1)
    return count_kinds(DATE - timedelta(days), visitors, shares).frame()


@given(st.sets(st.integers(-3, 42), min_size=8), st.integers(0, 3))
def test_a_history_of_dates_learns_what_all_rows_in_any_order_show(
    days: set[int], seed: int
) -> None:
    counts = {DATE - timedelta(one): varied_counts(one) for one in days}
    rows = pd.concat(counts.values()).sample(frac=1, random_state=seed)
    of_dates = {day: Counts.of(one) for day, one in counts.items()}
    assert SiteHistory(of_dates).habit(DATE) == learn_habit(rows, DATE).rounded()
