"""Rows: the lines of a log as dictionary-encoded columns, and the rejects.

The readers of all formats return them. Texts are still bytes here. A column has codes into its
distinct values, and each distinct value is checked or computed once.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from clickstream.core import dictionary_encoding
from clickstream.parse.blocks import Numbers

DURATIONS = {"duration_ns": 1e-6, "duration_us": 1e-3, "duration_ms": 1.0, "duration_s": 1e3}
"""The milliseconds of a unit of the time that the server took to answer; the finest unit first."""

SIGNATURES = ("signature", "signature_input", "signature_agent")
"""The names of the texts of signed requests: the header fields of RFC 9421 and of Web Bot Auth."""

BROWSER_FIELDS = ("accept", "accept_language", "sec_fetch_mode")
"""The names of the texts of header fields that browsers send with each page, and few machines."""

OPTIONAL_FIELDS = (*SIGNATURES, *BROWSER_FIELDS)
"""The texts that a table of requests has only if the format has them."""

TEXTS = (
    "client",
    "request",
    "method",
    "target",
    "protocol",
    "referrer",
    "user_agent",
    "host",
    "forwarded",
    "cookie",
    "sec_gpc",
    "dnt",
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


_ESCAPE = re.compile(rb"\\(?:x([0-9A-Fa-f]{2})|(.))", re.DOTALL)
_CONTROLS = {b"b": b"\b", b"n": b"\n", b"r": b"\r", b"t": b"\t", b"v": b"\v", b"f": b"\f"}


def unescape_signatures(texts: dict[str, Coded]) -> dict[str, Coded]:
    r"""Replace the escapes of quoted fields by their bytes in the texts of signed requests.

    nginx writes `\x22` for a quote; Apache, and nginx with `escape=json`, write `\"`. All other
    texts keep their escapes.
    """
    signatures = {name: texts[name] for name in SIGNATURES if name in texts}
    unescape = partial(_ESCAPE.sub, _unescaped_byte)
    return texts | {
        name: Coded(text.codes, pa.array(map(unescape, text.values.to_pylist()), pa.binary()))
        for name, text in signatures.items()
    }


def _unescaped_byte(match: re.Match[bytes]) -> bytes:
    if match[1]:
        return bytes([int(match[1], 16)])
    return _CONTROLS.get(match[2], match[2])


_NOTHING = ("-", "")


def join_targets(paths: Coded, queries: Coded) -> Coded:
    """Join paths and queries to targets by `?`; each distinct pair is joined once.

    A path without a query, or with the query `-`, is the target. All texts of both columns have one
    type, and no code is -1.
    """
    count = max(len(queries.values), 1)
    pairs = pa.array(paths.codes.astype(np.int64) * count + queries.codes).dictionary_encode()
    distinct = pairs.dictionary.to_numpy()
    path, query = paths.values.take(distinct // count), queries.values.take(distinct % count)
    is_alone = pc.is_in(query, pa.array(_NOTHING, query.type))
    joined = pc.binary_join_element_wise(path, query, pa.scalar("?", path.type))
    return Coded(pairs.indices.to_numpy(), pc.if_else(is_alone, path, joined))


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
    stacked = coded_column(pa.chunked_array(chunks).unify_dictionaries())
    return Coded(stacked.codes[order], stacked.values)
