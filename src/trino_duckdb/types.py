"""Trino's types: their notation, implicit conversions, and DuckDB types.

Every compiled expression has a type, because the results of an operator depend on it: 7/2 is 3 for
integers and 3.5 for decimals, and a date plus a day is a date.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from typing import Any

MAX_PRECISION = 38
TIMESTAMP_TZ = "timestamp with time zone"
DAY_TIME_INTERVAL = "interval day to second"
YEAR_MONTH_INTERVAL = "interval year to month"
MIXED_ZONES = "several"
"""Zone of a column whose values have different zones: they can be compared, but not printed."""


@dataclass(frozen=True)
class Type:
    """A Trino type.

    ``args`` are the element types of an array, map or row. ``numbers`` are precision and scale of a
    decimal, or the precision of a timestamp. ``labels`` are a row's field names ("" for a field
    without a name). ``zone`` is the zone in which a timestamp with time zone is printed.
    """

    name: str
    args: tuple[Type, ...] = ()
    numbers: tuple[int, ...] = ()
    labels: tuple[str, ...] = ()
    zone: str = "UTC"

    @property
    def precision(self) -> int:
        """Digits of a number, or fractional digits of a timestamp; 0 for other types."""
        return self.numbers[0] if self.numbers else 0

    def __str__(self) -> str:
        """The type as Trino writes it."""
        if self.name == "row":
            named = zip(self.labels, self.args, strict=True)
            return "row(" + ", ".join(f"{label} {arg}".strip() for label, arg in named) + ")"
        if self.name == TIMESTAMP_TZ:
            return f"timestamp({self.numbers[0]}) with time zone"
        parameters = self.args or self.numbers
        separator = "," if self.name == "decimal" else ", "
        return self.name + (f"({separator.join(map(str, parameters))})" if parameters else "")


BOOLEAN = Type("boolean")
TINYINT, SMALLINT, INTEGER, BIGINT = (
    Type(name) for name in ("tinyint", "smallint", "integer", "bigint")
)
DOUBLE, VARCHAR, JSON = Type("double"), Type("varchar"), Type("json")
VARBINARY = Type("varbinary")
DATE, UNKNOWN = Type("date"), Type("unknown")

INTEGERS = ("tinyint", "smallint", "integer", "bigint")
NUMBERS = (*INTEGERS, "decimal", "double")
INT_MAX, LONG_MAX = 2**31 - 1, 2**63 - 1
INTEGER_DIGITS = {"tinyint": 3, "smallint": 5, "integer": 10, "bigint": 19}

DUCKDB_NAMES = {
    **{name: name.upper() for name in ("boolean", *INTEGERS, "double", "varchar", "date")},
    "json": "VARCHAR",
    "varbinary": "BLOB",
    "timestamp": "TIMESTAMP",
    TIMESTAMP_TZ: "TIMESTAMPTZ",
    DAY_TIME_INTERVAL: "INTERVAL",
    YEAR_MONTH_INTERVAL: "INTERVAL",
    "unknown": "INTEGER",
}

GLUE_NAMES = {"varchar": "string", "integer": "int", "varbinary": "binary"}
TRINO_NAMES = {glue: trino for trino, glue in GLUE_NAMES.items()}


def decimal(precision: int, scale: int) -> Type:
    """A decimal type; as in Trino, the precision is at most 38."""
    return Type("decimal", numbers=(min(precision, MAX_PRECISION), scale))


def timestamp(precision: int = 3) -> Type:
    """A timestamp without time zone."""
    return Type("timestamp", numbers=(precision,))


def timestamp_tz(precision: int = 3, zone: str = "UTC") -> Type:
    """A timestamp with time zone, shown in ``zone``."""
    return Type(TIMESTAMP_TZ, numbers=(precision,), zone=zone)


def array(element: Type) -> Type:
    """An array type."""
    return Type("array", (element,))


def map_of(key: Type, value: Type) -> Type:
    """A map type."""
    return Type("map", (key, value))


def row(fields: Iterable[tuple[str, Type]]) -> Type:
    """A row type from (name or "", type) pairs."""
    pairs = list(fields)
    return Type("row", tuple(kind for _, kind in pairs), labels=tuple(name for name, _ in pairs))


def field_names(kind: Type) -> list[str]:
    """Return the names of a row's fields in DuckDB; a field without a name gets its position."""
    return [label or f"field{place}" for place, label in enumerate(kind.labels)]


def duckdb_name(kind: Type) -> str:
    """The DuckDB type that holds values of a Trino type."""
    inner = [duckdb_name(arg) for arg in kind.args]
    if kind.name == "decimal":
        return "DECIMAL({}, {})".format(*kind.numbers)
    if kind.name == "array":
        return f"{inner[0]}[]"
    if kind.name == "map":
        return f"MAP({inner[0]}, {inner[1]})"
    if kind.name == "row":
        named = zip(field_names(kind), inner, strict=True)
        return "STRUCT(" + ", ".join(f'"{name}" {arg}' for name, arg in named) + ")"
    return DUCKDB_NAMES[kind.name]


def glue_name(kind: Type) -> str:
    """The type as the Glue Data Catalog writes it (Hive's names)."""
    inner = [glue_name(arg) for arg in kind.args]
    if kind.name in ("array", "map"):
        return f"{kind.name}<{','.join(inner)}>"
    if kind.name == "row":
        named = zip(field_names(kind), inner, strict=True)
        return "struct<" + ",".join(f"{name}:{arg}" for name, arg in named) + ">"
    if kind.name in ("timestamp", TIMESTAMP_TZ):
        return "timestamp"
    if kind.name in ("json", "unknown"):
        return "string"
    return GLUE_NAMES.get(kind.name, str(kind))


def common(left: Type, right: Type) -> Type | None:
    """Return the common type of two types by implicit conversion, or None if there is none."""
    if left == right or right == UNKNOWN:
        return left
    if left == UNKNOWN:
        return right
    if left.name in NUMBERS and right.name in NUMBERS:
        return _common_number(left, right)
    if left.name in MOMENTS and right.name in MOMENTS:
        return _common_moment(left, right)
    if left.name == right.name and len(left.args) == len(right.args) > 0:
        return _common_nested(left, right)
    return None


MOMENTS = ("date", "timestamp", TIMESTAMP_TZ)


def _common_number(left: Type, right: Type) -> Type:
    wider = max(left, right, key=lambda kind: NUMBERS.index(kind.name))
    if wider.name != "decimal":
        return wider
    (precision, scale), (other, other_scale) = as_decimal(left).numbers, as_decimal(right).numbers
    whole, fraction = max(precision - scale, other - other_scale), max(scale, other_scale)
    return decimal(whole + fraction, fraction)


def as_decimal(kind: Type) -> Type:
    """Return the decimal type to which an integer type converts; a decimal type is unchanged."""
    return kind if kind.name == "decimal" else decimal(INTEGER_DIGITS[kind.name], 0)


def _common_moment(left: Type, right: Type) -> Type:
    wider = max(left, right, key=lambda kind: MOMENTS.index(kind.name))
    precision = max((*left.numbers, *right.numbers), default=0)
    if wider.name == TIMESTAMP_TZ:
        zones = {kind.zone for kind in (left, right) if kind.name == TIMESTAMP_TZ}
        return timestamp_tz(precision, zones.pop() if len(zones) == 1 else MIXED_ZONES)
    return timestamp(precision) if wider.name == "timestamp" else wider


def _common_nested(left: Type, right: Type) -> Type | None:
    args = [common(a, b) for a, b in zip(left.args, right.args, strict=True)]
    known = tuple(arg for arg in args if arg is not None)
    if len(known) < len(args):
        return None
    same = left.labels == right.labels
    return Type(left.name, known, labels=left.labels if same else ("",) * len(left.labels))


def parse_type(text: str) -> Type:
    """Parse a type in the notation of Trino or Glue. Raises ValueError for an unknown type."""
    text = text.strip().lower()
    simple = TRINO_NAMES.get(text, text)
    if simple == "timestamp":
        return timestamp(3)
    if text == TIMESTAMP_TZ:
        return timestamp_tz(3)
    if text == "decimal":
        return decimal(MAX_PRECISION, 0)
    simple = "double" if text == "double precision" else simple
    if match := re.fullmatch(r"timestamp\((\d+)\)( with time zone)?", text):
        return (timestamp_tz if match[2] else timestamp)(int(match[1]))
    if simple in DUCKDB_NAMES:
        return Type(simple)
    match = re.fullmatch(r"(\w+)\s*[(<](.*)[)>]", text, re.DOTALL)
    if match is None:
        raise ValueError(f"The type {text!r} is not known here")
    return _parse_parametric(match[1], split_top(match[2]))


def _parse_parametric(name: str, parts: list[str]) -> Type:
    if name == "decimal":
        return decimal(int(parts[0]), int(parts[1]) if len(parts) > 1 else 0)
    if name in ("varchar", "char"):
        return VARCHAR
    if name in ("array", "map"):
        return Type(name, tuple(parse_type(part) for part in parts))
    if name in ("row", "struct"):
        named = [re.split(r"[\s:]+", part, maxsplit=1) for part in parts]
        return row((label.strip('"'), parse_type(kind)) for label, kind in named)
    raise ValueError(f"The type {name!r} is not known here")


def split_top(text: str) -> list[str]:
    """Split at the commas that are outside all brackets."""
    parts, depth, start = [], 0, 0
    for place, letter in enumerate(text):
        depth += (letter in "(<") - (letter in ")>")
        if letter == "," and depth == 0:
            parts.append(text[start:place].strip())
            start = place + 1
    return [*parts, text[start:].strip()] if text.strip() else []


def to_json(kind: Type) -> dict[str, Any]:
    """Convert a type to JSON data, for the worker and the record of a query."""
    return asdict(kind)


def from_json(data: Mapping[str, Any]) -> Type:
    """The inverse of ``to_json``."""
    return Type(
        data["name"],
        tuple(from_json(arg) for arg in data["args"]),
        tuple(data["numbers"]),
        tuple(data["labels"]),
        data["zone"],
    )
