"""All traffic, hour by hour: what starts in an hour may run on into later ones."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from itertools import chain

from clickstream.demo.cafe.bots import crawlers, monitor, scanners
from clickstream.demo.cafe.people import people
from clickstream.demo.cafe.rules import HOUR, OPENED, CafeRules, milliseconds
from clickstream.demo.cafe.trouble import broken_lines
from clickstream.demo.cafe.weblog import Entry
from clickstream.errors import InputError
from clickstream.hours import Hour

REACH_HOURS = 26
"""What starts in an hour ends at most so many hours later; what would not is left out."""


def traffic(rules: CafeRules, first: Hour) -> Iterator[tuple[Hour, list[Entry]]]:
    """Each hour from `first` on, without end, with its entries in the order they are logged.

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
    sources = (people, crawlers, monitor, scanners, broken_lines)
    return chain.from_iterable(source(rules, hour) for source in sources)
