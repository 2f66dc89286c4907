"""Finds conditions of a WHERE or a join that can skip whole files of a table.

Only comparisons of one column with constants are used. They are never true for NULL, so they may
be applied to a table on either side of any join without a change of the result. ``lineage`` finds
the tables that a column comes from.
"""

from __future__ import annotations

import re
from datetime import date, timedelta

from sqlglot import exp

from trino_duckdb.dialect.scopes import Condition, Scope, Source

OPERATORS: dict[type[exp.Expr], str] = {
    exp.EQ: "=",
    exp.LT: "<",
    exp.LTE: "<=",
    exp.GT: ">",
    exp.GTE: ">=",
}
WHOLE_DAYS = re.compile(r"-?\d{1,6}")
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
    dates = [_date_of(node) for node in constants]
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
        found.append((source.column, ">=", [_date_literal(first)]))
    if operator not in (">", ">="):
        found.append((source.column, "<", [_date_literal(after)]))
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
    value = _date_of(node)
    return node if value is None else _date_literal(value)


def _is_constant(node: exp.Expr) -> bool:
    """A literal, or a literal after DATE or TIMESTAMP."""
    if isinstance(node, exp.Cast):
        return isinstance(node.this, exp.Literal)
    return isinstance(node, exp.Literal)


def split_days(node: exp.Expr) -> tuple[exp.Expr, int]:
    """Split an expression into a part without added days and the number of added days."""
    node = node.unnest()
    if isinstance(node, exp.Anonymous) and node.name.lower() == "date_add":
        unit, count, base = node.expressions if len(node.expressions) == 3 else (node, node, node)
        days = _whole(count) if unit.name.lower() == "day" else None
    elif isinstance(node, exp.Add | exp.Sub) and isinstance(node.expression, exp.Interval):
        base, interval = node.this, node.expression
        days = _whole(interval.this) if interval.text("unit").upper() == "DAY" else None
        days = -days if days is not None and isinstance(node, exp.Sub) else days
    else:
        return node, 0
    if days is None:
        return node, 0
    inner, more = split_days(base)
    return inner, more + days


def _whole(node: exp.Expr) -> int | None:
    is_negative = isinstance(node, exp.Neg)
    text = node.this.name if is_negative else node.name
    if not WHOLE_DAYS.fullmatch(text):
        return None
    return -int(text) if is_negative else int(text)


def _date_of(node: exp.Expr) -> date | None:
    """Return the value of a date literal, also with added days; None for anything else."""
    literal, days = split_days(node)
    if not (isinstance(literal, exp.Cast) and literal.is_type("date")):
        return None
    if not isinstance(literal.this, exp.Literal):
        return None
    try:
        return date.fromisoformat(literal.this.name) + timedelta(days)
    except (ValueError, OverflowError):
        return None


def _date_literal(value: date) -> exp.Expr:
    """Build the literal of a date: DATE '2026-11-20'."""
    return exp.cast(exp.Literal.string(value.isoformat()), "date")
