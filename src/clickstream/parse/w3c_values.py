"""Convert the values of W3C logs, each distinct value once. `w3c` calls this module."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date
from urllib.parse import unquote_to_bytes

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from clickstream.parse.blocks import MAX_DIGITS, Numbers
from clickstream.parse.rows import Coded
from clickstream.parse.times import FIRST_YEAR, LAST_YEAR

_DATE = re.compile(rb"\d{4}-\d\d-\d\d")
_TIME = re.compile(rb"([01]\d|2[0-3]):([0-5]\d)(?::([0-5]\d|60)(?:\.\d*)?)?")
_DECIMAL = re.compile(rb"\d{1,9}\.\d{1,9}")
_STATUS = re.compile(rb"\d{3}")
_SIZE = re.compile(rb"\d{1,%d}" % MAX_DIGITS)
_WHOLE_URL = re.compile(rb"(?:[a-z][a-z0-9+.-]*://)?[^/?]*([/?].*)?", re.IGNORECASE | re.DOTALL)
_PRINTABLE = re.compile(rb"(?:%[2-9a-f][0-9a-f])+", re.IGNORECASE)
_NOTHING = (b"-", b"")


def as_meant(column: Coded, decoded: Callable[[bytes], bytes] | None) -> Coded:
    """Remove the quotes around values, and decode values without quotes if `decoded` is given."""
    if decoded is None and not pc.any(pc.starts_with(column.values, b'"')).as_py():
        return column
    return _each(column, lambda value: _meant(value, decoded))


def _meant(value: bytes, decoded: Callable[[bytes], bytes] | None) -> bytes:
    if len(value) > 1 and value.startswith(b'"') and value.endswith(b'"'):
        return value[1:-1].replace(b'""', b'"')
    return decoded(value) if decoded else value


def plus_decoded(value: bytes) -> bytes:
    """Replace `+` by the space that IIS writes it for."""
    return value.replace(b"+", b" ")


def percent_decoded(value: bytes) -> bytes:
    """Decode percent-encoded characters, except control characters."""
    return _PRINTABLE.sub(lambda match: unquote_to_bytes(match[0]), value)


def agent_decoded(value: bytes) -> bytes:
    """Decode a user agent, which CloudFront may have encoded twice, such as `%2520` for a space.

    A value that was encoded twice contains `%` only in `%25`.
    """
    is_coded_twice = value.count(b"%") == value.count(b"%25")
    return percent_decoded(percent_decoded(value) if is_coded_twice else value)


def paths_of(urls: Coded) -> Coded:
    """Return URLs, with or without scheme, from their path on; `/` if they have no path."""
    return _each(urls, _path_of)


def _path_of(url: bytes) -> bytes:
    match = _WHOLE_URL.fullmatch(url)
    if url in _NOTHING or not match:
        return url
    path = match[1] or b"/"
    return path if path.startswith(b"/") else b"/" + path


def targets(stem: Coded, query: Coded | None) -> Coded:
    """Join stem and query by `?`; each distinct pair is joined once."""
    if query is None:
        return stem
    count = max(len(query.values), 1)
    pairs = pa.array(stem.codes.astype(np.int64) * count + query.codes).dictionary_encode()
    distinct = pairs.dictionary.to_numpy()
    stems, queries = stem.values.take(distinct // count), query.values.take(distinct % count)
    is_alone = pc.is_in(queries, pa.array(_NOTHING, pa.binary()))
    joined = pc.binary_join_element_wise(stems, queries, b"?")
    return Coded(pairs.indices.to_numpy(), pc.if_else(is_alone, stems, joined))


def milliseconds(column: Coded, is_iis: bool) -> Coded:
    """Return the values of `time-taken` as milliseconds, the unit in which IIS writes it.

    A value with a decimal point is in seconds, as in the W3C draft and in CloudFront's logs. Other
    servers write whole seconds or milliseconds; their unit is unknown, so the result is empty.
    """

    def of(value: bytes) -> bytes:
        if _DECIMAL.fullmatch(value):
            return b"%.3f" % (float(value) * 1000)
        return value if is_iis else b""

    return _each(column, of)


def days(column: Coded) -> Numbers:
    """Return the days since 1970 of each date, -1 for a value that is not a date."""
    return _numbers(column, _day)


def seconds_of_day(column: Coded) -> Numbers:
    """Return the seconds since midnight of each time; -1 if it is none; second 60 counts as 59."""
    return _numbers(column, _clock)


def statuses(column: Coded) -> Numbers:
    """Return each status, -2 for a value that is not a status."""
    return _numbers(column, lambda value: int(value) if _STATUS.fullmatch(value) else -2)


def sizes(column: Coded | None, rows: int) -> Numbers:
    """Return each number of bytes; -1 if none is logged, -2 for a value that is not a number."""
    return np.full(rows, -1, np.int64) if column is None else _numbers(column, _size)


def _numbers(column: Coded, number: Callable[[bytes], int]) -> Numbers:
    distinct = np.array([number(value) for value in column.values.to_pylist()], np.int64)
    found: Numbers = distinct[column.codes]
    return found


def _each(column: Coded, change: Callable[[bytes], bytes]) -> Coded:
    return Coded(
        column.codes, pa.array([change(value) for value in column.values.to_pylist()], pa.binary())
    )


def _size(value: bytes) -> int:
    if value in _NOTHING:
        return -1
    return int(value) if _SIZE.fullmatch(value) else -2


def _day(value: bytes) -> int:
    try:
        day = date.fromisoformat(value.decode()) if _DATE.fullmatch(value) else None
    except ValueError:
        return -1
    if day is None or not FIRST_YEAR <= day.year <= LAST_YEAR:
        return -1
    return day.toordinal() - date(1970, 1, 1).toordinal()


def _clock(value: bytes) -> int:
    match = _TIME.fullmatch(value)
    if not match:
        return -1
    hour, minute, second = (int(part or 0) for part in match.groups())
    return (hour * 60 + minute) * 60 + min(second, 59)
