"""Translates conditions of a query to an Iceberg filter, which skips files.

Only types that Iceberg and Trino compare alike are used. Other conditions skip no file; the query
checks all its conditions itself.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from pyiceberg import expressions as iceberg
from sqlglot import exp

from localaws.athena.dialect.scopes import Condition
from localaws.athena.types import Type

# pyiceberg's predicates accept a column's name and values, but their type hints do not.
PREDICATES: Mapping[str, Any] = {
    "=": iceberg.EqualTo,
    "<": iceberg.LessThan,
    "<=": iceberg.LessThanOrEqual,
    ">": iceberg.GreaterThan,
    ">=": iceberg.GreaterThanOrEqual,
    "in": iceberg.In,
}
DATE = re.compile(r"\d{4}-\d\d-\d\d")
TIMESTAMP = re.compile(r"(\d{4}-\d\d-\d\d)(?: (\d\d:\d\d:\d\d(?:\.\d{1,6})?))?")


def row_filter(
    conditions: Sequence[Condition], columns: Mapping[str, Type]
) -> iceberg.BooleanExpression:
    """Join all conditions that Iceberg can evaluate by AND."""
    result: iceberg.BooleanExpression = iceberg.AlwaysTrue()
    for column, operator, literals in conditions:
        values = [_value(literal, columns[column]) for literal in literals]
        if None not in values:
            result = iceberg.And(result, _predicate(column, operator, values))
    return result


def _predicate(column: str, operator: str, values: list[Any]) -> iceberg.BooleanExpression:
    if operator == "between":
        low, high = values
        return iceberg.And(PREDICATES[">="](column, low), PREDICATES["<="](column, high))
    operand = values if operator == "in" else values[0]
    predicate: iceberg.BooleanExpression = PREDICATES[operator](column, operand)
    return predicate


def _value(node: exp.Expr, kind: Type) -> Any:
    """Return a literal as Iceberg compares it with a column of a type; None if it can't."""
    if isinstance(node, exp.Literal):
        if node.is_string:
            return node.name if kind.name == "varchar" else None
        whole = kind.name in ("integer", "bigint") and node.name.isdigit()
        return int(node.name) if whole else None
    text = node.this.name
    if kind.name == "date" and node.is_type("date"):
        return text if DATE.fullmatch(text) else None
    if kind.name == "timestamp" and node.is_type("date", "timestamp"):
        match = TIMESTAMP.fullmatch(text)
        return f"{match[1]}T{match[2] or '00:00:00'}" if match else None
    return None
