"""An hour and its arithmetic. An hour is a UTC hour; a line belongs to the hour of its own time."""

from __future__ import annotations

import re
from calendar import monthrange
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from itertools import groupby

from clickstream.errors import InputError
from clickstream.wording import quantity

_ONE = timedelta(hours=1)
_DAY = re.compile(r"(\d{4})-(\d\d)-(\d\d)", re.ASCII)
_TEXT = re.compile(rf"{_DAY.pattern}[T ](\d\d)(?::00)?(?::00)?(?:Z|\+00:00)?", re.ASCII)


@dataclass(frozen=True, order=True)
class Hour:
    """One UTC hour, written `2026-11-20T05`. `start` is aware and on the hour."""

    start: datetime

    def __post_init__(self) -> None:
        """Refuse a start that is not the first instant of a UTC hour."""
        if self.start.tzinfo is None or self.start.utcoffset() != timedelta(0):
            raise InputError(f"An hour starts in UTC; {self.start!r} does not say so.")
        if self.start != self.start.replace(minute=0, second=0, microsecond=0):
            raise InputError(f"An hour starts at minute 0; {self.start.isoformat()} does not.")

    @classmethod
    def parse(cls, text: str) -> Hour:
        """Read `2026-11-20T05`, `2026-11-20 05:00` or the ISO form that Airflow shows.

        Raises InputError, which says what is wrong with the text.
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
        """The hour an aware moment lies in."""
        start = moment.astimezone(UTC).replace(minute=0, second=0, microsecond=0)
        return cls(start)

    @classmethod
    def of_epoch(cls, seconds: int) -> Hour:
        """The hour that the given Unix time (seconds) lies in."""
        return cls.of(datetime.fromtimestamp(seconds, UTC))

    @classmethod
    def at(cls, hour_at: datetime) -> Hour:
        """The reverse of `naive`: the hour of a table's `hour_at`."""
        return cls(datetime(hour_at.year, hour_at.month, hour_at.day, hour_at.hour, tzinfo=UTC))

    @classmethod
    def first_of(cls, text: str) -> Hour:
        """Read where a range begins: an hour, or a day like `2026-11-20`, at its first hour."""
        return cls._at_edge(text, 0)

    @classmethod
    def last_of(cls, text: str) -> Hour:
        """Read where a range ends: an hour, or a day like `2026-11-20`, at its last hour."""
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
        """How many hours lie between 1970-01-01 and this one."""
        return int(self.start.timestamp()) // 3600

    @property
    def event_date(self) -> date:
        """The UTC date, which the tables are partitioned by."""
        return self.start.date()

    @property
    def naive(self) -> datetime:
        """The start without its zone, as the tables' `hour_at` holds it."""
        return self.start.replace(tzinfo=None)

    def minus(self, hours: int) -> Hour:
        """The hour that many hours earlier."""
        return Hour(self.start - hours * _ONE)

    def plus(self, hours: int) -> Hour:
        """The hour that many hours later."""
        return self.minus(-hours)

    def reaching_back(self, seconds: int) -> Hour:
        """The hour of the moment so many seconds before the start."""
        return Hour.of(self.start - timedelta(seconds=seconds))

    def __str__(self) -> str:
        return self.start.strftime("%Y-%m-%dT%H")


def _calendar_fault(year: int, month: int, day: int, hour: int = 0) -> str:
    """What the calendar or the clock does not have; empty if it has all of it."""
    if year == 0:
        return "years start at 0001"
    if not 1 <= month <= 12:
        return f"there is no month {month:02}; months go from 01 to 12"
    last = monthrange(year, month)[1]
    if not 1 <= day <= last:
        return f"there is no day {day:02} in {year:04}-{month:02}; its days go from 01 to {last}"
    return "" if hour <= 23 else f"there is no hour {hour:02}; hours go from 00 to 23"


def hour_range(first: Hour, last: Hour) -> Iterator[Hour]:
    """Every hour from `first` to `last`, both included; none when `last` lies before `first`."""
    hour = first
    while hour <= last:
        yield hour
        hour = hour.next


def by_day(first: Hour, last: Hour) -> Iterator[tuple[Hour, Hour]]:
    """The range from `first` to `last` cut at midnight UTC: first and last hour of each piece."""
    for _, hours in groupby(hour_range(first, last), key=lambda hour: hour.event_date):
        piece = list(hours)
        yield piece[0], piece[-1]


@dataclass(frozen=True, order=True)
class HourSpan:
    """A run of consecutive hours, both ends included."""

    first: Hour
    last: Hour

    @classmethod
    def parse(cls, text: str) -> HourSpan:
        """Read an hour as that hour, and a day like `2026-11-20` as its 24 hours."""
        return cls(Hour.first_of(text), Hour.last_of(text))

    def __len__(self) -> int:
        return max(self.last.number - self.first.number + 1, 0)

    def __str__(self) -> str:
        if self.first == self.last:
            return str(self.first)
        return f"{self.first} to {self.last} ({len(self):,} hours)"


def group_hours(hours: Iterable[Hour]) -> list[HourSpan]:
    """The runs of consecutive hours that some hours form, in order."""
    spans: list[HourSpan] = []
    for hour in sorted(set(hours)):
        if spans and spans[-1].last.next == hour:
            spans[-1] = HourSpan(spans[-1].first, hour)
        else:
            spans.append(HourSpan(hour, hour))
    return spans


def describe_hours(hours: Iterable[Hour], limit: int = 5) -> str:
    """Hours as runs, of which the first `limit` are named and the others counted."""
    spans = group_hours(hours)
    named = [str(span) for span in spans[:limit]]
    if len(spans) > limit:
        left = sum(map(len, spans[limit:]))
        named.append(f"and {quantity(left, 'hour')} more, up to {spans[-1].last}")
    return ", ".join(named)
