"""Axes of charts: the box of a chart, round steps, and labels that do not overlap.

All coordinates are rounded to a tenth.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from math import ceil, floor, log10

MOST_TICKS = 6

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

    def x(self, index: int, number: int) -> float:
        """Return the x of one of `number` positions, which fill the plot from edge to edge."""
        inner = self.width - self.left - self.right
        return round(self.left + inner * (index / (number - 1) if number > 1 else 0.5), 1)

    def y(self, value: float, top: float) -> float:
        """Return the y of a value on an axis from 0 to `top`."""
        return round(self.base - (self.base - self.top) * min(max(value / top, 0), 1), 1)


@dataclass(frozen=True)
class Tick:
    """A label at an axis."""

    at: float
    text: str
    anchor: str = "middle"


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
    return step * number, [step * multiple for multiple in range(number + 1)]


def with_left_margin(box: Box, texts: Sequence[str]) -> Box:
    """Widen the left margin of a box to fit the labels of the y axis."""
    left = max(map(len, texts)) * _CHARACTER + 19
    return Box(box.width, box.height, box.top, box.right, box.bottom, round(left, 1))


def x_ticks(labels: Sequence[str], box: Box) -> list[Tick]:
    """Return at most six labels, evenly spaced, that do not overlap."""
    longest = max(map(len, labels), default=1) * _CHARACTER + 14
    fitting = int((box.width - box.left - box.right) // longest)
    number = max(min(MOST_TICKS, fitting, len(labels)), 1)
    step = max(ceil((len(labels) - 1) / max(number - 1, 1)), 1)
    ticks = []
    for index in range(0, len(labels), step):
        x = box.x(index, len(labels))
        half = len(labels[index]) * _CHARACTER / 2
        anchor = "start" if x - half < 0 else "end" if x + half > box.width else "middle"
        ticks.append(Tick(x, labels[index], anchor))
    return ticks
