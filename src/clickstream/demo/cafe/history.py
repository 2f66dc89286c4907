"""All traffic of the café, hour by hour, and a range of hours in memory with its true figures.

Visits and crawls that start in an hour may continue in later hours.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from itertools import chain

from clickstream.demo.cafe.bots import crawlers, monitor, scanners, wave
from clickstream.demo.cafe.hostile import hostile_machines, hostile_people
from clickstream.demo.cafe.people import people
from clickstream.demo.cafe.rules import HOUR, OPENED, SECOND, STANDARD, CafeRules, milliseconds
from clickstream.demo.cafe.trouble import broken_lines
from clickstream.demo.cafe.truth import Truth, TruthTally
from clickstream.demo.cafe.weblog import Entry, render
from clickstream.errors import InputError
from clickstream.hours import Hour, hour_range

REACH_HOURS = 26
"""A visit or crawl ends at most this many hours after its first hour; later requests are cut."""


def traffic(rules: CafeRules, first: Hour) -> Iterator[tuple[Hour, list[Entry]]]:
    """Yield each hour from `first` on, without end, with its entries in the order of the log.

    Raises InputError for an hour before the café opened.
    """
    if first < OPENED:
        raise InputError(f"The simulated café opened at {OPENED}; {first} is before that.")
    waiting: defaultdict[int, list[Entry]] = defaultdict(list)
    hour = max(first.minus(REACH_HOURS), OPENED)
    while True:
        now = milliseconds(hour) // HOUR
        for entry in _starting_in(rules, hour):
            if entry.received // HOUR <= now + REACH_HOURS:
                waiting[entry.received // HOUR].append(entry)
        entries = waiting.pop(now, [])
        if hour >= first:
            yield hour, sorted(entries, key=lambda entry: entry.written)
        hour = hour.next


def _starting_in(rules: CafeRules, hour: Hour) -> Iterator[Entry]:
    sources = (
        *(people, hostile_people, crawlers, wave, monitor),
        *(scanners, hostile_machines, broken_lines),
    )
    return chain.from_iterable(source(rules, hour) for source in sources)


@dataclass(frozen=True)
class LogLine:
    """One line of the log: the time at which the server wrote it (UTC), and its bytes with newline.

    The time in the line is that of the request: up to 2 seconds earlier, in the same hour.
    """

    at: datetime
    raw: bytes


@dataclass(frozen=True)
class History:
    """The log of the hours `first` to `last`, both included, and its true figures."""

    first: Hour
    last: Hour
    rules: CafeRules

    @property
    def lines(self) -> Iterator[LogLine]:
        """Yield all lines in the order of the log."""
        for entries in self._entries.values():
            for entry in entries:
                yield LogLine(datetime.fromtimestamp(entry.written / SECOND, UTC), render(entry))

    @cached_property
    def truth(self) -> Truth:
        """The true figures of the lines."""
        tally = TruthTally()
        for hour, entries in self._entries.items():
            tally.add(hour, entries)
        return tally.truth()

    @cached_property
    def _entries(self) -> dict[Hour, list[Entry]]:
        hours = hour_range(self.first, self.last)
        return {
            hour: entries
            for _, (hour, entries) in zip(hours, traffic(self.rules, self.first), strict=False)
        }


def simulate(first: Hour, last: Hour, rules: CafeRules = STANDARD) -> History:
    """Simulate the hours `first` to `last`, both included.

    Raises InputError (when lines or truth are asked for) for hours before the café opened.
    """
    return History(first, last, rules)
