r"""The structural scan: where the fields of regular lines are, found for a whole block at once.

Splitting a log line by line costs microseconds a line in Python, and CSV readers guess: one line
cut inside a quote makes them swallow the next. This scan looks at structure instead. It finds every
newline and every quote of a block with numpy, counts the quotes *of each line*, and calls a line
regular when the count is right, no quote is escaped, and the few bytes at fixed distances from the
quotes are what the format puts there: ` [` and `] ` around a time of 26 bytes before the first
quote, `" 200 ` after the second. The fields of regular lines are then known as positions, and go to
Arrow as positions. Every other line is left to the strict pattern, which decides alone.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Positions = npt.NDArray[np.int64]
Bytes = npt.NDArray[np.uint8]

_TIME_WIDTH = 26
_BEFORE_QUOTE = _TIME_WIDTH + 4  # ` [`, the time, `] `
_AFTER_QUOTE = len('" 200 ')
_MAX_BYTES_DIGITS = 18  # what fits an int64


@dataclass(frozen=True)
class Scan:
    """What the scan saw in one block. Positions count from the block's first byte.

    `starts` and `ends` span every line, without its line end. The rest has one entry for each
    regular line: its index among the lines, its fields' bounds (start and end of head, time,
    request, and referrer and user agent where the format has them), its status, and its bytes,
    -1 where `-` was logged.
    """

    starts: Positions
    ends: Positions
    regular: Positions
    bounds: Positions
    status: npt.NDArray[np.int16]
    size: npt.NDArray[np.int64]


def scan(block: Bytes, quoted_fields: int) -> Scan:
    """Scan a block of whole lines, the last one with or without its newline."""
    starts, newlines = _lines(block)
    ends = newlines - ((newlines > starts) & (block[newlines - 1] == ord("\r")))
    regular, quotes = _quotes(block, newlines, 2 * quoted_fields)
    start, end = starts[regular], ends[regular]

    size_start = quotes[:, 1] + _AFTER_QUOTE
    size_end = end if quoted_fields == 1 else quotes[:, 2] - 1
    fits = _geometry(start, end, quotes) & (size_start < size_end)
    regular, start, quotes = regular[fits], start[fits], quotes[fits]
    size_start, size_end = size_start[fits], size_end[fits]

    status, status_ok = _number(block, quotes[:, 1] + 2, quotes[:, 1] + 5)
    size, size_ok = _size(block, size_start, size_end)
    fits = _punctuation(block, quotes) & status_ok & size_ok
    bounds = _bounds(start[fits], quotes[fits])
    return Scan(starts, ends, regular[fits], bounds, status[fits].astype(np.int16), size[fits])


def _lines(block: Bytes) -> tuple[Positions, Positions]:
    """Where each line starts, and where its newline is (or would be, for the last one)."""
    newlines = np.flatnonzero(block == ord("\n"))
    if len(block) and block[-1] != ord("\n"):
        newlines = np.append(newlines, len(block))
    starts = np.zeros_like(newlines)
    starts[1:] = newlines[:-1] + 1
    return starts, newlines


def _quotes(block: Bytes, newlines: Positions, count: int) -> tuple[Positions, Positions]:
    """The lines that have exactly `count` quotes, none after a backslash, and those quotes."""
    quotes = np.flatnonzero(block == ord('"'))
    after = np.searchsorted(quotes, newlines)
    first = np.zeros_like(after)
    first[1:] = after[:-1]
    candidate = after - first == count
    escaped = quotes[block[quotes - 1] == ord("\\")]
    candidate[np.searchsorted(newlines, escaped)] = False
    lines = np.flatnonzero(candidate)
    return lines, quotes[first[lines, None] + np.arange(count)]


def _geometry(start: Positions, end: Positions, quotes: Positions) -> npt.NDArray[np.bool_]:
    """Whether there is room for a head and a time, and the quoted fields at the end touch."""
    fits = quotes[:, 0] - _BEFORE_QUOTE > start
    if quotes.shape[1] > 2:
        fits &= quotes[:, 4] - quotes[:, 3] == len('" ')
        fits &= quotes[:, 5] + 1 == end
    return fits


def _punctuation(block: Bytes, quotes: Positions) -> npt.NDArray[np.bool_]:
    """Whether the fixed characters around the quotes are in their places."""
    places = [(0, -30, " "), (0, -29, "["), (0, -2, "]"), (0, -1, " "), (1, 1, " "), (1, 5, " ")]
    if quotes.shape[1] > 2:
        places += [(2, -1, " "), (3, 1, " ")]
    fits = np.ones(len(quotes), np.bool_)
    for quote, distance, character in places:
        fits &= block[quotes[:, quote] + distance] == ord(character)
    return fits


def _size(
    block: Bytes, start: Positions, end: Positions
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.bool_]]:
    """The number between the positions, -1 for `-`, and whether it is either."""
    number, is_number = _number(block, start, end)
    is_dash = (end - start == 1) & (block[start] == ord("-"))
    number[is_dash] = -1
    return number, is_number | is_dash


def _number(
    block: Bytes, start: Positions, end: Positions
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.bool_]]:
    """The decimal number between the positions (at least one byte), and whether it is one."""
    length = end - start
    number = np.zeros(len(start), np.int64)
    is_number = length <= _MAX_BYTES_DIGITS
    for place in range(min(int(length.max(initial=0)), _MAX_BYTES_DIGITS)):
        has = np.flatnonzero(length > place)
        digit = block[end[has] - 1 - place].astype(np.int64) - ord("0")
        is_number[has] &= (digit >= 0) & (digit <= 9)
        number[has] += digit * 10**place
    return number, is_number


def _bounds(start: Positions, quotes: Positions) -> Positions:
    """Start and end of head, time and each quoted field, in file order: one row a line."""
    bounds = np.empty((len(start), 4 + quotes.shape[1]), np.int64)
    bounds[:, 0] = start
    bounds[:, 1] = quotes[:, 0] - _BEFORE_QUOTE
    bounds[:, 2] = quotes[:, 0] - _TIME_WIDTH - 2
    bounds[:, 3] = quotes[:, 0] - 2
    bounds[:, 4::2] = quotes[:, 0::2] + 1
    bounds[:, 5::2] = quotes[:, 1::2]
    return bounds
