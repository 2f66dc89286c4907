"""What happens at the café over four weeks: how far the changes have come, and dates of events.

The story begins on a day of the rules. In its four weeks a campaign, a city and the AI assistants
grow; before, there is nothing of that, and afterwards it stays. Single events happen on a day of
the story and again every four weeks, so any 28 days have each of them once: a wave of bots, and an
hour in which the order form fails. Everything depends on the rules and the hour alone, so ranges of
hours agree, and live traffic continues the same log.
"""

from __future__ import annotations

from datetime import datetime, time, timedelta
from functools import lru_cache

from clickstream.demo.cafe.rules import CITY_TIME, HOUR, SECOND, CafeRules, city_time
from clickstream.hours import Hour

DAYS = 28
WAVE_DAY, WAVE_HOURS = 11, range(7, 20)
"""The day of the story with the wave of bots, and its hours in the café's own time."""

ORDER_FAILURE_DAY, ORDER_FAILURE_HOUR = 18, 12
"""The day and the hour, in the café's own time, in which the order form answers 500."""

GROWTH = 0.15
"""By how much there are more visitors at the end of the story than before it."""


def progress(rules: CafeRules, hour: Hour) -> float:
    """Return how far the story has come in an hour: 0 before it begins, 1 when it is over."""
    begins = datetime.combine(rules.story_begins, time(), CITY_TIME)
    return min(1.0, max(0.0, (hour.start - begins) / timedelta(days=DAYS)))


def is_wave(rules: CafeRules, hour: Hour) -> bool:
    """Return whether the hour belongs to the wave of bots."""
    return _day(rules, hour) == WAVE_DAY and city_time(hour).hour in WAVE_HOURS


@lru_cache(maxsize=1024)
def order_form_fails(rules: CafeRules, number: int) -> bool:
    """Return whether the order form answers 500 in the hour of that number since 1970."""
    hour = Hour.of(datetime.fromtimestamp(number * HOUR // SECOND, CITY_TIME))
    is_hour = city_time(hour).hour == ORDER_FAILURE_HOUR
    return is_hour and _day(rules, hour) == ORDER_FAILURE_DAY


def _day(rules: CafeRules, hour: Hour) -> int:
    """Return the day of the story, from 0; every four weeks the count restarts."""
    return (city_time(hour).date() - rules.story_begins).days % DAYS
