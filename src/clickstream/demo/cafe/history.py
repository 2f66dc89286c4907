"""A stretch of hours of the simulated log, held in memory together with its truth."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property

from clickstream.demo.cafe.rules import SECOND, STANDARD, CafeRules
from clickstream.demo.cafe.traffic import traffic
from clickstream.demo.cafe.truth import Tally, Truth
from clickstream.demo.cafe.weblog import Entry, render
from clickstream.hours import Hour, hour_range


@dataclass(frozen=True)
class LogLine:
    """One line of the log: when the server wrote it (aware, UTC), and its bytes with newline.

    A record's own time is that of the request, up to 2 seconds earlier, in the same hour.
    """

    at: datetime
    raw: bytes


@dataclass(frozen=True)
class History:
    """The log of the hours `first` to `last`, both included, and its truth."""

    first: Hour
    last: Hour
    rules: CafeRules

    @property
    def lines(self) -> Iterator[LogLine]:
        """All lines in the order they are logged."""
        for entries in self._entries.values():
            for entry in entries:
                yield LogLine(datetime.fromtimestamp(entry.written / SECOND, UTC), render(entry))

    @cached_property
    def truth(self) -> Truth:
        """What there is to find out from the lines."""
        tally = Tally()
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
