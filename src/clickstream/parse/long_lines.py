"""Lines that are too long for any format: each becomes an empty line, which every format refuses.

What a format does with a line can cost a hundred times its bytes, so none sees a line that is
longer than a limit. `parse` and `pipeline.line_hours` call this before they read any line.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from clickstream.parse.blocks import Positions, count_lines
from clickstream.parse.formats import TOO_LONG

LONGEST_LINE_BYTES = 65_536
"""The default limit: four request heads of the largest size that nginx and Apache accept by
default (nginx: large_client_header_buffers 4 8k; Apache: LimitRequestLine 8190)."""

KEPT_BYTES = 256
"""Bytes of a line that is too long that its reject keeps."""


@dataclass(frozen=True)
class Shortened:
    """Whole lines, in which those that are too long are empty.

    `places` and `removed` describe these lines: where each one's newline is in `data`, and how many
    bytes it and those before it lost. `beginnings` has the first bytes of each by its index.
    """

    data: bytes
    places: Positions
    removed: Positions
    beginnings: Mapping[int, bytes]

    def original(self, positions: Positions) -> Positions:
        """The positions of line bounds in the bytes that were shortened."""
        passed = np.searchsorted(self.places, positions, side="left")
        found: Positions = positions + np.concatenate([[0], self.removed])[passed]
        return found


_NOWHERE = np.zeros(0, np.int64)


def shorten(data: bytes, longest: int = LONGEST_LINE_BYTES) -> Shortened:
    """Empty the lines that are longer than `longest` bytes, their newline not counted.

    Data without such lines is returned as it is. Otherwise its last line gets a newline.
    """
    spans = [*_long_spans(data, longest)]
    if not spans:
        return Shortened(data, _NOWHERE, _NOWHERE, {})
    view = memoryview(data)
    pieces, places, beginnings = [], [], {}
    at = size = lines = 0
    for start, end in spans:
        piece = bytes(view[at:start])
        size, lines = size + len(piece), lines + count_lines(piece)
        beginnings[lines] = data[start : min(start + KEPT_BYTES, end)].removesuffix(b"\n")
        places.append(size)
        pieces += [piece, b"\n"]
        at, size, lines = end, size + 1, lines + 1
    pieces.append(bytes(view[at:]))
    removed = np.cumsum([end - start - 1 for start, end in spans])
    return Shortened(b"".join(pieces), np.array(places), removed, beginnings)


def _long_spans(data: bytes, longest: int) -> Iterator[tuple[int, int]]:
    """Where each line that is too long starts and ends, its newline included.

    Looks only for the last newline within each `longest` bytes, which costs next to nothing.
    """
    position = 0
    while len(data) - position > longest:
        newline = data.rfind(b"\n", position, position + longest + 1)
        if newline >= 0:
            position = newline + 1
            continue
        end = data.find(b"\n", position + longest + 1) + 1 or len(data)
        yield position, end
        position = end


def is_nothing_else(data: bytes, longest: int) -> bool:
    """Whether all lines are too long, or empty."""
    return not shorten(data, longest).data.strip()


def refuse_long(refused: pa.Table, beginnings: Mapping[int, str]) -> pa.Table:
    """Refused lines with the reason, and the kept text, of those that are too long.

    `beginnings` has their texts by line number.
    """
    if not len(refused):  # the rest of a line is no line
        return refused
    numbers = refused["line_number"].to_pylist()
    is_long = pa.array([number in beginnings for number in numbers])
    texts = pa.array([beginnings[number] for number in numbers if number in beginnings])
    reasons = refused["reason"].combine_chunks()
    code = reasons.dictionary.to_pylist().index(TOO_LONG)
    codes = pc.if_else(is_long, pa.scalar(code, pa.int32()), reasons.indices)
    lines = pc.replace_with_mask(refused["line"].combine_chunks(), is_long, texts)
    return pa.table(
        {
            "line_number": refused["line_number"],
            "reason": pa.DictionaryArray.from_arrays(codes, reasons.dictionary),
            "line": lines,
        }
    )
