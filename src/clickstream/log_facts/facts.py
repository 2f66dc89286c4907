"""Compute the facts of parsed lines, some dates at a time."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from datetime import date, datetime, timedelta
from itertools import pairwise
from pathlib import Path

import pyarrow as pa

from clickstream.log_facts.date_carry import DateCarry
from clickstream.log_facts.date_tables import DateBuilder, DateTables
from clickstream.log_facts.fact_queries import FactQueries, FactRows
from clickstream.log_facts.lines_by_date import LinesByDate
from clickstream.settings import Settings
from clickstream.tables import SESSION_PARTS

AT_ONCE = 250_000
"""Rows of hits and session parts that the views are computed from at once, about."""

LONGEST_GAP = 7
"""Days without lines between two dates with lines, at most, that count as dates of a quiet site.

The logs of a longer gap are missing, so its hours are not published.
"""

_EPOCH = date(1970, 1, 1)


def compute_facts(
    lines: LinesByDate,
    settings: Settings,
    secret: bytes,
    read_at: datetime,
    sql_directory: Path,
    progress: Callable[[int, int], None] = lambda _done, _all: None,
    before: Mapping[int, DateCarry] | None = None,
    keep: Callable[[int, DateCarry], None] = lambda _day, _carry: None,
) -> Iterator[FactRows]:
    """Yield the facts of some dates after the other.

    Visitor keys are derived from `secret`. `read_at` (aware) is the time at which the lines were
    read. `progress` is called with the number of dates done and of all, and `keep` with the carry
    of each date. `before` has the carries of earlier dates that have no lines in `lines`.
    """
    days = [*_with_gaps(lines.days)]
    if not days:
        return
    hours = lines.first_and_last_hour
    builder = DateBuilder(settings, secret, hours, read_at, before)
    queries = FactQueries(settings, sql_directory)
    window: dict[int, DateTables] = {}
    for done, day in enumerate(days, 1):
        if window and day != max(window) + 1:  # no session reaches beyond a gap
            yield _facts_of(window, max(window), queries)
            window.clear()
        tables = builder.build(day, lines.of_day(day))
        window[day] = {**tables, **builder.search(day, tables[SESSION_PARTS])}
        keep(day, builder.carry)
        if len(window) > 1 and _size(window) > AT_ONCE:
            yield _facts_of(window, day - 1, queries)
            window = {day: window[day]}
            pa.default_memory_pool().release_unused()
        progress(done, len(days))
    yield _facts_of(window, max(window), queries)


def _with_gaps(days: list[int]) -> Iterator[int]:
    """Yield the dates with lines, and those of short gaps between them."""
    for day, following in pairwise(days):
        yield day
        if following - day <= LONGEST_GAP + 1:
            yield from range(day + 1, following)
    yield from days[-1:]


def _size(window: dict[int, DateTables]) -> int:
    return sum(len(rows) for tables in window.values() for rows in tables.values())


def _facts_of(window: dict[int, DateTables], last: int, queries: FactQueries) -> FactRows:
    first, end = (_EPOCH + timedelta(days=day) for day in (min(window), last))
    tables = {
        table: pa.concat_tables([of_date[table] for of_date in window.values()])
        for table in next(iter(window.values()))
    }
    return queries.rows(tables, first, end)
