"""Charts as SVG geometry: line chart with comparison, sparkline, bars and heat map.

Pure functions from numbers to coordinates inside a box; the templates write the SVG elements. All
coordinates are rounded to a tenth.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import ceil, floor, log10

MOST_TICKS = 6
MARKER_SIZE, MARKER_ROWS = 20.0, 5
"""Size of a note's marker; markers that would overlap are put in several rows."""

LEVELS = 8
"""Number of shades of a heat map, without the empty one."""

LABELS_WIDTH = 46
WIDE_STEP, NARROW_STEP = 20, 12
"""Widths of a heat map's columns on wide and on narrow screens."""

_NICE = (1, 2, 2.5, 5, 10)
_CHARACTER = 6.8
"""Width of a digit of a tick label at 12 px."""

Values = Sequence[float | None]


@dataclass(frozen=True)
class Box:
    """The view box of a chart and the margins around its plot."""

    width: float
    height: float
    top: float = 12
    right: float = 10
    bottom: float = 26
    left: float = 44

    @property
    def base(self) -> float:
        """The y of the plot's lower edge."""
        return self.height - self.bottom

    def x(self, place: int, places: int) -> float:
        """Return the x of a place; the first is at the left edge, the last at the right edge."""
        inner = self.width - self.left - self.right
        return round(self.left + inner * (place / (places - 1) if places > 1 else 0.5), 1)

    def y(self, value: float, top: float) -> float:
        """Return the y of a value on an axis from 0 to `top`."""
        return round(self.base - (self.base - self.top) * min(max(value / top, 0), 1), 1)


WIDE = Box(1120, 260)
NARROW = Box(360, 220)


@dataclass(frozen=True)
class Tick:
    """A label at an axis."""

    at: float
    text: str
    anchor: str = "middle"


@dataclass(frozen=True)
class Place:
    """A place on the x axis that reacts to the pointer: its strip, and the text of its tooltip.

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
    places: Sequence[Place]
    markers: Sequence[Marker]


@dataclass(frozen=True)
class Series:
    """The data of a line chart.

    `labels` name the places on the axis, `titles` are the tooltips of the places, `days` are their
    dates as in `Place`. Values are None where there is no data. Values from the place
    `unfinished_from` on are not final. `notes` maps places to numbers of notes; at `own_notes`,
    accounts wrote a note.
    """

    now: Values
    then: Values
    labels: Sequence[str]
    titles: Sequence[str]
    days: Sequence[str]
    unfinished_from: int | None = None
    notes: Mapping[int, int] | None = None
    own_notes: Collection[int] = ()


def line_chart(series: Series, box: Box, label_of: Callable[[float], str]) -> LineChart:
    """Compute the geometry of a line chart; `label_of` formats a value of the axis."""
    places = len(series.now)
    top, steps = axis([v for v in (*series.now, *series.then) if v is not None])
    texts = [label_of(step) for step in steps]
    box = with_left_margin(box, texts)
    points = _points(series.now, box, top)
    open_from = places if series.unfinished_from is None else series.unfinished_from
    runs = list(_runs([p if i < open_from else None for i, p in enumerate(points)]))
    return LineChart(
        box,
        [Tick(box.y(step, top), text) for step, text in zip(steps, texts, strict=True)],
        x_ticks(series.labels, box),
        [_area(run, box) for run in runs if len(run) > 1],
        [_path(run) for run in runs if len(run) > 1],
        _path([p for p in points[max(open_from - 1, 0) :] if p]) if open_from < places else "",
        [_path(run) for run in _runs(_points(series.then, box, top)) if len(run) > 1],
        _dots(runs, points, open_from),
        _strips(series, points, box),
        _markers(series, box),
    )


def _markers(series: Series, box: Box) -> list[Marker]:
    """Place the notes from left to right; a marker that would touch another goes one row down."""
    markers: list[Marker] = []
    ends = [-MARKER_SIZE] * MARKER_ROWS
    """The x of the last marker of each row."""
    for place, number in sorted((series.notes or {}).items()):
        x = box.x(place, len(series.now))
        free = (row for row, end in enumerate(ends) if x - end >= MARKER_SIZE)
        row = next(free, ends.index(min(ends)))
        ends[row] = x
        y = box.top + row * MARKER_SIZE
        markers.append(Marker(x, y, number, place in series.own_notes))
    return markers


_LOWEST_TOP = 1e-9
"""If all values are lower, the axis goes from 0 to 1: no metric has values that small."""


def axis(values: Iterable[float], most: int = 4) -> tuple[float, list[float]]:
    """Return the upper end of an axis from 0, and its round steps: at most `most` + 1."""
    highest = max([*values, 0.0])
    if highest < _LOWEST_TOP:
        return 1.0, [0.0, 1.0]
    raw = highest / most
    magnitude = 10 ** floor(log10(raw))
    step = next(nice * magnitude for nice in _NICE if nice * magnitude >= raw * (1 - 1e-9))
    number = max(ceil(highest / step - 1e-9), 1)
    return step * number, [step * place for place in range(number + 1)]


def with_left_margin(box: Box, texts: Sequence[str]) -> Box:
    """Widen the left margin of a box to fit the labels of the y axis."""
    left = max(map(len, texts)) * _CHARACTER + 19
    return Box(box.width, box.height, box.top, box.right, box.bottom, round(left, 1))


def _points(values: Values, box: Box, top: float) -> list[tuple[float, float] | None]:
    return [
        None if value is None else (box.x(place, len(values)), box.y(value, top))
        for place, value in enumerate(values)
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


def x_ticks(labels: Sequence[str], box: Box) -> list[Tick]:
    """Return at most six labels, evenly spaced, that do not overlap."""
    longest = max(map(len, labels), default=1) * _CHARACTER + 14
    fitting = int((box.width - box.left - box.right) // longest)
    number = max(min(MOST_TICKS, fitting, len(labels)), 1)
    step = max(ceil((len(labels) - 1) / max(number - 1, 1)), 1)
    ticks = []
    for place in range(0, len(labels), step):
        x = box.x(place, len(labels))
        half = len(labels[place]) * _CHARACTER / 2
        anchor = "start" if x - half < 0 else "end" if x + half > box.width else "middle"
        ticks.append(Tick(x, labels[place], anchor))
    return ticks


def _strips(series: Series, points: Sequence[tuple[float, float] | None], box: Box) -> list[Place]:
    number = len(series.titles)
    width = (box.width - box.left - box.right) / max(number - 1, 1)
    strips = []
    for place, (title, days) in enumerate(zip(series.titles, series.days, strict=True)):
        x = box.x(place, number)
        left = max(x - width / 2, 0)
        right = min(x + width / 2, box.width)
        point = points[place]
        y = point[1] if point else None
        strips.append(Place(x, round(left, 1), round(right - left, 1), title, days, y))
    return strips


def sparkline(values: Values, width: float = 150, height: float = 34) -> Sequence[str]:
    """Return the paths of a sparkline, scaled from its lowest to its highest value."""
    known = [value for value in values if value is not None]
    if not known:
        return []
    low, high = min(known), max(known)
    box = Box(width, height, top=3, right=0, bottom=3, left=0)
    scaled = [None if v is None else (v - low if high > low else 0.5) for v in values]
    points = _points(scaled, box, (high - low) or 1)
    return [_path(run) for run in _runs(points) if len(run) > 1]


@dataclass(frozen=True)
class Cell:
    """A cell of a heat map: its corner, and its shade from 0 to LEVELS."""

    x: float
    y: float
    level: int
    title: str


@dataclass(frozen=True)
class HeatMap:
    """Cells in rows and columns, with the names of both."""

    width: float
    height: float
    cell_width: float
    cell_height: float
    cells: Sequence[Cell]
    rows: Sequence[Tick]
    columns: Sequence[Tick]


def heat_map(
    values: Sequence[Values],
    rows: Sequence[str],
    columns: Mapping[int, str],
    titles: Sequence[Sequence[str]],
    step_x: float = WIDE_STEP,
) -> HeatMap:
    """Compute the geometry of a heat map. `columns` names some columns; None is an empty cell.

    `step_x` is the width of a column: a narrower map fits a phone with labels of the same size.
    """
    left, step_y = LABELS_WIDTH, 22
    number = max(map(len, values), default=0)
    highest = max((v for row in values for v in row if v is not None), default=0)
    cells = [
        Cell(left + column * step_x, row * step_y, _level(value, highest), titles[row][column])
        for row, line in enumerate(values)
        for column, value in enumerate(line)
    ]
    height = len(values) * step_y
    return HeatMap(
        left + number * step_x,
        height + 22,
        step_x - 1.5,
        step_y - 2,
        cells,
        [Tick(place * step_y + 14, name, "end") for place, name in enumerate(rows)],
        [Tick(left + (column + 0.5) * step_x, name) for column, name in columns.items()],
    )


def _level(value: float | None, highest: float) -> int:
    if not value or not highest:
        return 0
    return max(1, min(LEVELS, ceil(LEVELS * value / highest)))


def bar_widths(values: Sequence[float | None]) -> list[float]:
    """Return the widths of bars in percent of the largest."""
    largest = max((value or 0 for value in values), default=0)
    return [round(100 * (value or 0) / largest, 1) if largest else 0 for value in values]


SMALL = Box(240, 36, top=3, right=1, bottom=2, left=1)


@dataclass(frozen=True)
class SmallLine:
    """A line without axes, on a scale that several lines share."""

    box: Box
    areas: Sequence[str]
    now: Sequence[str]
    unfinished: str


def small_line(values: Values, top: float, unfinished: int | None, box: Box = SMALL) -> SmallLine:
    """Compute a small line; the value at the place `unfinished` is not final."""
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
