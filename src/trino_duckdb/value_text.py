"""Texts of values as Athena prints them.

``1.0E10``, ``2026-11-20 05:00:00.000``, ``[a, b]``, ``{k=v}``.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

from trino_duckdb import types
from trino_duckdb.types import Type
from trino_duckdb.zones import zone_info

DECIMAL_POINT_FROM, DECIMAL_POINT_TO = -3, 7


def double_text(value: float) -> str:
    """Format a double like Java: fewest digits, with an exponent outside 0.001 to 10,000,000."""
    if value != value:
        return "NaN"
    if value in (float("inf"), float("-inf")):
        return "Infinity" if value > 0 else "-Infinity"
    text = repr(value)
    number = Decimal(text)
    if number == 0:
        return "-0.0" if text.startswith("-") else "0.0"
    if DECIMAL_POINT_FROM <= number.adjusted() < DECIMAL_POINT_TO:
        plain = format(number.normalize(), "f")
        return plain if "." in plain else f"{plain}.0"
    return scientific(text)


def scientific(text: str) -> str:
    """Format a number with one digit before the point and an exponent: ``1.05E1``."""
    sign, digits, exponent = Decimal(text).normalize().as_tuple()
    number = "".join(map(str, digits))
    power = len(digits) - 1 + int(exponent)
    return f"{'-' if sign else ''}{number[0]}.{number[1:] or '0'}E{power}"


def _timestamp(value: datetime) -> str:
    """Format with milliseconds, or with microseconds if the value has any."""
    unit = "microseconds" if value.microsecond % 1000 else "milliseconds"
    return value.isoformat(" ", unit)


def _interval(value: timedelta) -> str:
    sign = "-" if value < timedelta() else ""
    value = abs(value)
    minutes, seconds = divmod(value.seconds, 60)
    hours, minutes = divmod(minutes, 60)
    milliseconds = value.microseconds // 1000
    return f"{sign}{value.days} {hours:02}:{minutes:02}:{seconds:02}.{milliseconds:03}"


Renderer = Callable[[Any], str]


def renderer(kind: Type) -> Renderer:
    """Return the function that formats values of a type; values are never None."""
    if kind.name == types.TIMESTAMP_TZ:
        zone = zone_info(kind.zone)
        return lambda value: (
            f"{_timestamp(value.astimezone(zone).replace(tzinfo=None))} {kind.zone}"
        )
    if kind.name == "array":
        element = _nullable(renderer(kind.args[0]))
        return lambda value: "[" + ", ".join(map(element, value)) + "]"
    if kind.name == "map":
        key, item = (_nullable(renderer(arg)) for arg in kind.args)
        return lambda value: "{" + ", ".join(f"{key(k)}={item(v)}" for k, v in value.items()) + "}"
    if kind.name == "row":
        return _row_renderer(kind)
    return SIMPLE_RENDERERS.get(kind.name, str)


def _row_renderer(kind: Type) -> Renderer:
    parts = [
        (label, name, _nullable(renderer(arg)))
        for label, name, arg in zip(kind.labels, types.field_names(kind), kind.args, strict=True)
    ]
    return lambda value: (
        "{"
        + ", ".join(
            f"{label or place}={show(value[name])}"
            for place, (label, name, show) in enumerate(parts)
        )
        + "}"
    )


def _nullable(show: Renderer) -> Renderer:
    return lambda value: "null" if value is None else show(value)


SIMPLE_RENDERERS: dict[str, Renderer] = {
    "boolean": lambda value: "true" if value else "false",
    "double": double_text,
    "decimal": lambda value: format(value, "f"),
    "date": date.isoformat,
    "timestamp": _timestamp,
    types.DAY_TIME_INTERVAL: _interval,
    "varbinary": lambda value: bytes(value).hex(" "),
}
