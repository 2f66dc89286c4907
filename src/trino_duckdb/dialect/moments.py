"""Dates and times with special syntax: EXTRACT, INTERVAL, AT TIME ZONE, CURRENT_DATE."""

from __future__ import annotations

import re

from sqlglot import exp

from trino_duckdb import types
from trino_duckdb.dialect.environment import Env
from trino_duckdb.dialect.typed import Typed, quote
from trino_duckdb.errors import not_supported
from trino_duckdb.functions.call import Call
from trino_duckdb.functions.times import FIELDS, at_timezone, date_field
from trino_duckdb.types import DATE

DAY_TIME_UNITS = ("DAY", "HOUR", "MINUTE", "SECOND")
YEAR_MONTH_UNITS = ("YEAR", "MONTH")


def extract(node: exp.Expr, env: Env) -> Typed:
    """EXTRACT of a field."""
    field = node.this.name.lower()
    if field not in FIELDS:
        raise not_supported(f"extract({field} from ...)", node)
    return date_field(Call(field, [env.expression(node.expression)], node))


def interval(node: exp.Expr, _env: Env) -> Typed:
    """An INTERVAL literal of one unit."""
    unit, amount = node.args["unit"], node.this.name
    name = unit.name.upper()
    known = name in DAY_TIME_UNITS + YEAR_MONTH_UNITS and isinstance(unit, exp.Var)
    if not known or not re.fullmatch(r"[+-]?\d+", amount):
        raise not_supported(f"the interval {node.sql('trino')}", node)
    kind = types.DAY_TIME_INTERVAL if name in DAY_TIME_UNITS else types.YEAR_MONTH_INTERVAL
    return Typed(f"(INTERVAL {quote(amount)} {name})", types.Type(kind))


def at_time_zone(node: exp.Expr, env: Env) -> Typed:
    """AT TIME ZONE, equal to at_timezone()."""
    arguments = [env.expression(node.this), env.expression(node.args["zone"])]
    return at_timezone(Call("AT TIME ZONE", arguments, node))


def current(node: exp.Expr, _env: Env) -> Typed:
    """CURRENT_DATE, CURRENT_TIMESTAMP and LOCALTIMESTAMP."""
    if node.this is not None:
        raise not_supported(f"{node.sql('trino')} with a precision", node)
    return NOW[type(node)]


NOW: dict[type[exp.Expr], Typed] = {
    exp.CurrentTimestamp: Typed("date_trunc('millisecond', now())", types.timestamp_tz(3)),
    exp.Localtimestamp: Typed(
        "timezone('UTC', date_trunc('millisecond', now()))", types.timestamp(3)
    ),
    exp.CurrentDate: Typed("CAST(timezone('UTC', now()) AS DATE)", DATE),
}
