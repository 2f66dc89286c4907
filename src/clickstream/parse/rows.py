"""From the bytes of a log to coded columns: every line ends up as a row or as a reject.

Texts stay bytes here and are dictionary-encoded: a column is codes into its distinct values, and
whatever must be checked or computed is checked or computed once for each distinct value.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from clickstream.parse.formats import LogFormat
from clickstream.parse.scan import Scan, scan
from clickstream.parse.times import unix_seconds

BLOCK_BYTES = 4 << 20
"""Bytes that are scanned at once: about what the processor's cache holds."""

Refused = tuple[int, str, bytes]
"""A refused line: its index in the data, the reason, and its bytes without the line end."""

_Integers = npt.NDArray[Any]


@dataclass(frozen=True)
class Coded:
    """A column of texts: `codes` into `values`, an Arrow array of texts; -1 is no text.

    In `Rows`, a row without a text is one whose line has no place for the field.
    """

    codes: _Integers
    values: pa.Array


@dataclass(frozen=True)
class Rows:
    """The usable lines in file order, and the refused ones.

    `line` is each line's index in the data, from 0; `seconds` is Unix time; `size` is in bytes, -1
    where none was logged; `texts` are bytes: client, referrer and user agent, and either request or
    method, target and protocol; what the format lacks is absent. `lines` counts usable and refused
    ones; `directives` has the indexes of what is neither: the log's own headers.
    """

    line: npt.NDArray[np.int64]
    seconds: npt.NDArray[np.int64]
    status: npt.NDArray[np.int16]
    size: npt.NDArray[np.int64]
    texts: dict[str, Coded]
    refused: list[Refused]
    lines: int
    directives: npt.NDArray[np.int64] = field(default_factory=lambda: np.zeros(0, np.int64))


def read(data: bytes, log_format: LogFormat) -> Rows:
    """Read every line of the data."""
    tables = [_table(log_format, [], [])]
    refused: list[Refused] = []
    lines = 0
    for start, stop in _block_bounds(data):
        scanned = scan(
            np.frombuffer(data, np.uint8, stop - start, start), len(log_format.quoted_fields)
        )
        irregular, unfit = _irregular(data, start, lines, scanned, log_format)
        tables += [_regular(data, start, lines, scanned, log_format), irregular]
        refused += unfit
        lines += len(scanned.starts)
    table = pa.concat_tables(tables).unify_dictionaries().combine_chunks().sort_by("line")
    return _checked(data, table, refused, lines, log_format)


def _block_bounds(data: bytes) -> Iterator[tuple[int, int]]:
    """Cuts the data after newlines, about every BLOCK_BYTES."""
    start = 0
    while start < len(data):
        stop = data.rfind(b"\n", start, start + BLOCK_BYTES) + 1
        if not stop:
            stop = data.find(b"\n", start + BLOCK_BYTES) + 1 or len(data)
        yield start, stop
        start = stop


def _regular(
    data: bytes, start: int, first_line: int, scanned: Scan, log_format: LogFormat
) -> pa.Table:
    """The regular lines of a block. Arrow cuts the fields out of the block by their bounds."""
    # Between neighbouring bounds lies, in turn, a field and what separates it from the next.
    count, width = scanned.bounds.shape
    bounds = pa.py_buffer(scanned.bounds.astype(np.int32))
    block = pa.py_buffer(data).slice(start)
    pieces = pa.Array.from_buffers(pa.binary(), max(count * width - 1, 0), [None, bounds, block])
    texts = [
        pieces.take(pa.array(np.arange(field, count * width, width)))
        for field in range(0, width, 2)
    ]
    lines = scanned.regular
    where = [lines + first_line, scanned.starts[lines] + start, scanned.ends[lines] + start]
    return _table(log_format, [*where, scanned.status, scanned.size], texts)


def _irregular(
    data: bytes, start: int, first_line: int, scanned: Scan, log_format: LogFormat
) -> tuple[pa.Table, list[Refused]]:
    """The other lines of a block, each read by the strict pattern or refused by it."""
    others = np.ones(len(scanned.starts), np.bool_)
    others[scanned.regular] = False
    read: list[tuple[Any, ...]] = []
    refused: list[Refused] = []
    for index in np.flatnonzero(others).tolist():
        begin, end = int(scanned.starts[index]) + start, int(scanned.ends[index]) + start
        line = data[begin:end]
        if match := log_format.line.fullmatch(line):
            size = -1 if match["bytes"] == b"-" else int(match["bytes"])
            texts = match.group("head", "time", *log_format.quoted_fields)
            read.append((first_line + index, begin, end, int(match["status"]), size, *texts))
        else:
            refused.append((first_line + index, log_format.why_not(line), line))
    columns = list(zip(*read, strict=True))
    return _table(log_format, columns[:5], columns[5:]), refused


def _table(log_format: LogFormat, numbers: list[Any], texts: list[Any]) -> pa.Table:
    """Lines of the right shape: where they are in the data, and their fields, texts encoded."""
    integers = (
        *(("line", pa.int64()), ("start", pa.int64()), ("end", pa.int64())),
        *(("status", pa.int16()), ("size", pa.int64())),
    )
    names = ("head", "time", *log_format.quoted_fields)
    numbers = numbers or [()] * len(integers)
    texts = texts or [()] * len(names)
    return pa.table(
        {
            **{
                name: pa.array(column, kind)
                for (name, kind), column in zip(integers, numbers, strict=True)
            },
            **{
                name: pa.array(column, pa.binary()).dictionary_encode()
                for name, column in zip(names, texts, strict=True)
            },
        }
    )


def _checked(
    data: bytes, table: pa.Table, refused: list[Refused], lines: int, log_format: LogFormat
) -> Rows:
    """The rows whose head and time hold what they should; the others join the refused lines."""
    line, start, end, status, size = (
        table[name].to_numpy() for name in ("line", "start", "end", "status", "size")
    )
    client, time = _clients(_coded(table["head"]), log_format), _coded(table["time"])
    seconds, possible = unix_seconds(time.values.to_pylist())
    good = (client.codes >= 0) & possible[time.codes]
    for row in np.flatnonzero(~good).tolist():
        text = data[start[row] : end[row]]
        refused.append((int(line[row]), log_format.why_not(text), text))
    texts = {"client": client} | {name: _coded(table[name]) for name in log_format.quoted_fields}
    return Rows(
        line[good],
        seconds[time.codes][good],
        status[good],
        size[good],
        {name: Coded(text.codes[good], text.values) for name, text in texts.items()},
        sorted(refused),
        lines,
    )


def _coded(column: pa.ChunkedArray) -> Coded:
    whole = column.combine_chunks()
    return Coded(whole.indices.to_numpy(), whole.dictionary)


def _clients(head: Coded, log_format: LogFormat) -> Coded:
    """The client of each head; code -1 where the head is not client, identity and user."""
    parts = pc.extract_regex(head.values, f"^(?:{log_format.head.decode()})$")
    clients = pc.struct_field(parts, "client").dictionary_encode()
    codes = clients.indices.fill_null(-1).to_numpy()
    return Coded(codes[head.codes], clients.dictionary)
