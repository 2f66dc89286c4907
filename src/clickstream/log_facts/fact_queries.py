"""The fact views of include/sql on tables in memory, computed by DuckDB."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date, timedelta
from functools import lru_cache
from pathlib import Path

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
    types,
)

FactRows = Mapping[str, Mapping[date, pa.Table]]
"""The rows of each fact view by its date."""

THREADS, MEMORY_LIMIT = 2, "512MB"
_DATABASE = "logs"


class FactQueries:
    """The compiled fact views, and a database that they run in.

    Raises InputError for a fact view without a date filter in its description.
    """

    def __init__(self, settings: Settings, directory: Path) -> None:
        self._connection = duckdb.connect(config={"threads": THREADS, "memory_limit": MEMORY_LIMIT})
        prepare_connection(self._connection)
        views = {view.name: view for view in views_of(settings, directory)}
        self._date_columns = {name: _date_column(views[name]) for name in FACT_VIEWS}
        self._compiled = _compile(tuple((view.name, view.sql) for view in views.values()))
        self._register({table: table.arrow_schema().empty_table() for table in TABLES})

    def rows(self, tables: DateTables, first: date, last: date) -> FactRows:
        """Return the rows of each date from `first` to `last`.

        `tables` have the rows of these dates and of the date after them.
        """
        self._register(tables)
        return {name: self._rows_of(name, first, last) for name in FACT_VIEWS}

    def _register(self, tables: DateTables) -> None:
        for table, rows in tables.items():
            self._connection.register(table.name, rows)

    def _rows_of(self, name: str, first: date, last: date) -> dict[date, pa.Table]:
        compiled, column = self._compiled[name], self._date_columns[name]
        for statement in _setup(compiled):
            self._connection.execute(statement)
        labels = ", ".join(f'"{label}"' for label, _ in compiled.labels())
        found: pa.Table = self._connection.sql(
            f"select * from ({compiled.sql}) as facts ({labels}) "  # noqa: S608
            f"where {column} between date '{first}' and date '{last}'"
        ).to_arrow_table()
        return {day: found.filter(pc.equal(found[column], day)) for day in _dates(first, last)}


@lru_cache(maxsize=1)
def _compile(views: tuple[tuple[str, str], ...]) -> Mapping[str, CompiledStatement]:
    """Compile the fact views, given all views by name and text; a follower needs them again.

    It takes more than a second, as long as the facts of some dates.
    """
    catalog = _Catalog(dict(views))
    return {
        name: compile_statement(f"select * from {name}", _DATABASE, catalog)  # noqa: S608
        for name in FACT_VIEWS
    }


def _setup(compiled: CompiledStatement) -> Iterator[str]:
    """Yield the statements before a query; names are unique within one query only."""
    for scan in compiled.scans:
        yield f"create or replace temp view {scan.view} as select * from {scan.table}"  # noqa: S608
    for statement in compiled.setup:
        yield statement.replace("CREATE TEMP VIEW", "CREATE OR REPLACE TEMP VIEW", 1)


def _dates(first: date, last: date) -> Iterator[date]:
    return (first + timedelta(days=n) for n in range((last - first).days + 1))


def _date_column(view: AthenaView) -> str:
    if view.filter_by is None:
        raise InputError(f"The view {view.name} has no filter_by in its description.")
    return view.filter_by.column


_TYPES = {
    "string": types.VARCHAR,
    "int": types.INTEGER,
    "long": types.BIGINT,
    "double": types.DOUBLE,
    "boolean": types.BOOLEAN,
    "timestamp": types.timestamp(6),
    "date": types.DATE,
    "map<string, long>": types.map_of(types.VARCHAR, types.BIGINT),
    "list<long>": types.array(types.BIGINT),
}
_TABLES = {table.name: table for table in TABLES}


class _Catalog:
    """The tables and views by name; a view is described when it is first mentioned."""

    def __init__(self, views: Mapping[str, str]) -> None:
        self._views = views
        self._described: dict[str, ViewText] = {}

    def find(self, schema: str, name: str, _version: object) -> ViewText | TableColumns:
        """Return a table or view. Raises QueryError (TABLE_NOT_FOUND)."""
        if table := _TABLES.get(name):
            return TableColumns([(one.name, _TYPES[one.type]) for one in table.columns])
        if name not in self._views:
            raise QueryError("TABLE_NOT_FOUND", f"Table '{name}' does not exist")
        if name not in self._described:
            sql = self._views[name]
            columns = compile_statement(sql, schema, self).labels()
            self._described[name] = ViewText(schema, sql, columns)
        return self._described[name]
