"""Read the W3C extended log format (WD-logfile-960323) of IIS, CloudFront and others.

A line that begins with `#` is a directive. It is neither a request nor a reject, and does not count
as a line. `#Fields:` names the columns of the entries after it, until the next such line. Entries
can't be read without it, so lines that are copied out of a file are stored with the `#Fields:` line
that applies to them, their *header*. Times are UTC, as the format defines.

A regular entry has no quotes, and one space or tab between its values. numpy finds the values of
all regular entries of a block by the white space. Other entries are split one by one: values in
quotes may contain spaces, and so may any value if tabs separate the values.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from datetime import date
from functools import lru_cache, partial
from io import BytesIO
from typing import Any
from urllib.parse import unquote_to_bytes

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from clickstream.parse.blocks import (
    BLOCK_BYTES,
    MAX_DIGITS,
    NEWLINE,
    QUOTE,
    RETURN,
    SPACE,
    TAB,
    Flags,
    Numbers,
    cut_texts,
    read_blocks,
)
from clickstream.parse.line_patterns import CUT, EMPTY, IMPOSSIBLE_TIME, MISFIT, NO_FIELDS
from clickstream.parse.rows import (
    BROWSER_FIELDS,
    NO_ROWS,
    Coded,
    Refused,
    Rows,
    coded_column,
    join_targets,
    joined,
)
from clickstream.parse.times import FIRST_YEAR, LAST_YEAR

_DATE = re.compile(rb"\d{4}-\d\d-\d\d")
_TIME = re.compile(rb"([01]\d|2[0-3]):([0-5]\d)(?::([0-5]\d|60)(?:\.\d*)?)?")
_DECIMAL = re.compile(rb"\d{1,9}\.\d{1,9}")
_STATUS = re.compile(rb"\d{3}")
_SIZE = re.compile(rb"\d{1,%d}" % MAX_DIGITS)
_WHOLE_URL = re.compile(rb"(?:[a-z][a-z0-9+.-]*://)?[^/?]*([/?].*)?", re.IGNORECASE | re.DOTALL)
_PRINTABLE = re.compile(rb"(?:%[2-9a-f][0-9a-f])+", re.IGNORECASE)
_NOTHING = (b"-", b"")
_TOKEN = re.compile(rb'"(?:[^"]|"")*+"(?!\S)|\S+')


def _change_values(column: Coded, change: Callable[[bytes], bytes]) -> Coded:
    """Change each distinct value once."""
    values = [change(value) for value in column.values.to_pylist()]
    return Coded(column.codes, pa.array(values, pa.binary()))


def _to_numbers(column: Coded, number: Callable[[bytes], int]) -> Numbers:
    """Convert each distinct value once."""
    distinct = np.array([number(value) for value in column.values.to_pylist()], np.int64)
    numbers: Numbers = distinct[column.codes]
    return numbers


def _decode_values(column: Coded, decode: Callable[[bytes], bytes] | None) -> Coded:
    """Remove the quotes around values, and decode values without quotes if `decode` is given."""

    def decode_value(value: bytes) -> bytes:
        if len(value) > 1 and value.startswith(b'"') and value.endswith(b'"'):
            return value[1:-1].replace(b'""', b'"')
        return decode(value) if decode else value

    if decode is None and not pc.any(pc.starts_with(column.values, b'"')).as_py():
        return column
    return _change_values(column, decode_value)


def _decode_plus(value: bytes) -> bytes:
    """Replace `+` by the space that IIS writes it for."""
    return value.replace(b"+", b" ")


def _decode_percent(value: bytes) -> bytes:
    """Decode percent-encoded characters, except control characters."""
    return _PRINTABLE.sub(lambda match: unquote_to_bytes(match[0]), value)


def _decode_agent(value: bytes) -> bytes:
    """Decode a user agent, which CloudFront may have encoded twice, such as `%2520` for a space.

    A value that was encoded twice contains `%` only in `%25`.
    """
    is_coded_twice = value.count(b"%") == value.count(b"%25")
    return _decode_percent(_decode_percent(value) if is_coded_twice else value)


def _path(url: bytes) -> bytes:
    """Return a URL, with or without scheme, from its path on; `/` if it has no path."""
    match = _WHOLE_URL.fullmatch(url)
    if url in _NOTHING or not match:
        return url
    path = match[1] or b"/"
    return path if path.startswith(b"/") else b"/" + path


def _milliseconds(value: bytes, is_iis: bool) -> bytes:
    """Return a value of `time-taken` as milliseconds, the unit in which IIS writes it.

    A value with a decimal point is in seconds, as in the W3C draft and in CloudFront's logs. Other
    servers write whole seconds or milliseconds; their unit is unknown, so the result is empty.
    """
    if _DECIMAL.fullmatch(value):
        return b"%.3f" % (float(value) * 1000)
    return value if is_iis else b""


def _size(value: bytes) -> int:
    """Return a number of bytes; -1 if none is logged, -2 if the value is not a number."""
    if value in _NOTHING:
        return -1
    return int(value) if _SIZE.fullmatch(value) else -2


def _day(value: bytes) -> int:
    """Return the days since 1970 of a date; -1 if it is none."""
    try:
        day = date.fromisoformat(value.decode()) if _DATE.fullmatch(value) else None
    except ValueError:
        return -1
    if day is None or not FIRST_YEAR <= day.year <= LAST_YEAR:
        return -1
    return day.toordinal() - date(1970, 1, 1).toordinal()


def _clock(value: bytes) -> int:
    """Return the seconds since midnight of a time; -1 if it is none; second 60 counts as 59."""
    match = _TIME.fullmatch(value)
    if not match:
        return -1
    hour, minute, second = (int(part or 0) for part in match.groups())
    return (hour * 60 + minute) * 60 + min(second, 59)


class Spaced:
    """A block of whole lines and the white space in them; indexes and positions are the block's.

    `start` and `end` are the bounds of each line without its line end. `is_regular` marks entries
    without quotes, whose separators are all single spaces or all single tabs; `spaces` is their
    number. The block begins with line `first_line` of the log, at the log's byte `offset`.
    """

    def __init__(self, block: bytes, first_line: int, offset: int) -> None:
        self.block, self.first_line, self.offset = block, first_line, offset
        data = np.frombuffer(block if block.endswith(b"\n") else block + b"\n", np.uint8)
        self._low = low = np.flatnonzero(data <= SPACE)
        kind = data[low]
        last = np.flatnonzero(kind == NEWLINE)
        newline = low[last]
        self.start = np.concatenate([[0], newline[:-1] + 1])
        has_return = (newline > self.start) & (data[newline - 1] == RETURN)
        self.end = newline - has_return
        self._first = np.concatenate([[0], last[:-1] + 1])
        self.spaces = last - has_return - self._first
        self.is_directive = data[self.start] == DIRECTIVE
        self.is_regular = ~self.is_directive
        quotes = np.flatnonzero(data == QUOTE)
        odd = low[_is_odd(low, kind, last, has_return)]
        for positions in (quotes, odd):
            self.is_regular[np.searchsorted(newline, positions)] = False
        tabs = np.searchsorted(newline, low[kind == TAB])
        if len(tabs):
            count = np.bincount(tabs, minlength=len(newline))
            self.is_regular &= (count == 0) | (count == self.spaces)

    def value_bounds(self, lines: Numbers, position: int) -> tuple[Numbers, Numbers]:
        """Return the bounds of value number `position`, from 0, of regular lines."""
        space = self._first[lines] + position
        start = self._low[space - 1] + 1 if position else self.start[lines]
        return start, np.minimum(self._low[space], self.end[lines])

    def texts(self, lines: Numbers) -> Iterator[tuple[int, bytes]]:
        """Yield lines with their index in the log."""
        spans = zip(self.start[lines].tolist(), self.end[lines].tolist(), strict=True)
        for line, (start, end) in zip(lines.tolist(), spans, strict=True):
            yield line + self.first_line, self.block[start:end]

    def table(self, lines: Numbers, values: Mapping[str, Any]) -> pa.Table:
        """Build a table: `line` in the log, its `start` and `end` there, and encoded texts."""
        where = {
            "line": pa.array(lines + self.first_line, pa.int64()),
            "start": pa.array(self.start[lines] + self.offset, pa.int64()),
            "end": pa.array(self.end[lines] + self.offset, pa.int64()),
        }
        encoded = {
            name: pa.array(column, pa.binary()).dictionary_encode()
            for name, column in values.items()
        }
        return pa.table(where | encoded)


def _is_odd(low: Numbers, kind: Numbers, last: Numbers, has_return: Flags) -> Flags:
    """Return a mask of the bytes up to the space that neither separate two values nor end a line.

    `low` has their positions, `kind` the bytes, and `last` the indexes of those that end lines.
    """
    is_odd: Flags = np.diff(low, prepend=-1) == 1  # directly after the one before
    is_odd[last[has_return]] = False
    is_known = (kind == SPACE) | (kind == TAB) | (kind == NEWLINE)
    is_known[last[has_return] - 1] = True
    is_odd |= ~is_known
    return is_odd


def regular_columns(spaced: Spaced, lines: Numbers, positions: Mapping[str, int]) -> pa.Table:
    """Cut out the values of regular lines that have the right number of spaces."""
    bounds = {name: spaced.value_bounds(lines, position) for name, position in positions.items()}
    cut = {name: cut_texts(spaced.block, *bound) for name, bound in bounds.items()}
    return spaced.table(lines, cut)


def careful_columns(
    spaced: Spaced, lines: Numbers, positions: Mapping[str, int], width: int
) -> tuple[pa.Table, list[Refused]]:
    """Split lines of any form into values; refuse lines that don't have `width` values."""
    fitting: list[int] = []
    split: list[list[bytes]] = []
    refused: list[Refused] = []
    for line, (index, text) in zip(lines.tolist(), spaced.texts(lines), strict=True):
        values = split_entry(text, width)
        if len(values) == width:
            fitting.append(line)
            split.append(values)
        else:
            reason = EMPTY if not values else CUT if len(values) < width else MISFIT
            refused.append((index, reason, text))
    columns = {name: [values[position] for values in split] for name, position in positions.items()}
    return spaced.table(np.array(fitting, np.int64), columns), refused


def split_entry(line: bytes, width: int) -> list[bytes]:
    """Split an entry into values: at tabs if their number is right, else at white space."""
    if line.count(b"\t") == width - 1:
        return line.split(b"\t")
    return _TOKEN.findall(line) if b'"' in line else line.split()


COLUMNS: dict[str, tuple[bytes, ...]] = {
    "date": (b"date",),
    "time": (b"time",),
    "status": (b"sc-status", b"c-status"),
    "client": (b"c-ip",),
    "method": (b"cs-method",),
    "stem": (b"cs-uri-stem", b"cs-uri"),
    "query": (b"cs-uri-query",),
    "protocol": (b"cs-version", b"cs-protocol-version"),
    "size": (b"sc-bytes",),
    "referrer": (b"cs(referer)", b"cs(referrer)"),
    "user_agent": (b"cs(user-agent)",),
    "host": (b"x-host-header", b"cs-host", b"cs(host)"),
    "forwarded": (b"x-forwarded-for", b"cs(x-forwarded-for)", b"s-xff"),
    "sec_gpc": (b"cs(sec-gpc)",),
    "dnt": (b"cs(dnt)",),
    **{name: (f"cs({name.replace('_', '-')})".encode(),) for name in BROWSER_FIELDS},
    "duration": (b"time-taken",),
}
"""The names of the columns that are read, in lower case; of several in one header, the first here.

In CloudFront's logs, `cs(Host)` is the domain of the distribution. `x-host-header` has the Host
header of the visitor.
"""

DIRECTIVE = ord("#")
NEEDED = ("date", "time", "client", "stem", "status")
NEEDED_COLUMNS = [COLUMNS[name][0].decode() for name in NEEDED]
_NO_TEXTS = ("date", "time", "status", "size", "stem", "query")

_OF_IIS = {b"sc-win32-status", b"sc-substatus", b"s-computername", b"s-sitename"}
"""Columns that IIS writes and other servers do not."""

_FIELDS = re.compile(rb"^#Fields:([^\r\n]*)", re.IGNORECASE | re.MULTILINE)
_DAY = 86_400


class _Layout:
    """The columns of a `#Fields:` line that are read, and the decoding of their values.

    CloudFront, recognized by its `x-edge-` columns, percent-encodes special characters in all
    values. SHOUTcast, recognized by the missing `sc-status`, does so in referrer and user agent.
    All other servers write `+` for a space in these two.
    """

    def __init__(self, header: bytes) -> None:
        match = _FIELDS.match(header)
        fields = [name.lower() for name in match[1].split()] if match else []
        positions = {
            column: next((fields.index(name) for name in names if name in fields), -1)
            for column, names in COLUMNS.items()
        }
        self.width = len(fields)
        self.positions = {
            column: position for column, position in positions.items() if position >= 0
        }
        self.missing = [COLUMNS[name][0].decode() for name in NEEDED if name not in self.positions]
        self.has_whole_urls = b"cs-uri-stem" not in fields
        self.is_iis = not _OF_IIS.isdisjoint(fields)
        self.decoders: Mapping[str, Callable[[bytes], bytes]]
        if any(name.startswith(b"x-edge-") for name in fields):
            self.decoders = dict.fromkeys(COLUMNS, _decode_percent) | {"user_agent": _decode_agent}
        elif b"sc-status" not in fields:
            self.decoders = {"referrer": _decode_percent, "user_agent": _decode_agent}
        else:
            self.decoders = {"referrer": _decode_plus, "user_agent": _decode_plus}


_layout = lru_cache(maxsize=64)(_Layout)


def read(data: bytes, header: bytes = b"") -> Rows:
    """Read all lines of the data; `header` is the `#Fields:` line that applies at its start."""
    groups: dict[bytes, list[pa.Table]] = {}
    refused: list[Refused] = []
    directives: list[Numbers] = []
    first_line = start = 0
    for block in read_blocks(BytesIO(data), BLOCK_BYTES):
        spaced = Spaced(block, first_line, start)
        directives.append(np.flatnonzero(spaced.is_directive) + first_line)
        codes, headers = headers_of(block, spaced.start, spaced.is_directive, header)
        for code, name in enumerate(headers):
            entries = np.flatnonzero(~spaced.is_directive & (codes == code))
            tables, unfit = _columns(spaced, entries, _layout(name))
            groups.setdefault(name, []).extend(tables)
            refused += unfit
        header = headers[codes[-1]]
        first_line += len(spaced.start)
        start += len(block)
    parts = [_check_rows(data, pa.concat_tables(g), _layout(h)) for h, g in groups.items() if g]
    rows = joined([replace(NO_ROWS, refused=refused, lines=len(refused)), *parts])
    return replace(rows, directives=np.concatenate([*directives, np.zeros(0, np.int64)]))


def header_after(data: bytes, header: bytes) -> bytes:
    """Return the header that applies after the data, with its newline.

    `header` applies at the start of the data.
    """
    at = len(data)
    while (at := data.rfind(b"\n#", 0, at)) >= 0:
        if match := _FIELDS.match(data, at + 1):
            return match[0] + b"\n"
    match = _FIELDS.match(data)
    return match[0] + b"\n" if match else header


def missing_columns(header: bytes) -> list[str]:
    """Return the required columns that a `#Fields:` line lacks; none if there is no such line."""
    return _layout(header).missing if header else []


def headers_of(
    data: bytes, start: Numbers, is_directive: npt.NDArray[np.bool_], header: bytes
) -> tuple[Numbers, list[bytes]]:
    """Return the index of the header that applies to each line, and the distinct headers.

    `start` has the start of each line; `header` applies to the first one.
    """
    headers, changes, codes = {header: 0}, [0], [0]
    for line in np.flatnonzero(is_directive).tolist():
        if match := _FIELDS.match(data, int(start[line])):
            changes.append(line)
            codes.append(headers.setdefault(match[0] + b"\n", len(headers)))
    length = np.diff([*changes, len(start)])
    return np.repeat(np.array(codes, np.int64), length), [*headers]


def _columns(
    spaced: Spaced, lines: Numbers, layout: _Layout
) -> tuple[list[pa.Table], list[Refused]]:
    """Read the entries of one header into columns of texts; regular entries are read at once."""
    if layout.missing:
        return [], [
            (index, NO_FIELDS if text.strip() else EMPTY, text)
            for index, text in spaced.texts(lines)
        ]
    is_regular = spaced.is_regular[lines] & (spaced.spaces[lines] == layout.width - 1)
    regular = regular_columns(spaced, lines[is_regular], layout.positions)
    irregular, refused = careful_columns(spaced, lines[~is_regular], layout.positions, layout.width)
    return [regular, irregular], refused


def _check_rows(data: bytes, table: pa.Table, layout: _Layout) -> Rows:
    """Build the rows of entries with valid numbers and times; refuse the others."""
    table = table.unify_dictionaries().combine_chunks()
    columns = {
        name: _decode_values(coded_column(table[name]), layout.decoders.get(name))
        for name in layout.positions
    }
    day, clock = _to_numbers(columns["date"], _day), _to_numbers(columns["time"], _clock)
    status = _to_numbers(
        columns["status"], lambda value: int(value) if _STATUS.fullmatch(value) else -2
    )
    size = np.full(len(table), -1, np.int64)
    if "size" in columns:
        size = _to_numbers(columns["size"], _size)
    line, start, end = (table[name].to_numpy() for name in ("line", "start", "end"))
    fits = (status >= 0) & (size >= -1)
    good = fits & (day >= 0) & (clock >= 0)
    refused = [
        (int(line[row]), IMPOSSIBLE_TIME if fits[row] else MISFIT, data[start[row] : end[row]])
        for row in np.flatnonzero(~good).tolist()
    ]
    texts = {name: column for name, column in columns.items() if name not in _NO_TEXTS}
    stem = columns["stem"]
    if layout.has_whole_urls:
        stem = _change_values(stem, _path)
    texts["target"] = join_targets(stem, columns["query"]) if "query" in columns else stem
    if "duration" in texts:
        milliseconds = partial(_milliseconds, is_iis=layout.is_iis)
        texts["duration_ms"] = _change_values(texts.pop("duration"), milliseconds)
    return Rows(
        line[good],
        (day * _DAY + clock)[good],
        status[good].astype(np.int16),
        size[good],
        {name: replace(column, codes=column.codes[good]) for name, column in texts.items()},
        refused,
        len(table),
    )
