"""Functions whose type or DuckDB SQL depends on more than the types of the arguments.

A unit, format, path or zone must be a constant, because the compiled SQL depends on it. Each
function here takes a ``Call`` and returns the compiled value.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

from sqlglot import exp

from localaws.athena import types
from localaws.athena.dialect import arithmetic, casts
from localaws.athena.dialect.comparisons import compared
from localaws.athena.dialect.functions.call import Call, unexpected_parameters
from localaws.athena.dialect.functions.times import TIMES, from_unixtime, sequence
from localaws.athena.dialect.typed import NULL, Typed, coerce, quote, unify
from localaws.athena.errors import QueryError, not_supported, type_mismatch
from localaws.athena.types import DOUBLE, INTEGER, INTEGERS, JSON, VARCHAR

JSON_PATH = re.compile(r"""\$(\.[A-Za-z_][\w]*|\[\d+\]|\["[^"\\]*"\])*""")
FORMAT_PART = re.compile(r"%%|%(,?)(?:0(\d+))?(?:\.(\d+))?([sdf])|%.?")


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
    (first, second), _ = unify(call.arguments, call.node)
    original = call.arguments[0]
    test = compared(first, "=", second)
    return Typed(f"(CASE WHEN {test} THEN NULL ELSE {original.sql} END)", original.type)


def extreme(call: Call) -> Typed:
    """Greatest or least value; NULL if any value is NULL, while DuckDB skips NULL."""
    values, kind = unify(call.arguments, call.node)
    missing = " OR ".join(f"{value.sql} IS NULL" for value in values)
    listed = ", ".join(value.sql for value in values)
    sql = f"{call.name}({listed})"
    if kind.name in ("double", "real"):
        numbers = ", ".join(f"trino_number({value.sql})" for value in values)
        sql = f"coalesce({call.name}({numbers}), CAST('NaN' AS {types.duckdb_name(kind)}))"
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
    call.count(1, 2)
    value = call.arguments[0]
    if len(call.arguments) == 2 and (
        call.name != "round" or call.arguments[1].type.name not in INTEGERS
    ):
        raise unexpected_parameters(call)
    if value.type.name in (*INTEGERS, "unknown") and len(call.arguments) == 1:
        return value
    if value.type.name == "decimal":
        return _rounded_decimal(call, value)
    kind = value.type if value.type.name in (*INTEGERS, "real") else DOUBLE
    number = coerce(value, kind, call.node)
    if len(call.arguments) == 1:
        return Typed(f"{'ceil' if call.name == 'ceiling' else call.name}({number.sql})", kind)
    digits = f"CAST({call.arguments[1].sql} AS INTEGER)"
    name = types.duckdb_name(kind)
    function = "round" if kind.name in INTEGERS else "trino_round"
    operand = f"CAST({number.sql} AS DOUBLE)" if kind.name == "real" else number.sql
    return Typed(f"CAST({function}({operand}, {digits}) AS {name})", kind)


def remainder(call: Call) -> Typed:
    """mod(x, y), equal to x % y."""
    call.count(2)
    left, right = call.arguments
    return arithmetic.compile_arithmetic(exp.Mod(this=call.node, expression=call.node), left, right)


def truncate(call: Call) -> Typed:
    """Remove the digits after the point, for a decimal also from its type."""
    call.count(1)
    value = call.arguments[0]
    kind = value.type if value.type.name == "real" else DOUBLE
    if value.type.name in (*INTEGERS, "decimal"):
        precision, scale = types.as_decimal(value.type).numbers
        kind = types.decimal(max(precision - scale, 1), 0)
    else:
        value = coerce(value, kind, call.node)
    return Typed(f"CAST(trunc({value.sql}) AS {types.duckdb_name(kind)})", kind)


def _rounded_decimal(call: Call, value: Typed) -> Typed:
    precision, scale = value.type.numbers
    if len(call.arguments) == 2:
        kind = types.decimal(precision + 1, scale)
        digits = call.arguments[1].sql
        return Typed(
            f"CAST(round({value.sql}, CAST({digits} AS INTEGER)) AS {types.duckdb_name(kind)})",
            kind,
        )
    kind = types.decimal(precision - scale + min(scale, 1), 0)
    name = "ceil" if call.name == "ceiling" else call.name
    return Typed(f"CAST({name}({value.sql}) AS {types.duckdb_name(kind)})", kind)


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


def format_text(call: Call) -> Typed:
    """format(): a constant format of %s, %d, %,d, %.2f and %,.2f, assembled from parts."""
    pattern = call.constant(0)
    parts, values, place = [], iter(call.arguments[1:]), 0
    for match in FORMAT_PART.finditer(pattern):
        parts.append(quote(pattern[place : match.start()]))
        parts.append(_format_part(call, match, values))
        place = match.end()
    parts.append(quote(pattern[place:]))
    return Typed("(" + " || ".join(part for part in parts if part != "''") + " || '')", VARCHAR)


def _format_part(call: Call, match: re.Match[str], values: Iterator[Typed]) -> str:
    if match[0] == "%%":
        return "'%'"
    value = next(values, NULL)
    grouping, width, digits, conversion = match.groups()
    if conversion == "s" and not grouping and not width and digits is None:
        return f"coalesce({_java_text(value, call)}, 'null')"
    number = f"CAST({value.sql} AS VARCHAR)"
    if conversion == "d" and digits is None and value.type.name in (*INTEGERS, "unknown"):
        text = f"trino_fixed({number}, 0, {bool(grouping)}, {int(width or 0)})"
        return f"coalesce({text}, {quote('null'.rjust(int(width or 0)))})"
    if conversion == "f" and not width and value.type.name in ("double", "decimal", "unknown"):
        text = f"trino_fixed({number}, {int(digits or 6)}, {bool(grouping)}, 0)"
        return f"coalesce({text}, {quote('null'[: int(digits or 4)])})"
    raise not_supported(f"{match[0]} with {value.type} in format()", call.node)


def _java_text(value: Typed, call: Call) -> str:
    if value.type.name not in (*INTEGERS, "varchar", "boolean", "date", "decimal"):
        raise not_supported(f"%s with {value.type} in format()", call.node)
    return casts.text_of(value, call.node)


def grouping(call: Call) -> Typed:
    """Compile GROUPING: a bit for each column, set if the row is not grouped by the column."""
    if not call.arguments:
        raise type_mismatch("GROUPING needs arguments", call.node)
    names = ", ".join(argument.sql for argument in call.arguments)
    return Typed(f"CAST(grouping({names}) AS INTEGER)", INTEGER)


SPECIAL: dict[str, Callable[[Call], Typed]] = {
    "coalesce": coalesce,
    "nullif": nullif,
    "greatest": extreme,
    "least": extreme,
    "typeof": typeof,
    "mod": remainder,
    "truncate": truncate,
    "round": rounding,
    "ceil": rounding,
    "ceiling": rounding,
    "floor": rounding,
    "json_extract": json_extract,
    "json_extract_scalar": json_extract,
    "array_join": array_join,
    "format": format_text,
    "grouping": grouping,
    **TIMES,
}
FALLBACK: dict[str, Callable[[Call], Typed]] = {
    "sequence": sequence,
    "from_unixtime": from_unixtime,
}
"""Functions that are tried if no signature in the tables matches."""
