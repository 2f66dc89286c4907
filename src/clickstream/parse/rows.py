"""From the bytes of a log to encoded columns: every line becomes a row or a reject.

Texts stay bytes here and are dictionary-encoded: a column is codes into its distinct values, and
each distinct value is checked or computed once. Block by block, the bounds of the fields come from
the scan or from the strict pattern, and Arrow cuts out the texts between them. The texts of all
blocks are encoded together, so that only codes are kept of a line.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from clickstream import dictionary_encoding
from clickstream.parse.blocks import Flags, Numbers, block_bounds, cut_texts
from clickstream.parse.formats import LogFormat, split_heads
from clickstream.parse.scan import Scan, scan
from clickstream.parse.times import unix_seconds

TEXTS = (
    *("client", "request", "method", "target", "protocol", "referrer", "user_agent"),
    *("host", "forwarded", "cookie", "sec_gpc", "dnt"),
)
"""The texts that a row can have."""

Refused = tuple[int, str, bytes]
"""A refused line: its index in the data, the reason, and its bytes without the line end."""


@dataclass(frozen=True)
class Coded:
    """A column of texts: `codes` into `values`, an Arrow array of texts; -1 is no text.

    Values may repeat. In `Rows`, a row without a text is one whose line has no place for the field.
    """

    codes: Numbers
    values: pa.Array


@dataclass(frozen=True)
class Rows:
    """The usable lines in file order, and the refused ones.

    `line` is each line's index in the data, from 0; `seconds` is Unix time; `size` is in bytes, -1
    where none was logged; `texts` are bytes, by their names in TEXTS: client, and either request or
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


@dataclass(frozen=True)
class _Block:
    """The lines of a block: where they are in the data, and what those hold that fit the format."""

    data: bytes
    start: Numbers
    end: Numbers
    fits: Flags
    status: Numbers
    size: Numbers
    fields: dict[str, pa.Array]


def read(blocks: Iterable[bytes], log_format: LogFormat, wanted: Collection[str] = TEXTS) -> Rows:
    """Read every line of the blocks; of its quoted fields only those that are wanted."""
    found: list[_Block] = []
    refused: list[Refused] = []
    lines = 0
    for data in blocks:
        for start, stop in [*block_bounds(data)] or [(0, 0)]:
            scanned = scan(data, start, stop, len(log_format.quoted_fields))
            refused += _judge(data, start, lines, scanned, log_format)
            found.append(_encoded(data, start, scanned, log_format, wanted))
            lines += len(scanned.starts)
    return _checked(found, refused, log_format)


def _judge(
    data: bytes, start: int, first_line: int, scanned: Scan, log_format: LogFormat
) -> Iterator[Refused]:
    """Has the strict pattern fill in each line that is not regular; gives those it refuses."""
    for index in np.flatnonzero(~scanned.regular).tolist():
        begin, end = int(scanned.starts[index]), int(scanned.ends[index])
        line = data[start + begin : start + end]
        match = log_format.line.fullmatch(line)
        if match is None:
            scanned.bounds[:, :, index] = begin
            scanned.same_time[index + 1 : index + 2] = False
            yield first_line + index, log_format.why_not(line), line
            continue
        spans = [match.span(name) for name in _fields(log_format)]
        scanned.bounds[:, :, index] = begin + np.array(spans)
        scanned.status[index] = 0 if match["status"] == b"-" else int(match["status"])
        scanned.size[index] = -1 if match["bytes"] == b"-" else int(match["bytes"])
        scanned.regular[index] = True


def _fields(log_format: LogFormat) -> tuple[str, ...]:
    """The fields whose bounds the scan gives, in their order."""
    return ("head", "time", *log_format.quoted_fields)


def _encoded(
    data: bytes, start: int, scanned: Scan, log_format: LogFormat, wanted: Collection[str]
) -> _Block:
    """A scanned and judged block, its fields cut out by their bounds."""
    head, time, *quoted = scanned.bounds
    fields = {
        "head": cut_texts(scanned.block, *head),
        "time": _encoded_once(scanned.block, time, scanned.same_time),
    }
    for name, bounds in zip(log_format.quoted_fields, quoted, strict=True):
        if name in wanted:
            fields[name] = cut_texts(scanned.block, *bounds)
    return _Block(
        data,
        scanned.starts + start,
        scanned.ends + start,
        scanned.regular,
        scanned.status,
        scanned.size,
        fields,
    )


def _encoded_once(block: Any, bounds: Numbers, same: Flags) -> pa.DictionaryArray:
    """A column, encoded; a text that is the `same` as the one before is not looked at."""
    values = cut_texts(block, *bounds[:, ~same]).dictionary_encode()
    codes = values.indices.to_numpy()[np.cumsum(~same) - 1]
    return pa.DictionaryArray.from_arrays(codes, values.dictionary)


def _checked(blocks: list[_Block], refused: list[Refused], log_format: LogFormat) -> Rows:
    """The rows whose head and time hold what they should; the others join the refused lines."""
    columns = {name: _joined([block.fields[name] for block in blocks]) for name in blocks[0].fields}
    head, time = columns.pop("head"), columns.pop("time")
    texts = _head_texts(head, log_format) | columns
    seconds, possible = unix_seconds(time.values.to_pylist())
    fits = np.concatenate([block.fits for block in blocks])
    good = fits & (texts["client"].codes >= 0) & possible[time.codes]
    refused += _refused(blocks, fits & ~good, log_format)
    return Rows(
        np.flatnonzero(good),
        seconds[time.codes[good]],
        np.concatenate([block.status for block in blocks])[good],
        np.concatenate([block.size for block in blocks])[good],
        {name: Coded(text.codes[good], text.values) for name, text in texts.items()},
        sorted(refused),
        len(good),
    )


def _refused(blocks: list[_Block], is_refused: Flags, log_format: LogFormat) -> Iterator[Refused]:
    """The refused lines of the blocks, from the flags of all their lines."""
    first = 0
    for block in blocks:
        for row in np.flatnonzero(is_refused[first : first + len(block.fits)]).tolist():
            line = block.data[block.start[row] : block.end[row]]
            yield first + row, log_format.why_not(line), line
        first += len(block.fits)


def _joined(parts: list[pa.Array]) -> Coded:
    chunks = pa.chunked_array(parts)
    is_encoded = pa.types.is_dictionary(chunks.type)
    encoded = chunks.unify_dictionaries() if is_encoded else chunks.dictionary_encode()
    whole = encoded.combine_chunks()
    return Coded(whole.indices.to_numpy(), whole.dictionary)


def _head_texts(head: Coded, log_format: LogFormat) -> dict[str, Coded]:
    """The client of each head, and what else it names; code -1 where there is none."""
    found = split_heads(head.values, log_format.heads)
    return {name: _without_nulls(Coded(head.codes, values)) for name, values in found.items()}


def _without_nulls(column: Coded) -> Coded:
    is_text = column.values.is_valid().to_numpy(zero_copy_only=False)
    codes = np.where(is_text[column.codes], column.codes, -1)
    return Coded(codes, pc.fill_null(column.values, b""))


_NONE = np.zeros(0, np.int64)
NO_ROWS = Rows(_NONE, _NONE, _NONE.astype(np.int16), _NONE, {}, [], 0)
"""What there is in no lines."""


def coded(values: Sequence[Any]) -> Coded:
    """A column of byte strings as codes into its distinct values; None is coded as -1."""
    return coded_column(pa.array(values, pa.binary()).dictionary_encode())


def coded_column(column: pa.ChunkedArray | pa.DictionaryArray) -> Coded:
    """The same of an encoded Arrow column, whose nulls are coded as -1."""
    whole = dictionary_encoding.combine_chunks(column)
    return Coded(dictionary_encoding.codes_of(whole), whole.dictionary)


def joined(parts: Sequence[Rows]) -> Rows:
    """The parts of one log as one, in file order; lines without a text that others have: -1."""
    line = np.concatenate([part.line for part in parts])
    order = np.argsort(line, kind="stable")
    names = dict.fromkeys(name for part in parts for name in part.texts)
    return Rows(
        line[order],
        np.concatenate([part.seconds for part in parts])[order],
        np.concatenate([part.status for part in parts])[order],
        np.concatenate([part.size for part in parts])[order],
        {name: _stacked(name, parts, order) for name in names},
        sorted(refusal for part in parts for refusal in part.refused),
        sum(part.lines for part in parts),
        np.concatenate([part.directives for part in parts]),
    )


def moved(rows: Rows, by: int) -> Rows:
    """The rows of lines that come behind so many others."""
    refused = [(index + by, reason, line) for index, reason, line in rows.refused]
    return replace(rows, line=rows.line + by, refused=refused, directives=rows.directives + by)


def _stacked(name: str, parts: Sequence[Rows], order: npt.NDArray[np.int64]) -> Coded:
    chunks = []
    for part in parts:
        column = part.texts.get(name) or coded([None] * len(part.line))
        codes = pa.array(column.codes, pa.int32(), mask=column.codes < 0)
        chunks.append(pa.DictionaryArray.from_arrays(codes, column.values))
    one = coded_column(pa.chunked_array(chunks).unify_dictionaries())
    return Coded(one.codes[order], one.values)
