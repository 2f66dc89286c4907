"""Compiles one statement: parses it, inserts parameters, compiles, and names result columns."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlglot import exp

from localaws.athena import macros, types
from localaws.athena.dialect.environment import Columns, Env, Relations, Session
from localaws.athena.dialect.parser import parse_expression, parse_query
from localaws.athena.dialect.queries import compile_query
from localaws.athena.dialect.scopes import Scan
from localaws.athena.errors import QueryError, not_supported
from localaws.athena.types import Type


@dataclass(frozen=True)
class CompiledStatement:
    """SQL for a worker: macros and views to create after those of the scans, then the query."""

    setup: Sequence[str]
    sql: str
    columns: Sequence[tuple[str | None, Type]]
    scans: Sequence[Scan]

    def labels(self) -> list[tuple[str, Type]]:
        """Return the columns; those without a name get ``_col0``, ``_col1``, … by position."""
        return [(name or f"_col{place}", kind) for place, (name, kind) in enumerate(self.columns)]


def compile_statement(
    sql: str, database: str, relations: Relations, parameters: Sequence[str] = ()
) -> CompiledStatement:
    """Compile a query with its execution parameters (SQL literals for each ``?``).

    Raises QueryError, with the position in ``sql`` where it is known.
    """
    session = Session(relations, compile_query)
    try:
        tree = parse_query(sql)
        _fill_parameters(tree, parameters)
        compiled = compile_query(tree, Env(session, database.lower()))
        _check_results(compiled.columns)
    except QueryError as error:
        raise error.located(sql) from None
    except (AttributeError, IndexError, KeyError, TypeError, ValueError) as error:
        raise not_supported("a form of a call or clause in this statement") from error
    used = macros.statements(" ".join([*session.setup, compiled.sql]))
    setup = [*used, *session.setup]
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
