"""The café's story of four weeks: the progress of changes, and the dates of events.

The story begins on `CafeRules.story_begins`. In its four weeks, the traffic of a campaign, a city
and the AI assistants grows from its normal level, and then stays at the new one. Two events happen
on a day of the story and again every four weeks, so that any 28 days have each once: a wave of
bots, and an hour in which the order form fails. All of it depends only on the rules and the hour,
so overlapping ranges have the same lines, and live traffic continues the same log.
"""

from __future__ import annotations

from datetime import datetime, time, timedelta
from functools import lru_cache

from clickstream.core.hours import Hour
from clickstream.demo.cafe.rules import CITY_TIME, HOUR, SECOND, CafeRules, city_time

DAYS = 28
WAVE_DAY, WAVE_HOURS = 11, range(7, 20)
"""The day of the story with the wave of bots, and its hours in the café's time zone."""

ORDER_FAILURE_DAY, ORDER_FAILURE_HOUR = 18, 12
"""The day and the hour, in the café's time zone, in which the order form answers 500."""

GROWTH = 0.15
"""Growth of the number of visitors from the start to the end of the story."""


def progress(rules: CafeRules, hour: Hour) -> float:
    """Return the progress of the story in an hour: 0 before it begins, 1 after its end."""
    begins = datetime.combine(rules.story_begins, time(), CITY_TIME)
    return min(1.0, max(0.0, (hour.start - begins) / timedelta(days=DAYS)))


def is_wave(rules: CafeRules, hour: Hour) -> bool:
    """Whether the hour belongs to the wave of bots."""
    return _day(rules, hour) == WAVE_DAY and city_time(hour).hour in WAVE_HOURS


@lru_cache(maxsize=1024)
def order_form_fails(rules: CafeRules, number: int) -> bool:
    """Whether the order form answers 500 in an hour, given as the number of hours since 1970."""
    hour = Hour.of(datetime.fromtimestamp(number * HOUR // SECOND, CITY_TIME))
    is_hour = city_time(hour).hour == ORDER_FAILURE_HOUR
    return is_hour and _day(rules, hour) == ORDER_FAILURE_DAY


def _day(rules: CafeRules, hour: Hour) -> int:
    """Return the day of the story, from 0 to 27; it restarts every four weeks."""
    return (city_time(hour).date() - rules.story_begins).days % DAYS
