"""Time formats, built from strftime formats, and decoding of many times at once.

A format is a sequence of parts, of which at most one has a variable width. Start and end of a time
therefore determine the position of each part, and all times are decoded part by part.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from clickstream.parse.blocks import (
    MAX_DIGITS,
    Bytes,
    Flags,
    Numbers,
    Positions,
    parse_fixed_number,
    parse_number,
)

FIRST_YEAR, LAST_YEAR = 1990, 2100
"""First and last plausible year of a request; a time outside is refused as impossible."""

FIRST_SECOND, PAST_LAST_SECOND = (
    int(datetime(year, 1, 1, tzinfo=UTC).timestamp()) for year in (FIRST_YEAR, LAST_YEAR + 1)
)
"""The Unix seconds at which the first year begins and the last year ends."""

_NAMES = tuple(
    b"January February March April May June July August September October November December".split()
)
_SPELLED = np.array([int.from_bytes(name[:3]) for name in _NAMES])
_IN_ORDER = np.argsort(_SPELLED)
_LETTERS = np.array([[*name.ljust(9, b"\0")] for name in _NAMES], np.uint8)
_LENGTHS = np.array([len(name) for name in _NAMES])
_DAY = 86_400


class TimePart(NamedTuple):
    """One part of a time: its name, the patterns of its bytes, and its width (None if variable)."""

    name: str
    pieces: tuple[bytes, ...]
    width: int | None


_NUMBER = (rb"\d{1,%d}" % MAX_DIGITS,)
_NAME = (rb"[A-Z]", rb"[a-z]", rb"[a-z]")
_OFFSET = (rb"[+-]", rb"\d", rb"\d", rb"\d", rb"\d")


def _digits(name: str, width: int) -> TimePart:
    return TimePart(name, (rb"\d",) * width, width)


_PARTS = {
    "Y": _digits("year", 4),
    "m": _digits("month", 2),
    "b": TimePart("month_name", _NAME, 3),
    "h": TimePart("month_name", _NAME, 3),
    "B": TimePart("full_month_name", (rb"[A-Z][a-z]{2,8}",), None),
    "d": _digits("day", 2),
    "e": TimePart("padded_day", (rb"[ \d]", rb"\d"), 2),
    "H": _digits("hour", 2),
    "M": _digits("minute", 2),
    "S": _digits("second", 2),
    "z": TimePart("offset", _OFFSET, 5),
    ":z": TimePart("offset_with_colon", (*_OFFSET[:3], b":", *_OFFSET[3:]), 6),
    "s": TimePart("seconds", _NUMBER, None),
    "Q": TimePart("milliseconds", _NUMBER, None),
    "N": TimePart("microseconds", _NUMBER, None),
    "f": TimePart("fraction", _NUMBER, None),
    "3f": _digits("fraction", 3),
    "6f": _digits("fraction", 6),
}
_SHORT = {"%T": "%H:%M:%S", "%R": "%H:%M", "%F": "%Y-%m-%d"}
_DIRECTIVE = re.compile(r"%([36]f|:z|.|$)|([^%]+)", re.DOTALL)
STRFTIME = (*"YmbhBdeHMSzs", "T", "R", "F", "%")
"""The supported letters of strftime."""

_WHAT = {
    "month_name": "month",
    "full_month_name": "month",
    "padded_day": "day",
    "offset_with_colon": "offset",
    "milliseconds": "seconds",
    "microseconds": "seconds",
}
_UNITS = {"seconds": 1, "milliseconds": 1000, "microseconds": 1_000_000}


@dataclass(frozen=True)
class TimeFormat:
    """The parts of a time, in order; a part with the name "" is a literal text."""

    parts: tuple[TimePart, ...]

    @classmethod
    def of(cls, spelled: str) -> TimeFormat:
        """Build a format from a strftime format.

        In addition to the letters in STRFTIME, it may have `%:z` (`+hh:mm`), `%f`, `%3f` and `%6f`
        (a fraction), and `%Q` and `%N` (Unix time in milliseconds and microseconds). Raises
        ValueError, which names any other letter.
        """
        for short, long in _SHORT.items():
            spelled = spelled.replace(short, long)
        return cls(tuple(_part(match) for match in _DIRECTIVE.finditer(spelled)))

    def __add__(self, other: TimeFormat) -> TimeFormat:
        return TimeFormat(self.parts + other.parts)

    @property
    def units(self) -> frozenset[str]:
        """The units that a time has, such as year, minute, fraction, offset, or Unix seconds."""
        return frozenset(_WHAT.get(part.name, part.name) for part in self.parts if part.name)

    @cached_property
    def lacks(self) -> tuple[str, ...]:
        """The values that are missing for a point in time."""
        needed = ("year", "month", "day", "hour", "minute")
        units = self.units
        return () if "seconds" in units else tuple(unit for unit in needed if unit not in units)

    @property
    def problem(self) -> str:
        """The reason why times of this format can't be decoded; empty if they can."""
        values = [_WHAT.get(part.name, part.name) for part in self.parts if part.name]
        if twice := next((name for name in values if values.count(name) > 1), ""):
            return f"it has the {twice} twice"
        varying = [i for i, part in enumerate(self.parts) if part.width is None]
        if len(varying) > 1:
            return "it has more than one part of variable width"
        if varying and any(part.name for part in self.parts[varying[0] + 1 :][:1]):
            return "it has no text after its part of variable width"
        return ""

    @cached_property
    def pattern(self) -> bytes:
        """The pattern of a time of this format, without a check of its values."""
        return b"".join(self.pieces)

    @property
    def pieces(self) -> tuple[bytes, ...]:
        """The pattern in pieces, most of which match one byte."""
        return tuple(piece for part in self.parts for piece in part.pieces)

    @cached_property
    def widths(self) -> tuple[int, int | None]:
        """Bytes before and after the part of variable width; without one, all bytes and None."""
        before = 0
        for index, part in enumerate(self.parts):
            if part.width is None:
                return before, sum(p.width or 0 for p in self.parts[index + 1 :])
            before += part.width
        return before, None

    @property
    def after_varying(self) -> bytes:
        """The text directly after the part of variable width; empty if it is the last part."""
        index = next(i for i, part in enumerate(self.parts) if part.width is None)
        return b"".join(_text(part) for part in self.parts[index + 1 :][:1])

    def unix_seconds(self, block: Bytes, start: Positions, end: Positions) -> tuple[Numbers, Flags]:
        """Return the Unix seconds, rounded down, of times between positions; also mark valid ones.

        Times without an offset are UTC. A leap second (second 60) counts as second 59. A time
        is not valid if its date does not exist, or if it has hour 24, minute 60, an offset of a day
        or more, or a year outside FIRST_YEAR to LAST_YEAR. If the format lacks a value, all times
        are 0 and only their shape is checked. The block must have `len(pattern)` more bytes after
        `end`.
        """
        values: dict[str, npt.NDArray[np.int64]] = {}
        possible = np.ones(len(start), np.bool_)
        at, after = start, self.widths[1] or 0
        for part in self.parts:
            stop = end - after if part.width is None else at + part.width
            value, is_valid = _decoded(block, part, at, stop)
            possible &= is_valid
            values[_WHAT.get(part.name, part.name)] = value
            at = stop
        possible &= at == end
        if self.lacks:
            return np.zeros_like(start), possible
        if "seconds" in values:
            seconds = values["seconds"]
            return seconds, possible & (seconds >= FIRST_SECOND) & (seconds < PAST_LAST_SECOND)
        seconds, exists = _since_1970(values)
        return seconds, possible & exists


def _part(match: re.Match[str]) -> TimePart:
    if match[2] is not None or match[1] == "%":
        text = (match[2] or "%").encode()
        return TimePart("", tuple(re.escape(bytes([byte])) for byte in text), len(text))
    if match[1] not in _PARTS:
        raise ValueError(f"%{match[1]}")
    return _PARTS[match[1]]


def _text(part: TimePart) -> bytes:
    return b"".join(piece[-1:] for piece in part.pieces)


def _decoded(block: Bytes, part: TimePart, at: Positions, stop: Positions) -> tuple[Numbers, Flags]:
    """Decode a part between positions; also return a mask of the valid ones."""
    if part.name == "":
        return at, _holds(block, at, _text(part))
    if part.name.startswith("offset"):
        return _offset(block, at, part.width == 6)
    if part.name == "padded_day":
        tens, is_digit = parse_fixed_number(block, at, 1)
        ones, ok = parse_fixed_number(block, at + 1, 1)
        blank = block[at] == ord(" ")
        return np.where(blank, 0, tens) * 10 + ones, (blank | is_digit) & ok
    if part.name.endswith("month_name"):
        return _month(block, at, stop)
    if part.width is not None:
        number, ok = parse_fixed_number(block, at, part.width)
        return number.astype(np.int64), ok
    number, ok = parse_number(block, at, stop)
    return number // _UNITS.get(part.name, 1), ok


def _holds(block: Bytes, at: Positions, text: bytes) -> Flags:
    """Return a mask of the positions with this text."""
    holds = np.ones(len(at), np.bool_)
    for index, byte in enumerate(text):
        holds &= block[at + index] == byte
    return holds


def _offset(block: Bytes, at: Positions, has_colon: bool) -> tuple[Numbers, Flags]:
    """Decode offsets as seconds east of UTC; also return a mask of the valid ones."""
    hours, hours_ok = parse_fixed_number(block, at + 1, 2)
    minutes, minutes_ok = parse_fixed_number(block, at + 3 + has_colon, 2)
    sign = block[at]
    is_valid = hours_ok & minutes_ok & (hours < 24) & (minutes < 60)
    is_valid &= (sign == ord("+")) | (sign == ord("-"))
    if has_colon:
        is_valid &= block[at + 3] == ord(":")
    east = (hours.astype(np.int64) * 60 + minutes) * 60
    return np.where(sign == ord("+"), east, -east), is_valid


def _month(block: Bytes, at: Positions, stop: Positions) -> tuple[Numbers, Flags]:
    """Decode names of months, short (three letters) or full, as numbers from 1."""
    letters = [block[at + index].astype(np.int64) for index in range(3)]
    spelled = (letters[0] << 16) | (letters[1] << 8) | letters[2]
    rank = np.searchsorted(_SPELLED, spelled, sorter=_IN_ORDER)
    month = _IN_ORDER[np.minimum(rank, len(_NAMES) - 1)]
    is_valid = _SPELLED[month] == spelled
    length = stop - at
    for index in range(3, min(int(length.max(initial=0)), _LETTERS.shape[1])):
        is_valid &= (index >= length) | (block[at + index] == _LETTERS[month, index])
    is_valid &= (length == 3) | (length == _LENGTHS[month])
    return month + 1, is_valid


def _since_1970(values: dict[str, Numbers]) -> tuple[Numbers, Flags]:
    """Compute Unix seconds from date, time of day and offset; also mark the moments that exist."""
    year, month, day, hour, minute = (
        values[name] for name in ("year", "month", "day", "hour", "minute")
    )
    second = values.get("second", np.zeros_like(hour))
    possible = (year >= FIRST_YEAR) & (year <= LAST_YEAR) & (month >= 1) & (month <= 12)
    possible &= (hour < 24) & (minute < 60) & (second <= 60)
    months = np.where(possible, (year - 1970) * 12 + month - 1, 0).astype("M8[M]")
    first_day = months.astype("M8[D]").astype(np.int64)
    month_length = (months + 1).astype("M8[D]").astype(np.int64) - first_day
    possible &= (day >= 1) & (day <= month_length)
    clock = (hour * 60 + minute) * 60 + np.minimum(second, 59)
    offset = values.get("offset", np.zeros_like(hour))
    return (first_day + day - 1) * _DAY + clock - offset, possible


CLOCK_FORMAT = TimeFormat.of("%d/%b/%Y:%H:%M:%S %z")
"""The default time format of Apache and nginx: `29/Mar/2026:01:59:59 +0100`."""

WIDTH = len(CLOCK_FORMAT.pieces)


def unix_seconds(times: list[bytes]) -> tuple[Numbers, Flags]:
    """Return the Unix seconds of times in CLOCK_FORMAT, and a mask of the valid ones."""
    # NUL bytes are no digits, so a time of another length is not valid.
    fitting = [time if len(time) == WIDTH else bytes(WIDTH) for time in times]
    # The bytes after the last time are those that CLOCK_FORMAT.unix_seconds may read past it.
    block = np.frombuffer(b"".join([*fitting, bytes(len(CLOCK_FORMAT.pattern))]), np.uint8)
    starts = np.arange(len(times), dtype=np.int64) * WIDTH
    return CLOCK_FORMAT.unix_seconds(block, starts, starts + WIDTH)
