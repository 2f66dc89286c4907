r"""The structural scan: where the fields of regular lines are, found for a whole block at once.

Splitting a log line by line costs microseconds a line in Python, and CSV readers guess: one line
cut inside a quote makes them swallow the next. This scan looks at structure instead. It finds every
newline and every quote of a block with numpy, counts the quotes *of each line*, and calls a line
regular when the count is right, no quote is escaped, and the few bytes at fixed distances from the
quotes are what the format puts there: ` [` and `] ` around a time of 26 bytes before the first
quote, `" 200 ` after the second. The fields of regular lines are then known as bounds, by which
Arrow cuts them. Every other line is left to the strict pattern, which decides alone.

The bytes at a place are compared as one number of eight bytes, loaded from wherever they stand.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import numpy.typing as npt

Integers = npt.NDArray[np.integer]
Flags = npt.NDArray[np.bool_]
Bytes = npt.NDArray[np.uint8]
Words = npt.NDArray[np.uint64]

_NEWLINE, _RETURN, _QUOTE, _BACKSLASH = b'\n\r"\\'
_SPARE = 16  # bytes behind the text, so that the word at any place in question can be loaded
_PIECE = 1 << 16  # compared at once: larger, the memory for what comes of it costs more than it
_TIME_WIDTH = 26
_STATUS_WIDTH = 3
_MAX_DIGITS = 8  # of a number in a regular line: what one word holds

# Columns of the bounds: the fields come in turn, with start and end of each.
_HEAD_END, _TIME_END, _REQUEST_END, _REFERRER = 1, 3, 5, 6


@dataclass(frozen=True)
class Scan:
    """What the scan saw in one block; everything has one entry for each line of it.

    Positions count from the block's first byte. `starts` and `ends` span the lines without their
    line ends. Where `regular`, `bounds` has a row with start and end of head, time and each quoted
    field, `status` the status, and `size` the bytes, -1 for a logged `-`; elsewhere they are
    undefined, for the strict pattern to fill in.
    """

    block: Bytes
    starts: Integers
    ends: Integers
    regular: Flags
    bounds: npt.NDArray[np.int32]
    status: npt.NDArray[np.int16]
    size: npt.NDArray[np.int64]


def scan(data: bytes, start: int, stop: int, quoted_fields: int) -> Scan:
    """Scan the whole lines between two positions; the last one may lack its newline."""
    block = _block(data, start, stop)
    text, words = block[:-_SPARE], _words(block)
    marks = _marks(text)
    last = np.flatnonzero(text[marks] == _NEWLINE)  # each line's last mark is its newline
    first, newlines = _after_the_one_before(last), marks[last]
    starts = _after_the_one_before(newlines)
    ends = newlines - ((newlines > starts) & (text[newlines - 1] == _RETURN))

    bounds = _bounds(marks, first, starts, quoted_fields)
    regular = last - first == 2 * quoted_fields
    escaped = np.flatnonzero(text[marks - 1] == _BACKSLASH)
    regular[np.searchsorted(last, escaped)] = False
    regular &= _punctuated(words, bounds, ends)

    request_end = bounds[:, _REQUEST_END]
    status_end = request_end + len('" 200')
    size_end = bounds[:, _REFERRER] - len(' "') if quoted_fields > 1 else ends
    status, status_fits = _number(words, status_end, _STATUS_WIDTH)
    size, size_fits = _size(words, status_end + 1, size_end)
    regular &= status_fits & size_fits
    return Scan(block, starts, ends, regular, bounds, status.astype(np.int16), size)


def _block(data: bytes, start: int, stop: int) -> Bytes:
    """The lines, each with its newline, and _SPARE bytes more."""
    if stop + _SPARE <= len(data):
        return np.frombuffer(data, np.uint8, stop + _SPARE - start, start)
    has_newline = start == stop or data.endswith(b"\n", start, stop)
    pieces = (memoryview(data)[start:stop], b"" if has_newline else b"\n", bytes(_SPARE))
    return np.frombuffer(b"".join(pieces), np.uint8)


def _words(block: Bytes) -> Words:
    """The eight bytes from each position on, as a little-endian number."""
    return np.ndarray(len(block) - 7, "<u8", buffer=block, strides=(1,))


def _marks(text: Bytes) -> Integers:
    """The positions of all newlines and quotes."""
    found = []
    for start in range(0, len(text) or 1, _PIECE):
        piece = text[start : start + _PIECE]
        is_mark = piece == _QUOTE
        is_mark |= piece == _NEWLINE
        found.append(np.flatnonzero(is_mark) + start)
    return np.concatenate(found)


def _after_the_one_before(positions: Integers) -> Integers:
    """What begins where the one before it ended: position 0, then one after each but the last."""
    begins = np.zeros_like(positions)
    begins[1:] = positions[:-1] + 1
    return begins


def _bounds(
    marks: Integers, first: Integers, starts: Integers, quoted_fields: int
) -> npt.NDArray[np.int32]:
    """The fields' bounds in lines that have the right quotes, in file order: one row a line."""
    before = (0, -_TIME_WIDTH - len(" [] "), -_TIME_WIDTH - len("] "), -len("] "))
    shift = np.array([*before, *(1, 0) * quoted_fields], np.int32)
    quote = np.array([0, 0, 0, 0, *range(2 * quoted_fields)])
    bounds: npt.NDArray[np.int32] = marks.astype(np.int32).take(first[:, None] + quote, mode="clip")
    bounds += shift
    bounds[:, 0] = starts
    return bounds


def _punctuated(words: Words, bounds: npt.NDArray[np.int32], ends: Integers) -> Flags:
    """Whether there is a head, and the characters between the fields are in their places."""
    fits = bounds[:, _HEAD_END] > bounds[:, 0]
    fits &= _reads(words, bounds[:, _HEAD_END], b" [")
    fits &= _reads(words, bounds[:, _TIME_END], b'] "')
    fits &= _reads(words, bounds[:, _REQUEST_END], b'" ... ')
    if bounds.shape[1] > _REFERRER:
        fits &= _reads(words, bounds[:, _REFERRER] - 2, b' "')
        fits &= bounds[:, -1] + 1 == ends
    for start in range(_REFERRER + 2, bounds.shape[1], 2):
        fits &= bounds[:, start] - bounds[:, start - 1] == len('" "')
        fits &= _reads(words, bounds[:, start - 1], b'" "')
    return fits


def _reads(words: Words, at: Integers, text: bytes) -> Flags:
    """Whether the bytes at each position are the text, in which `.` is any byte."""
    mask, number = _masked(text)
    found: Flags = (_loaded(words, at) & mask) == number
    return found


def _loaded(words: Words, at: Integers) -> Words:
    """The words at the positions; any word where a line has too few bytes to be regular."""
    return words[np.maximum(at, 0)]


@lru_cache
def _masked(text: bytes) -> tuple[np.uint64, np.uint64]:
    mask = bytes(0 if byte == ord(".") else 255 for byte in text)
    number = text.replace(b".", b"\0")
    return np.uint64(int.from_bytes(mask, "little")), np.uint64(int.from_bytes(number, "little"))


def _size(words: Words, start: Integers, end: Integers) -> tuple[npt.NDArray[np.int64], Flags]:
    """The number between the positions, -1 for `-`, and whether it is either."""
    length = end - start
    size, fits = _number(words, end, np.clip(length, 0, _MAX_DIGITS))
    is_dash = (length == 1) & _reads(words, start, b"-")
    size[is_dash] = -1
    return size, is_dash | fits & (length > 0) & (length <= _MAX_DIGITS)


def _number(
    words: Words, end: Integers, length: Integers | int
) -> tuple[npt.NDArray[np.int64], Flags]:
    """The decimal number of so many digits that ends at the position, and whether it is one.

    All digits are added up at once: neighbours to pairs, pairs to fours, fours to eights.
    """
    blank = np.asarray(8 * (_MAX_DIGITS - length), np.uint64)
    word = _loaded(words, end - _MAX_DIGITS) ^ np.uint64(0x3030303030303030)
    word = word >> blank << blank  # what stands before the digits counts as zeros
    above_nine = ((word + np.uint64(0x7676767676767676)) | word) & np.uint64(0x8080808080808080)
    for digits, ones in ((1, 0x00FF00FF00FF00FF), (2, 0x0000FFFF0000FFFF), (4, 0xFFFFFFFF)):
        ten_fold = word * np.uint64(10**digits)
        word = (ten_fold + (word >> np.uint64(8 * digits))) & np.uint64(ones)
    return word.astype(np.int64), above_nine == 0
