"""The local Athena without its server: compile a query, run it in DuckDB, print its rows."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import duckdb

from localaws.athena import failures, results, worker
from localaws.athena.dialect import compile_statement
from localaws.athena.dialect.environment import TableColumns, ViewText
from localaws.athena.errors import QueryError
from localaws.athena.limits import Limits
from localaws.athena.statements import plain

Rows = list[list[str | None]]


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
    """One DuckDB with Trino's functions, as a worker prepares it."""

    def __init__(self, spill: Path) -> None:
        self._connection = worker.prepare(spill, Limits())

    def ask(self, sql: str) -> Answer:
        try:
            return self._run(sql)
        except QueryError as error:
            return Answer([], [], [], str(error))
        except duckdb.Error as error:
            failure = failures.explain_failure(error, Limits())
            return Answer([], [], [], f"{failure['code']}: {failure['message']}")

    def _run(self, sql: str) -> Answer:
        compiled = compile_statement(plain(sql), "default", NoTables())
        for statement in compiled.setup:
            self._connection.execute(statement)
        self._connection.execute(compiled.sql)
        kinds = [kind for _, kind in compiled.labels()]
        worker.check_types(self._connection, kinds)
        show = [results.renderer(kind) for kind in kinds]
        rows = [
            [None if value is None else f(value) for f, value in zip(show, row, strict=True)]
            for row in self._connection.fetchall()
        ]
        return Answer([name for name, _ in compiled.labels()], [str(k) for k in kinds], rows)
