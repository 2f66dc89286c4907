"""Converts Iceberg's types to Trino's, and conditions of a query to an Iceberg filter.

The filter skips files. Only conditions on types that Iceberg and Trino compare alike are converted.
Other conditions skip no file; the query checks all its conditions itself.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from pyiceberg import expressions
from pyiceberg import types as iceberg_types
from pyiceberg.schema import Schema
from sqlglot import exp

from trino_duckdb import Condition, Type, not_supported, types

PRIMITIVES: dict[type[iceberg_types.IcebergType], Type] = {
    iceberg_types.BooleanType: types.BOOLEAN,
    iceberg_types.IntegerType: types.INTEGER,
    iceberg_types.LongType: types.BIGINT,
    iceberg_types.DoubleType: types.DOUBLE,
    iceberg_types.DateType: types.DATE,
    iceberg_types.StringType: types.VARCHAR,
    iceberg_types.BinaryType: types.VARBINARY,
    iceberg_types.FixedType: types.VARBINARY,
    iceberg_types.TimestampType: types.timestamp(6),
    iceberg_types.TimestamptzType: types.timestamp_tz(6),
}

# pyiceberg's predicates accept a column's name and values, but their type hints do not.
PREDICATES: Mapping[str, Any] = {
    "=": expressions.EqualTo,
    "<": expressions.LessThan,
    "<=": expressions.LessThanOrEqual,
    ">": expressions.GreaterThan,
    ">=": expressions.GreaterThanOrEqual,
    "in": expressions.In,
}
DATE = re.compile(r"\d{4}-\d\d-\d\d")
TIMESTAMP = re.compile(r"(\d{4}-\d\d-\d\d)(?: (\d\d:\d\d:\d\d(?:\.\d{1,6})?))?")


def trino_type(field: iceberg_types.NestedField) -> Type:
    """Return the Trino type of a column. Raises QueryError (NOT_SUPPORTED)."""
    return _convert(field.field_type, field.name)


def _convert(kind: iceberg_types.IcebergType, column: str) -> Type:
    if isinstance(kind, iceberg_types.DecimalType):
        return types.decimal(kind.precision, kind.scale)
    if isinstance(kind, iceberg_types.ListType):
        return types.array(_convert(kind.element_type, column))
    if isinstance(kind, iceberg_types.MapType):
        return types.map_of(_convert(kind.key_type, column), _convert(kind.value_type, column))
    if isinstance(kind, iceberg_types.StructType):
        return types.row((part.name, _convert(part.field_type, column)) for part in kind.fields)
    if type(kind) not in PRIMITIVES:
        raise not_supported(f"the type {kind} of column {column}")
    return PRIMITIVES[type(kind)]


def duckdb_schema(schema: Schema) -> tuple[list[tuple[str, str]], str]:
    """Return quoted names with DuckDB types, and read_parquet's ``schema`` argument by field id."""
    names, entries = [], []
    for field in schema.fields:
        kind = types.duckdb_name(trino_type(field))
        label = field.name.replace("'", "''")
        names.append(('"' + field.name.replace('"', '""') + '"', kind))
        text = kind.replace("'", "''")
        entries.append(
            f"{field.field_id}: {{name: '{label}', type: '{text}', default_value: NULL}}"
        )
    return names, f"MAP {{{', '.join(entries)}}}"


def row_filter(
    conditions: Sequence[Condition], columns: Mapping[str, Type]
) -> expressions.BooleanExpression:
    """Join all conditions that Iceberg can evaluate by AND."""
    result: expressions.BooleanExpression = expressions.AlwaysTrue()
    for column, operator, literals in conditions:
        values = [_value(literal, columns[column]) for literal in literals]
        if None not in values:
            result = expressions.And(result, _predicate(column, operator, values))
    return result


def _predicate(column: str, operator: str, values: list[Any]) -> expressions.BooleanExpression:
    if operator == "between":
        low, high = values
        return expressions.And(PREDICATES[">="](column, low), PREDICATES["<="](column, high))
    operand = values if operator == "in" else values[0]
    predicate: expressions.BooleanExpression = PREDICATES[operator](column, operand)
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
