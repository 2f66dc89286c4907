"""A compiled expression: DuckDB SQL with the Trino type of its value.

The SQL of a ``Typed`` can be used as an operand: it is a name, a call, a literal or in parentheses.
"""

from __future__ import annotations

from dataclasses import dataclass

from sqlglot import exp

from trino_duckdb import types
from trino_duckdb.errors import not_supported, type_mismatch
from trino_duckdb.types import BOOLEAN, UNKNOWN, Type


@dataclass(frozen=True)
class Typed:
    """DuckDB SQL of a value and its Trino type; ``constant`` is the text of a string literal."""

    sql: str
    type: Type
    constant: str | None = None


NULL = Typed("NULL", UNKNOWN)


def quote(text: str) -> str:
    """Return a text as a string literal."""
    return "'" + text.replace("'", "''") + "'"


def quote_name(name: str) -> str:
    """Return a name as a quoted identifier."""
    return '"' + name.replace('"', '""') + '"'


def fail(code: str, message: str, kind: Type) -> str:
    """Return SQL that raises a Trino error when evaluated; ``message`` is SQL of its text."""
    return f"CAST(trino_fail({quote(code + ': ')} || {message}) AS {types.duckdb_name(kind)})"


def row_fields(value: Typed) -> list[Typed]:
    """The fields of a row."""
    return [
        Typed(f"struct_extract({value.sql}, {quote(name)})", kind)
        for name, kind in zip(types.field_names(value.type), value.type.args, strict=True)
    ]


def check_order(value: Typed, node: exp.Expr | None = None) -> None:
    """Refuse to sort by or compare values in which NULL may be inside, and JSON.

    Trino's result depends on each NULL in an array or row, and equal JSON may differ in text.
    """
    if value.type.args or value.type.name == "json":
        raise not_supported(f"a comparison or an order of {value.type}", node)


def coerce(value: Typed, target: Type, node: exp.Expr | None = None) -> Typed:
    """Convert a value to ``target`` by Trino's implicit conversions.

    Raises QueryError (TYPE_MISMATCH) if Trino requires an explicit cast.
    """
    if value.type == target:
        return value
    if types.common(value.type, target) != target:
        raise type_mismatch(f"Expected {target}, but found {value.type}", node)
    return Typed(_converted(value, target, node), target)


def _converted(value: Typed, target: Type, node: exp.Expr | None) -> str:
    if value.type.name == "row" and target.name == "row":
        raise not_supported("implicit conversion of rows; cast the row", node)
    if target.name == types.TIMESTAMP_TZ:
        return _to_timestamp_tz(value, target)
    if types.duckdb_name(value.type) == types.duckdb_name(target):
        return value.sql
    return f"CAST({value.sql} AS {types.duckdb_name(target)})"


def _to_timestamp_tz(value: Typed, target: Type) -> str:
    """Convert a moment without a time zone to one in the session's time zone, UTC."""
    if value.type.name == types.TIMESTAMP_TZ:
        return value.sql
    local = f"CAST({value.sql} AS TIMESTAMP)"
    return f"timezone('UTC', {local})" if value.type != UNKNOWN else f"CAST(NULL AS {target.name})"


def unify(values: list[Typed], node: exp.Expr | None = None) -> tuple[list[Typed], Type]:
    """Convert values to their common type. Raises QueryError (TYPE_MISMATCH) if there is none."""
    target = UNKNOWN
    for value in values:
        wider = types.common(target, value.type)
        if wider is None:
            raise type_mismatch(f"All types must be the same: {target} and {value.type}", node)
        target = wider
    return [coerce(value, target, node) for value in values], target


def boolean(value: Typed, node: exp.Expr) -> Typed:
    """Return a value of type boolean. Raises QueryError (TYPE_MISMATCH) for any other type."""
    if value.type not in (BOOLEAN, UNKNOWN):
        raise type_mismatch(f"Expected boolean, but found {value.type}", node)
    return value
