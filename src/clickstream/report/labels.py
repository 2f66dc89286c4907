"""Texts of the page for single values: a status, a moment, a length of time."""

from __future__ import annotations

from datetime import datetime, timedelta
from http import HTTPStatus


def phrase(status: int) -> str:
    """The reason phrase of an HTTP status."""
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return "(unassigned)"


def moment(at: datetime) -> str:
    """A moment to the minute: `20 Nov 2026 05:00`."""
    return f"{at.day} {at:%b %Y %H:%M}"


def seconds(length: float | None) -> str:
    """A length of a session: `8.5 s`, `3 min 20 s`."""
    if length is None:
        return "-"
    minutes, rest = divmod(length, 60)
    return f"{minutes:.0f} min {int(rest)} s" if minutes else f"{rest:g} s"


def length(span: timedelta) -> str:
    """A span in its two largest units: `1 d 17 h`, `3 h 20 min`, `45 s`."""
    seconds = int(span.total_seconds())
    units = {"d": seconds // 86400, "h": seconds // 3600 % 24, "min": seconds // 60 % 60}
    large = [f"{n} {unit}" for unit, n in units.items() if n]
    return " ".join(large[:2]) or f"{seconds} s"
