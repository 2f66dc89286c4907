"""Compiles one statement: parses it, inserts parameters, compiles, and names result columns.

The compiler is recursive, because a query has expressions and an expression may have a query. The
modules ``queries``, ``relations``, ``ordering``, ``expressions``, ``comparisons``, ``moments`` and
``invocations`` each compile some kinds of nodes. For the parts of a node they call the
``StatementCompiler`` here, through ``Env.expression`` and ``Env.query``.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from sqlglot import exp

from trino_duckdb import types
from trino_duckdb.dialect import comparisons, expressions, invocations, moments, queries
from trino_duckdb.dialect.environment import Columns, Compiled, Env, Relations, Session
from trino_duckdb.dialect.parser import parse_expression, parse_query
from trino_duckdb.dialect.scopes import Scan
from trino_duckdb.dialect.typed import Typed
from trino_duckdb.errors import QueryError, not_supported
from trino_duckdb.functions import macros
from trino_duckdb.types import Type

Handler = Callable[[exp.Expr, Env], Typed]
EXPRESSIONS: dict[type[exp.Expr], Handler] = {
    exp.Literal: expressions.literal,
    exp.Null: expressions.null,
    exp.Boolean: expressions.truth_value,
    **dict.fromkeys((exp.Column, exp.Identifier, exp.Dot), expressions.name),
    exp.Paren: expressions.parenthesis,
    **dict.fromkeys((exp.And, exp.Or), expressions.condition),
    exp.Not: expressions.not_true,
    **dict.fromkeys((exp.Add, exp.Sub, exp.Mul, exp.Div, exp.Mod, exp.DPipe), expressions.binary),
    exp.Neg: expressions.negation,
    **dict.fromkeys((exp.Case, exp.If), expressions.case),
    **dict.fromkeys((exp.Cast, exp.TryCast), expressions.cast),
    exp.Trim: expressions.trim,
    exp.StrPosition: expressions.position,
    exp.Substring: expressions.substring,
    exp.Exists: expressions.exists,
    **dict.fromkeys((exp.Subquery, exp.Select), expressions.scalar_subquery),
    exp.Array: expressions.array,
    exp.Bracket: expressions.subscript,
    exp.Tuple: expressions.row,
    **dict.fromkeys(comparisons.OPERATORS, comparisons.comparison),
    exp.Is: comparisons.is_null,
    exp.In: comparisons.is_in,
    exp.Between: comparisons.between,
    **dict.fromkeys((exp.Like, exp.Escape), comparisons.like),
    exp.Extract: moments.extract,
    exp.Interval: moments.interval,
    exp.AtTimeZone: moments.at_time_zone,
    **dict.fromkeys(moments.NOW, moments.current),
    **dict.fromkeys(
        (exp.Anonymous, exp.Window, exp.Filter, exp.IgnoreNulls), invocations.compile_invocation
    ),
}
"""The function that compiles each kind of node; others are refused by name."""

_WORDS = re.compile(r"""'(?:[^']|'')*'|"(?:[^"]|"")*"|\w+""")
"""Texts, quoted names and words of compiled SQL."""


class StatementCompiler:
    """Compiles any node with the function for its kind."""

    def expression(self, node: exp.Expr, env: Env) -> Typed:
        """Compile any expression.

        Raises QueryError: COLUMN_NOT_FOUND, TYPE_MISMATCH, FUNCTION_NOT_FOUND, NOT_SUPPORTED ...
        """
        handler = EXPRESSIONS.get(type(node))
        if handler is None:
            raise not_supported(f"{type(node).__name__} ({node.sql('trino')[:80]})", node)
        return handler(node, env)

    def query(self, node: exp.Expr, env: Env) -> Compiled:
        """Compile any query. Raises QueryError."""
        return queries.compile_query(node, env)


@dataclass(frozen=True)
class CompiledStatement:
    """SQL for a worker: macros to create first, then the query.

    The query reads each scan from a view. The caller creates these views, or replaces them by
    subqueries with ``over``.
    """

    setup: Sequence[str]
    sql: str
    columns: Sequence[tuple[str | None, Type]]
    scans: Sequence[Scan]

    def labels(self) -> list[tuple[str, Type]]:
        """Return the columns; those without a name get ``_col0``, ``_col1``, … by position."""
        return [(name or f"_col{place}", kind) for place, (name, kind) in enumerate(self.columns)]

    def over(self, sources: Mapping[str, str]) -> str:
        """Return the query with a SELECT in the place of each scan's view.

        DuckDB binds a subquery once, but a view when it is created and again when it is read.
        """

        def replace(word: re.Match[str]) -> str:
            return f"({sources[word[0]]})" if word[0] in sources else word[0]

        return _WORDS.sub(replace, self.sql)


def compile_statement(
    sql: str, database: str, relations: Relations, parameters: Sequence[str] = ()
) -> CompiledStatement:
    """Compile a query with its execution parameters (SQL literals for each ``?``).

    Raises QueryError, with the position in ``sql`` where it is known.
    """
    session = Session(relations, StatementCompiler())
    try:
        tree = parse_query(sql)
        _fill_parameters(tree, parameters)
        compiled = Env(session, database.lower()).query(tree)
        _check_results(compiled.columns)
    except QueryError as error:
        raise error.located(sql) from None
    except (AttributeError, IndexError, KeyError, TypeError, ValueError) as error:
        raise not_supported("a form of a call or clause in this statement") from error
    setup = macros.statements(compiled.sql)
    return CompiledStatement(setup, compiled.sql, compiled.columns, session.scans)


def _check_results(columns: Columns) -> None:
    """Refuse values that can't be printed."""
    kinds = [kind for _, kind in columns]
    while kinds:
        kind = kinds.pop()
        kinds += kind.args
        if kind.name == types.YEAR_MONTH_INTERVAL:
            raise not_supported("an interval of months as a result")
        if kind.zone == types.MIXED_ZONES:
            raise not_supported("values of several time zones in one column of the result")


def _fill_parameters(tree: exp.Expr, parameters: Sequence[str]) -> None:
    """Replace each ``?``, in the order of the text, by its parameter."""
    places = sorted(tree.find_all(exp.Placeholder), key=lambda node: node.meta["start"])
    if len(places) != len(parameters):
        raise QueryError(
            "INVALID_PARAMETER_USAGE",
            f"Incorrect number of parameters: expected {len(places)} but found {len(parameters)}",
        )
    for place, text in zip(places, parameters, strict=True):
        place.replace(exp.Paren(this=parse_expression(text)))
