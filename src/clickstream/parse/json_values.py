"""What the values in JSON lines mean, whole columns at a time.

A column is whatever the objects hold under one key. Where those are all texts, each distinct one is
looked at once; numbers differ so much that each is looked at by itself.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from clickstream.parse.lines import MAX_BYTES_DIGITS, coded_column
from clickstream.parse.rows import Coded
from clickstream.parse.times import FIRST_YEAR, LAST_YEAR, WIDTH, unix_seconds

NOT_USABLE, NO_SUCH_TIME = -2, -3
"""In columns of numbers: what is no such number, and what is a time that cannot be."""

Integers = npt.NDArray[np.int64]
Column = Sequence[Any]

_NUMBER = re.compile(r"[0-9]{1,20}(?:\.[0-9]*)?")
_MILLISECONDS_FROM = 10**11  # as seconds, this would be the year 5138
_LARGE = 2**63  # from here on, readers of JSON disagree on what is a whole number


def texts(column: Column) -> tuple[Coded, npt.NDArray[np.bool_]]:
    """The column as texts, null as none at all, and which rows are neither."""
    try:
        whole = pa.array(column, pa.string())
    except (pa.ArrowException, TypeError, UnicodeEncodeError):
        bad = np.array([not isinstance(value, str | None) for value in column], np.bool_)
        whole = pa.array([_encodable(value) for value in column], pa.string())
    else:
        bad = np.zeros(len(column), np.bool_)
    return coded_column(whole.fill_null("").dictionary_encode()), bad


def _encodable(value: Any) -> str:
    """The value if it is a text. JSON can spell half a surrogate pair, UTF-8 can't."""
    text = value if isinstance(value, str) else ""
    return text.encode("utf-8", "backslashreplace").decode()


def loose_texts(column: Column) -> Coded:
    """The same of a column that refuses no line: what is no text or number is none at all."""
    return texts([_text_of(value) for value in column])[0]


def _text_of(value: Any) -> str | None:
    if isinstance(value, str):
        return value
    is_number = isinstance(value, int) and not isinstance(value, bool) and value < _LARGE
    return str(value) if is_number else None


def statuses(column: Column) -> Integers:
    """Each status, NOT_USABLE where there is none."""
    found = _whole_numbers(column, 3)
    return np.where(found < 0, NOT_USABLE, found)


def sizes(column: Column) -> Integers:
    """Each number of bytes, -1 where none is logged, NOT_USABLE for what is no such number."""
    return _whole_numbers(column, MAX_BYTES_DIGITS)


def _whole_numbers(column: Column, digits: int) -> Integers:
    """Numbers of up to so many digits, written as numbers or as texts."""
    kinds = set(map(type, column))
    if kinds == {int}:
        found = np.array([value if 0 <= value < 10**digits else NOT_USABLE for value in column])
    elif kinds == {str}:
        found = _spelled_numbers(texts(column)[0], digits)
    else:
        found = np.array([_whole_number(value, digits) for value in column], np.int64)
    return found


def _spelled_numbers(column: Coded, digits: int) -> Integers:
    is_number = pc.match_substring_regex(column.values, f"^[0-9]{{1,{digits}}}$")
    is_nothing = pc.is_in(column.values, pa.array(["", "-"]))
    number = pc.if_else(is_number, column.values, pc.if_else(is_nothing, "-1", str(NOT_USABLE)))
    found: Integers = number.cast(pa.int64()).to_numpy()[column.codes]
    return found


def _whole_number(value: Any, digits: int) -> int:
    if value in (None, "", "-"):
        return -1
    is_right = isinstance(value, str | int) and not isinstance(value, bool)
    text = str(value) if is_right else ""
    is_number = text.isascii() and text.isdecimal() and len(text) <= digits
    return int(text) if is_number else NOT_USABLE


def seconds(column: Column) -> Integers:
    """Each time as Unix seconds, or NOT_USABLE or NO_SUCH_TIME.

    A time is ISO 8601 (UTC without an offset), Unix time, or as Apache and nginx spell it.
    """
    if set(map(type, column)) != {str}:
        return np.array([_seconds(value) for value in column], np.int64)
    encoded = texts(column)[0]
    found = _spelled_times(encoded.values.to_pylist())
    return found[encoded.codes]


def _spelled_times(values: list[str]) -> Integers:
    """The seconds of times in texts; Apache's are read all together."""
    is_apache = np.array([len(v) == WIDTH and "/" in v and v.isascii() for v in values], np.bool_)
    apaches = [value.encode() for value, is_one in zip(values, is_apache, strict=True) if is_one]
    found = np.full(len(values), NO_SUCH_TIME, np.int64)
    read, is_possible = unix_seconds(apaches)
    found[is_apache] = np.where(is_possible, read, NO_SUCH_TIME)
    for index in np.flatnonzero(~is_apache).tolist():
        found[index] = _seconds(values[index])
    return found


def _seconds(value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return NOT_USABLE
    try:
        found = _spelled(value) if isinstance(value, str) else _epoch(value)
    except (ValueError, OverflowError):
        return NO_SUCH_TIME
    return found if _FIRST <= found < _PAST_LAST else NO_SUCH_TIME


_FIRST = int(datetime(FIRST_YEAR, 1, 1, tzinfo=UTC).timestamp())
_PAST_LAST = int(datetime(LAST_YEAR + 1, 1, 1, tzinfo=UTC).timestamp())


def _epoch(value: float) -> int:
    """Unix time in seconds, milliseconds, microseconds or nanoseconds: its size tells which."""
    if value >= _LARGE:
        raise OverflowError(f"{value} nanoseconds is centuries away")
    while value >= _MILLISECONDS_FROM:
        value = value / 1000 if isinstance(value, float) else value // 1000
    return math.floor(value)


@lru_cache(maxsize=4096)
def _spelled(text: str) -> int:
    if _NUMBER.fullmatch(text):
        return _epoch(float(text) if "." in text else int(text))
    if ":" not in text:
        raise ValueError(f"{text!r} is at most a date")
    moment = datetime.fromisoformat(text)
    return math.floor((moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp())
