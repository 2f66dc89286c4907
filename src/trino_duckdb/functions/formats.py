"""Translates date formats of Trino (MySQL's and Joda's) to DuckDB's.

Only specifiers with the same meaning are listed; a format with another one is refused.
"""

from __future__ import annotations

import re

from trino_duckdb.errors import not_supported

MYSQL = {
    **{f"%{letter}": f"%{letter}" for letter in "abdfHIjmpSYy%"},
    "%e": "%-d",
    "%h": "%I",
    "%i": "%M",
    "%k": "%-H",
    "%l": "%-I",
    "%M": "%B",
    "%c": "%-m",
    "%r": "%I:%M:%S %p",
    "%s": "%S",
    "%T": "%H:%M:%S",
    "%v": "%V",
    "%W": "%A",
    "%x": "%G",
}
JODA = {
    "yyyy": "%Y",
    "YYYY": "%Y",
    "yy": "%y",
    "xxxx": "%G",
    "ww": "%V",
    "MMMM": "%B",
    "MMM": "%b",
    "MM": "%m",
    "M": "%-m",
    "dd": "%d",
    "d": "%-d",
    "DDD": "%j",
    "EEEE": "%A",
    "EEE": "%a",
    "E": "%a",
    "HH": "%H",
    "H": "%-H",
    "hh": "%I",
    "h": "%-I",
    "mm": "%M",
    "m": "%-M",
    "ss": "%S",
    "s": "%-S",
    "SSS": "%g",
    "a": "%p",
}
JODA_TOKEN = re.compile(r"'((?:[^']|'')*)'|([A-Za-z])\2*|([^A-Za-z']+)")
DAYS_AND_MONTHS = frozenset(("%m", "%-m", "%b", "%B", "%d", "%-d"))
WEEKS = frozenset(("%a", "%A", "%G", "%V", "%j"))


def mysql_format(text: str) -> str:
    """Translate a format of date_format and date_parse. Raises QueryError (NOT_SUPPORTED)."""

    def replace(match: re.Match[str]) -> str:
        if match[0] not in MYSQL:
            raise not_supported(f"{match[0]} in a date format")
        return MYSQL[match[0]]

    return re.sub(r"%.?", replace, text, flags=re.DOTALL)


def joda_format(text: str) -> str:
    """Translate a format of format_datetime. Raises QueryError."""
    parts, place = [], 0
    while place < len(text):
        match = JODA_TOKEN.match(text, place)
        if match is None:
            raise not_supported(f"the date format {text}")
        parts.append(_joda_part(match))
        place = match.end()
    return "".join(parts)


def _joda_part(match: re.Match[str]) -> str:
    if match[2] is None:
        literal = match[1] if match[1] is not None else match[3]
        return (literal or "'").replace("''", "'").replace("%", "%%")
    if match[0] not in JODA:
        raise not_supported(f"{match[0]} in a date format")
    return JODA[match[0]]


def missing_date(duckdb_format: str) -> tuple[str, str]:
    """Return Trino's default date for a format without a year: a text and its DuckDB format.

    Raises QueryError (NOT_SUPPORTED) for weeks, weekdays and days of a year.
    """
    found = set(re.findall(r"%-?.", duckdb_format))
    if weeks := found & WEEKS:
        raise not_supported(f"parsing of {' '.join(sorted(weeks))} (weeks and their days)")
    if found & {"%Y", "%y"}:
        return "", ""
    if found & DAYS_AND_MONTHS:
        return "2000|", "%Y|"
    return "1970-01-01|", "%Y-%m-%d|"
