"""Conditions of a WHERE that can leave out whole files of a table.

Only comparisons of one column with constants count. They are never true for NULL, so they hold
for the rows of a table on either side of any join, and reading less does not change the answer.
"""

from __future__ import annotations

from sqlglot import exp

from localaws.athena.dialect.scopes import Scope

OPERATORS: dict[type[exp.Expr], str] = {
    exp.EQ: "=",
    exp.LT: "<",
    exp.LTE: "<=",
    exp.GT: ">",
    exp.GTE: ">=",
}
MIRRORED = {"=": "=", "<": ">", "<=": ">=", ">": "<", ">=": "<="}


def note_conditions(where: exp.Expr, scope: Scope) -> None:
    """Note each usable condition of a WHERE with the scan of the table it is about."""
    parts = where.flatten() if isinstance(where, exp.And) else [where]
    for part in parts:
        condition = _condition(part.unnest())
        if condition is None:
            continue
        column, operator, constants = condition
        path = [name.name.lower() for name in column.parts]
        field = scope.field_of(path, column)
        if field is not None and field.scan is not None and field.name is not None:
            field.scan.conditions.append((field.name, operator, constants))


def _condition(node: exp.Expr) -> tuple[exp.Column, str, list[exp.Expr]] | None:
    if type(node) in OPERATORS:
        left, right = node.this, node.expression
        operator = OPERATORS[type(node)]
        if isinstance(right, exp.Column):
            left, right, operator = right, left, MIRRORED[operator]
        return _checked(left, operator, [right])
    if isinstance(node, exp.Between):
        return _checked(node.this, "between", [node.args["low"], node.args["high"]])
    if isinstance(node, exp.In) and node.expressions:
        return _checked(node.this, "in", node.expressions)
    return None


def _checked(
    column: exp.Expr, operator: str, constants: list[exp.Expr]
) -> tuple[exp.Column, str, list[exp.Expr]] | None:
    if isinstance(column, exp.Column) and all(map(_is_constant, constants)):
        return column, operator, constants
    return None


def _is_constant(node: exp.Expr) -> bool:
    """A literal, or a literal after DATE or TIMESTAMP."""
    if isinstance(node, exp.Cast):
        return isinstance(node.this, exp.Literal)
    return isinstance(node, exp.Literal)
