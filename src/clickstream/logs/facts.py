"""Compute the facts of parsed lines, some dates at a time, with the fact views in DuckDB."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import date, timedelta
from functools import lru_cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
import duckdb
import pyarrow as pa
import pyarrow.compute as pc
from clickstream.dashboard.questions.fact_copy import COPIED_DAY
from clickstream.errors import InputError
from clickstream.lake.fact_files import FACT_VIEWS
from clickstream.lake.views import AthenaView, views_of
from clickstream.logs.date_tables import DateTables
from clickstream.settings import Settings
from clickstream.tables import TABLES
from trino_duckdb import (
    CompiledStatement,
    QueryError,
    TableColumns,
    ViewText,
    compile_statement,
    prepare_connection,
    prepare_cursor,
)
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass
from datetime import date, datetime
from itertools import pairwise
from clickstream.logs.date_tables import DateBuilder, DateCarry, DateTables
from clickstream.logs.lines_by_date import LinesByDate, date_of


FactRows = Mapping[str, pa.Table]
"""The rows of each fact view for some dates; the column COPIED_DAY has the date of each row."""

THREADS, MEMORY_LIMIT = 2, "512MB"
_DATABASE = "logs"
_RELATION = "table "
"""Before the names of tables in DuckDB, because a view may name a WITH query like a table."""


class FactQueries:
    """Some compiled fact views, and a database that they run in.

    Raises InputError for a fact view without a date filter in its description.
    """

    def __init__(
        self, settings: Settings, directory: Path, names: Sequence[str] = FACT_VIEWS
    ) -> None:
        # A database has its functions until the connection that registered them is collected.
        self._spilled = TemporaryDirectory(prefix="clickstream-")
        self._connection = duckdb.connect(
            config={
                "threads": THREADS,
                "memory_limit": MEMORY_LIMIT,
                "temp_directory": self._spilled.name,
            }
        )
        prepare_connection(self._connection)
        views = {view.name: view for view in views_of(settings, directory)}
        catalog = _catalog(tuple((view.name, view.sql) for view in views.values()))
        self._queries = {
            name: _FactQuery(self._connection.cursor(), views[name], catalog) for name in names
        }

    def close(self) -> None:
        """Close the database, and remove what it has on disk."""
        self._connection.close()
        self._spilled.cleanup()

    def rows(self, tables: DateTables, first: date, last: date) -> FactRows:
        """Return the rows of the dates from `first` to `last`.

        `tables` have the rows of these dates and of the date after them.
        """
        of_name = {table.name: rows for table, rows in tables.items()}
        return {name: query.rows(of_name, first, last) for name, query in self._queries.items()}


class _FactQuery:
    """A fact view, and a cursor with its compiled SQL as a view, which is parsed once."""

    def __init__(self, cursor: Any, view: AthenaView, catalog: _Catalog) -> None:
        self._cursor, self._column = cursor, _date_column(view)
        compiled = catalog.compiled(view.name)
        self._tables = sorted({scan.table for scan in compiled.scans})
        prepare_cursor(cursor)
        self._register(
            {name: table.arrow_schema().empty_table() for name, table in _TABLES.items()}
        )
        sources = {scan.number: f'"{_RELATION}{scan.table}"' for scan in compiled.scans}
        cursor.execute(f"create temp view facts as {compiled.over(sources)}")

    def rows(self, tables: Mapping[str, pa.Table], first: date, last: date) -> pa.Table:
        """Return the rows of dates, from the rows of the tables by name."""
        self._register(tables)
        found: pa.Table = self._cursor.sql(
            f"from facts where {self._column} between date '{first}' and date '{last}'"
        ).to_arrow_table()
        for name in self._tables:
            self._cursor.unregister(_RELATION + name)
        return found.append_column(COPIED_DAY, found[self._column])

    def _register(self, tables: Mapping[str, pa.Table]) -> None:
        for name in self._tables:
            self._cursor.register(_RELATION + name, tables[name])


def _date_column(view: AthenaView) -> str:
    if view.filter_by is None:
        raise InputError(f"The view {view.name} has no filter_by in its description.")
    return view.filter_by.column


_TABLES = {table.name: table for table in TABLES}


class _Catalog:
    """The tables and views by name, whose types are known to be right."""

    def __init__(self, sql_of_views: Mapping[str, str]) -> None:
        self._sql = sql_of_views
        self._compiled: dict[str, CompiledStatement] = {}

    def compiled(self, name: str) -> CompiledStatement:
        """Return the statement that selects all rows of a view; compile it once."""
        if name not in self._compiled:
            self._compiled[name] = compile_statement(
                self._sql[name], _DATABASE, self, is_checked=False
            )
        return self._compiled[name]

    def find(self, schema: str, name: str, _version: object) -> ViewText | TableColumns:
        """Return a table or view. Raises QueryError (TABLE_NOT_FOUND)."""
        if name in _TABLES:
            return TableColumns(())
        if name not in self._sql:
            raise QueryError("TABLE_NOT_FOUND", f"Table '{name}' does not exist")
        return ViewText(schema, self._sql[name], ())


@lru_cache(maxsize=2)
def _catalog(views: tuple[tuple[str, str], ...]) -> _Catalog:
    """Return the catalog of some views, given by name and SQL."""
    return _Catalog(dict(views))


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
    sql_directory: Path,
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
        closing(FactQueries(settings, sql_directory, views)) as queries,
        ThreadPoolExecutor(1) as worker,
    ):
        for window in _windows(lines, days, builder, progress, keep, observe):
            if computing:
                yield computing.result()
            computing = worker.submit(window.facts, queries)
            del window  # its tables are large, and the worker forgets them when it is done
        if computing:
            yield computing.result()
    pa.default_memory_pool().release_unused()


@dataclass(frozen=True)
class _Window:
    """The rows of the tables of some dates, and the first and last date to compute facts of."""

    tables: DateTables
    first: date
    last: date

    @classmethod
    def of(cls, parts: Sequence[DateTables], first: int, last: int) -> _Window:
        """Join the tables of parts; dates are given as days since 1970-01-01."""
        tables = {table: pa.concat_tables([one[table] for one in parts]) for table in parts[0]}
        return cls(tables, date_of(first), date_of(last))

    def facts(self, queries: FactQueries) -> FactRows:
        """Compute the facts."""
        return queries.rows(self.tables, self.first, self.last)


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
            yield _Window.of(parts, first, last)
            parts = []
        first, last = first if parts else batch[0], batch[-1]
        tables = builder.build({day: [*lines.of_day(day)] for day in batch})
        observe(tables)
        searched, carries = builder.search(tables, batch)
        for day, carry in zip(batch, carries, strict=True):
            keep(day, carry)
        parts.append({**tables, **searched})
        if last > first and sum(map(_size, parts)) > AT_ONCE:
            yield _Window.of(parts, first, last - 1)
            is_last = pc.field("event_date") == date_of(last)
            parts = [{table: rows.filter(is_last) for table, rows in parts[-1].items()}]
            first = last
            pa.default_memory_pool().release_unused()
        done += len(batch)
        progress(done, len(days))
    yield _Window.of(parts, first, last)


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


def _size(tables: DateTables) -> int:
    return sum(map(len, tables.values()))
