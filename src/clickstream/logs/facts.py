"""Compute the facts of parsed lines, some dates at a time, with the fact views in DuckDB."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing
from datetime import date, datetime
from importlib import resources
from itertools import pairwise
from tempfile import TemporaryDirectory

import duckdb
import pyarrow as pa
import pyarrow.compute as pc

from clickstream.core.zone_names import sql_zone
from clickstream.dashboard.ask.fact_copy import COPIED_DAY
from clickstream.lake.fact_files import FACT_VIEWS
from clickstream.logs.date_tables import DateBuilder, DateCarry, DateTables
from clickstream.logs.lines_by_date import LinesByDate, date_of
from clickstream.settings import Settings
from clickstream.tables import TABLES

FactRows = Mapping[str, pa.Table]
"""The rows of each fact view for some dates; the column COPIED_DAY has the date of each row."""

THREADS, MEMORY_LIMIT = 2, "512MB"


class FactQueries:
    """Some fact views, over tables in memory, in a database of DuckDB.

    `fact_views.sql` has them, compiled by scripts/compile_views.py, with the macros that they call.
    """

    def __init__(self, settings: Settings, names: Sequence[str] = FACT_VIEWS) -> None:
        # A database has its macros until the connection that created them is collected.
        self._spilled = TemporaryDirectory(prefix="clickstream-")
        self._connection = duckdb.connect(
            config={
                "threads": THREADS,
                "memory_limit": MEMORY_LIMIT,
                "temp_directory": self._spilled.name,
            }
        )
        for table in TABLES:
            self._register(table.name, table.arrow_schema().empty_table())
        zone = sql_zone(settings.site.time_zone)
        script = resources.files(__package__).joinpath("fact_views.sql").read_text("utf-8")
        macros, *views = script.replace(
            "{time_zone}", f"GMT{zone}" if zone[0] in "+-" else zone
        ).split("-- view ")
        self._connection.execute(macros)
        self._date_columns: dict[str, str] = {}
        for view in views:
            heading, _, statement = view.partition("\n")
            name, _, column = heading.partition(" by ")
            if name in names:
                self._date_columns[name] = column
                self._connection.execute(statement)

    def close(self) -> None:
        """Close the database, and remove what it has on disk."""
        self._connection.close()
        self._spilled.cleanup()

    def rows(self, tables: DateTables, first: date, last: date) -> FactRows:
        """Return the rows of the dates from `first` to `last`.

        `tables` have the rows of these dates and of the date after them.
        """
        for table, rows in tables.items():
            self._register(table.name, rows)
        facts = {}
        for name, column in self._date_columns.items():
            dates = f"{column} between date '{first}' and date '{last}'"
            rows = self._connection.sql(f"from {name} where {dates}").to_arrow_table()
            facts[name] = rows.append_column(COPIED_DAY, rows[column])
        for table in tables:
            self._connection.unregister(f"table {table.name}")
        return facts

    def _register(self, name: str, rows: pa.Table) -> None:
        self._connection.register(f"table {name}", rows)


AT_ONCE = 125_000
"""Rows of hits and session parts that the views are computed from at once, about."""

LONGEST_GAP = 7
"""Days without lines between two dates with lines, at most, that count as dates of a quiet site.

The logs of a longer gap are missing, so its hours are not published.
"""


def compute_facts(
    lines: LinesByDate,
    settings: Settings,
    secret: bytes,
    read_at: datetime,
    progress: Callable[[int, int], None] = lambda _done, _all: None,
    before: Mapping[int, DateCarry] | None = None,
    keep: Callable[[int, DateCarry], None] = lambda _day, _carry: None,
    *,
    views: Sequence[str] = FACT_VIEWS,
    observe: Callable[[DateTables], None] = lambda _tables: None,
    first: int | None = None,
) -> Iterator[FactRows]:
    """Yield the facts of some dates after the other.

    Visitor keys are derived from `secret`. `read_at` (aware) is the time at which the lines were
    read. `progress` is called with the number of dates done and of all, `keep` with the carry of
    each date, and `observe` with the rows of its tables. With `first` (days since 1970-01-01), the
    facts of earlier dates are not computed; `before` has the carries of these. DuckDB computes the
    facts of some dates in a thread, while the tables of the next dates are built.
    """
    days = [day for day in lines.days if first is None or day >= first]
    if not days:
        return
    builder = DateBuilder(settings, secret, lines.first_and_last_hour, read_at, before)
    computing: Future[FactRows] | None = None
    with (
        closing(FactQueries(settings, views)) as queries,
        ThreadPoolExecutor(1) as worker,
    ):
        for window in _windows(lines, days, builder, progress, keep, observe):
            if computing:
                yield computing.result()
            computing = worker.submit(queries.rows, *window)
            del window  # its tables are large, and the worker forgets them when it is done
        if computing:
            yield computing.result()
    pa.default_memory_pool().release_unused()


_Window = tuple[DateTables, date, date]
"""The rows of the tables of some dates, and the first and last date to compute facts of."""


def _window_of(parts: Sequence[DateTables], first: int, last: int) -> _Window:
    """Join the tables of parts; dates are given as days since 1970-01-01."""
    tables = {table: pa.concat_tables([part[table] for part in parts]) for table in parts[0]}
    return tables, date_of(first), date_of(last)


def _windows(
    lines: LinesByDate,
    days_with_lines: list[int],
    builder: DateBuilder,
    progress: Callable[[int, int], None],
    keep: Callable[[int, DateCarry], None],
    observe: Callable[[DateTables], None],
) -> Iterator[_Window]:
    """Build the tables of all dates, and yield those of some dates after the other."""
    days = [*_with_gaps(days_with_lines)]
    parts: list[DateTables] = []
    first = last = done = 0
    for batch in _batches(days, lines):
        if parts and batch[0] != last + 1:  # no session reaches beyond a gap
            yield _window_of(parts, first, last)
            parts = []
        first, last = first if parts else batch[0], batch[-1]
        tables = builder.build({day: [*lines.of_day(day)] for day in batch})
        observe(tables)
        searched, carries = builder.search(tables, batch)
        for day, carry in zip(batch, carries, strict=True):
            keep(day, carry)
        parts.append({**tables, **searched})
        size = sum(len(rows) for part in parts for rows in part.values())
        if last > first and size > AT_ONCE:
            yield _window_of(parts, first, last - 1)
            is_last = pc.field("event_date") == date_of(last)
            parts = [{table: rows.filter(is_last) for table, rows in parts[-1].items()}]
            first = last
            pa.default_memory_pool().release_unused()
        done += len(batch)
        progress(done, len(days))
    yield _window_of(parts, first, last)


def _batches(days: Sequence[int], lines: LinesByDate) -> Iterator[list[int]]:
    """Divide dates into runs of consecutive ones with about AT_ONCE lines at most."""
    batch: list[int] = []
    size = 0
    for day in days:
        size += lines.lines_of(day)
        if batch and (day != batch[-1] + 1 or size > AT_ONCE):
            yield batch
            batch, size = [], lines.lines_of(day)
        batch.append(day)
    yield batch


def _with_gaps(days: list[int]) -> Iterator[int]:
    """Yield the dates with lines, and those of short gaps between them."""
    for day, following in pairwise(days):
        yield day
        if following - day <= LONGEST_GAP + 1:
            yield from range(day + 1, following)
    yield from days[-1:]
