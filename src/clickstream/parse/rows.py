"""Read the lines of a `LogFormat` into dictionary-encoded columns and rejects.

Texts are still bytes here. A column has codes into its distinct values, and each distinct value is
checked or computed once. For each block, the bounds of the fields come from the scan or from the
strict pattern, and Arrow cuts out the texts between them. The texts of all blocks are encoded
together, so that only codes of each line remain in memory.
"""

from __future__ import annotations

import re
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
from clickstream.parse.scan import LineScan, scan
from clickstream.parse.times import unix_seconds

DURATIONS = {"duration_ns": 1e-6, "duration_us": 1e-3, "duration_ms": 1.0, "duration_s": 1e3}
"""The milliseconds of a unit of the time that the server took to answer; the finest unit first."""

SIGNATURES = ("signature", "signature_input", "signature_agent")
"""The names of the texts of signed requests: the header fields of RFC 9421 and of Web Bot Auth."""

BROWSER_FIELDS = ("accept", "accept_language", "sec_fetch_mode")
"""The names of the texts of header fields that browsers send with each page, and few machines."""

OPTIONAL_FIELDS = (*SIGNATURES, *BROWSER_FIELDS)
"""The texts that a table of requests has only if the format has them."""

TEXTS = (
    *("client", "request", "method", "target", "protocol", "referrer", "user_agent"),
    *("host", "forwarded", "cookie", "sec_gpc", "dnt"),
    *DURATIONS,
    *OPTIONAL_FIELDS,
)
"""The names of the texts that a row can have."""

Refused = tuple[int, str, bytes]
"""A refused line: its index in the data, the reason, and its bytes without the line end."""


@dataclass(frozen=True)
class Coded:
    """A column of texts: `codes` are positions in the Arrow array `values`, or -1 for no text.

    Values may repeat. In `Rows`, -1 means that the line has no place for the field.
    """

    codes: Numbers
    values: pa.Array


@dataclass(frozen=True)
class Rows:
    """The usable lines in file order, and the refused lines.

    `line` is the index of each line in the data, from 0; `seconds` is Unix time; `size` is in
    bytes, -1 if not logged. `texts` has columns of bytes by their names in TEXTS: client, and
    either request or method, target and protocol; fields that the format lacks are absent. `lines`
    counts usable and refused lines. `directives` has the indexes of the log's own headers, which
    are neither.
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
    """The lines of a block: their bounds in the data, and the fields of those that fit."""

    data: bytes
    start: Numbers
    end: Numbers
    fits: Flags
    status: Numbers
    size: Numbers
    fields: dict[str, pa.Array]


def read(blocks: Iterable[bytes], log_format: LogFormat, wanted: Collection[str] = TEXTS) -> Rows:
    """Read all lines of the blocks; of the quoted fields, only those in `wanted`."""
    found: list[_Block] = []
    refused: list[Refused] = []
    lines = 0
    for data in blocks:
        for start, stop in [*block_bounds(data)] or [(0, 0)]:
            scanned = scan(data, start, stop, len(log_format.quoted_fields))
            refused += _match_irregular(data, start, lines, scanned, log_format)
            found.append(_encode_block(data, start, scanned, log_format, wanted))
            lines += len(scanned.starts)
    return _check_rows(found, refused, log_format)


def _match_irregular(
    data: bytes, start: int, first_line: int, scanned: LineScan, log_format: LogFormat
) -> Iterator[Refused]:
    """Read irregular lines with the strict pattern, into `scanned`; yield the refused ones."""
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
    """Return the names of the fields whose bounds a scan has, in their order."""
    return ("head", "time", *log_format.quoted_fields)


def _encode_block(
    data: bytes, start: int, scanned: LineScan, log_format: LogFormat, wanted: Collection[str]
) -> _Block:
    """Cut out the fields of a block by their bounds, after all its lines are read."""
    head, time, *quoted = scanned.bounds
    fields = {
        "head": cut_texts(scanned.block, *head),
        "time": _encode_column(scanned.block, time, scanned.same_time),
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


def _encode_column(block: Any, bounds: Numbers, same: Flags) -> pa.DictionaryArray:
    """Encode a column of texts; a text marked as the `same` as the one before is not compared."""
    values = cut_texts(block, *bounds[:, ~same]).dictionary_encode()
    codes = values.indices.to_numpy()[np.cumsum(~same) - 1]
    return pa.DictionaryArray.from_arrays(codes, values.dictionary)


def _check_rows(blocks: list[_Block], refused: list[Refused], log_format: LogFormat) -> Rows:
    """Build the rows of lines with a valid head and time; add all others to the refused lines."""
    columns = {
        name: _join_texts([block.fields[name] for block in blocks]) for name in blocks[0].fields
    }
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
        unescape_signatures({name: Coded(t.codes[good], t.values) for name, t in texts.items()}),
        sorted(refused),
        len(good),
    )


_ESCAPE = re.compile(rb"\\(?:x([0-9A-Fa-f]{2})|(.))", re.DOTALL)
_CONTROLS = {b"b": b"\b", b"n": b"\n", b"r": b"\r", b"t": b"\t", b"v": b"\v", b"f": b"\f"}


def unescape_signatures(texts: dict[str, Coded]) -> dict[str, Coded]:
    r"""Replace the escapes of quoted fields by their bytes in the texts of signed requests.

    nginx writes `\x22` for a quote; Apache, and nginx with `escape=json`, write `\"`. All other
    texts keep their escapes.
    """
    signatures = {name: texts[name] for name in SIGNATURES if name in texts}
    return texts | {
        name: Coded(text.codes, pa.array(map(_unescape, text.values.to_pylist()), pa.binary()))
        for name, text in signatures.items()
    }


def _unescape(text: bytes) -> bytes:
    return _ESCAPE.sub(_unescaped_byte, text)


def _unescaped_byte(match: re.Match[bytes]) -> bytes:
    if match[1]:
        return bytes([int(match[1], 16)])
    return _CONTROLS.get(match[2], match[2])


def _refused(blocks: list[_Block], is_refused: Flags, log_format: LogFormat) -> Iterator[Refused]:
    """Yield the refused lines of the blocks. `is_refused` has a flag for each of their lines."""
    first = 0
    for block in blocks:
        for row in np.flatnonzero(is_refused[first : first + len(block.fits)]).tolist():
            line = block.data[block.start[row] : block.end[row]]
            yield first + row, log_format.why_not(line), line
        first += len(block.fits)


def _join_texts(parts: list[pa.Array]) -> Coded:
    chunks = pa.chunked_array(parts)
    is_encoded = pa.types.is_dictionary(chunks.type)
    encoded = chunks.unify_dictionaries() if is_encoded else chunks.dictionary_encode()
    whole = encoded.combine_chunks()
    return Coded(whole.indices.to_numpy(), whole.dictionary)


def _head_texts(head: Coded, log_format: LogFormat) -> dict[str, Coded]:
    """Return client, host and forwarded addresses of each head; code -1 for a missing part."""
    found = split_heads(head.values, log_format.heads)
    return {name: _without_nulls(Coded(head.codes, values)) for name, values in found.items()}


def _without_nulls(column: Coded) -> Coded:
    is_text = column.values.is_valid().to_numpy(zero_copy_only=False)
    codes = np.where(is_text[column.codes], column.codes, -1)
    return Coded(codes, pc.fill_null(column.values, b""))


_NONE = np.zeros(0, np.int64)
NO_ROWS = Rows(_NONE, _NONE, _NONE.astype(np.int16), _NONE, {}, [], 0)
"""The rows of empty data."""


def coded(values: Sequence[Any]) -> Coded:
    """Encode byte strings as codes into their distinct values; None becomes -1."""
    return coded_column(pa.array(values, pa.binary()).dictionary_encode())


def coded_column(column: pa.ChunkedArray | pa.DictionaryArray) -> Coded:
    """Convert a dictionary-encoded Arrow column; nulls become -1."""
    whole = dictionary_encoding.combine_chunks(column)
    return Coded(dictionary_encoding.codes_of(whole), whole.dictionary)


def joined(parts: Sequence[Rows]) -> Rows:
    """Join rows of one log in file order; a text that one part lacks and others have becomes -1."""
    line = np.concatenate([part.line for part in parts])
    order = np.argsort(line, kind="stable")
    names = dict.fromkeys(name for part in parts for name in part.texts)
    return Rows(
        line[order],
        np.concatenate([part.seconds for part in parts])[order],
        np.concatenate([part.status for part in parts])[order],
        np.concatenate([part.size for part in parts])[order],
        {name: _stack(name, parts, order) for name in names},
        sorted(refusal for part in parts for refusal in part.refused),
        sum(part.lines for part in parts),
        np.concatenate([part.directives for part in parts]),
    )


def moved(rows: Rows, by: int) -> Rows:
    """Return the rows with all line indexes increased by `by`."""
    refused = [(index + by, reason, line) for index, reason, line in rows.refused]
    return replace(rows, line=rows.line + by, refused=refused, directives=rows.directives + by)


def _stack(name: str, parts: Sequence[Rows], order: npt.NDArray[np.int64]) -> Coded:
    chunks = []
    for part in parts:
        column = part.texts.get(name) or coded([None] * len(part.line))
        codes = pa.array(column.codes, pa.int32(), mask=column.codes < 0)
        chunks.append(pa.DictionaryArray.from_arrays(codes, column.values))
    one = coded_column(pa.chunked_array(chunks).unify_dictionaries())
    return Coded(one.codes[order], one.values)
