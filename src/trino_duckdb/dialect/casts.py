"""CAST and TRY_CAST by Trino's rules.

DuckDB accepts more casts (``'1.5'`` to integer, ``' 2026/1/2 '`` to date) and rounds doubles half
to even. So texts are checked for the formats that Trino accepts, and numbers are rounded half away
from zero.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime

from sqlglot import exp

from trino_duckdb import types
from trino_duckdb.dialect.typed import Typed, coerce, fail, quote, row_fields
from trino_duckdb.errors import QueryError, not_supported, type_mismatch
from trino_duckdb.types import BOOLEAN, DOUBLE, INTEGERS, NUMBERS, UNKNOWN, VARCHAR, Type
from trino_duckdb.zones import duckdb_zone, zone_info, zone_name

_NUMBER = r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?"
_DATE = r"[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}"
_TIME = r" [0-9]{1,2}:[0-9]{1,2}(:[0-9]{1,2}(\.[0-9]+)?)?"
_ZONE = r"(\s*(Z|UTC|[+-][0-9]{2}:[0-9]{2}|[A-Z][a-z]+/[A-Z]\w+))?"
TEXT_PATTERNS = {
    **dict.fromkeys(INTEGERS, "[+-]?[0-9]+"),
    "double": f"{_NUMBER}[dDfF]?|NaN|[+-]?Infinity",
    "decimal": _NUMBER,
    "boolean": "(?i)t|true|1|f|false|0",
    "date": _DATE,
    "timestamp": rf"{_DATE}({_TIME}{_ZONE})?",
}
UNTRIMMED = ("boolean", "decimal")
"""Types to which a text with surrounding spaces can't be cast."""

ZONED_TEXT = re.compile(
    r"(\d{4})-(\d{1,2})-(\d{1,2})(?: (\d{1,2}):(\d{1,2})(?::(\d{1,2})(?:\.(\d{1,6}))?)?)?"
    r"\s*([A-Za-z+-]\S*)?"
)
TYPE_IN_MESSAGE = {"integer": "INT"}
MICROSECOND_DIGITS = 6


def cast(value: Typed, target: Type, safe: bool, node: exp.Expr) -> Typed:
    """Cast a value to ``target``; ``safe`` gives NULL instead of an error (TRY_CAST).

    Raises QueryError: TYPE_MISMATCH for a cast that Trino does not have, NOT_SUPPORTED for one that
    only the local engine lacks.
    """
    source = value.type
    if "json" in (source.name, target.name):
        raise not_supported("casts of json; use json_extract_scalar", node)
    if UNKNOWN in (source, target) or source == target:
        return Typed(f"CAST({value.sql} AS {types.duckdb_name(target)})", target)
    if target.name == "varchar":
        return Typed(text_of(value, node), VARCHAR)
    if source.name == "varchar":
        return _from_text(value, target, safe, node)
    if {source.name, target.name} <= {*NUMBERS, "boolean"}:
        return Typed(_number(value, target, safe), target)
    if {source.name, target.name} <= set(types.MOMENTS):
        return _moment(value, target)
    if source.name == target.name:
        nested = _nested(value, target, False, node)
        return Typed(f"TRY({nested})" if safe else nested, target)
    raise type_mismatch(f"Cannot cast {source} to {target}", node)


def text_of(value: Typed, node: exp.Expr) -> str:
    """SQL of the value as Trino's ``cast(... as varchar)`` writes it."""
    kind = value.type
    if kind.name == "decimal" and kind.numbers[0] == kind.numbers[1]:
        # DuckDB omits the zero before the point if the decimal's scale equals its precision.
        return rf"regexp_replace(CAST({value.sql} AS VARCHAR), '^(-?)\.', '\10.')"
    if kind.name in ("boolean", "date", "decimal", *INTEGERS):
        return f"CAST({value.sql} AS VARCHAR)"
    if kind.name == "varchar":
        return value.sql
    if kind.name == "double":
        return f"trino_double_text({value.sql})"
    if kind.name == "timestamp":
        return timestamp_text(value.sql, kind.numbers[0])
    if kind.name == types.TIMESTAMP_TZ:
        text = timestamp_text(local_time(value), kind.numbers[0])
        return f"({text} || {quote(' ' + kind.zone)})"
    raise not_supported(f"a cast of {kind} to varchar", node)


def timestamp_text(sql: str, precision: int) -> str:
    """SQL of a timestamp's text with ``precision`` digits after the second."""
    text = f"strftime({sql}, '%Y-%m-%d %H:%M:%S.%f')"
    surplus = MICROSECOND_DIGITS - precision if precision else MICROSECOND_DIGITS + 1
    return f"left({text}, {-surplus})" if surplus > 0 else text


def local_time(value: Typed) -> str:
    """SQL of the wall-clock time that a timestamp with time zone shows in its zone."""
    if value.type.zone == types.MIXED_ZONES:
        raise not_supported("values of several time zones in one place; give all the same zone")
    return f"timezone({quote(duckdb_zone(value.type.zone))}, {value.sql})"


def round_time(sql: str, precision: int) -> str:
    """SQL of a timestamp rounded half up to ``precision`` digits after the second."""
    if precision >= MICROSECOND_DIGITS:
        return sql
    step = 10 ** (MICROSECOND_DIGITS - precision)
    return f"trino_round_time({sql}, {step})"


def _number(value: Typed, target: Type, safe: bool) -> str:
    whole = target.name in INTEGERS and value.type == DOUBLE
    operand = f"round({value.sql})" if whole else value.sql
    if target.name == "decimal" and value.type == DOUBLE:
        operand = f"CAST({value.sql} AS VARCHAR)"  # Trino rounds a double's shortest text
    return f"{'TRY_CAST' if safe else 'CAST'}({operand} AS {types.duckdb_name(target)})"


def _moment(value: Typed, target: Type) -> Typed:
    zoned = value.type.name == types.TIMESTAMP_TZ
    if target.name == types.TIMESTAMP_TZ:
        zone = value.type.zone if zoned else "UTC"
        wanted = types.timestamp_tz(target.numbers[0], zone)
        rounded = _rounded(Typed(local_time(value) if zoned else value.sql, value.type), target)
        return Typed(f"timezone({quote(duckdb_zone(zone))}, CAST({rounded} AS TIMESTAMP))", wanted)
    local = Typed(local_time(value) if zoned else value.sql, value.type)
    return Typed(f"CAST({_rounded(local, target)} AS {types.duckdb_name(target)})", target)


def _rounded(value: Typed, target: Type) -> str:
    """Cast a timestamp, rounded if the target has fewer digits; a cast to a date truncates."""
    if target.name == "date" or value.type.precision <= target.precision:
        return value.sql
    return round_time(value.sql, target.precision)


def _from_text(value: Typed, target: Type, safe: bool, node: exp.Expr) -> Typed:
    if target.name == types.TIMESTAMP_TZ:
        return _zoned_constant(value, target, node)
    if target.name not in TEXT_PATTERNS:
        raise not_supported(f"a cast of varchar to {target}", node)
    trimmed = value.sql if target.name in UNTRIMMED else f"trim({value.sql}, trino_whitespace())"
    converted = _converted_text(trimmed, target, safe, node)
    shown = TYPE_IN_MESSAGE.get(target.name, target.name.upper())
    message = f"'Cannot cast ''' || {value.sql} || ''' to {shown}'"
    refusal = "NULL" if safe else fail("INVALID_CAST_ARGUMENT", message, target)
    if target.name in (*INTEGERS, "decimal"):
        foreign = fail("NOT_SUPPORTED", "'The local Athena reads ASCII digits only'", target)
        other_digits = f"regexp_full_match({trimmed}, '[+-]?\\p{{Nd}}+')"
        refusal = f"(CASE WHEN {other_digits} THEN {foreign} ELSE {refusal} END)"
    pattern = quote(TEXT_PATTERNS[target.name])
    test = f"regexp_full_match({trimmed}, {pattern})"
    return Typed(f"(CASE WHEN {test} THEN {converted} ELSE {refusal} END)", target)


def _converted_text(trimmed: str, target: Type, safe: bool, node: exp.Expr) -> str:
    """Return SQL that casts a text in the target's format to the target."""
    function, name = "TRY_CAST" if safe else "CAST", types.duckdb_name(target)
    if target == BOOLEAN:
        return f"(lower({trimmed}) IN ('t', 'true', '1'))"
    if target == DOUBLE:
        return f"{function}(rtrim({trimmed}, 'dDfF') AS {name})"
    if target.name != "timestamp":
        return f"{function}({trimmed} AS {name})"
    if target.numbers[0] > MICROSECOND_DIGITS:
        raise not_supported(f"the type {target}, which is more precise than microseconds", node)
    # A timestamp has no zone: Trino drops the zone of the text.
    clock = f"regexp_extract({trimmed}, {quote(f'^{_DATE}({_TIME})?')})"
    return round_time(f"{function}({clock} AS {name})", target.numbers[0])


def _zoned_constant(value: Typed, target: Type, node: exp.Expr) -> Typed:
    """Compile a literal with a zone; the zone of a text from data is not known at compile time."""
    if value.constant is None:
        raise not_supported("a cast of texts from data to timestamp with time zone", node)
    try:
        moment, zone = _parse_zoned(value.constant)
    except ValueError:
        message = f"'{value.constant}' is not a valid TIMESTAMP literal"
        raise QueryError("INVALID_LITERAL", message, node) from None
    kind = types.timestamp_tz(target.numbers[0], zone)
    return Typed(f"CAST({quote(moment.isoformat(' '))} AS TIMESTAMPTZ)", kind)


def _parse_zoned(text: str) -> tuple[datetime, str]:
    """Parse a text with a zone; an ambiguous time has the first offset. Raises ValueError."""
    match = ZONED_TEXT.fullmatch(text.strip())
    if match is None:
        raise ValueError(text)
    *clock, fraction, zone_text = match.groups()
    name = zone_name(zone_text or "UTC")
    year, month, day, hour, minute, second = (int(part or 0) for part in clock)
    micros = int((fraction or "0").ljust(MICROSECOND_DIGITS, "0"))
    local = datetime(year, month, day, hour, minute, second, micros, tzinfo=zone_info(name))
    moment = local.astimezone(UTC)
    if moment.astimezone(zone_info(name)).replace(tzinfo=None) != local.replace(tzinfo=None):
        raise ValueError(text)  # the local time does not exist (start of daylight saving time)
    return moment, name


def _nested(value: Typed, target: Type, safe: bool, node: exp.Expr) -> str:
    if target.name == "array":
        element = cast(Typed("e", value.type.args[0]), target.args[0], safe, node)
        return f"list_transform({value.sql}, lambda e: {element.sql})"
    if target.name == "row" and len(value.type.args) == len(target.args):
        return _row(value, target, safe, node)
    if target.name in NUMBERS or target.name == "map":
        return coerce(value, target, node).sql
    raise type_mismatch(f"Cannot cast {value.type} to {target}", node)


def _row(value: Typed, target: Type, safe: bool, node: exp.Expr) -> str:
    wanted = zip(types.field_names(target), row_fields(value), target.args, strict=True)
    packed = ", ".join(
        f'"{name}" := {cast(field, kind, safe, node).sql}' for name, field, kind in wanted
    )
    return f"(CASE WHEN {value.sql} IS NULL THEN NULL ELSE struct_pack({packed}) END)"
