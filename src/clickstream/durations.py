"""Durations as people write and read them: `90m`, `3h`, `2d`; `3 hours 20 minutes`."""

from __future__ import annotations

import re
from datetime import timedelta

from clickstream.errors import InputError

_UNITS = {"m": timedelta(minutes=1), "h": timedelta(hours=1), "d": timedelta(days=1)}
_TEXT = re.compile(r"(\d{1,6})([mhd])")


def parse_duration(text: str) -> timedelta:
    """Read a number of minutes, hours or days. Raises InputError for anything else."""
    match = _TEXT.fullmatch(text.strip())
    if match is None:
        raise InputError(f"{text!r} is not a duration; write it like 90m, 3h or 2d.")
    return int(match[1]) * _UNITS[match[2]]


def describe_duration(duration: timedelta) -> str:
    """A duration in its two largest units, rounded down to minutes."""
    minutes = max(int(duration.total_seconds()) // 60, 0)
    parts = (("day", minutes // 1440), ("hour", minutes // 60 % 24), ("minute", minutes % 60))
    largest = next((place for place, (_, number) in enumerate(parts) if number), 2)
    named = [
        f"{number:,} {unit}{'' if number == 1 else 's'}"
        for unit, number in parts[largest : largest + 2]
        if number
    ]
    return " ".join(named) or "0 minutes"
