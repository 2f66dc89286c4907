"""Stacked columns and small lines stay inside their boxes."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.clickstream.dashboard.charts.test_charts import points_of

from clickstream.dashboard.charts import columns
from clickstream.dashboard.charts.axis import MOST_TICKS, Box, axis
from clickstream.dashboard.charts.columns import HALF, NARROW, ColumnChart
from clickstream.dashboard.charts.line import SMALL, small_line

counts = st.none() | st.integers(0, 1_000_000).map(float)
stacks = st.lists(st.tuples(counts, counts), min_size=1, max_size=60)


def chart_of(places: list, box: Box, unfinished: int | None = None) -> ColumnChart:
    below, above = ([place[number] for place in places] for number in (0, 1))
    labels = [f"{number} Nov" for number in range(len(places))]
    return columns.column_chart(
        [below, above], labels, labels, box, lambda value: f"{value:g}", unfinished
    )


@given(stacks, st.sampled_from([HALF, NARROW]), st.none() | st.integers(0, 60))
def test_columns_lie_inside_the_box_and_apart(places, box, unfinished) -> None:
    chart = chart_of(places, box, unfinished)
    for part in chart.parts:
        assert 0 <= part.x <= part.x + part.width <= box.width
        assert box.top - 0.2 <= part.y <= part.y + part.height <= chart.box.base + 0.2
    for before, after in pairwise(sorted({(part.x, part.width) for part in chart.parts})):
        assert before[0] + before[1] <= after[0] + 0.2
    assert len(chart.x_ticks) <= MOST_TICKS
    assert len(chart.strips) == len(places)


@given(stacks)
def test_a_column_is_as_high_as_the_sum_of_its_parts(places) -> None:
    chart = chart_of(places, HALF)
    top, _ = axis([sum(value or 0 for value in place) for place in places])
    high = chart.box.base - chart.box.top
    for place, strip in zip(places, chart.strips, strict=True):
        inside = [p for p in chart.parts if strip.x <= p.x < strip.x + strip.width]
        total = sum(value or 0 for value in place)
        assert sum(p.height for p in inside) == pytest.approx(high * total / top, abs=0.3)


def test_the_column_that_is_not_over_is_marked() -> None:
    chart = chart_of([(1.0, 2.0), (3.0, 4.0)], HALF, 1)
    assert [part.is_open for part in chart.parts] == [False, False, True, True]


@given(st.lists(counts, min_size=1, max_size=60), st.none() | st.integers(0, 60))
def test_a_small_line_lies_inside_its_box(values, unfinished) -> None:
    top = max((value or 0 for value in values), default=0)
    line = small_line(values, top, unfinished)
    paths = [*line.areas, *line.now, line.unfinished]
    for x, y in (point for path in paths for point in points_of(path)):
        assert 0 <= x <= line.box.width
        assert line.box.top <= y <= line.box.base


def test_a_small_line_uses_the_scale_that_it_is_given() -> None:
    (low,) = small_line([5, 5], 10, None).now
    (high,) = small_line([5, 5], 5, None).now
    assert points_of(high)[0][1] == SMALL.top
    assert points_of(low)[0][1] > points_of(high)[0][1]
