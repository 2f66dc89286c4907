"""The café's rules: the amount of traffic by hour, and the generators of random choices.

Each generator is seeded for a purpose and an hour. So the traffic that starts in an hour depends
only on the seed and the hour, not on the simulated range or the process.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import UTC, date, datetime
from functools import lru_cache
from random import Random
from zoneinfo import ZoneInfo

from clickstream.core.errors import InputError
from clickstream.core.hours import Hour

SECOND = 1000
MINUTE = 60 * SECOND
HOUR = 60 * MINUTE
"""Times in the simulation are Unix times in whole milliseconds."""

OPENED = Hour(datetime(2020, 1, 1, tzinfo=UTC))
"""Order numbers are counted from this hour, so earlier hours can't be simulated."""

CITY_TIME = ZoneInfo("Europe/London")
"""The café's time zone, which its visitors and events follow."""

WEEKDAY = (
    0.20, 0.13, 0.09, 0.08, 0.12, 0.35,
    1.00, 1.95, 2.25, 1.75, 1.40, 1.30,
    1.55, 1.45, 1.15, 1.05, 1.10, 1.10,
    1.00, 0.85, 0.65, 0.50, 0.35, 0.25,
)  # fmt: skip
WEEKEND = (
    0.38, 0.28, 0.20, 0.15, 0.13, 0.15,
    0.30, 0.60, 1.15, 1.95, 2.95, 3.60,
    3.40, 2.85, 2.30, 1.90, 1.70, 1.50,
    1.30, 1.05, 0.90, 0.75, 0.60, 0.48,
)  # fmt: skip
"""Visitors of each hour of the day in the café's time zone, as multiples of the average hour.

Weekdays have peaks in the morning and at noon, weekends one in the late morning.
"""


@dataclass(frozen=True)
class AdvertisingPause:
    """Campaigns that are not shown in some regions, from one UTC date to another, both included."""

    campaigns: frozenset[str]
    regions: frozenset[str]
    first: date
    last: date


@dataclass(frozen=True)
class CafeRules:
    """Parameters of the simulated café. Rates are averages over a week.

    `visitors_per_hour`: people who arrive. `bots_per_hour`: crawls that start.
    `scanners_per_hour`: vulnerability scans that start. `broken_lines_per_hour`: lines that are not
    requests. `domains`: the site's own domains, used in internal links. `story_begins`: the first
    day of the four weeks in which the café changes (see `story`). `advertising_off`: where and when
    campaigns are not shown (see `advertising`). Raises InputError for a negative rate and for an
    empty list of domains.
    """

    seed: int = 7
    visitors_per_hour: int = 90
    bots_per_hour: int = 20
    scanners_per_hour: int = 3
    broken_lines_per_hour: int = 2
    domains: tuple[str, ...] = ("www.anycompany-cafe.example",)
    story_begins: date = date(2026, 10, 26)
    advertising_off: tuple[AdvertisingPause, ...] = ()

    def __post_init__(self) -> None:
        """Raise InputError for rules that can't be simulated."""
        for name in ("visitors", "bots", "scanners", "broken_lines"):
            if (rate := getattr(self, f"{name}_per_hour")) < 0:
                raise InputError(f"{name}_per_hour = {rate} is negative; give 0 or more.")
        if not self.domains:
            raise InputError("The café's rules name no domain; give at least one.")


STANDARD = CafeRules()


def dice(rules: CafeRules, when: object, purpose: str) -> Random:
    """Return the random generator for one purpose in one hour (or one day, or all time)."""
    return Random(f"{rules.seed} {purpose} {when}")  # noqa: S311 - made to be repeated, not secret


def how_many(rng: Random, average: float) -> int:
    """Draw a number of events in an hour, given their average; close to a Poisson distribution."""
    if average < 10:
        return sum(rng.random() < average / 20 for _ in range(20))
    return max(0, round(rng.gauss(average, math.sqrt(average))))


def visitors_in(rules: CafeRules, hour: Hour) -> float:
    """Return the expected visitors in an hour of an ordinary week."""
    local = city_time(hour)
    day = WEEKEND if local.weekday() >= 5 else WEEKDAY
    return rules.visitors_per_hour * day[local.hour]


@lru_cache(maxsize=1024)
def city_time(hour: Hour) -> datetime:
    """Return the start of an hour in the café's time zone."""
    return hour.start.astimezone(CITY_TIME)


def milliseconds(hour: Hour) -> int:
    """Return an hour's start as Unix time in milliseconds."""
    return int(hour.start.timestamp()) * SECOND


def first_order_number(hour: Hour) -> int:
    """Return the first of the 10,000 order numbers of an hour."""
    return (milliseconds(hour) - milliseconds(OPENED)) // HOUR * 10_000 + 1


def some_moment(rng: Random, hour: Hour) -> int:
    """Return a random time in the hour."""
    return milliseconds(hour) + rng.randrange(HOUR)
