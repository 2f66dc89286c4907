"""Compile a query without tables, run it in DuckDB, and print its rows as the local Athena does."""

from __future__ import annotations

from dataclasses import dataclass

import duckdb

from trino_duckdb import (
    QueryError,
    TableColumns,
    ViewText,
    compile_statement,
    explain_failure,
    prepare_connection,
    renderer,
    types,
)

Rows = list[list[str | None]]
CONFIG = {
    "autoinstall_known_extensions": False,
    "autoload_known_extensions": False,
    "memory_limit": "1GB",
    "threads": 2,
}


class NoTables:
    """A catalog without tables."""

    def find(self, schema: str, name: str, _version: object) -> ViewText | TableColumns:
        raise QueryError("TABLE_NOT_FOUND", f"Table '{schema}.{name}' does not exist")


@dataclass(frozen=True)
class Answer:
    """Headings, Trino types and printed rows of a query, or the error that refuses it."""

    names: list[str]
    types: list[str]
    rows: Rows
    error: str = ""


class LocalEngine:
    """One DuckDB that has loaded no extension and is prepared for compiled statements."""

    def __init__(self) -> None:
        self._connection = duckdb.connect(config=CONFIG)
        prepare_connection(self._connection)

    def ask(self, sql: str) -> Answer:
        try:
            return self._run(sql)
        except QueryError as error:
            return Answer([], [], [], str(error))
        except duckdb.Error as error:
            return Answer([], [], [], str(explain_failure(error)))

    def _run(self, sql: str) -> Answer:
        compiled = compile_statement(sql.rstrip(" ;"), "default", NoTables())
        self._connection.execute(compiled.sql)
        kinds = [kind for _, kind in compiled.labels()]
        show = [renderer(kind) for kind in kinds]
        rows = [
            [None if value is None else f(value) for f, value in zip(show, row, strict=True)]
            for row in self._connection.fetchall()
        ]
        names = [name for name, _ in compiled.labels()]
        return Answer(names, [types.trino_name(kind) for kind in kinds], rows)
