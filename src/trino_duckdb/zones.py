"""Time zones by Trino's names: regions of the tz database, and fixed offsets such as +05:30."""

from __future__ import annotations

import re
from datetime import UTC, timedelta, timezone, tzinfo
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

OFFSET = re.compile(
    r"(?![+-]\d:|[+-]\d{3}$|[A-Z]+.\d{3})(?:UTC|GMT|UT)?([+-])(\d{1,2})(?::?(\d{2}))?"
)
NAMES_OF_UTC = frozenset("Z UTC GMT UT UCT GMT0 Zulu Universal Greenwich".split())
NOT_OF_JAVA = frozenset("EST MST HST ROC Factory posixrules localtime".split())
MAX_HOURS = 14


def zone_name(text: str) -> str:
    """Return the zone as Trino prints it. Raises ValueError for an unknown zone."""
    if text.removeprefix("Etc/") in NAMES_OF_UTC:
        return "UTC"
    if match := OFFSET.fullmatch(text):
        hours, minutes = int(match[2]), int(match[3] or 0)
        if hours * 60 + minutes > MAX_HOURS * 60 or minutes >= 60:
            raise ValueError(text)
        return f"{match[1]}{hours:02}:{minutes:02}" if hours or minutes else "UTC"
    if text in NOT_OF_JAVA or text.startswith("Etc/"):
        raise ValueError(text)
    try:
        return ZoneInfo(text).key
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise ValueError(text) from None


def zone_info(name: str) -> tzinfo:
    """Return Python's zone for a name that ``zone_name`` returned."""
    if name == "UTC":
        return UTC
    if match := OFFSET.fullmatch(name):
        offset = timedelta(hours=int(match[2]), minutes=int(match[3]))
        return timezone(-offset if match[1] == "-" else offset)
    return ZoneInfo(name)


def duckdb_zone(name: str) -> str:
    """Return DuckDB's name of the zone."""
    return f"GMT{name}" if name[0] in "+-" else name
