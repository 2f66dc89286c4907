"""Colour classes of a map: their bounds, and the class of a value."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil, floor, log10

LEVELS = (1, 3, 5, 7, 8)
"""The shades of the classes, the lightest first, as in the style sheet."""
_STEPS = (1, 2, 2.5, 5, 10)


@dataclass(frozen=True)
class Classes:
    """The lower bounds of classes. Values below the first bound are in the first class, too."""

    bounds: Sequence[float]

    def level(self, value: float) -> int:
        """Return the shade of a value."""
        index = max(bisect_right(self.bounds, value) - 1, 0)
        return self.levels[index]

    @property
    def levels(self) -> Sequence[int]:
        """The shade of each class; the last class always has the darkest shade."""
        return LEVELS[len(LEVELS) - len(self.bounds) :]


def classes_of_counts(values: Sequence[float]) -> Classes:
    """Build classes by powers (10, 30, 100, 300 …) over the range of values, one per shade."""
    low, high = max(min(values, default=1), 1), max([*values, 1])
    powers = [factor * 10**power for power in range(floor(log10(low)), 16) for factor in (1, 3)]
    bounds = [bound for bound in powers if bound <= high]
    below = [bound for bound in bounds if bound <= low]
    return Classes(tuple([*below[-1:], *(b for b in bounds if b > low)][-len(LEVELS) :]))


def classes_of_shares(values: Sequence[float]) -> Classes:
    """Build classes of equal width from 0, at most as many as there are shades."""
    high = max(values, default=0) or 0.01
    power = 10 ** floor(log10(high / len(LEVELS)))
    step = next(step * power for step in _STEPS if step * power * len(LEVELS) >= high)
    number = min(max(ceil(high / step - 1e-9), 1), len(LEVELS))
    return Classes(tuple(round(step * multiple, 9) for multiple in range(number)))
