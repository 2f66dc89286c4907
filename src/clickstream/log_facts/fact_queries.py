"""The fact views of include/sql on tables in memory, computed by DuckDB."""

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

from clickstream.errors import InputError
from clickstream.lake.fact_files import FACT_VIEWS
from clickstream.lake.views import AthenaView, views_of
from clickstream.log_facts.date_tables import DateTables
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

FactRows = Mapping[str, Mapping[date, pa.Table]]
"""The rows of each fact view by its date."""

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
        """Return the rows of each date from `first` to `last`.

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

    def rows(self, tables: Mapping[str, pa.Table], first: date, last: date) -> dict[date, pa.Table]:
        """Return the rows of each date, from the rows of the tables by name."""
        self._register(tables)
        found: pa.Table = self._cursor.sql(
            f"from facts where {self._column} between date '{first}' and date '{last}'"
        ).to_arrow_table()
        for name in self._tables:
            self._cursor.unregister(_RELATION + name)
        return {
            day: found.filter(pc.equal(found[self._column], day)) for day in _dates(first, last)
        }

    def _register(self, tables: Mapping[str, pa.Table]) -> None:
        for name in self._tables:
            self._cursor.register(_RELATION + name, tables[name])


def _dates(first: date, last: date) -> Iterator[date]:
    return (first + timedelta(days=n) for n in range((last - first).days + 1))


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
