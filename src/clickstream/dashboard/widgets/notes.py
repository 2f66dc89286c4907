"""Automatic notes on the main chart: events that affect how the numbers were made.

They report changed settings, a new version, changed visitor keys, hours that are missing or lack a
server's lines, many late lines, many server errors, and days on which clocks change.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from itertools import pairwise
from statistics import mean
from typing import Any

from clickstream.core.hours import Hour
from clickstream.dashboard.ask.coverage import clock_changes, to_local
from clickstream.dashboard.ask.periods import Period, start_of
from clickstream.dashboard.widgets.page import PageContext

LATE_SHARE = 0.01
"""A day gets a note if a larger share of its lines was late."""

BURST_ERRORS, BURST_TIMES = 10, 5
"""An hour gets a note with at least 10 server errors, and 5 times as many as usual."""

_SETTINGS = "Settings changed: later hours use the new ones"
_CLOCKS = {
    25: (
        "Clocks go back: the day has 25 hours, and {hour} occurs twice; "
        "a chart by hour shows half of both"
    ),
    23: "Clocks go forward: the day has 23 hours, without {hour}",
}
LONGEST_COMPARED_CLOCKS = 7
"""Maximum length, in days, of a range whose compared days with 23 or 25 hours get a note."""

_KEYS = "Visitor keys changed: returning visitors count as new"


@dataclass(frozen=True)
class Note:
    """An event that affects the numbers: its time (local, naive), and a panel with details.

    Lists of notes are sorted by importance.
    """

    at: datetime
    text: str
    anchor: str
    gravity: int


def find_notes(page: PageContext) -> list[Note]:
    """Return the notes of the page's period, in order of importance."""
    finders = (
        find_bursts,
        _gaps,
        _incomplete_days,
        _late_days,
        _rule_changes,
        _clock_changes,
        _compared_clock_changes,
    )
    notes = [note for find in finders for note in find(page)]
    return sorted(notes, key=lambda note: (note.gravity, note.at, note.text))


def find_bursts(page: PageContext) -> Iterator[Note]:
    """Yield up to two hours with far more server errors than usual, the worst first."""
    answer = page.answer(("server_errors",), ("day", "hour"))
    counts = [row[-1] for row in answer.rows]
    usual = mean(counts) if counts else 0
    worst = sorted(answer.rows, key=lambda row: -row[-1])[:2]
    for day, hour, errors in worst:
        if errors >= BURST_ERRORS and errors >= BURST_TIMES * usual:
            at = start_of(day, hour)
            text = page.formats.plural(
                "{number} server error at {hour}",
                "{number} server errors at {hour}",
                errors,
                hour=page.formats.hour(hour),
            )
            yield Note(at, text, "errors", 0)


def _gaps(page: PageContext) -> Iterator[Note]:
    """Yield days with missing hours."""
    for day, number in _count_by_day(page, page.coverage.completeness.unpublished).items():
        text = page.formats.plural("{number} hour is missing", "{number} hours are missing", number)
        yield Note(start_of(day), text, "hours", 1)


def _count_by_day(page: PageContext, hours: Iterable[Hour]) -> Counter[date]:
    return Counter(to_local(hour.naive, page.zone).date() for hour in hours)


def _incomplete_days(page: PageContext) -> Iterator[Note]:
    """Yield days with hours that lack a server's lines; consecutive days give one note."""
    lacking = _count_by_day(page, page.coverage.completeness.lacking)
    for day, number in lacking.items():
        if day - timedelta(days=1) not in lacking:
            text = page.formats.plural(
                "{number} hour lacks a server's log: visits may be missing",
                "{number} hours lack a server's log: visits may be missing",
                number,
            )
            yield Note(start_of(day), text, "hours", 1)


def _late_days(page: PageContext) -> Iterator[Note]:
    for day, coverage in page.coverage.days.items():
        late, lines = coverage.figures["late_lines"], coverage.figures["lines"]
        if late > LATE_SHARE * lines:
            text = (
                f"{page.formats.share(late / lines, 0)} of the lines arrived late; they are counted"
            )
            yield Note(start_of(day), text, "hours", 3)


def _rule_changes(page: PageContext) -> Iterator[Note]:
    """Yield changes of the version, the settings or the visitor key, in order of time."""
    for before, after in pairwise(hours_by_rules(page)):
        at = to_local(after["first_hour"], page.zone)
        if after["visitor_key"] != before["visitor_key"]:
            yield Note(at, _KEYS, "rules", 2)
        if after["library"] != before["library"]:
            text = f"Later hours were built by version {after['library']} of the pipeline"
            yield Note(at, text, "rules", 2)
        elif after["settings"] != before["settings"]:
            yield Note(at, _SETTINGS, "rules", 2)


def hours_by_rules(page: PageContext, period: Period | None = None) -> list[dict[str, Any]]:
    """Return the hours of each version, settings and visitor key, in order of their first hour."""
    metrics = ("published_hours", "first_hour", "newest_hour")
    records = page.answer(metrics, ("library", "settings", "visitor_key"), period).records()
    return sorted(records, key=lambda record: record["first_hour"])


def _clock_changes(page: PageContext) -> Iterator[Note]:
    """Yield the days of the period that have 23 or 25 hours."""
    for at, hours in clock_changes(page.period, page.zone):
        yield Note(at, _CLOCKS[hours].format(hour=page.formats.hour(at.hour)), "hours", 2)


def _compared_clock_changes(page: PageContext) -> Iterator[Note]:
    """Yield days that are compared with a day of 23 or 25 hours, if the range is short."""
    if page.compared is None or page.period.days > LONGEST_COMPARED_CLOCKS:
        return
    for at, hours in clock_changes(page.compared, page.zone):
        text = (
            f"Compared with {page.formats.day(at.date())}, which has {hours} hours: clocks change"
        )
        yield Note(start_of((at + page.shift).date()), text, "hours", 2)


def rotations(page: PageContext, period: Period) -> int:
    """Return how often the visitor keys change inside a period."""
    return len(rotation_moments(page, period))


def rotation_moments(page: PageContext, period: Period) -> list[datetime]:
    """Return the first hour (local, naive) of each new visitor key inside a period."""
    first: dict[str, datetime] = {}
    for record in hours_by_rules(page, period):
        first.setdefault(record["visitor_key"], to_local(record["first_hour"], page.zone))
    return sorted(first.values())[1:]
