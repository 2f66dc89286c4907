"""Columns and bars as SVG geometry: columns stack the parts of a number in each hour, day or week.

Pure functions from numbers to coordinates inside a box, as in `line`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from clickstream.dashboard.charts.axis import Box, Tick, Values, axis, with_left_margin, x_ticks

HALF = Box(560, 210)
NARROW = Box(360, 200)
_FILLED = 0.72
"""The share of a position's width that its column fills."""


@dataclass(frozen=True)
class ColumnPart:
    """One part of a column; `number` counts the parts from the bottom."""

    x: float
    y: float
    width: float
    height: float
    number: int
    is_open: bool


@dataclass(frozen=True)
class Strip:
    """The strip of a column that reacts to the pointer."""

    x: float
    width: float
    title: str


@dataclass(frozen=True)
class ColumnChart:
    """Columns with their axes."""

    box: Box
    y_ticks: Sequence[Tick]
    x_ticks: Sequence[Tick]
    parts: Sequence[ColumnPart]
    strips: Sequence[Strip]


def column_chart(
    stacks: Sequence[Values],
    labels: Sequence[str],
    titles: Sequence[str],
    box: Box,
    label_of: Callable[[float], str],
    unfinished: int | None = None,
) -> ColumnChart:
    """Compute the geometry of stacked columns.

    `stacks` has one sequence for each part, with its values at all positions. The column at
    the index `unfinished` is not final.
    """
    sums = [sum(value or 0 for value in column) for column in zip(*stacks, strict=True)]
    top, steps = axis(sums)
    texts = [label_of(step) for step in steps]
    box = with_left_margin(box, texts)
    band = (box.width - box.left - box.right) / max(len(labels), 1)
    centred = replace(box, left=box.left + band / 2, right=box.right + band / 2)
    return ColumnChart(
        box,
        [Tick(box.y(step, top), text) for step, text in zip(steps, texts, strict=True)],
        x_ticks(labels, centred),
        _parts(stacks, box, band, top, unfinished),
        [
            Strip(round(box.left + index * band, 1), round(band, 1), title)
            for index, title in enumerate(titles)
        ],
    )


def _parts(
    stacks: Sequence[Values], box: Box, band: float, top: float, unfinished: int | None
) -> list[ColumnPart]:
    parts = []
    for index, column in enumerate(zip(*stacks, strict=True)):
        below = 0.0
        x = round(box.left + band * (index + (1 - _FILLED) / 2), 1)
        for number, value in enumerate(column):
            if value:
                lower, upper = box.y(below, top), box.y(below + value, top)
                height = round(lower - upper, 1)
                is_open = index == unfinished
                parts.append(
                    ColumnPart(x, upper, round(band * _FILLED, 1), height, number, is_open)
                )
                below += value
    return parts


def bar_widths(values: Sequence[float | None]) -> list[float]:
    """Return the widths of bars in percent of the largest."""
    largest = max((value or 0 for value in values), default=0)
    return [round(100 * (value or 0) / largest, 1) if largest else 0 for value in values]
