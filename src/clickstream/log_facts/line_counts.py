"""How many lines of a log file are of which date, and between which times they are."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class LineCount:
    """The lines of one file that were added at once: those of each date, and the parsed ones.

    `first` and `last` are the seconds since 1970-01-01 of their earliest and latest time, None
    without one. `hour` is the number of the hour of the last line, which a rejected line after it
    also gets. Lines are undated if they have the hour of the clock, because no line has a time.
    """

    days: Mapping[int, int]
    parsed: int = 0
    first: int | None = None
    last: int | None = None
    hour: int | None = None
    is_dated: bool = True

    @classmethod
    def of(
        cls, seconds: NDArray[np.int64], days: Mapping[int, int], *, is_dated: bool
    ) -> LineCount:
        """Return the count of lines by the times of the parsed ones and the dates of all."""
        if not len(seconds):
            return cls(dict(days), is_dated=is_dated)
        ends = int(seconds.min()), int(seconds.max())
        return cls(dict(days), len(seconds), *ends, is_dated=is_dated)

    @classmethod
    def sum(cls, counts: Sequence[LineCount]) -> LineCount:
        """Return the lines of consecutive parts of a file as one."""
        days: Counter[int] = Counter()
        for one in counts:
            days.update(one.days)
        return cls(
            dict(days),
            sum(one.parsed for one in counts),
            min((one.first for one in counts if one.first is not None), default=None),
            max((one.last for one in counts if one.last is not None), default=None),
            counts[-1].hour if counts else None,
            all(one.is_dated for one in counts),
        )
