"""Functions whose type or DuckDB SQL depends on more than the types of the arguments.

A unit, format, path or zone must be a constant, because the compiled SQL depends on it. Each
function here takes a ``Call`` and returns the compiled value.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from sqlglot import exp

from trino_duckdb import types
from trino_duckdb.dialect import arithmetic, casts
from trino_duckdb.dialect.comparisons import comparison_sql, unify_comparable
from trino_duckdb.dialect.typed import Typed, coerce, quote, unify
from trino_duckdb.errors import QueryError, not_supported
from trino_duckdb.functions.call import Call, unexpected_parameters
from trino_duckdb.functions.times import TIMES, sequence
from trino_duckdb.types import DOUBLE, INTEGERS, JSON, VARCHAR

JSON_PATH = re.compile(r"""\$(\.[A-Za-z_][\w]*|\[\d+\]|\["[^"\\]*"\])*""")


def coalesce(call: Call) -> Typed:
    """The first value that is not NULL."""
    if len(call.arguments) < 2:
        message = "The 'coalesce' function must have at least two arguments"
        raise QueryError("SYNTAX_ERROR", message, call.node)
    values, kind = unify(call.arguments, call.node)
    return Typed(f"coalesce({', '.join(value.sql for value in values)})", kind)


def nullif(call: Call) -> Typed:
    """NULL where both are equal; the type is the first one's."""
    call.count(2)
    first, second = unify_comparable(call.arguments, call.node)
    original = call.arguments[0]
    test = comparison_sql(first, "=", second)
    return Typed(f"(CASE WHEN {test} THEN NULL ELSE {original.sql} END)", original.type)


def extreme(call: Call) -> Typed:
    """Greatest or least value; NULL if any value is NULL, while DuckDB skips NULL."""
    values, kind = unify(call.arguments, call.node)
    if kind.args or kind == JSON:
        raise not_supported(f"{call.name} of {kind}", call.node)
    missing = " OR ".join(f"{value.sql} IS NULL" for value in values)
    listed = ", ".join(value.sql for value in values)
    sql = f"{call.name}({listed})"
    if kind == DOUBLE:
        numbers = ", ".join(f"trino_number({value.sql})" for value in values)
        sql = f"coalesce({call.name}({numbers}), CAST('NaN' AS DOUBLE))"
    return Typed(f"(CASE WHEN {missing} THEN NULL ELSE {sql} END)", kind)


def typeof(call: Call) -> Typed:
    """The type's name; the value stays in the SQL, because an aggregate reduces rows to one."""
    call.count(1)
    value = call.arguments[0]
    if "varchar" in str(value.type):
        raise not_supported("typeof of a varchar, because it does not track lengths", call.node)
    name = quote(str(value.type))
    return Typed(f"(CASE WHEN {value.sql} IS NULL THEN {name} ELSE {name} END)", VARCHAR)


def rounding(call: Call) -> Typed:
    """round, floor, ceil; Trino keeps a decimal's scale when it rounds to a number of digits."""
    call.count(1, 2 if call.name == "round" else 1)
    value, *digits = call.arguments
    if digits and digits[0].type.name not in INTEGERS:
        raise unexpected_parameters(call)
    if value.type.name in (*INTEGERS, "unknown") and not digits:
        return value
    place = f", CAST({digits[0].sql} AS INTEGER)" if digits else ""
    if value.type.name == "decimal":
        kind = _rounded_decimal(value.type, bool(digits))
    else:
        kind = value.type if value.type.name in INTEGERS else DOUBLE
        value = coerce(value, kind, call.node)
    name = "ceil" if call.name == "ceiling" else call.name
    function = f"trino_{name}" if digits and kind == DOUBLE else name
    return Typed(f"CAST({function}({value.sql}{place}) AS {types.duckdb_name(kind)})", kind)


def _rounded_decimal(kind: types.Type, has_digits: bool) -> types.Type:
    precision, scale = kind.numbers
    if has_digits:
        return types.decimal(precision + 1, scale)
    return types.decimal(precision - scale + min(scale, 1), 0)


def remainder(call: Call) -> Typed:
    """mod(x, y), equal to x % y."""
    call.count(2)
    left, right = call.arguments
    return arithmetic.compile_arithmetic(exp.Mod(this=call.node, expression=call.node), left, right)


def json_extract(call: Call) -> Typed:
    """A part of a JSON document by a path of names and indexes."""
    call.count(2)
    path = call.constant(1)
    if not JSON_PATH.fullmatch(path):
        raise not_supported(f"the JSON path {path}", call.node)
    document = call.arguments[0]
    if document.type != JSON:
        document = coerce(document, VARCHAR, call.node)
    kind = VARCHAR if call.name == "json_extract_scalar" else JSON
    return Typed(f"trino_{call.name}({document.sql}, {quote(path)})", kind)


def array_join(call: Call) -> Typed:
    """Elements as text between separators; NULL elements are left out or replaced."""
    call.count(2, 3)
    values, separator = call.arguments[:2]
    if values.type.name != "array":
        raise unexpected_parameters(call)
    text = casts.text_of(Typed("e", values.type.args[0]), call.node)
    if len(call.arguments) == 3:
        text = f"coalesce({text}, {coerce(call.arguments[2], VARCHAR, call.node).sql})"
    texts = f"list_transform({values.sql}, lambda e: {text})"
    joined = f"array_to_string({texts}, {coerce(separator, VARCHAR, call.node).sql})"
    return Typed(joined, VARCHAR)


SPECIAL: dict[str, Callable[[Call], Typed]] = {
    "coalesce": coalesce,
    "nullif": nullif,
    "greatest": extreme,
    "least": extreme,
    "typeof": typeof,
    "mod": remainder,
    "round": rounding,
    "ceil": rounding,
    "ceiling": rounding,
    "floor": rounding,
    "json_extract": json_extract,
    "json_extract_scalar": json_extract,
    "array_join": array_join,
    "sequence": sequence,
    **TIMES,
}
