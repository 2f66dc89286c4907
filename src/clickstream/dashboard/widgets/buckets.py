"""Buckets of a chart over time: the hours, days or weeks of a period."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from clickstream.dashboard.ask.periods import Period, start_of
from clickstream.dashboard.ask.view import Grain
from clickstream.dashboard.formats import Formats

_ONE_HOUR, _ONE_DAY, _ONE_WEEK = timedelta(hours=1), timedelta(days=1), timedelta(weeks=1)


@dataclass(frozen=True)
class Bucket:
    """A part of a period, from `start` up to but not including `end`, in local time (naive).

    `key` has the values of the dimensions that group its figures.
    """

    grain: Grain
    key: tuple[Hashable, ...]
    start: datetime
    end: datetime

    def label(self, formats: Formats, days: int) -> str:
        """Return its label on the axis of a chart that shows `days` days."""
        if self.grain == "hour":
            hour = formats.hour(self.start.hour)
            return hour if days == 1 else f"{formats.day(self.start.date())}, {hour}"
        return formats.day(self.start.date())

    def title(self, formats: Formats) -> str:
        """Return its full name, for tooltips and tables."""
        if self.grain == "week":
            return formats.days(self.start.date(), (self.end - _ONE_DAY).date())
        day = formats.day(self.start.date(), with_weekday=True)
        return f"{day}, {formats.hour(self.start.hour)}" if self.grain == "hour" else day

    @property
    def days(self) -> str:
        """The first and last date, such as 2026-11-02/2026-11-08."""
        return f"{self.start.date()}/{(self.end - timedelta(seconds=1)).date()}"

    def shifted(self, step: timedelta) -> Bucket:
        """Return the bucket `step` earlier."""
        start, end = self.start - step, self.end - step
        return bucket_of(self.grain, start, end)


def bucket_of(grain: Grain, start: datetime, end: datetime) -> Bucket:
    """Return the bucket between two local moments."""
    key = (start.date(), start.hour) if grain == "hour" else (start.date(),)
    return Bucket(grain, key, start, end)


def buckets_of(period: Period, grain: Grain) -> Sequence[Bucket]:
    """Return the buckets of a period in order; weeks begin on Mondays (ISO 8601)."""
    if grain == "week":
        first = period.first - timedelta(days=period.first.weekday())
        number = (period.last - first).days // 7 + 1
        return [_bucket(grain, first + week * _ONE_WEEK, _ONE_WEEK) for week in range(number)]
    days = [_bucket("day", day, _ONE_DAY) for day in period.dates]
    if grain == "day":
        return days
    return [
        bucket_of("hour", day.start + hour * _ONE_HOUR, day.start + (hour + 1) * _ONE_HOUR)
        for day in days
        for hour in range(24)
    ]


def _bucket(grain: Grain, first: date, length: timedelta) -> Bucket:
    start = start_of(first)
    return bucket_of(grain, start, start + length)
