from itertools import pairwise

from hypothesis import example, given
from hypothesis import strategies as st

from clickstream.dashboard.charts.axis import Box, axis
from clickstream.dashboard.charts.columns import bar_widths
from clickstream.dashboard.charts.heat import NARROW_STEP, WIDE_STEP, heat_map
from clickstream.dashboard.charts.line import (
    NARROW,
    WIDE,
    ChartSeries,
    LineChart,
    line_chart,
    sparkline,
)
from clickstream.dashboard.web.rendering import read_static

numbers = st.none() | st.floats(0, 1e9) | st.integers(0, 1_000_000)
lists = st.lists(numbers, min_size=1, max_size=60)


def chart_of(now: list, then: list, box: Box, unfinished: int | None = None) -> LineChart:
    labels = [f"{number} Nov" for number in range(len(now))]
    series = ChartSeries(now, then, labels, labels, labels, unfinished)
    return line_chart(series, box, lambda value: f"{value:g}")


def points_of(path: str) -> list[tuple[float, float]]:
    if not path:
        return []
    pairs = (point.split(" ") for point in path.removeprefix("M").removesuffix("Z").split("L"))
    return [(float(x), float(y)) for x, y in pairs]


@given(lists, lists, st.sampled_from([WIDE, NARROW]), st.none() | st.integers(0, 60))
def test_every_point_lies_inside_the_box(now, then, box, unfinished) -> None:
    chart = chart_of(now, then, box, unfinished)
    paths = [*chart.areas, *chart.now, *chart.then, chart.unfinished]
    points = [point for path in paths for point in points_of(path)] + list(chart.dots)
    assert all(0 <= x <= box.width and 0 <= y <= box.base for x, y in points)
    assert all(p.left >= 0 and p.left + p.width <= box.width + 0.11 for p in chart.places)


@given(lists, st.sampled_from([WIDE, NARROW]))
def test_an_axis_has_at_most_six_ticks_that_do_not_touch(now, box) -> None:
    chart = chart_of(now, [], box)
    assert len(chart.x_ticks) <= 6
    assert len(chart.y_ticks) <= 6
    wide = 6.8
    edges = [(t.at - len(t.text) * wide / 2, t.at + len(t.text) * wide / 2) for t in chart.x_ticks]
    assert all(one[1] <= other[0] + wide for one, other in pairwise(edges))


@given(st.lists(st.floats(0, 1e12), max_size=20))
@example([5e-324])
@example([1e-300, 0])
def test_an_axis_reaches_the_largest_value_in_round_steps(values) -> None:
    top, steps = axis(values)
    assert top >= max([*values, 0]) * (1 - 1e-9)
    assert len(steps) <= 6
    assert steps[0] == 0
    assert all(abs((b - a) - steps[1]) <= 1e-6 * top for a, b in pairwise(steps))


@given(lists)
@example([5e-324])
def test_each_value_is_drawn_once(now) -> None:
    chart = chart_of(now, [], WIDE)
    drawn = sum(len(points_of(path)) for path in chart.now) + len(chart.dots)
    assert drawn == sum(value is not None for value in now)


def test_a_gap_interrupts_the_line() -> None:
    chart = chart_of([1, 2, None, 3, 4], [], WIDE)
    assert [len(points_of(path)) for path in chart.now] == [2, 2]


def test_what_is_unfinished_is_drawn_apart_from_the_last_finished_value_on() -> None:
    chart = chart_of([5, 5, 5, 2], [], WIDE, unfinished=3)
    assert [len(points_of(path)) for path in chart.now] == [3]
    assert len(points_of(chart.unfinished)) == 2
    assert list(chart.dots) == [points_of(chart.unfinished)[-1]]


def test_a_higher_value_lies_higher() -> None:
    (path,) = chart_of([1, 3, 2], [], WIDE).now
    first, second, third = (y for _, y in points_of(path))
    assert second < third < first


@given(lists)
def test_a_sparkline_stays_in_its_box(values) -> None:
    for path in sparkline(values):
        assert all(0 <= x <= 150 and 3 <= y <= 31 for x, y in points_of(path))


@given(st.lists(st.lists(numbers, min_size=24, max_size=24), min_size=1, max_size=7))
def test_a_heat_map_shades_larger_values_no_lighter(values) -> None:
    names = [str(row) for row in range(len(values))]
    chart = heat_map(values, names, {0: "00"}, [[""] * 24 for _ in values])
    flat = [value or 0 for row in values for value in row]
    shades = sorted(zip(flat, [cell.level for cell in chart.cells], strict=True))
    assert all(one[1] <= other[1] for one, other in pairwise(shades))
    assert all(
        (cell.level == 0) == (value == 0) for value, cell in zip(flat, chart.cells, strict=True)
    )
    assert all(c.x + chart.cell_width <= chart.width for c in chart.cells)


def test_the_style_sheet_draws_cells_in_the_size_of_the_heat_maps() -> None:
    styles = read_static("page.css").decode()
    for step, selector in ((WIDE_STEP, ".cells rect"), (NARROW_STEP, ".narrow-chart .cells rect")):
        chart = heat_map([[1.0]], [""], {}, [[""]], step)
        assert f"\n{selector} {{ width: {chart.cell_width}px;" in styles
        assert f" height: {chart.cell_height}px;" in styles


@given(st.lists(st.none() | st.floats(0, 1e9), max_size=10))
def test_bars_are_relative_to_the_largest(values) -> None:
    widths = bar_widths(values)
    assert all(0 <= width <= 100 for width in widths)
    if any(values):
        assert max(widths) == 100
