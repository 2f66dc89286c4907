"""Intervals in rows below each other, on one axis that has 0.

Positions are in per cent of the width, so a chart fits any screen; the templates write the SVG
elements. Pure functions.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from clickstream.dashboard.charts.axis import Tick, axis
from clickstream.insight.location_plan import DrawInterval


@dataclass(frozen=True)
class IntervalTick(Tick):
    """A label; narrow screens leave out those that are minor, and 0 is none of them."""

    is_minor: bool = False


@dataclass(frozen=True)
class IntervalAxis:
    """An axis from `low` to `high`, which are multiples of `step`."""

    low: float
    high: float
    step: float

    @classmethod
    def of_intervals(cls, intervals: Sequence[DrawInterval]) -> IntervalAxis:
        """Return the shortest axis of whole steps that has 0 and all intervals.

        The distance from its lowest to its highest value decides how long a step is.
        """
        lowest = min([0.0, *(interval.low for interval in intervals)])
        highest = max([0.0, *(interval.high for interval in intervals)])
        _, (_, step, *_) = axis([highest - lowest])  # steps from 0: the second one is their length
        steps_below = lowest // step
        steps_above = -(-highest // step)  # rounded up; `ceil(highest / step)` may be one too low
        return cls(steps_below * step, max(steps_above, 1) * step, step)

    def place(self, value: float) -> float:
        """Return the position of a value in per cent."""
        return round(100 * (value - self.low) / (self.high - self.low), 2)

    def place_interval(self, interval: DrawInterval) -> DrawInterval:
        """Return the positions of an interval."""
        return DrawInterval(*map(self.place, interval))

    def ticks(self, label_of: Callable[[float], str]) -> list[IntervalTick]:
        """Return the labels of the axis; those at its ends stay inside of it."""
        first, last = round(self.low / self.step), round(self.high / self.step)
        anchors = {first: "start", last: "end"}
        return [
            IntervalTick(
                self.place(number * self.step),
                label_of(number * self.step),
                anchors.get(number, "middle"),
                number % 2 == 1,
            )
            for number in range(first, last + 1)
        ]
