"""The café's rules: how much traffic there is, when, and the dice that every choice is made with.

A die is thrown for a purpose and an hour, so the traffic that starts in an hour is a function of
the seed and that hour alone, whatever range is simulated and in whatever process.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import UTC, datetime
from random import Random

from clickstream.errors import InputError
from clickstream.hours import Hour

SECOND = 1000
MINUTE = 60 * SECOND
HOUR = 60 * MINUTE
"""Moments inside the simulation are Unix time in whole milliseconds."""

OPENED = Hour(datetime(2020, 1, 1, tzinfo=UTC))
"""Order numbers count from here, so nothing is simulated before."""

DAY_SHAPE = (
    *(0.25, 0.18, 0.14, 0.12, 0.16, 0.30),
    *(0.70, 1.15, 1.40, 1.35, 1.30, 1.45),
    *(1.70, 1.60, 1.45, 1.50, 1.45, 1.35),
    *(1.30, 1.40, 1.35, 1.10, 0.80, 0.50),
)
"""Visitors of each UTC hour of the day, as a multiple of the average hour."""

WEEKDAY, WEEKEND = 0.9, 1.25


@dataclass(frozen=True)
class CafeRules:
    """What the simulated café is like. Rates are averages over a week.

    `visitors_per_hour`: people who arrive. `bots_per_hour`: crawls that start.
    `scanners_per_hour`: scans for weak spots that start. `broken_lines_per_hour`: lines that are
    no records. `domains`: the site's own, which internal links lead to. Raises InputError for a
    negative rate and for no domain at all.
    """

    seed: int = 7
    visitors_per_hour: int = 90
    bots_per_hour: int = 20
    scanners_per_hour: int = 3
    broken_lines_per_hour: int = 2
    domains: tuple[str, ...] = ("www.anycompany-cafe.example",)

    def __post_init__(self) -> None:
        """Refuse what can't be simulated."""
        for name in ("visitors", "bots", "scanners", "broken_lines"):
            if (rate := getattr(self, f"{name}_per_hour")) < 0:
                raise InputError(f"{name}_per_hour = {rate} is negative; give 0 or more.")
        if not self.domains:
            raise InputError("The café's rules name no domain; give at least one.")


STANDARD = CafeRules()


def dice(rules: CafeRules, when: object, purpose: str) -> Random:
    """The generator of random choices for one purpose in one hour (or day, or for good)."""
    return Random(f"{rules.seed} {purpose} {when}")  # noqa: S311 - made to be repeated, not secret


def how_many(rng: Random, average: float) -> int:
    """How many of something come in an hour, given the average: near enough to Poisson."""
    if average < 10:
        return sum(rng.random() < average / 20 for _ in range(20))
    return max(0, round(rng.gauss(average, math.sqrt(average))))


def visitors_in(rules: CafeRules, hour: Hour) -> float:
    """The visitors expected in an hour: the café has mornings, nights and weekends."""
    day = WEEKEND if hour.start.weekday() >= 5 else WEEKDAY
    return rules.visitors_per_hour * DAY_SHAPE[hour.start.hour] * day


def milliseconds(hour: Hour) -> int:
    """An hour's start as Unix time in milliseconds."""
    return int(hour.start.timestamp()) * SECOND


def some_moment(rng: Random, hour: Hour) -> int:
    """Any moment of the hour."""
    return milliseconds(hour) + rng.randrange(HOUR)
