"""Which hours of a period are published, and how the lines of their logs were counted.

All data comes from `hour_facts`. An hour is missing if it lies between the first and the newest
published hour of the period and is not published itself.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import cached_property
from typing import Any
from zoneinfo import ZoneInfo

from clickstream.dashboard.questions.answers import Ask
from clickstream.dashboard.questions.log_metrics import BALANCE
from clickstream.dashboard.questions.periods import Period
from clickstream.dashboard.questions.question import Question, build_question
from clickstream.hours import Hour

NEARLY_ALL = 0.98
"""A period is compared if at least this share of its hours is published and complete."""

_HOUR = timedelta(hours=1)


@dataclass(frozen=True)
class DayCoverage:
    """The hours of a local date, and its figures by the names in BALANCE.

    `incomplete` is the number of published hours without the lines of a server.
    """

    published: int
    expected: int
    figures: Mapping[str, int]
    incomplete: int = 0


@dataclass(frozen=True)
class Coverage:
    """The published hours of a period. `first` and `newest` are UTC hours (naive), or None.

    `days` has all dates with a published hour.
    """

    period: Period
    zone: ZoneInfo
    first: datetime | None
    newest: datetime | None
    days: Mapping[date, DayCoverage]

    @property
    def published(self) -> int:
        """The number of published hours."""
        return sum(day.published for day in self.days.values())

    @property
    def missing(self) -> int:
        """The number of missing hours between the first and the newest published one."""
        if self.first is None or self.newest is None:
            return 0
        between = int((self.newest - self.first) / _HOUR) + 1
        return max(between - self.published, 0)

    @property
    def incomplete(self) -> int:
        """The number of published hours without the lines of a server."""
        return sum(day.incomplete for day in self.days.values())

    @property
    def complete_to(self) -> datetime | None:
        """The local moment at which the newest published hour ends (naive)."""
        if self.newest is None:
            return None
        return to_local(self.newest + _HOUR, self.zone)

    @property
    def starts_at(self) -> datetime | None:
        """The local moment at which the first published hour begins (naive)."""
        return None if self.first is None else to_local(self.first, self.zone)

    @cached_property
    def total(self) -> Mapping[str, int]:
        """The figures of the whole period."""
        return {name: sum(d.figures[name] for d in self.days.values()) for name in BALANCE}

    def is_nearly_complete(self, period: Period) -> bool:
        """Whether enough hours of a period, or of a part of it, are complete to compare it."""
        return self.published - self.incomplete >= NEARLY_ALL * hours_of(period, self.zone)

    def share(self, name: str, of: str = "lines") -> float:
        """Return one figure as a share of another."""
        return self.total[name] / self.total[of] if self.total[of] else 0.0


def coverage_question(period: Period) -> Question:
    """Build the question for the coverage of a period."""
    metrics = ("published_hours", "incomplete_hours", "first_hour", "newest_hour", *BALANCE)
    return build_question(metrics, ("day",), period)


def measure_coverage(ask: Ask, period: Period, zone: ZoneInfo) -> Coverage:
    """Ask which hours of a period are published."""
    records = ask(coverage_question(period)).records()
    return Coverage(
        period,
        zone,
        min((r["first_hour"] for r in records), default=None),
        max((r["newest_hour"] for r in records), default=None),
        {record["day"]: _day_coverage(record, zone) for record in records},
    )


def _day_coverage(record: Mapping[str, Any], zone: ZoneInfo) -> DayCoverage:
    day: date = record["day"]
    figures = {name: int(record[name]) for name in BALANCE}
    expected = hours_of(Period(day, day), zone)
    return DayCoverage(
        record["published_hours"], expected, figures, int(record["incomplete_hours"])
    )


@dataclass(frozen=True)
class MissingServer:
    """A server whose lines are missing in published hours: their number, first and newest.

    `first` and `newest` are UTC hours (naive). `name` is the name in `clickstream status`.
    """

    name: str
    hours: int
    first: datetime
    newest: datetime


def missing_servers(ask: Ask, period: Period) -> list[MissingServer]:
    """Ask which servers are missing in the published hours of a period; sorted by name."""
    metrics = ("incomplete_hours", "first_hour", "newest_hour")
    found: dict[str, MissingServer] = {}
    for record in ask(build_question(metrics, ("missing_sources",), period)).records():
        for name in (record["missing_sources"] or "").split(", ") if record[metrics[0]] else ():
            new = MissingServer(name, *(record[metric] for metric in metrics))
            known = found.get(name, new)
            found[name] = MissingServer(
                name,
                new.hours + (known.hours if known is not new else 0),
                min(new.first, known.first),
                max(new.newest, known.newest),
            )
    return [found[name] for name in sorted(found)]


@dataclass(frozen=True)
class Unrecorded:
    """Published hours of a period without a column, because an earlier release cleaned them.

    `until` is the end of the last of them (naive, UTC). `is_all` means that the period has no other
    hours, and `is_mixed` that hours before `until` have the column.
    """

    hours: int
    until: datetime
    is_all: bool
    is_mixed: bool


def hours_without(ask: Ask, period: Period, since: int) -> Unrecorded | None:
    """Ask which published hours lack a column of a columns version; None if all have it."""
    metrics = ("published_hours", "first_hour", "newest_hour")
    records = ask(build_question(metrics, ("columns_version",), period)).records()
    older = [record for record in records if record["columns_version"] < since]
    others = [record["first_hour"] for record in records if record["columns_version"] >= since]
    if not older:
        return None
    until = max(record["newest_hour"] for record in older) + _HOUR
    hours = sum(record["published_hours"] for record in older)
    return Unrecorded(hours, until, not others, any(first < until for first in others))


def hours_of(period: Period, zone: ZoneInfo) -> int:
    """Return the number of hours of a period: 23 or 25 for a day on which clocks change."""
    start = local_midnight(period.first, zone)
    if period.until_hour is None:
        end = local_midnight(period.last + timedelta(days=1), zone)
    else:
        end = local_midnight(period.last, zone) + timedelta(hours=period.until_hour)
    return round((end - start) / _HOUR)


def local_midnight(day: date, zone: ZoneInfo) -> datetime:
    """Return the UTC moment at which a local date begins."""
    return datetime(day.year, day.month, day.day, tzinfo=zone).astimezone(UTC)


def period_of_hour(hour: Hour, zone: ZoneInfo) -> Period:
    """Return the period of one UTC hour, on the local date on which the hour begins."""
    day = to_local(hour.naive, zone).date()
    return Period(day, day, hour_at=hour.naive)


def to_local(moment: datetime, zone: ZoneInfo) -> datetime:
    """Convert a naive UTC moment to naive local time."""
    return moment.replace(tzinfo=UTC).astimezone(zone).replace(tzinfo=None)
