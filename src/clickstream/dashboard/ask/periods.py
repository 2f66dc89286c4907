"""Periods of local dates: the ranges that a reader can choose, and the compared periods."""

from __future__ import annotations

from calendar import monthrange
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Literal, get_args

RangeName = Literal["today", "yesterday", "7d", "28d", "90d", "month", "year", "own"]
Comparison = Literal["previous", "year", "none"]

RANGES: tuple[RangeName, ...] = get_args(RangeName)
COMPARISONS: tuple[Comparison, ...] = get_args(Comparison)

LONGEST_DAYS = 3660
"""Maximum length of an own range, in days."""

_DAYS = {"today": 1, "yesterday": 1, "7d": 7, "28d": 28, "90d": 90}
_DAYS_OF_A_YEAR = 364
"""52 weeks, so that a day is compared with the same weekday."""


@dataclass(frozen=True)
class Period:
    """Local dates from `first` to `last`, both included.

    With `until_hour`, the last day ends before this local hour, 0 to 23. With `hour_at`, only this
    UTC hour (naive) of the dates counts.
    """

    first: date
    last: date
    until_hour: int | None = None
    hour_at: datetime | None = None

    @property
    def days(self) -> int:
        """The number of dates."""
        return (self.last - self.first).days + 1

    @property
    def dates(self) -> list[date]:
        """The dates in order."""
        return [self.first + timedelta(days=number) for number in range(self.days)]

    @property
    def end(self) -> datetime:
        """The local moment (naive) at which the last date ends."""
        return start_of(self.last + timedelta(days=1))

    def shifted(self, days: int) -> Period:
        """Return the period moved by `days` days."""
        step = timedelta(days=days)
        return Period(self.first + step, self.last + step, self.until_hour)


def start_of(day: date, hour: int = 0) -> datetime:
    """Return the local moment (naive) at which a date, or an hour of it, begins."""
    return datetime(day.year, day.month, day.day, hour)


def period_of(name: RangeName, today: date) -> Period:
    """Return the dates of a named range; ranges of 7, 28 and 90 days end today."""
    if name == "month":
        last_day = monthrange(today.year, today.month)[1]
        return Period(today.replace(day=1), today.replace(day=last_day))
    if name == "year":
        return Period(today.replace(month=1, day=1), today.replace(month=12, day=31))
    last = today - timedelta(days=name == "yesterday")
    return Period(last - timedelta(days=_DAYS[name] - 1), last)


def beside(period: Period, direction: int) -> Period:
    """Return the period after (1) or before (-1): of a year or month, the next; else as long."""
    after = period.last + timedelta(days=1)
    if period.first.day == after.day == 1:
        for months in (1, 12):
            if _month_at(period.first, months) == after:
                first = _month_at(period.first, direction * months)
                return Period(first, _month_at(first, months) - timedelta(days=1))
    return period.shifted(direction * period.days)


def _month_at(day: date, months: int) -> date:
    """Return the first day of the month that is some months after that of a date."""
    years, month = divmod(day.month - 1 + months, 12)
    return date(day.year + years, month + 1, 1)


def compared_with(period: Period, comparison: Comparison) -> Period | None:
    """Return the period that another one is compared with, on the same weekdays.

    The previous period is the smallest number of whole weeks before that avoids an overlap; the
    period of last year is 364 days before.
    """
    if comparison == "none":
        return None
    weeks = -(-period.days // 7)
    return period.shifted(-_DAYS_OF_A_YEAR if comparison == "year" else -7 * weeks)


def cut_at(period: Period, complete_to: datetime) -> Period:
    """Return the part of a period before a local moment, which is on the hour.

    A period that ends earlier stays whole. A period that begins later keeps its first day, up to
    the moment's hour.
    """
    if period.last < complete_to.date():
        return period
    last = max(complete_to.date(), period.first)
    if complete_to.hour == 0 and last > period.first:
        return Period(period.first, last - timedelta(days=1))
    return Period(period.first, last, complete_to.hour)
