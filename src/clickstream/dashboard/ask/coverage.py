"""Which hours of a period are published, and how the lines of their logs were counted.

All data comes from `hour_facts`. `clickstream.completeness` defines which hours are missing, and
`clickstream.completeness` which are perhaps incomplete.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import cached_property
from typing import Any
from zoneinfo import ZoneInfo

from clickstream.completeness import (
    HISTORY,
    Completeness,
    LowHour,
    find_low_hours,
    measure_completeness,
)
from clickstream.core.hours import Hour, HourSpan
from clickstream.dashboard.ask.answers import Answer, Ask
from clickstream.dashboard.ask.log_metrics import BALANCE
from clickstream.dashboard.ask.periods import Period, start_of
from clickstream.dashboard.ask.question import Question, build_question
from clickstream.tables.hour_ledger import HOSTS_SEPARATOR

NEARLY_ALL = 0.98
"""A period is compared if at least this share of its hours is published and complete."""

HOURS_OF_A_DAY = 24
_HOUR = timedelta(hours=1)
_EARLIEST = date(1970, 1, 1)


@dataclass(frozen=True)
class DayCoverage:
    """The published hours of a local date, and its figures by the names in BALANCE."""

    published: int
    figures: Mapping[str, int]


@dataclass(frozen=True)
class Coverage:
    """The hours of a period: which are published, which are missing, and their figures.

    `first` and `newest` are the first and newest published UTC hour of the period (naive), or None.
    `days` has all dates with a published hour.
    """

    period: Period
    zone: ZoneInfo
    first: datetime | None
    newest: datetime | None
    days: Mapping[date, DayCoverage]
    completeness: Completeness

    @property
    def published(self) -> int:
        """The number of published hours."""
        return sum(day.published for day in self.days.values())

    @property
    def expected(self) -> int:
        """The number of hours that should be complete."""
        return self.completeness.expected

    @property
    def missing(self) -> int:
        """The number of hours that should be complete and are not published."""
        return len(self.completeness.unpublished)

    @property
    def incomplete(self) -> int:
        """The number of published hours without the lines of a server."""
        return len(self.completeness.lacking)

    @property
    def complete_to(self) -> datetime | None:
        """The local moment at which the newest published hour ends (naive)."""
        if self.newest is None:
            return None
        return to_local(self.newest + _HOUR, self.zone)

    @cached_property
    def total(self) -> Mapping[str, int]:
        """The figures of the whole period."""
        return {name: sum(d.figures[name] for d in self.days.values()) for name in BALANCE}

    @property
    def is_mostly_missing(self) -> bool:
        """Whether too many hours are missing or lack a server to compare the period."""
        return self.missing + self.incomplete > (1 - NEARLY_ALL) * self.expected

    def is_nearly_complete(self, period: Period) -> bool:
        """Whether enough hours of a period, or of a part of it, are complete to compare it."""
        return are_nearly_all(self.published - self.incomplete, period, self.zone)

    def share(self, name: str, of: str = "lines") -> float:
        """Return one figure as a share of another."""
        return self.total[name] / self.total[of] if self.total[of] else 0.0


def coverage_questions(period: Period, now: datetime) -> tuple[Question, Question, Question]:
    """Build the questions for the coverage of a period, as of the local moment `now`.

    The first asks for figures by day, the second for the hours, the third for the whole log.
    """
    return (
        build_question(("published_hours", *BALANCE), ("day",), period),
        build_question(("incomplete_hours",), ("hour_at",), period),
        log_question(now),
    )


def is_period_complete(ask: Ask, period: Period, zone: ZoneInfo) -> bool:
    """Ask whether enough hours of a period are published and complete to compare it."""
    figures = ask(build_question(("published_hours", "incomplete_hours"), (), period)).single()
    complete = (figures["published_hours"] or 0) - (figures["incomplete_hours"] or 0)
    return are_nearly_all(complete, period, zone)


def are_nearly_all(complete: int, period: Period, zone: ZoneInfo) -> bool:
    """Whether the number of complete hours of a period suffices to compare it."""
    return complete >= NEARLY_ALL * hours_of(period, zone)


def log_question(now: datetime) -> Question:
    """Build the question when the log begins and which hour is its newest, at the local `now`."""
    whole_log = Period(_EARLIEST, now.date(), until_hour=now.hour + 1)
    return build_question(("log_begins", "newest_hour"), (), whole_log)


def measure_coverage(ask: Ask, period: Period, zone: ZoneInfo, now: datetime) -> Coverage:
    """Ask which hours of a period are published, as of the local moment `now` (naive)."""
    of_days, of_hours, of_all = (ask(question) for question in coverage_questions(period, now))
    moment = now.replace(tzinfo=zone)
    whole = of_all.single()
    # Pages of one range share the coverage, which takes longer than its questions.
    key = ("coverage", period, zone, Hour.of(moment), *whole.values())
    return of_hours.derive(key, lambda: _coverage(period, zone, of_days, of_hours, whole, moment))


def _coverage(
    period: Period,
    zone: ZoneInfo,
    of_days: Answer,
    of_hours: Answer,
    whole: Mapping[str, Any],
    now: datetime,
) -> Coverage:
    hours = {Hour.at(hour_at): bool(lacks) for hour_at, lacks in of_hours.rows}
    days = {
        record["day"]: DayCoverage(
            record["published_hours"], {name: int(record[name]) for name in BALANCE}
        )
        for record in of_days.records()
    }
    return Coverage(
        period,
        zone,
        min(hours).naive if hours else None,
        max(hours).naive if hours else None,
        days,
        measure_completeness(
            span_of_period(period, zone),
            _hour_or_none(whole["log_begins"]),
            _hour_or_none(whole["newest_hour"]),
            hours.keys(),
            [hour for hour, lacks in hours.items() if lacks],
            now,
        ),
    )


def _hour_or_none(hour_at: datetime | None) -> Hour | None:
    return None if hour_at is None else Hour.at(hour_at)


def ask_low_hours(ask: Ask, period: Period, zone: ZoneInfo) -> list[LowHour]:
    """Ask which published hours of a period are perhaps incomplete."""
    history = Period(period.first - HISTORY, period.last, period.until_hour)
    of_sources = ask(build_question(("source_lines",), ("log_source", "source_hour"), history))
    question = build_question(("published_hours",), ("hour_at", "missing_sources"), history)
    of_hours = ask(question)
    # Pages of one range share them: they take longer than their questions.
    key = ("low hours", period, zone)
    return of_sources.derive(key, lambda: _find_in_answers(of_sources, of_hours, period, zone))


def _find_in_answers(
    of_sources: Answer, of_hours: Answer, period: Period, zone: ZoneInfo
) -> list[LowHour]:
    lines: dict[str, dict[int, int]] = defaultdict(dict)
    for source, hour_at, number in of_sources.rows:
        lines[source][_number(hour_at)] = int(number)
    published = {_number(hour_at): names for hour_at, names, _ in of_hours.rows}
    lacking = {hour: names.split(HOSTS_SEPARATOR) for hour, names in published.items() if names}
    if not published:
        return []
    span = span_of_period(period, zone)
    newest = Hour.of_epoch(3600 * max(published))
    checked = HourSpan(span.first, min(span.last, newest))
    return find_low_hours(lines, published.keys(), lacking, checked, zone)


def _number(hour_at: datetime) -> int:
    """Return `Hour.number` of a naive UTC hour."""
    return (hour_at - datetime(1970, 1, 1)) // _HOUR


def last_arrivals(ask: Ask, period: Period, sources: Sequence[str]) -> dict[str, datetime]:
    """Ask when the newest lines of the period arrived from each source (naive UTC)."""
    question = build_question(("source_arrived",), ("log_source",), period)
    return {source: arrived for source, arrived in ask(question).rows if source in sources}


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
    servers: dict[str, MissingServer] = {}
    for record in ask(build_question(metrics, ("missing_sources",), period)).records():
        names = record["missing_sources"]
        for name in names.split(HOSTS_SEPARATOR) if names else ():
            new = MissingServer(name, *(record[metric] for metric in metrics))
            earlier = servers.get(name, new)
            servers[name] = MissingServer(
                name,
                new.hours + (earlier.hours if earlier is not new else 0),
                min(new.first, earlier.first),
                max(new.newest, earlier.newest),
            )
    return [servers[name] for name in sorted(servers)]


def hours_of(period: Period, zone: ZoneInfo) -> int:
    """Return the number of hours of a period: 23 or 25 for a day on which clocks change."""
    return len(span_of_period(period, zone))


def clock_changes(period: Period, zone: ZoneInfo) -> list[tuple[datetime, int]]:
    """Return each local hour (naive) that occurs twice or not at all, and the hours of its day."""
    changes: list[tuple[datetime, int]] = []
    for day in period.dates:
        hours = hours_of(Period(day, day), zone)
        if hours == HOURS_OF_A_DAY:
            continue
        moments = [start_of(day, hour).replace(tzinfo=zone) for hour in range(HOURS_OF_A_DAY)]
        changes += [
            (at.replace(tzinfo=None), hours)
            for at in moments
            if at.utcoffset() != at.replace(fold=1).utcoffset()
        ]
    return changes


def span_of_period(period: Period, zone: ZoneInfo) -> HourSpan:
    """Return the UTC hours of a period; the span is empty if `until_hour` leaves none.

    In zones whose offset is no whole hour, these are the hours that begin in the period.
    """
    start = local_midnight(period.first, zone)
    if period.until_hour is None:
        end = local_midnight(period.last + timedelta(days=1), zone)
    else:
        local = start_of(period.last, period.until_hour).replace(tzinfo=zone)
        end = local.astimezone(UTC)
    return HourSpan(_hour_from(start), _hour_from(end).previous)


def _hour_from(moment: datetime) -> Hour:
    """Return the first hour that begins at a moment or later."""
    hour = Hour.of(moment)
    return hour if hour.start == moment else hour.next


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
