"""The statistics of changes, and the weeks that a range is compared with."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.clickstream.dashboard.builders import Visit
from tests.clickstream.dashboard.rendered import page_of
from tests.clickstream.dashboard.week_facts import joined_store

from clickstream.dashboard.ask.periods import Period, start_of
from clickstream.dashboard.ask.view import View
from clickstream.dashboard.changes.significance import (
    compare_count,
    compare_share,
    find_unusual,
    two_sided_chance,
    usual_weeks,
)
from clickstream.dashboard.changes.weeks import WEEKS, ask_weeks
from clickstream.dashboard.changes.weeks import Weeks as Compared


@pytest.mark.parametrize(
    ("freedom", "statistic", "chance"),
    [
        *((2, 4.303, 0.05), (4, 8.610, 0.001), (7, 2.365, 0.05), (7, 3.499, 0.01)),
        *((7, 5.408, 0.001), (15, 2.131, 0.05), (15, 4.073, 0.001), (30, 3.646, 0.001)),
    ],
)
def test_the_chance_is_that_of_students_t(freedom, statistic, chance) -> None:
    assert two_sided_chance(statistic, freedom) == pytest.approx(chance, rel=0.16)


def test_a_poisson_count_is_compared_with_the_uncertainty_of_its_mean() -> None:
    """Eight weeks of 100 on average: 11 standard errors of sqrt(100 (1 + 1/8))."""
    weeks = [90, 110, 95, 105, 100, 100, 97, 103]
    near = compare_count(110, weeks, 1, 0.0)
    far = compare_count(217, weeks, 1, 0.0)
    assert near.chance > 0.2
    assert far.chance < 1e-5
    assert (far.expected, far.change) == (100, pytest.approx(1.17))


counts = st.lists(st.integers(0, 5000), min_size=3, max_size=8)


@given(counts, st.integers(0, 5000), st.randoms())
def test_the_order_of_weeks_does_not_matter(weeks, now, rng) -> None:
    mixed = list(weeks)
    rng.shuffle(mixed)
    assert compare_count(now, weeks, 1, 0.01).chance == pytest.approx(
        compare_count(now, mixed, 1, 0.01).chance
    )
    pairs = [(min(week, 50), week + 50) for week in weeks]
    shares = (compare_share(20, 100, some, 1) for some in (pairs, sorted(pairs)))
    first, second = (share.chance if share else None for share in shares)
    assert first == pytest.approx(second)


@given(counts, st.integers(0, 5000), st.integers(2, 9))
def test_the_change_stays_if_all_counts_are_multiplied(weeks, now, times) -> None:
    one = compare_count(now, weeks, 1, None)
    more = compare_count(times * now, [times * week for week in weeks], 1, None)
    if len({one.expected * times, more.expected}) == 1:
        assert more.change == pytest.approx(one.change)
        assert 0 <= more.chance <= 1


@given(st.lists(st.floats(0, 1), min_size=1, max_size=60))
def test_no_more_is_reported_than_benjamini_and_hochberg_allow(chances) -> None:
    unusual = find_unusual(chances, 0.05)
    reported = [chance for chance, is_reported in zip(chances, unusual, strict=True) if is_reported]
    assert all(chance <= 0.05 * len(reported) / len(chances) for chance in reported)
    assert all(
        is_reported or chance > 0.05 / len(chances)
        for chance, is_reported in zip(chances, unusual, strict=True)
    )


@given(counts, st.integers(0, 5000), st.integers(2, 9))
def test_counts_that_come_in_clusters_are_compared_as_clusters(weeks, now, size) -> None:
    clusters = compare_count(now, weeks, 1, 0.01)
    members = compare_count(size * now, [size * week for week in weeks], 1, 0.01, cluster=size)
    assert members.chance == pytest.approx(clusters.chance)
    assert members.expected == pytest.approx(size * clusters.expected)


def test_a_week_with_an_event_of_its_own_does_not_count_as_usual() -> None:
    weeks = [100, 104, 96, 600, 99, 101, 98, 620]
    assert usual_weeks(weeks, [10.0] * 8) == [0, 1, 2, 4, 5, 6]
    assert compare_count(590, weeks, 1, None).chance < 1e-4


visits = st.lists(
    st.tuples(st.integers(0, 99), st.integers(0, 23), st.sampled_from(["Direct", "Email"])),
    min_size=1,
    max_size=60,
)


@given(visits, st.integers(1, 40), st.integers(0, 23), st.booleans())
def test_a_week_before_counts_each_weekday_and_hour_as_often_as_the_range(
    some, days, hour, is_cut
) -> None:
    start = date(2026, 6, 1)
    first = start + timedelta(days=56)
    last = first + timedelta(days=days - 1)
    until = hour if is_cut else None
    made = [
        Visit(start_of(start + timedelta(days=day), at), number, channel=channel)
        for number, (day, at, channel) in enumerate(some)
    ]
    weeks = Compared(Period(first, last, until), tuple(range(1, WEEKS + 1)))
    with page_of(joined_store(made), View()) as page:
        series = ask_weeks(page, weeks, ("visits",), ("channel",))
    for channel in ("Direct", "Email"):
        mine = [one.started_at for one in made if one.channel == channel]
        expected = [_counted(mine, first, last, until, week) for week in range(WEEKS + 1)]
        shown = series[(channel,)]["visits"].weeks if (channel,) in series else [0.0] * (WEEKS + 1)
        assert shown == expected


def _counted(
    times: Sequence[datetime], first: date, last: date, until: int | None, week: int
) -> float:
    """Each hour of the range looks for the visits of its weekday and hour in the week."""
    days = (last - first).days + 1
    number = 0
    for offset in range(days):
        day = first + timedelta(days=offset)
        if week:
            day = first + timedelta(days=offset % 7 - 7 * week)
        for at in times:
            is_over = until is not None and offset == days - 1 and at.hour >= until
            number += at.date() == day and not is_over
    return float(number)
