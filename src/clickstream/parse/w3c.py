"""The W3C extended log format (WD-logfile-960323) as IIS, CloudFront and their kin write it.

A line that begins with `#` is a directive: not an entry, so neither a request nor a reject, and
not counted as a line. `#Fields:` names the columns of the entries below it, until the next one;
an entry can be read only with it, so the directive in force is the *header* that goes with lines
that are cut out of their file. Times are UTC, as the format has it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import lru_cache
from io import BytesIO

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from clickstream.parse.blocks import blocks
from clickstream.parse.formats import EMPTY, IMPOSSIBLE_TIME, MISFIT, NO_FIELDS
from clickstream.parse.rows import BLOCK_BYTES, NO_ROWS, Refused, Rows, coded_column, joined
from clickstream.parse.w3c_split import Integers, Spaced, careful_columns, regular_columns
from clickstream.parse.w3c_values import (
    agent_decoded,
    as_meant,
    days,
    paths_of,
    percent_decoded,
    plus_decoded,
    seconds_of_day,
    sizes,
    statuses,
    targets,
)

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
}
"""The columns that are read, in lower case; of several names in one header the first one here.

CloudFront's `cs(Host)` is its own name for the site: the visitor's Host is in `x-host-header`.
"""

DIRECTIVE = ord("#")
NEEDED = ("date", "time", "client", "stem", "status")
NEEDED_COLUMNS = [COLUMNS[name][0].decode() for name in NEEDED]
_NO_TEXTS = ("date", "time", "status", "size", "stem", "query")

_FIELDS = re.compile(rb"^#Fields:([^\r\n]*)", re.IGNORECASE | re.MULTILINE)
_DAY = 86_400


class _Layout:
    """Where a `#Fields:` line puts the columns that are read, and how their values are decoded.

    CloudFront, known by its `x-edge-` columns, percent-codes what is special in any value, and
    SHOUTcast, whose status is `c-status`, in what the client says of itself. The others write `+`
    for a space there.
    """

    def __init__(self, header: bytes) -> None:
        match = _FIELDS.match(header)
        fields = [name.lower() for name in match[1].split()] if match else []
        found = {
            column: next((fields.index(name) for name in names if name in fields), -1)
            for column, names in COLUMNS.items()
        }
        self.width = len(fields)
        self.places = {column: place for column, place in found.items() if place >= 0}
        self.missing = [COLUMNS[name][0].decode() for name in NEEDED if name not in self.places]
        self.has_whole_urls = b"cs-uri-stem" not in fields
        self.decoded = _decoders(fields)


_layout = lru_cache(maxsize=64)(_Layout)


def _decoders(fields: list[bytes]) -> Mapping[str, Callable[[bytes], bytes]]:
    if any(name.startswith(b"x-edge-") for name in fields):
        return dict.fromkeys(COLUMNS, percent_decoded) | {"user_agent": agent_decoded}
    if b"sc-status" not in fields:
        return {"referrer": percent_decoded, "user_agent": agent_decoded}
    return {"referrer": plus_decoded, "user_agent": plus_decoded}


def read(data: bytes, header: bytes = b"") -> Rows:
    """Read every line of the data; `header` is the `#Fields:` line in force before it."""
    groups: dict[bytes, list[pa.Table]] = {}
    refused: list[Refused] = []
    directives: list[Integers] = []
    first_line = start = 0
    for block in blocks(BytesIO(data), BLOCK_BYTES):
        spaced = Spaced(block, first_line, start)
        directives.append(np.flatnonzero(spaced.is_directive) + first_line)
        codes, headers = headers_of(block, spaced.start, spaced.is_directive, header)
        for code, name in enumerate(headers):
            entries = np.flatnonzero(~spaced.is_directive & (codes == code))
            found, unfit = _columns(spaced, entries, _layout(name))
            groups.setdefault(name, []).extend(found)
            refused += unfit
        header = headers[codes[-1]]
        first_line += len(spaced.start)
        start += len(block)
    parts = [_checked(data, pa.concat_tables(g), _layout(h)) for h, g in groups.items() if g]
    rows = joined([replace(NO_ROWS, refused=refused, lines=len(refused)), *parts])
    return replace(rows, directives=np.concatenate([*directives, np.zeros(0, np.int64)]))


def header_after(data: bytes, header: bytes) -> bytes:
    """The header in force below the data, as a line of its own; above it, `header` was."""
    at = len(data)
    while (at := data.rfind(b"\n#", 0, at)) >= 0:
        if match := _FIELDS.match(data, at + 1):
            return match[0] + b"\n"
    match = _FIELDS.match(data)
    return match[0] + b"\n" if match else header


def missing_columns(header: bytes) -> list[str]:
    """The needed columns that a `#Fields:` line lacks; none for what is no such line."""
    return _layout(header).missing if header else []


def headers_of(
    data: bytes, start: Integers, is_directive: npt.NDArray[np.bool_], header: bytes
) -> tuple[Integers, list[bytes]]:
    """For each line, which of the distinct headers is in force there; and these.

    `start` is where each line starts, `header` what is in force above the first one.
    """
    headers, changes, codes = {header: 0}, [0], [0]
    for line in np.flatnonzero(is_directive).tolist():
        if match := _FIELDS.match(data, int(start[line])):
            changes.append(line)
            codes.append(headers.setdefault(match[0] + b"\n", len(headers)))
    length = np.diff([*changes, len(start)])
    return np.repeat(np.array(codes, np.int64), length), [*headers]


def _columns(
    spaced: Spaced, lines: Integers, layout: _Layout
) -> tuple[list[pa.Table], list[Refused]]:
    """The entries of one header as columns of texts: those of plain shape at once."""
    if layout.missing:
        return [], [
            (index, NO_FIELDS if text.strip() else EMPTY, text)
            for index, text in spaced.texts(lines)
        ]
    is_regular = spaced.is_regular[lines] & (spaced.spaces[lines] == layout.width - 1)
    regular = regular_columns(spaced, lines[is_regular], layout.places)
    irregular, refused = careful_columns(spaced, lines[~is_regular], layout.places, layout.width)
    return [regular, irregular], refused


def _checked(data: bytes, table: pa.Table, layout: _Layout) -> Rows:
    """The entries whose numbers and times are ones; the others are refused."""
    table = table.unify_dictionaries().combine_chunks()
    columns = {
        name: as_meant(coded_column(table[name]), layout.decoded.get(name))
        for name in layout.places
    }
    day, clock = days(columns["date"]), seconds_of_day(columns["time"])
    status, size = statuses(columns["status"]), sizes(columns.get("size"), len(table))
    line, start, end = (table[name].to_numpy() for name in ("line", "start", "end"))
    fits = (status >= 0) & (size >= -1)
    good = fits & (day >= 0) & (clock >= 0)
    refused = [
        (int(line[row]), IMPOSSIBLE_TIME if fits[row] else MISFIT, data[start[row] : end[row]])
        for row in np.flatnonzero(~good).tolist()
    ]
    stem = paths_of(columns["stem"]) if layout.has_whole_urls else columns["stem"]
    texts = {name: column for name, column in columns.items() if name not in _NO_TEXTS}
    texts["target"] = targets(stem, columns.get("query"))
    return Rows(
        line[good],
        (day * _DAY + clock)[good],
        status[good].astype(np.int16),
        size[good],
        {name: replace(column, codes=column.codes[good]) for name, column in texts.items()},
        refused,
        len(table),
    )
