"""Heat maps as SVG geometry: rows and columns of shaded cells."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import ceil

from clickstream.dashboard.charts.axis import Tick, Values

LEVELS = 8
"""Number of shades of a heat map, without the empty one."""

LABELS_WIDTH = 46
WIDE_STEP, NARROW_STEP = 20, 12
"""Widths of a heat map's columns on wide and on narrow screens."""


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
        [Tick(index * step_y + 14, name, "end") for index, name in enumerate(rows)],
        [Tick(left + (column + 0.5) * step_x, name) for column, name in columns.items()],
    )


def _level(value: float | None, highest: float) -> int:
    if not value or not highest:
        return 0
    return max(1, min(LEVELS, ceil(LEVELS * value / highest)))
