"""Operators on numbers, moments, intervals and texts, with Trino's result types.

The quotient of integers is an integer, that of decimals a decimal rounded half up. A date plus a
month is a date, and the difference of two dates is an interval. DuckDB's results differ in each
case.
"""

from __future__ import annotations

from sqlglot import exp

from trino_duckdb import types
from trino_duckdb.dialect.typed import Typed, coerce, unify
from trino_duckdb.errors import not_supported, type_mismatch
from trino_duckdb.functions.times import like_moment, wall_clock
from trino_duckdb.types import DATE, INTEGERS, NUMBERS, VARCHAR, Type

SIGNS: dict[type[exp.Expr], str] = {
    exp.Add: "+",
    exp.Sub: "-",
    exp.Mul: "*",
    exp.Div: "/",
    exp.Mod: "%",
    exp.DPipe: "||",
}
INTERVALS = (types.DAY_TIME_INTERVAL, types.YEAR_MONTH_INTERVAL)


def compile_arithmetic(node: exp.Expr, left: Typed, right: Typed) -> Typed:
    """Compile a binary operator. Raises QueryError (TYPE_MISMATCH) for types without it."""
    sign = SIGNS[type(node)]
    if sign == "||":
        return _concatenate(node, left, right)
    if types.UNKNOWN in (left.type, right.type):
        left, right = unify([left, right], node)[0]
    names = {left.type.name, right.type.name}
    if names <= set(NUMBERS):
        return _numbers(node, sign, left, right)
    if names & set(INTERVALS):
        return _interval(node, sign, left, right)
    if sign == "-" and names <= set(types.MOMENTS):
        return _difference(node, left, right)
    return _refuse(node, sign, left, right)


def negate(node: exp.Expr, value: Typed) -> Typed:
    """Unary minus."""
    if value.type.name not in (*NUMBERS, *INTERVALS):
        raise type_mismatch(f"Cannot negate {value.type}", node)
    if value.type.name in INTEGERS:  # DuckDB negates the smallest one to a wider type
        return Typed(f"CAST((-{value.sql}) AS {types.duckdb_name(value.type)})", value.type)
    return Typed(f"(-{value.sql})", value.type)


def _refuse(node: exp.Expr, sign: str, left: Typed, right: Typed) -> Typed:
    raise type_mismatch(f"Cannot apply operator: {left.type} {sign} {right.type}", node)


def _concatenate(node: exp.Expr, left: Typed, right: Typed) -> Typed:
    if types.UNKNOWN in (left.type, right.type):
        raise not_supported("|| with NULL; cast it to varchar", node)
    if left.type == right.type == VARCHAR:
        return Typed(f"({left.sql} || {right.sql})", VARCHAR)
    if left.type.name == right.type.name == "array":
        (left, right), kind = unify([left, right], node)
        return Typed(f"({left.sql} || {right.sql})", kind)
    return _refuse(node, "||", left, right)


def _numbers(node: exp.Expr, sign: str, left: Typed, right: Typed) -> Typed:
    (one, other), kind = unify([left, right], node)
    if kind.name != "decimal":
        if sign == "/" and kind.name in INTEGERS:
            sign = "//"
        return Typed(f"({one.sql} {sign} {other.sql})", kind)
    a, b = types.as_decimal(left.type), types.as_decimal(right.type)
    left, right = coerce(left, a, node), coerce(right, b, node)
    if sign == "/":
        return _decimal_quotient(left, right)
    return _decimal(sign, left, right)


def _decimal(sign: str, left: Typed, right: Typed) -> Typed:
    """Sum, difference, product or remainder of decimals."""
    (p1, s1), (p2, s2) = left.type.numbers, right.type.numbers
    if sign == "*":
        kind = types.decimal(p1 + p2, s1 + s2)
        operands = (left.sql, right.sql)
    else:
        scale = max(s1, s2)
        whole = min(p1 - s1, p2 - s2) if sign == "%" else max(p1 - s1, p2 - s2) + 1
        kind = types.decimal(whole + scale, scale)
        name = types.duckdb_name(types.decimal(max(p1 - s1, p2 - s2) + scale + 1, scale))
        operands = (f"CAST({left.sql} AS {name})", f"CAST({right.sql} AS {name})")
    sql = f"CAST(({operands[0]} {sign} {operands[1]}) AS {types.duckdb_name(kind)})"
    return Typed(sql, kind)


def _decimal_quotient(left: Typed, right: Typed) -> Typed:
    """Divide exactly with integers: both operands are scaled to whole numbers."""
    (p1, s1), s2 = left.type.numbers, right.type.numbers[1]
    kind = types.decimal(p1 + s2 + max(0, s2 - s1), max(s1, s2))
    scale = kind.numbers[1]
    shift = f"CAST({10 ** (scale - s1 + s2)} AS HUGEINT)"
    whole = f"trino_half_up({digits_of(left.sql)} * {shift}, {digits_of(right.sql)})"
    return Typed(decimal_of_digits(whole, kind), kind)


def digits_of(sql: str) -> str:
    """Return SQL of a decimal's digits as one whole number."""
    return f"CAST(replace(CAST({sql} AS VARCHAR), '.', '') AS HUGEINT)"


def decimal_of_digits(sql: str, kind: Type) -> str:
    """Return SQL of the decimal that has the digits of a whole number."""
    scale = kind.numbers[1]
    name = types.duckdb_name(kind)
    if scale == 0:
        return f"CAST({sql} AS {name})"
    last_digit = f"CAST('0.{'1'.rjust(scale, '0')}' AS DECIMAL({scale}, {scale}))"
    whole = f"CAST({sql} AS DECIMAL({types.MAX_PRECISION - scale}, 0))"
    return f"CAST(({whole} * {last_digit}) AS {name})"


def _interval(node: exp.Expr, sign: str, left: Typed, right: Typed) -> Typed:
    if left.type.name in INTERVALS and right.type.name in types.MOMENTS and sign == "+":
        left, right = right, left
    if left.type.name in types.MOMENTS and right.type.name in INTERVALS and sign in "+-":
        return _moved(sign, left, right)
    if left.type == right.type and sign in "+-":
        return Typed(f"({left.sql} {sign} {right.sql})", left.type)
    if sign in "*/":
        raise not_supported("multiples and fractions of intervals", node)
    return _refuse(node, sign, left, right)


def _moved(sign: str, moment: Typed, step: Typed) -> Typed:
    """Compile a moment plus or minus an interval."""
    if moment.type == DATE:
        if step.type.name == types.DAY_TIME_INTERVAL:
            return Typed(f"trino_date_plus({moment.sql}, {sign.strip('+')}{step.sql})", DATE)
        return Typed(f"CAST(({moment.sql} {sign} {step.sql}) AS DATE)", DATE)
    if moment.type.name == types.TIMESTAMP_TZ and step.type.name == types.YEAR_MONTH_INTERVAL:
        return like_moment(moment, f"({wall_clock(moment)} {sign} {step.sql})")
    return Typed(f"({moment.sql} {sign} {step.sql})", moment.type)


def _difference(node: exp.Expr, left: Typed, right: Typed) -> Typed:
    """The interval between two moments."""
    (end, start), kind = unify([left, right], node)
    name = "TIMESTAMPTZ" if kind.name == types.TIMESTAMP_TZ else "TIMESTAMP"
    sql = f"(CAST({end.sql} AS {name}) - CAST({start.sql} AS {name}))"
    return Typed(sql, Type(types.DAY_TIME_INTERVAL))
