"""Context of a part of a query during its compilation."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Protocol

from sqlglot import exp

from trino_duckdb.dialect.scopes import Scan, Scope, Sources
from trino_duckdb.dialect.typed import Typed
from trino_duckdb.types import Type

Columns = Sequence[tuple[str | None, Type]]


@dataclass(frozen=True)
class Compiled:
    """A compiled query: its DuckDB SQL and the names and types of its columns, in order.

    ``sources`` has the base-table columns that each column follows (``scopes.Source``). It is empty
    if a condition on the query's columns must not be applied to the tables.
    """

    sql: str
    columns: Columns
    sources: Sequence[Sources] = ()


@dataclass
class NamedQuery:
    """A query of a WITH clause.

    Each mention is compiled separately, with its own scans, as in Trino: a condition on one mention
    skips no file of another.
    """

    columns: Columns
    build: Callable[[], Compiled]
    unmentioned: Compiled | None

    def mention(self) -> Compiled:
        """Return the compiled query: first the one from the WITH clause, later a new one."""
        compiled, self.unmentioned = self.unmentioned, None
        return compiled or self.build()


@dataclass(frozen=True)
class ViewText:
    """A view as the catalog stores it: its query, the schema for names, the declared columns."""

    schema: str
    sql: str
    columns: Sequence[tuple[str, Type]]


@dataclass(frozen=True)
class TableColumns:
    """Columns of a base table, or of one version of it."""

    columns: Sequence[tuple[str, Type]]


class Relations(Protocol):
    """Source of tables and views, such as the Glue catalog."""

    def find(self, schema: str, name: str, version: object) -> ViewText | TableColumns:
        """A table or view. Raises QueryError (TABLE_NOT_FOUND, SCHEMA_NOT_FOUND)."""
        ...


class Compiler(Protocol):
    """The recursion: compiles any expression or query, by the module for its kind of node."""

    def expression(self, node: exp.Expr, env: Env) -> Typed:
        """Compile any expression."""
        ...

    def query(self, node: exp.Expr, env: Env) -> Compiled:
        """Compile any query; ``env.scope`` has the names visible around it."""
        ...


@dataclass
class Session:
    """State of one compilation: generated names and mentioned tables.

    A view is compiled at each mention (see NamedQuery).
    """

    relations: Relations
    compiler: Compiler
    scans: list[Scan] = field(default_factory=list)
    open_views: list[tuple[str, str]] = field(default_factory=list)
    _count: int = 0

    def name(self, prefix: str) -> str:
        """Return a name that is unique in the compiled SQL."""
        self._count += 1
        return f"{prefix}{self._count}"

    def alias(self, source: str, columns: Columns) -> tuple[str, list[Typed]]:
        """Give a part of a FROM clause and its columns generated names."""
        name = self.name("q")
        names = [f"c{place}" for place in range(len(columns))]
        values = [
            Typed(f"{name}.{short}", kind) for short, (_, kind) in zip(names, columns, strict=True)
        ]
        return f"{source} AS {name}({', '.join(names)})", values


@dataclass(frozen=True)
class Env:
    """Context of an expression or query: visible names, WITH queries, named windows.

    The modules that compile one kind of node call ``expression`` and ``query`` for its parts.
    """

    session: Session
    database: str
    scope: Scope = field(default_factory=Scope)
    ctes: Mapping[str, NamedQuery] = field(default_factory=dict)
    windows: Mapping[str, exp.Window] = field(default_factory=dict)

    def within(self, scope: Scope) -> Env:
        """Return this context with other visible names."""
        return replace(self, scope=scope)

    def expression(self, node: exp.Expr) -> Typed:
        """Compile an expression in this context. Raises QueryError."""
        return self.session.compiler.expression(node, self)

    def query(self, node: exp.Expr) -> Compiled:
        """Compile a query in this context. Raises QueryError."""
        return self.session.compiler.query(node, self)
