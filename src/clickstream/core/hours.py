"""Hours, their arithmetic, and ranges of them.

An hour is a UTC hour; a log line belongs to the hour of its own timestamp.
"""

from __future__ import annotations

import re
from calendar import monthrange
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from itertools import groupby

from clickstream.core.errors import InputError
from clickstream.core.wording import quantity

_ONE = timedelta(hours=1)
_DAY = re.compile(r"(\d{4})-(\d\d)-(\d\d)", re.ASCII)
_TEXT = re.compile(rf"{_DAY.pattern}[T ](\d\d)(?::00)?(?::00)?(?:Z|\+00:00)?", re.ASCII)


@dataclass(frozen=True, order=True)
class Hour:
    """One UTC hour, written `2026-11-20T05`. `start` is aware and on the hour."""

    start: datetime

    def __post_init__(self) -> None:
        """Refuse a start that is not the first instant of a UTC hour."""
        start = self.start
        if start.tzinfo is UTC and not (start.minute or start.second or start.microsecond):
            return  # the usual case, in a third of the time: a page has thousands of hours
        if self.start.tzinfo is None or self.start.utcoffset() != timedelta(0):
            raise InputError(f"An hour starts in UTC; {self.start!r} is not in UTC.")
        if self.start != self.start.replace(minute=0, second=0, microsecond=0):
            raise InputError(f"An hour starts at minute 0; {self.start.isoformat()} does not.")

    @classmethod
    def parse(cls, text: str) -> Hour:
        """Parse `2026-11-20T05`, `2026-11-20 05:00` or the ISO form that Airflow shows.

        Raises InputError, which names the fault of the text.
        """
        match = _TEXT.fullmatch(text.strip())
        if match is None:
            raise InputError(f"{text!r} is not an hour; write it like 2026-11-20T05 (UTC).")
        year, month, day, hour = map(int, match.groups())
        if fault := _calendar_fault(year, month, day, hour):
            raise InputError(f"{text!r} is not an hour: {fault}.")
        return cls(datetime(year, month, day, hour, tzinfo=UTC))

    @classmethod
    def of(cls, moment: datetime) -> Hour:
        """Return the hour that contains an aware moment."""
        start = moment.astimezone(UTC).replace(minute=0, second=0, microsecond=0)
        return cls(start)

    @classmethod
    def midnight(cls, day: date) -> Hour:
        """Return the first hour of a UTC date."""
        return cls(datetime(day.year, day.month, day.day, tzinfo=UTC))

    @classmethod
    def of_epoch(cls, seconds: int) -> Hour:
        """Return the hour that contains the given Unix time in seconds."""
        return cls.of(datetime.fromtimestamp(seconds, UTC))

    @classmethod
    def at(cls, hour_at: datetime) -> Hour:
        """Return the hour of a table's `hour_at`: the reverse of `naive`."""
        return cls(datetime(hour_at.year, hour_at.month, hour_at.day, hour_at.hour, tzinfo=UTC))

    @classmethod
    def first_of(cls, text: str) -> Hour:
        """Parse the beginning of a range: an hour, or the first hour of a day like `2026-11-20`."""
        return cls._at_edge(text, 0)

    @classmethod
    def last_of(cls, text: str) -> Hour:
        """Parse the end of a range: an hour, or the last hour of a day like `2026-11-20`."""
        return cls._at_edge(text, 23)

    @classmethod
    def _at_edge(cls, text: str, hour_of_day: int) -> Hour:
        if match := _DAY.fullmatch(text.strip()):
            year, month, day = map(int, match.groups())
            if fault := _calendar_fault(year, month, day):
                raise InputError(f"{text!r} is not a day: {fault}.")
            return cls(datetime(year, month, day, hour_of_day, tzinfo=UTC))
        if _TEXT.fullmatch(text.strip()):
            return cls.parse(text)
        raise InputError(
            f"{text!r} is neither a day nor an hour; write it like 2026-11-20 or 2026-11-20T05 "
            "(UTC)."
        )

    @property
    def end(self) -> datetime:
        """The first instant after the hour."""
        return self.start + _ONE

    @property
    def next(self) -> Hour:
        """The hour after this one."""
        return Hour(self.end)

    @property
    def previous(self) -> Hour:
        """The hour before this one."""
        return Hour(self.start - _ONE)

    @property
    def number(self) -> int:
        """The number of hours since 1970-01-01."""
        return int(self.start.timestamp()) // 3600

    @property
    def event_date(self) -> date:
        """The UTC date, which the tables are partitioned by."""
        return self.start.date()

    @property
    def naive(self) -> datetime:
        """The start without its time zone, as in the tables' `hour_at`."""
        return self.start.replace(tzinfo=None)

    def minus(self, hours: int) -> Hour:
        """Return the hour this many hours earlier."""
        return Hour(self.start - hours * _ONE)

    def plus(self, hours: int) -> Hour:
        """Return the hour this many hours later."""
        return self.minus(-hours)

    def reaching_back(self, seconds: int) -> Hour:
        """Return the hour that contains the moment `seconds` before the start."""
        return Hour.of(self.start - timedelta(seconds=seconds))

    def __str__(self) -> str:
        return self.start.strftime("%Y-%m-%dT%H")


def _calendar_fault(year: int, month: int, day: int, hour: int = 0) -> str:
    """Describe the part of a date or hour that does not exist; empty if all parts do."""
    if year == 0:
        return "years start at 0001"
    if not 1 <= month <= 12:
        return f"there is no month {month:02}; months go from 01 to 12"
    last = monthrange(year, month)[1]
    if not 1 <= day <= last:
        return f"there is no day {day:02} in {year:04}-{month:02}; its days go from 01 to {last}"
    return "" if hour <= 23 else f"there is no hour {hour:02}; hours go from 00 to 23"


def parse_date(text: str) -> date:
    """Return a date from a text such as 2026-11-20. Raises InputError."""
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise InputError(f"{text} is not a date such as 2026-11-20.") from None


def hour_range(first: Hour, last: Hour) -> Iterator[Hour]:
    """Yield every hour from `first` to `last`, both included; none if `last` is before `first`."""
    hour = first
    while hour <= last:
        yield hour
        hour = hour.next


def by_day(first: Hour, last: Hour) -> Iterator[tuple[Hour, Hour]]:
    """Split the range from `first` to `last` at midnight UTC; yield first and last hour per day."""
    for _, hours in groupby(hour_range(first, last), key=lambda hour: hour.event_date):
        piece = list(hours)
        yield piece[0], piece[-1]


@dataclass(frozen=True, order=True)
class HourSpan:
    """Consecutive hours, both ends included."""

    first: Hour
    last: Hour

    @classmethod
    def parse(cls, text: str) -> HourSpan:
        """Parse an hour as that hour, and a day like `2026-11-20` as its 24 hours."""
        return cls(Hour.first_of(text), Hour.last_of(text))

    def __len__(self) -> int:
        return max(self.last.number - self.first.number + 1, 0)

    def __str__(self) -> str:
        if self.first == self.last:
            return str(self.first)
        return f"{self.first} to {self.last} ({len(self):,} hours)"


def group_hours(hours: Iterable[Hour]) -> list[HourSpan]:
    """Group hours into spans of consecutive hours, in order."""
    spans: list[HourSpan] = []
    for hour in sorted(set(hours)):
        if spans and spans[-1].last.next == hour:
            spans[-1] = HourSpan(spans[-1].first, hour)
        else:
            spans.append(HourSpan(hour, hour))
    return spans


def describe_hours(hours: Iterable[Hour], limit: int = 5) -> str:
    """Format hours as spans; the first `limit` are named and the others counted."""
    spans = group_hours(hours)
    named = [str(span) for span in spans[:limit]]
    if len(spans) > limit:
        unnamed = sum(map(len, spans[limit:]))
        named.append(f"and {quantity(unnamed, 'hour')} more, up to {spans[-1].last}")
    return ", ".join(named)
