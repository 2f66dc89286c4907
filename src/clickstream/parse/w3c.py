"""The W3C extended log format (WD-logfile-960323) as IIS and its kin write it.

A line that begins with `#` is a directive: not an entry, so neither a request nor a reject, and
not counted as a line. `#Fields:` names the columns of the entries below it, until the next one;
an entry can be read only with it, so the directive in force is the *header* that goes with lines
that are cut out of their file. Times are UTC, as IIS logs them.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from datetime import date

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from clickstream.parse.formats import CUT, EMPTY, IMPOSSIBLE_TIME, MISFIT, NO_FIELDS
from clickstream.parse.lines import MAX_BYTES_DIGITS, TEXTS, coded, lines_of, rows_of, uncoded
from clickstream.parse.rows import Coded, Refused, Rows
from clickstream.parse.times import FIRST_YEAR, LAST_YEAR

DIRECTIVE = b"#"
COLUMNS: dict[str, tuple[bytes, ...]] = {
    "date": (b"date",),
    "time": (b"time",),
    "status": (b"sc-status",),
    "client": (b"c-ip",),
    "method": (b"cs-method",),
    "stem": (b"cs-uri-stem",),
    "query": (b"cs-uri-query",),
    "protocol": (b"cs-version", b"cs-protocol-version"),
    "size": (b"sc-bytes",),
    "referrer": (b"cs(referer)", b"cs(referrer)"),
    "user_agent": (b"cs(user-agent)",),
}
"""The columns that are read, in lower case; where there are several names, any of them."""

NEEDED = ("date", "time", "status", "client", "method", "stem")
_SPACES_AS_PLUS = ("referrer", "user_agent")

_FIELDS = re.compile(rb"^#Fields:([^\r\n]*)", re.IGNORECASE | re.MULTILINE)
_TOKEN = re.compile(rb'"(?:[^"]|"")*+"(?!\S)|\S+')
_TIME = re.compile(rb"([01]\d|2[0-3]):([0-5]\d)(?::([0-5]\d|60)(?:\.\d*)?)?")
_DATE = re.compile(rb"\d{4}-\d\d-\d\d")
_DIGITS = re.compile(rb"\d{1,%d}" % MAX_BYTES_DIGITS)
_STATUS = re.compile(rb"\d{3}")
_DAY = 86_400

Entry = tuple[int, bytes]
"""An entry: the index of its line in the data, and the line without its end."""


def read(data: bytes, header: bytes = b"") -> Rows:
    """Read every line of the data; `header` is the `#Fields:` line in force before it."""
    directives: list[int] = []
    groups: dict[bytes, list[Entry]] = {}
    for index, line in enumerate(lines_of(data)):
        if line.startswith(DIRECTIVE):
            directives.append(index)
            header = header_after(line, header)
        else:
            groups.setdefault(header, []).append((index, line))
    rows = _joined([_read_group(header, some) for header, some in groups.items()])
    return replace(rows, directives=np.array(directives, np.int64))


def header_after(data: bytes, header: bytes) -> bytes:
    """The header in force below the data, as a line of its own; above it, `header` was."""
    found = header
    for match in _FIELDS.finditer(data):
        found = match[0] + b"\n"
    return found


def entries(lines: Sequence[bytes], header: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Each entry with the header it is read by; directives are left out."""
    for line in lines:
        if line.startswith(DIRECTIVE):
            header = header_after(line, header)
        else:
            yield header, line


def _read_group(header: bytes, group: list[Entry]) -> Rows:
    """Read entries that have one header."""
    match = _FIELDS.match(header)
    fields = [name.lower() for name in match[1].split()] if match else []
    places = _places(fields)
    if any(name not in places for name in NEEDED):
        refused = [(index, NO_FIELDS if line.strip() else EMPTY, line) for index, line in group]
        return rows_of([], refused, len(group))
    fitting: list[Entry] = []
    split: list[list[bytes]] = []
    refused = []
    for index, line in group:
        tokens = _TOKEN.findall(line) if b'"' in line else line.split()
        if len(tokens) == len(fields):
            fitting.append((index, line))
            split.append(tokens)
        else:
            refused.append((index, _misfit(tokens, fields), line))
    columns = {name: coded([tokens[at] for tokens in split]) for name, at in places.items()}
    return _checked(fitting, columns, refused)


def _places(fields: list[bytes]) -> dict[str, int]:
    """Where each column that is read stands."""
    found = {
        column: next((fields.index(name) for name in names if name in fields), -1)
        for column, names in COLUMNS.items()
    }
    return {column: place for column, place in found.items() if place >= 0}


def _misfit(tokens: list[bytes], fields: list[bytes]) -> str:
    if not tokens:
        return EMPTY
    return CUT if len(tokens) < len(fields) else MISFIT


def _checked(fitting: list[Entry], columns: dict[str, Coded], refused: list[Refused]) -> Rows:
    """The entries whose numbers and times are ones; the others join the refused lines."""
    plain = {name: _unquoted(column, name in _SPACES_AS_PLUS) for name, column in columns.items()}
    day, clock = _numbers(plain["date"], _day), _numbers(plain["time"], _clock)
    status = _numbers(plain["status"], _whole(_STATUS))
    size = _numbers(plain["size"], _size) if "size" in plain else np.full(len(fitting), -1)
    fits = (status >= 0) & (size >= -1)
    good = fits & (day >= 0) & (clock >= 0)
    for row in np.flatnonzero(~good).tolist():
        index, line = fitting[row]
        refused.append((index, IMPOSSIBLE_TIME if fits[row] else MISFIT, line))
    texts = plain | {"target": _targets(plain["stem"], plain.get("query"))}
    return Rows(
        np.array([index for index, _ in fitting], np.int64)[good],
        (day * _DAY + clock)[good],
        status[good].astype(np.int16),
        size[good],
        {name: _chosen(texts.get(name), good) for name in TEXTS},
        sorted(refused),
        int(good.sum()) + len(refused),
    )


def _chosen(column: Coded | None, good: npt.NDArray[np.bool_]) -> Coded:
    """The column's good rows; a column that the header lacks is no text."""
    if column is None:
        return coded([None] * int(good.sum()))
    return Coded(column.codes[good], column.values)


def _unquoted(column: Coded, plus_is_space: bool) -> Coded:
    """The values as they are meant: outside of quotes, IIS writes `+` for a space."""
    return Coded(
        column.codes,
        pa.array([_meant(v, plus_is_space) for v in column.values.to_pylist()], pa.binary()),
    )


def _meant(value: bytes, plus_is_space: bool) -> bytes:
    if len(value) > 1 and value.startswith(b'"') and value.endswith(b'"'):
        return value[1:-1].replace(b'""', b'"')
    return value.replace(b"+", b" ") if plus_is_space else value


def _numbers(column: Coded, number: Callable[[bytes], int]) -> npt.NDArray[np.int64]:
    distinct = np.array([number(value) for value in column.values.to_pylist()], np.int64)
    found: npt.NDArray[np.int64] = distinct[column.codes]
    return found


def _whole(pattern: re.Pattern[bytes]) -> Callable[[bytes], int]:
    return lambda value: int(value) if pattern.fullmatch(value) else -2


def _size(value: bytes) -> int:
    return -1 if value in (b"-", b"") else _whole(_DIGITS)(value)


def _day(value: bytes) -> int:
    """Days since 1970, -1 for what is not a date."""
    try:
        day = date.fromisoformat(value.decode()) if _DATE.fullmatch(value) else None
    except ValueError:
        return -1
    if day is None or not FIRST_YEAR <= day.year <= LAST_YEAR:
        return -1
    return day.toordinal() - date(1970, 1, 1).toordinal()


def _clock(value: bytes) -> int:
    """Seconds of the day, -1 for what is not a time; second 60 counts as 59."""
    match = _TIME.fullmatch(value)
    if not match:
        return -1
    hour, minute, second = (int(part or 0) for part in match.groups())
    return (hour * 60 + minute) * 60 + min(second, 59)


def _targets(stem: Coded, query: Coded | None) -> Coded:
    """Stem and query joined by `?`; each pair is joined once."""
    if query is None:
        return stem
    count = max(len(query.values), 1)
    pairs, codes = np.unique(stem.codes.astype(np.int64) * count + query.codes, return_inverse=True)
    stems, queries = stem.values.to_pylist(), query.values.to_pylist()
    joined: list[bytes] = [
        _target(stems[stem_at], queries[query_at])
        for stem_at, query_at in zip(
            (pairs // count).tolist(), (pairs % count).tolist(), strict=True
        )
    ]
    return Coded(codes, pa.array(joined, pa.binary()))


def _target(stem: bytes, query: bytes) -> bytes:
    return stem if query in (b"-", b"") else b"%b?%b" % (stem, query)


def _joined(parts: list[Rows]) -> Rows:
    """The parts of one log as one, in file order."""
    if not parts:
        return rows_of([], [], 0)
    line = np.concatenate([part.line for part in parts])
    order = np.argsort(line, kind="stable")
    return Rows(
        line[order],
        np.concatenate([part.seconds for part in parts])[order],
        np.concatenate([part.status for part in parts])[order],
        np.concatenate([part.size for part in parts])[order],
        {name: _stacked([part.texts[name] for part in parts], order) for name in TEXTS},
        sorted(refusal for part in parts for refusal in part.refused),
        sum(part.lines for part in parts),
    )


def _stacked(columns: list[Coded], order: npt.NDArray[np.int64]) -> Coded:
    chunks = [
        pa.DictionaryArray.from_arrays(pa.array(c.codes, pa.int32(), mask=c.codes < 0), c.values)
        for c in columns
    ]
    whole = pa.chunked_array(chunks).unify_dictionaries().combine_chunks()
    one = uncoded(whole)
    return Coded(one.codes[order], one.values)
