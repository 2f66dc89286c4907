"""Line charts as SVG geometry: with a comparison and notes, sparklines, and small lines.

Pure functions from numbers to coordinates inside a box; the templates write the SVG elements. All
coordinates are rounded to a tenth.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass

from clickstream.dashboard.charts.axis import Box, Tick, Values, axis, with_left_margin, x_ticks

MARKER_SIZE, MARKER_ROWS = 20.0, 5
"""Size of a note's marker; markers that would overlap are put in several rows."""

WIDE = Box(1120, 260)
NARROW = Box(360, 220)


@dataclass(frozen=True)
class ChartPlace:
    """A position on the x axis that reacts to the pointer: its strip, and the text of its tooltip.

    `days` is its first and last date, such as 2026-11-02/2026-11-08.
    """

    x: float
    left: float
    width: float
    title: str
    days: str
    y: float | None


@dataclass(frozen=True)
class Marker:
    """A numbered note on the chart; `y` is larger where markers would overlap.

    `is_own` marks a note that an account wrote.
    """

    x: float
    y: float
    number: int
    is_own: bool = False


@dataclass(frozen=True)
class Shade:
    """The shaded part of a chart: from x to the right edge of the plot."""

    x: float
    width: float


@dataclass(frozen=True)
class LineChart:
    """A line, the compared line (dashed), and the part of the line that may change (dotted)."""

    box: Box
    y_ticks: Sequence[Tick]
    x_ticks: Sequence[Tick]
    areas: Sequence[str]
    now: Sequence[str]
    unfinished: str
    then: Sequence[str]
    dots: Sequence[tuple[float, float]]
    places: Sequence[ChartPlace]
    markers: Sequence[Marker]
    shade: Shade | None = None


@dataclass(frozen=True)
class ChartSeries:
    """The data of a line chart.

    `labels` name the positions on the axis, `titles` are their tooltips, `days` are their dates as
    in `ChartPlace`. Values are None where there is no data. Values from the index
    `unfinished_from` on are not final. The plot is shaded from the index `shaded_from` on. `notes`
    maps indices to numbers of notes; at `own_notes`, accounts wrote a note.
    """

    now: Values
    then: Values
    labels: Sequence[str]
    titles: Sequence[str]
    days: Sequence[str]
    unfinished_from: int | None = None
    notes: Mapping[int, int] | None = None
    own_notes: Collection[int] = ()
    shaded_from: int | None = None


def line_chart(series: ChartSeries, box: Box, label_of: Callable[[float], str]) -> LineChart:
    """Compute the geometry of a line chart; `label_of` formats a value of the axis."""
    number = len(series.now)
    top, steps = axis([v for v in (*series.now, *series.then) if v is not None])
    texts = [label_of(step) for step in steps]
    box = with_left_margin(box, texts)
    points = _points(series.now, box, top)
    open_from = number if series.unfinished_from is None else series.unfinished_from
    runs = list(_runs([p if i < open_from else None for i, p in enumerate(points)]))
    return LineChart(
        box,
        [Tick(box.y(step, top), text) for step, text in zip(steps, texts, strict=True)],
        x_ticks(series.labels, box),
        [_area(run, box) for run in runs if len(run) > 1],
        [_path(run) for run in runs if len(run) > 1],
        _path([p for p in points[max(open_from - 1, 0) :] if p]) if open_from < number else "",
        [_path(run) for run in _runs(_points(series.then, box, top)) if len(run) > 1],
        _dots(runs, points, open_from),
        _strips(series, points, box),
        _markers(series, box),
        _shade(series, box),
    )


def _shade(series: ChartSeries, box: Box) -> Shade | None:
    """Shade from the middle between the position and the one before it."""
    if series.shaded_from is None:
        return None
    number, index = len(series.now), series.shaded_from
    x = (box.x(max(index - 1, 0), number) + box.x(index, number)) / 2
    return Shade(round(x, 1), round(box.width - box.right - x, 1))


def _markers(series: ChartSeries, box: Box) -> list[Marker]:
    """Place the notes from left to right; a marker that would touch another goes one row down."""
    markers: list[Marker] = []
    ends = [-MARKER_SIZE] * MARKER_ROWS
    """The x of the last marker of each row."""
    for index, number in sorted((series.notes or {}).items()):
        x = box.x(index, len(series.now))
        free = (row for row, end in enumerate(ends) if x - end >= MARKER_SIZE)
        row = next(free, ends.index(min(ends)))
        ends[row] = x
        y = box.top + row * MARKER_SIZE
        markers.append(Marker(x, y, number, index in series.own_notes))
    return markers


def _points(values: Values, box: Box, top: float) -> list[tuple[float, float] | None]:
    return [
        None if value is None else (box.x(index, len(values)), box.y(value, top))
        for index, value in enumerate(values)
    ]


def _runs(points: Sequence[tuple[float, float] | None]) -> Iterator[list[tuple[float, float]]]:
    """Split points into runs without a gap."""
    run: list[tuple[float, float]] = []
    for point in [*points, None]:
        if point is not None:
            run.append(point)
        elif run:
            yield run
            run = []


def _path(points: Sequence[tuple[float, float]]) -> str:
    return "M" + "L".join(f"{x:g} {y:g}" for x, y in points) if points else ""


def _area(run: Sequence[tuple[float, float]], box: Box) -> str:
    return f"{_path(run)}L{run[-1][0]:g} {box.base:g}L{run[0][0]:g} {box.base:g}Z"


def _dots(
    runs: Sequence[Sequence[tuple[float, float]]],
    points: Sequence[tuple[float, float] | None],
    open_from: int,
) -> list[tuple[float, float]]:
    """Return the points that no line shows: single ones, and the newest unfinished one."""
    single = [run[0] for run in runs if len(run) == 1]
    last = next((point for point in reversed(points[open_from:]) if point), None)
    return [*single, *([last] if last else [])]


def _strips(
    series: ChartSeries, points: Sequence[tuple[float, float] | None], box: Box
) -> list[ChartPlace]:
    number = len(series.titles)
    width = (box.width - box.left - box.right) / max(number - 1, 1)
    strips = []
    for index, (title, days) in enumerate(zip(series.titles, series.days, strict=True)):
        x = box.x(index, number)
        left = max(x - width / 2, 0)
        right = min(x + width / 2, box.width)
        point = points[index]
        y = point[1] if point else None
        strips.append(ChartPlace(x, round(left, 1), round(right - left, 1), title, days, y))
    return strips


def sparkline(values: Values, width: float = 150, height: float = 34) -> Sequence[str]:
    """Return the paths of a sparkline that fills its box; no value is None at either end."""
    present = [index for index, value in enumerate(values) if value is not None]
    values = values[present[0] : present[-1] + 1] if present else []
    numbers = [value for value in values if value is not None]
    if not numbers:
        return []
    low, high = min(numbers), max(numbers)
    box = Box(width, height, top=3, right=0, bottom=3, left=0)
    scaled = [None if v is None else (v - low if high > low else 0.5) for v in values]
    points = _points(scaled, box, (high - low) or 1)
    return [_path(run) for run in _runs(points) if len(run) > 1]


SMALL = Box(240, 36, top=3, right=1, bottom=2, left=1)


@dataclass(frozen=True)
class SmallLine:
    """A line without axes, on a scale that several lines share."""

    box: Box
    areas: Sequence[str]
    now: Sequence[str]
    unfinished: str


def small_line(values: Values, top: float, unfinished: int | None, box: Box = SMALL) -> SmallLine:
    """Compute a small line; the value at the index `unfinished` is not final."""
    points = _points(values, box, top or 1)
    open_from = len(points) if unfinished is None else unfinished
    runs = [run for run in _runs(points[:open_from]) if len(run) > 1]
    return SmallLine(
        box,
        [_area(run, box) for run in runs],
        [_path(run) for run in runs],
        _path([p for p in points[max(open_from - 1, 0) : open_from + 1] if p])
        if open_from < len(points)
        else "",
    )
