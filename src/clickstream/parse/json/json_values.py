"""Convert the values of JSON lines, one column at a time.

A column has the values of all objects under one key. If all are texts, each distinct text is
converted once. Other values are converted one by one.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from clickstream.parse.blocks import MAX_DIGITS, Numbers
from clickstream.parse.rows import Coded
from clickstream.parse.times import FIRST_SECOND, PAST_LAST_SECOND, WIDTH, unix_seconds

NOT_USABLE, NO_SUCH_TIME = -2, -3
"""Values in columns of numbers: for a value that is no such number, and for an impossible time."""


_NUMBER = re.compile(r"[0-9]{1,20}(?:\.[0-9]*)?")
_AROUND_FRACTION = (
    r"^(\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d)\.\d{1,9}(|Z|[+-]\d\d:\d\d)$"  # of a second
)
_LEAP_SECOND = re.compile(r"(?<=[T ][0-9]{2}:[0-9]{2}:)60")
_MILLISECONDS_FROM = 10**11  # as seconds, this would be the year 5138
_LARGE = 2**63  # JSON parsers do not agree on integers from here on


@dataclass(frozen=True)
class JsonColumn:
    """The values of objects under one key: codes into `values`, which may repeat.

    `values` are texts, with null for a missing one, or a list of Python objects of any type.
    """

    codes: Numbers
    values: pa.StringArray | list[Any]

    @classmethod
    def of(cls, rows: Sequence[Any]) -> JsonColumn:
        """Build a column from the values of all rows."""
        try:
            encoded = pa.array(rows, pa.string()).dictionary_encode("encode")
        except (pa.ArrowException, TypeError, UnicodeEncodeError):
            if set(map(type, rows)) != {int}:
                return cls(np.arange(len(rows)), [*rows])
            seen: dict[int, int] = {}
            codes = [seen.setdefault(value, len(seen)) for value in rows]
            return cls(np.array(codes), [*seen])
        return cls(encoded.indices.to_numpy(), encoded.dictionary)


def texts(column: JsonColumn) -> tuple[Coded, npt.NDArray[np.bool_]]:
    """Convert a column to texts; null becomes an empty text. Also marks rows with other types."""
    values = column.values
    if not isinstance(values, list):
        whole = values.fill_null("") if values.null_count else values
        return Coded(column.codes, whole), np.zeros(len(column.codes), np.bool_)
    bad = np.array([not isinstance(value, str | None) for value in values], np.bool_)
    encoded = pa.array([_encodable(value) for value in values], pa.string()).dictionary_encode()
    return Coded(encoded.indices.to_numpy()[column.codes], encoded.dictionary), bad[column.codes]


def _encodable(value: Any) -> str:
    """Return a text that UTF-8 can encode. JSON can contain lone surrogates, which UTF-8 can't."""
    text = value if isinstance(value, str) else ""
    return text.encode("utf-8", "backslashreplace").decode()


def loose_texts(column: JsonColumn) -> Coded:
    """Convert a column to texts and refuse no line.

    Numbers become texts, and values of other types become empty texts.
    """
    if not isinstance(column.values, list):
        return texts(column)[0]
    values: list[str | None] = []
    for value in column.values:
        is_number = isinstance(value, int | float) and not isinstance(value, bool)
        is_text = isinstance(value, str) or (is_number and value < _LARGE)
        values.append(str(value) if is_text else None)
    return texts(JsonColumn(column.codes, values))[0]


def statuses(column: JsonColumn) -> Numbers:
    """Return each status; NOT_USABLE for a missing or wrong one."""
    statuses_read = _whole_numbers(column, 3)
    return np.where(statuses_read < 0, NOT_USABLE, statuses_read)


def sizes(column: JsonColumn) -> Numbers:
    """Return each number of bytes; -1 if not logged, NOT_USABLE for another value."""
    return _whole_numbers(column, MAX_DIGITS)


def _whole_numbers(column: JsonColumn, digits: int) -> Numbers:
    """Return integers of up to `digits` digits, which may be JSON numbers or texts."""
    numbers: Numbers
    if isinstance(column.values, list):
        numbers = np.array([_whole_number(value, digits) for value in column.values], np.int64)
        return numbers[column.codes]
    values = column.values.fill_null("")
    is_number = pc.match_substring_regex(values, f"^[0-9]{{1,{digits}}}$")
    is_nothing = pc.is_in(values, pa.array(["", "-"]))
    spelled = pc.if_else(is_number, values, pc.if_else(is_nothing, "-1", str(NOT_USABLE)))
    numbers = spelled.cast(pa.int64()).to_numpy()
    return numbers[column.codes]


def _whole_number(value: Any, digits: int) -> int:
    if type(value) is int:
        return value if 0 <= value < 10**digits else NOT_USABLE
    if value in (None, "", "-"):
        return -1
    text = value if isinstance(value, str) else ""
    is_number = text.isascii() and text.isdecimal() and len(text) <= digits
    return int(text) if is_number else NOT_USABLE


def seconds(column: JsonColumn) -> Numbers:
    """Return each time as Unix seconds, or NOT_USABLE or NO_SUCH_TIME.

    Supported are ISO 8601 (UTC if it has no offset), Unix time, and the time format of Apache and
    nginx. Fractions of a second are dropped.
    """
    if isinstance(column.values, list):  # not all values are texts
        return _times(column.values)[column.codes]
    # Texts that differ only in the fraction become one, so that each second is parsed once.
    texts = pc.replace_substring_regex(column.values, _AROUND_FRACTION, r"\1\2")
    distinct = texts.dictionary_encode(null_encoding="encode")
    seconds_of_texts: Numbers = _times(distinct.dictionary.to_pylist())
    seconds_of_rows: Numbers = seconds_of_texts[distinct.indices.to_numpy()]
    return seconds_of_rows[column.codes]


def _times(values: list[Any]) -> Numbers:
    """Return the seconds of each time; times in the format of Apache and nginx are read at once."""
    is_spelled = np.array(
        [
            isinstance(value, str) and len(value) == WIDTH and "/" in value and value.isascii()
            for value in values
        ],
        np.bool_,
    )
    spelled = [value.encode() for value, is_text in zip(values, is_spelled, strict=True) if is_text]
    read, is_possible = unix_seconds(spelled)
    unusual = [value for value, is_text in zip(values, is_spelled, strict=True) if not is_text]
    times = np.empty(len(values), np.int64)
    times[is_spelled] = np.where(is_possible, read, NO_SUCH_TIME)
    times[~is_spelled] = [*map(_seconds, unusual)]
    return times


def _seconds(value: Any) -> int:
    if type(value) in (int, float) and FIRST_SECOND <= value < PAST_LAST_SECOND:
        return int(value)
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return NOT_USABLE
    try:
        seconds = _spelled(value) if isinstance(value, str) else _epoch(value)
    except (ValueError, OverflowError):
        return NO_SUCH_TIME
    return seconds if FIRST_SECOND <= seconds < PAST_LAST_SECOND else NO_SUCH_TIME


def _epoch(value: float) -> int:
    """Convert Unix time to seconds. Its size shows whether it is in s, ms, µs or ns."""
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
    moment = datetime.fromisoformat(_LEAP_SECOND.sub("59", text))
    return math.floor((moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp())
