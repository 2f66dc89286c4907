"""The axis of intervals in rows: it has 0 and every interval, and few round labels."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st
from tests.support.examples import many_examples

from clickstream.dashboard.charts.intervals import IntervalAxis
from clickstream.insight.location_plan import DrawInterval

INTERVALS = st.lists(
    st.lists(st.floats(-1e9, 1e9), min_size=3, max_size=3).map(sorted),
    max_size=5,
).map(lambda rows: [DrawInterval(*row) for row in rows])


@many_examples
@given(INTERVALS)
def test_the_axis_has_zero_and_all_intervals(intervals: list[DrawInterval]) -> None:
    axis = IntervalAxis.of_intervals(intervals)
    for one in intervals:
        low, middle, high = axis.place_interval(one)
        assert 0 <= low <= middle <= high <= 100
    ticks = axis.ticks(str)
    places = [one.at for one in ticks]
    assert 2 <= len(places) <= 8
    assert (places[0], places[-1]) == (0, 100)
    assert all(one < two for one, two in pairwise(places))
    assert axis.place(0) in [one.at for one in ticks if not one.is_minor]
