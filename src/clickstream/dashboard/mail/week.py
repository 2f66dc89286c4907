"""Weeks of mails: ISO weeks of local dates, written `2026-W47`."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from clickstream.core.errors import InputError
from clickstream.dashboard.ask.coverage import local_midnight
from clickstream.dashboard.ask.periods import Period
from clickstream.dashboard.formats import Formats

_TEXT = re.compile(r"(\d{4})-?W(\d\d)", re.ASCII)
_YEARS = range(1970, 3000)
"""The years of the dashboard's own ranges."""

_SEVEN_DAYS = timedelta(days=7)


@dataclass(frozen=True, order=True)
class Week:
    """An ISO week, Monday to Sunday (ISO 8601); `year` is that of its Thursday."""

    year: int
    number: int

    @classmethod
    def parse(cls, text: str) -> Week:
        """Parse `2026-W47`. Raises InputError for another form, or a week that the year lacks."""
        match = _TEXT.fullmatch(text.strip())
        if match is None:
            raise InputError(f"{text[:40]!r} is not a week; write it like 2026-W47.")
        week = cls(int(match[1]), int(match[2]))
        try:
            is_known = week.year in _YEARS and week.first.year >= _YEARS.start
        except ValueError:
            is_known = False
        if not is_known:
            raise InputError(
                f"There is no week {text.strip()}: weeks go from W01 to W52, in long years to W53."
            )
        return week

    @classmethod
    def of(cls, day: date) -> Week:
        """Return the week of a date."""
        year, number, _ = day.isocalendar()
        return cls(year, number)

    @classmethod
    def last_complete(cls, moment: datetime, zone: ZoneInfo) -> Week:
        """Return the newest week that is over at `moment`, by the dates of a time zone."""
        return cls.of(moment.astimezone(zone).date() - _SEVEN_DAYS)

    @property
    def first(self) -> date:
        """The week's Monday. Raises ValueError if the year has no such week."""
        return date.fromisocalendar(self.year, self.number, 1)

    @property
    def last(self) -> date:
        """The week's Sunday."""
        return self.first + timedelta(days=6)

    @property
    def period(self) -> Period:
        """The dates from Monday to Sunday."""
        return Period(self.first, self.last)

    def ends_at(self, zone: ZoneInfo) -> datetime:
        """Return the UTC moment at which the week's Sunday ends."""
        return local_midnight(self.first + _SEVEN_DAYS, zone)

    def label(self, formats: Formats) -> str:
        """Format its name for readers, such as Week 47, 16 Nov – 22 Nov 2026."""
        days = formats.days(self.first, self.last)
        if self.first.year == self.last.year:
            days = f"{formats.day(self.first)} – {formats.day(self.last, with_year=True)}"
        return f"{self.name}, {days}"

    @property
    def name(self) -> str:
        """Its number for readers, such as Week 47."""
        return f"Week {self.number}"

    def __str__(self) -> str:
        return f"{self.year:04}-W{self.number:02}"
