"""Replace lines that are too long by empty lines, which all formats refuse.

Parsing a line can take more than a hundred times its size in memory (a line of 8 MB took 1.6 GB),
so formats never get a line that is longer than a limit. `parse`, `pipeline.pull` and `logs`
call this module before they read lines.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from clickstream.parse.blocks import Positions, count_lines
from clickstream.parse.frames import escape
from clickstream.parse.line_patterns import TOO_LONG

LONGEST_LINE_BYTES = 65_536
"""The default limit: about twice all request headers that nginx accepts by default
(large_client_header_buffers 4 8k), and eight times the longest request line of Apache
(LimitRequestLine 8190)."""

KEPT_BYTES = 256
"""Number of first bytes that the reject of a line that is too long keeps."""


@dataclass(frozen=True)
class LongLine:
    """A line that is too long: its first bytes, and its length without the line end."""

    beginning: bytes
    size: int


@dataclass(frozen=True)
class Shortened:
    """Whole lines, of which those that were too long are empty.

    For each emptied line, `newlines` has the position of its newline in `data`, and `removed` the
    number of bytes that were removed from it and from those before it. `long_lines` has the lines
    themselves, by their index.
    """

    data: bytes
    newlines: Positions
    removed: Positions
    long_lines: Mapping[int, LongLine]

    def original(self, positions: Positions) -> Positions:
        """Convert positions of line bounds in `data` to positions in the original bytes."""
        passed = np.searchsorted(self.newlines, positions, side="left")
        original: Positions = positions + np.concatenate([[0], self.removed])[passed]
        return original


_NOWHERE = np.zeros(0, np.int64)


def shorten(data: bytes, longest: int = LONGEST_LINE_BYTES) -> Shortened:
    """Empty the lines that are longer than `longest` bytes, without their newline.

    Data without such lines is returned unchanged. An emptied line always ends with a newline, also
    if it was the last line and had none.
    """
    spans = [*_long_spans(data, longest)]
    if not spans:
        return Shortened(data, _NOWHERE, _NOWHERE, {})
    view = memoryview(data)
    pieces, newlines, long_lines = [], [], {}
    at = size = lines = 0
    for start, end in spans:
        piece = bytes(view[at:start])
        size, lines = size + len(piece), lines + count_lines(piece)
        long_lines[lines] = _long_line(data, start, end)
        newlines.append(size)
        pieces += [piece, b"\n"]
        at, size, lines = end, size + 1, lines + 1
    pieces.append(bytes(view[at:]))
    removed = np.cumsum([end - start - 1 for start, end in spans])
    return Shortened(b"".join(pieces), np.array(newlines), removed, long_lines)


def _long_line(data: bytes, start: int, end: int) -> LongLine:
    last = data[max(start, end - 2) : end]
    size = end - start - len(last) + len(last.removesuffix(b"\n").removesuffix(b"\r"))
    return LongLine(data[start : start + min(KEPT_BYTES, size)], size)


def _long_spans(data: bytes, longest: int) -> Iterator[tuple[int, int]]:
    """Yield start and end of each line that is too long, including its newline.

    It only searches the last newline within each `longest` bytes, which takes almost no time.
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
    """Return whether all lines are too long or empty."""
    return not shorten(data, longest).data.strip()


def refuse_long(refused: pa.Table, long_lines: Mapping[int, LongLine]) -> pa.Table:
    """Set reason, text and length of refused lines that are too long, given by line number."""
    if not len(refused):  # the rest of a line does not count as a line
        return refused
    numbers = refused["line_number"].to_pylist()
    is_long = pa.array([number in long_lines for number in numbers])
    long = [long_lines[number] for number in numbers if number in long_lines]
    reasons = refused["reason"].combine_chunks()
    code = reasons.dictionary.to_pylist().index(TOO_LONG)
    codes = pc.if_else(is_long, pa.scalar(code, pa.int32()), reasons.indices)

    def replaced(name: str, values: Iterable[object]) -> pa.Array:
        column = refused[name].combine_chunks()
        return pc.replace_with_mask(column, is_long, pa.array(values, column.type))

    return pa.table(
        {
            "line_number": refused["line_number"],
            "reason": pa.DictionaryArray.from_arrays(codes, reasons.dictionary),
            "line": replaced("line", (escape(line.beginning) for line in long)),
            "line_bytes": replaced("line_bytes", (line.size for line in long)),
        }
    )
