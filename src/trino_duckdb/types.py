"""Trino's types and DuckDB's: their names, and the texts that Athena prints for values.

DuckDB's types are those of its Python client. A timestamp with time zone is a struct of the moment
and the name of the zone in which Trino shows it.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date, datetime
from decimal import Decimal
from functools import lru_cache
from typing import Any
from zoneinfo import ZoneInfo

import duckdb

Type = Any
"""A type of DuckDB's client: ``duckdb.sqltypes.DuckDBPyType``, which has no stub."""

ZONED = 'STRUCT(moment TIMESTAMP WITH TIME ZONE, "zone" VARCHAR)'
NAMES = {
    "boolean": "boolean",
    "integer": "integer",
    "bigint": "bigint",
    "hugeint": "bigint",
    "double": "double",
    "varchar": "varchar",
    "date": "date",
    "timestamp": "timestamp(6)",
    "blob": "varbinary",
}
"""Trino's name of each id of a type of DuckDB."""

DUCKDB_NAMES = {
    "int": "INTEGER",
    "real": "FLOAT",
    "string": "VARCHAR",
    "varbinary": "BLOB",
    "binary": "BLOB",
    "double precision": "DOUBLE",
    **{
        name: name.upper() for name in ("boolean", "integer", "bigint", "double", "varchar", "date")
    },
}
GLUE_NAMES = {"varchar": "string", "integer": "int", "varbinary": "binary"}


def duckdb_type(text: str) -> str:
    """DuckDB's text of a type in the notation of Trino or Glue. Raises ValueError."""
    text = text.strip().lower()
    if text in DUCKDB_NAMES:
        return DUCKDB_NAMES[text]
    if re.fullmatch(r"timestamp\s*(\(\d+\))?\s*with time zone", text):
        return ZONED
    if re.fullmatch(r"timestamp\s*(\(\d+\))?", text):
        return "TIMESTAMP"
    match = re.fullmatch(r"(\w+)\s*[(<](.*)[)>]", text, re.DOTALL)
    name, parts = (match[1], split_top(match[2])) if match else (text, [])
    if name in ("varchar", "char"):
        return "VARCHAR"
    if name == "decimal":
        return f"DECIMAL({parts[0] if parts else 38}, {parts[1] if parts[1:] else 0})"
    if name in ("array", "map") and parts:
        inner = [duckdb_type(part) for part in parts]
        return f"{inner[0]}[]" if name == "array" else f"MAP({inner[0]}, {inner[1]})"
    if name not in ("row", "struct"):
        raise ValueError(f"The type {text!r} is not known here")
    fields = (re.split(r"[\s:]+", part, maxsplit=1) for part in parts)
    named = ('"{}" {}'.format(label.strip('"'), duckdb_type(kind)) for label, kind in fields)
    return f"STRUCT({', '.join(named)})"


def split_top(text: str) -> list[str]:
    """Split at the commas that are outside all brackets."""
    parts, depth, start = [], 0, 0
    for index, letter in enumerate(text):
        depth += (letter in "(<") - (letter in ")>")
        if letter == "," and depth == 0:
            parts.append(text[start:index].strip())
            start = index + 1
    return [*parts, text[start:].strip()] if text.strip() else []


@lru_cache(maxsize=512)
def parse_type(text: str) -> Type:
    """The type of DuckDB for its text, such as DESCRIBE prints it."""
    return duckdb.sqltype(text)


def trino_name(kind: Type) -> str:
    """The type as Trino writes it. Raises ValueError for a type that Trino does not have."""
    if str(kind) == ZONED:
        return "timestamp(6) with time zone"
    if kind.id in NAMES:
        return NAMES[kind.id]
    if kind.id == "decimal":
        return "decimal({},{})".format(*(number for _, number in kind.children))
    if kind.id not in ("list", "map", "struct"):
        raise ValueError(f"Trino has no type {kind}")
    inner = [(label, trino_name(part)) for label, part in kind.children]
    if kind.id == "list":
        return f"array({inner[0][1]})"
    if kind.id == "map":
        return f"map({inner[0][1]}, {inner[1][1]})"
    return f"row({', '.join(f'{label} {name}' for label, name in inner)})"


def glue_name(kind: Type) -> str:
    """The type as the Glue Data Catalog writes it (Hive's names)."""
    if kind.id == "timestamp" or str(kind) == ZONED:
        return "timestamp"
    if kind.id == "list":
        return f"array<{glue_name(kind.children[0][1])}>"
    if kind.id == "map":
        return f"map<{','.join(glue_name(part) for _, part in kind.children)}>"
    if kind.id == "struct":
        fields = (f"{label}:{glue_name(part)}" for label, part in kind.children)
        return f"struct<{','.join(fields)}>"
    name = trino_name(kind)
    return GLUE_NAMES.get(name, name)


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
    if -3 <= number.adjusted() < 7:
        plain = format(number.normalize(), "f")
        return plain if "." in plain else f"{plain}.0"
    sign, digits, exponent = number.normalize().as_tuple()
    figures = "".join(map(str, digits))
    power = len(digits) - 1 + int(exponent)
    return f"{'-' if sign else ''}{figures[0]}.{figures[1:] or '0'}E{power}"


def timestamp_text(value: datetime) -> str:
    """Format with milliseconds, or with microseconds if the value has any."""
    unit = "microseconds" if value.microsecond % 1000 else "milliseconds"
    return value.isoformat(" ", unit)


def zoned_text(value: dict[str, Any]) -> str:
    """Format a timestamp with time zone in its zone."""
    name = value["zone"].removeprefix("GMT")
    zone = datetime.strptime(name, "%z").tzinfo if name[0] in "+-" else ZoneInfo(name)
    return f"{timestamp_text(value['moment'].astimezone(zone).replace(tzinfo=None))} {name}"


Renderer = Callable[[Any], str]
RENDERERS: dict[str, Renderer] = {
    "boolean": lambda value: "true" if value else "false",
    "double": double_text,
    "decimal": lambda value: format(value, "f"),
    "date": date.isoformat,
    "timestamp": timestamp_text,
    "blob": lambda value: bytes(value).hex(" "),
}


def renderer(kind: Type) -> Renderer:
    """Return the function that prints values of a type like Athena; values are never None."""
    if str(kind) == ZONED:
        return zoned_text
    if kind.id not in ("list", "map", "struct"):
        return RENDERERS.get(kind.id, str)
    parts = [(label, _nullable(renderer(part))) for label, part in kind.children]
    if kind.id == "list":
        element = parts[0][1]
        return lambda value: "[" + ", ".join(map(element, value)) + "]"
    if kind.id == "map":
        (_, key), (_, item) = parts
        return lambda value: "{" + ", ".join(f"{key(k)}={item(v)}" for k, v in value.items()) + "}"
    return lambda value: (
        "{" + ", ".join(f"{label}={show(value[label])}" for label, show in parts) + "}"
    )


def _nullable(show: Renderer) -> Renderer:
    return lambda value: "null" if value is None else show(value)
