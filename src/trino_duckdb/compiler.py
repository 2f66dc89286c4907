"""Compiles Trino's SQL over a catalog to DuckDB's, and checks the types of a statement.

`compile_statement` rewrites a statement and the views that it reads, and lets DuckDB describe each
of them over empty tables with the right columns: this finds unknown names, and types that Trino
does not mix. The tables of the result are `scans`, which the caller replaces.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Protocol

import duckdb
from sqlglot import exp

from trino_duckdb.calls import FUNCTIONS_SQL
from trino_duckdb.errors import QueryError, column_not_found, explain_failure, not_supported
from trino_duckdb.rewriting import UNNAMED, Mention, Rewritten, rewrite, rewrite_view
from trino_duckdb.types import Type, parse_type, trino_name

MAX_VIEW_DEPTH = 30
SETTINGS = (
    "LOAD icu",  # a part of DuckDB's wheel, so it needs no network
    "SET TimeZone = 'UTC'",
    "SET default_null_order = 'nulls_last'",
    "SET order_by_non_integer_literal = true",
)
TOKEN = re.compile(r'"@(\d+)"')
SCAN = re.compile(r'"@scan(\d+)"')
Columns = Sequence[tuple[str, Type]]


@dataclass(frozen=True)
class ViewText:
    """A view as the catalog stores it: its query, the schema for names, the declared columns."""

    schema: str
    sql: str
    columns: Columns


@dataclass(frozen=True)
class TableColumns:
    """Columns of a base table, or of one version of it."""

    columns: Columns


class Relations(Protocol):
    """Source of tables and views, such as the Glue catalog."""

    def find(self, schema: str, name: str, version: exp.Expr | None) -> ViewText | TableColumns:
        """A table or view. Raises QueryError (TABLE_NOT_FOUND, SCHEMA_NOT_FOUND)."""
        ...


@dataclass(frozen=True)
class Scan:
    """One mention of a base table."""

    number: int
    schema: str
    table: str
    version: exp.Expr | None


@dataclass(frozen=True)
class CompiledStatement:
    """A query in DuckDB's SQL: its columns, and the tables that it reads."""

    sql: str
    columns: Sequence[tuple[str | None, Type]]
    scans: Sequence[Scan]
    tree: exp.Expr

    def labels(self) -> list[tuple[str, Type]]:
        """Return the columns; those without a name get ``_col0``, ``_col1``, … by position."""
        return [(name or f"_col{index}", kind) for index, (name, kind) in enumerate(self.columns)]

    def over(self, sources: Mapping[int, str]) -> str:
        """Return the query with a relation in the place of each scan, by its number."""
        return SCAN.sub(lambda match: sources[int(match[1])], self.sql)


def prepare_connection(connection: duckdb.DuckDBPyConnection) -> None:
    """Create the macros of a new database, and set what compiled SQL relies on."""
    prepare_cursor(connection)
    connection.execute(FUNCTIONS_SQL)


def prepare_cursor(cursor: duckdb.DuckDBPyConnection) -> None:
    """Set what compiled SQL relies on in a cursor of a prepared connection."""
    for setting in SETTINGS:
        cursor.execute(setting)


@lru_cache(maxsize=1)
def _checker() -> duckdb.DuckDBPyConnection:
    """A database without tables, in which statements are described."""
    connection = duckdb.connect(config={"threads": 1, "memory_limit": "256MB"})
    prepare_connection(connection)
    return connection


def compile_statement(
    sql: str,
    database: str,
    relations: Relations,
    parameters: Sequence[str] = (),
    is_checked: bool = True,
) -> CompiledStatement:
    """Compile a query with its execution parameters (SQL literals for each ``?``).

    Without `is_checked`, for SQL that is known to be Trino's, the columns have no types. Raises
    QueryError, with the position in ``sql`` where it is known.
    """
    compiler = _Compiler(relations, is_checked)
    try:
        rewritten = rewrite(sql, parameters)
        text, columns = compiler.compile(rewritten, database.lower())
    except QueryError as error:
        raise error.located(sql) from None
    named = [(None if name == UNNAMED else name, kind) for name, kind in columns]
    return CompiledStatement(text, named, compiler.scans, rewritten.tree)


class _Compiler:
    """Compiles one statement with the views that it reads."""

    def __init__(self, relations: Relations, is_checked: bool) -> None:
        self.scans: list[Scan] = []
        self._relations = relations
        self._is_checked = is_checked
        self._open_views: list[tuple[str, str]] = []

    def compile(self, rewritten: Rewritten, database: str) -> tuple[str, Columns]:
        """Return the SQL of a query, and its columns."""
        sources, stubs = [], []
        for mention in rewritten.mentions:
            text, columns = self._relation(mention, database)
            sources.append(text)
            nulls = ", ".join(f'CAST(NULL AS {kind}) AS "{name}"' for name, kind in columns)
            stubs.append(f"(SELECT {nulls} WHERE false)")
        sql = TOKEN.sub(lambda match: sources[int(match[1])], rewritten.run)
        return sql, _check(rewritten, stubs) if self._is_checked else ()

    def _relation(self, mention: Mention, database: str) -> tuple[str, Columns]:
        schema = mention.schema or database
        try:
            relation = self._relations.find(schema, mention.name, mention.version)
        except QueryError as error:
            raise QueryError(error.code, error.message, mention.node) from None
        if isinstance(relation, TableColumns):
            self.scans.append(Scan(len(self.scans), schema, mention.name, mention.version))
            return f'"@scan{len(self.scans) - 1}"', relation.columns
        return self._view(schema, mention, relation), relation.columns

    def _view(self, schema: str, mention: Mention, view: ViewText) -> str:
        """Compile a view in its own schema, as a subquery with its declared columns."""
        key = (schema, mention.name)
        if key in self._open_views or len(self._open_views) >= MAX_VIEW_DEPTH:
            name = ".".join(key)
            raise QueryError("VIEW_IS_RECURSIVE", f"View '{name}' is recursive", mention.node)
        self._open_views.append(key)
        try:
            text, columns = self.compile(rewrite_view(view.sql), view.schema)
            declared = [kind.id for _, kind in view.columns]
            if self._is_checked and [kind.id for _, kind in columns] != declared:
                raise QueryError("VIEW_IS_STALE", "The columns changed; create the view again")
        except QueryError as error:
            name = f"awsdatacatalog.{schema}.{mention.name}"
            reason = f"Failed analyzing stored view '{name}': {error.located(view.sql)}"
            raise QueryError("INVALID_VIEW", reason, mention.node) from None
        self._open_views.pop()
        return f"({text})"


@lru_cache(maxsize=1024)
def _describe_columns(sql: str) -> Columns:
    """The columns of a query, as DuckDB's binder finds them."""
    rows = _checker().cursor().execute(f"DESCRIBE {sql}").fetchall()
    return [(name, parse_type(kind)) for name, kind, *_ in rows]


def _check(rewritten: Rewritten, stubs: Sequence[str]) -> Columns:
    """Return the columns of a query over empty relations.

    Raises QueryError for names that do not exist, and for types that Trino does not mix.
    """

    def fill_stubs(sql: str) -> str:
        return TOKEN.sub(lambda match: stubs[int(match[1])], sql)

    for probe, visible in rewritten.visible:
        try:
            _describe_columns(fill_stubs(probe))
        except duckdb.Error as error:
            column = next(
                (candidate for candidate in visible if f'"{candidate.name}"' in str(error)),
                visible[0],
            )
            raise column_not_found(column.name, column) from None
    try:
        columns = _describe_columns(fill_stubs(rewritten.check))
        if rewritten.is_values:
            columns = [(UNNAMED, kind) for _, kind in columns]
        for sides in rewritten.unions:
            left, *rights = (_describe_columns(fill_stubs(side)) for side in sides)
            for right in rights:
                _require_mixable(left, right)
    except duckdb.Error as error:
        raise explain_failure(error, rewritten.tree) from None
    for name, kind in columns:
        try:
            trino_name(kind)
        except ValueError:
            raise not_supported(f"results of the type {kind} ({name})") from None
    return columns


FAMILIES = {
    **dict.fromkeys(("integer", "bigint", "hugeint", "decimal", "double"), "number"),
    **dict.fromkeys(("date", "timestamp"), "moment"),
}


def _require_mixable(left: Columns, right: Columns) -> None:
    """Raise QueryError if Trino finds no common type of two columns in a set operation."""
    for (name, kind), (_, other_kind) in zip(left, right, strict=True):
        if "NULL" in (str(kind).strip('"'), str(other_kind).strip('"')):
            continue
        if kind.id in ("list", "map", "struct"):
            is_mixable = str(kind) == str(other_kind)
        else:
            is_mixable = FAMILIES.get(kind.id, kind.id) == FAMILIES.get(
                other_kind.id, other_kind.id
            )
        if not is_mixable:
            raise QueryError(
                "TYPE_MISMATCH",
                f"column {name} in a set operation has incompatible types: {trino_name(kind)}, "
                f"{trino_name(other_kind)}",
            )
