"""Finds conditions of a WHERE or a join that can skip whole files of a table.

Only comparisons of one column with constants are used. They are never true for NULL, so they may
be applied to a table on either side of any join without a change of the result. ``lineage`` finds
the tables that a column comes from.
"""

from __future__ import annotations

from datetime import timedelta

from sqlglot import exp

from localaws.athena.dialect.days import date_literal, date_of
from localaws.athena.dialect.scopes import Condition, Scope, Source

OPERATORS: dict[type[exp.Expr], str] = {
    exp.EQ: "=",
    exp.LT: "<",
    exp.LTE: "<=",
    exp.GT: ">",
    exp.GTE: ">=",
}
MIRRORED = {"=": "=", "<": ">", "<=": ">=", ">": "<", ">=": "<="}


def note_conditions(where: exp.Expr, scope: Scope) -> None:
    """Add each usable condition of a WHERE to the scan of its table."""
    parts = where.flatten() if isinstance(where, exp.And) else [where]
    for part in parts:
        condition = _condition(part.unnest())
        if condition is None:
            continue
        column, operator, constants = condition
        field = scope.field_of(column)
        for source in field.sources if field is not None else ():
            source.scan.conditions += _conditions_on(source, operator, constants)


def _conditions_on(source: Source, operator: str, constants: list[exp.Expr]) -> list[Condition]:
    """Translate a condition on a column to conditions on the table columns that follow it."""
    if source.only_for_equality and operator != "=":
        return []
    if source.days == (0, 0) and not source.as_date:
        return [(source.column, operator, constants)]
    dates = [date_of(node) for node in constants]
    known = [each for each in dates if each is not None]
    if len(known) < len(dates):
        return []
    try:
        first = min(known) + timedelta(source.days[0])
        last = max(known) + timedelta(source.days[1])
        after = last + timedelta(1)
    except OverflowError:
        return []
    found: list[Condition] = []
    if operator not in ("<", "<="):
        found.append((source.column, ">=", [date_literal(first)]))
    if operator not in (">", ">="):
        found.append((source.column, "<", [date_literal(after)]))
    return found


def _condition(node: exp.Expr) -> tuple[exp.Column, str, list[exp.Expr]] | None:
    if type(node) in OPERATORS:
        left, right = node.this, node.expression
        operator = OPERATORS[type(node)]
        if isinstance(right, exp.Column):
            left, right, operator = right, left, MIRRORED[operator]
        return _check_constant(left, operator, [right])
    if isinstance(node, exp.Between):
        return _check_constant(node.this, "between", [node.args["low"], node.args["high"]])
    if isinstance(node, exp.In) and node.expressions:
        return _check_constant(node.this, "in", node.expressions)
    return None


def _check_constant(
    column: exp.Expr, operator: str, constants: list[exp.Expr]
) -> tuple[exp.Column, str, list[exp.Expr]] | None:
    values = [_fold_days(node) for node in constants]
    if isinstance(column, exp.Column) and all(map(_is_constant, values)):
        return column, operator, values
    return None


def _fold_days(node: exp.Expr) -> exp.Expr:
    """Return a constant with an added number of days as one constant."""
    value = date_of(node)
    return node if value is None else date_literal(value)


def _is_constant(node: exp.Expr) -> bool:
    """A literal, or a literal after DATE or TIMESTAMP."""
    if isinstance(node, exp.Cast):
        return isinstance(node.this, exp.Literal)
    return isinstance(node, exp.Literal)
