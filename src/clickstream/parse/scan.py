r"""The structural scan: where the fields of regular lines are, found for a whole block at once.

Splitting a log line by line costs microseconds a line in Python, and CSV readers guess: one line
cut inside a quote makes them swallow the next. This scan looks at structure instead. It finds every
newline and every quote of a block with numpy, counts the quotes *of each line*, and calls a line
regular when the count is right, no quote is escaped, and the few bytes at fixed distances from the
quotes are what the format puts there: ` [` and `] ` around a time of 26 bytes before the first
quote, `" 200 ` after the second. The fields of regular lines are then known as bounds, by which
Arrow cuts them. Every other line is left to the strict pattern, which decides alone.

Bytes at a place are compared as numbers of eight bytes. Going there costs more than comparing, so
all that is looked at there is loaded at once; and as it ends with the place, it is in the block.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from clickstream.parse.blocks import (
    BACKSLASH,
    NEWLINE,
    QUOTE,
    RETURN,
    SPACE,
    Bytes,
    Flags,
    Numbers,
    Positions,
    Words,
    load_words,
)

_SPARE = 32  # bytes behind a short text, so that the most that is loaded at once can be
_PIECE = 1 << 17  # compared at once: larger, the memory for what comes of it costs more than it
_TIME_WIDTH = 26
_STATUS_WIDTH = 3
_MAX_DIGITS = 8  # of a number in a regular line: what one word holds


@dataclass(frozen=True)
class Scan:
    """What the scan saw in one block; everything has one entry for each line of it.

    Positions count from the block's first byte. `starts` and `ends` span the lines without their
    line ends. Where `regular`, `bounds` has start and end of head, time and each quoted field (an
    array of fields x 2 x lines), `status` the status, and `size` the bytes, -1 for a logged `-`;
    elsewhere they are undefined, for the strict pattern to fill in. `same_time` tells regular lines
    that have the time of the line before, which is regular, too.
    """

    block: Bytes
    starts: Numbers
    ends: Numbers
    regular: Flags
    bounds: Positions
    status: npt.NDArray[np.int16]
    size: npt.NDArray[np.int64]
    same_time: Flags


def scan(data: bytes, start: int, stop: int, quoted_fields: int) -> Scan:
    """Scan the whole lines between two positions; the last one may lack its newline."""
    block = _block(data, start, stop)
    marks = _marks(block)
    last = np.flatnonzero(block[marks] == NEWLINE)  # each line's last mark is its newline
    first, newlines = _after_the_one_before(last), marks[last]
    starts = _after_the_one_before(newlines)
    ends = newlines - ((newlines > starts) & (block[newlines - 1] == RETURN))
    quotes = [marks.take(first + place, mode="clip") for place in range(2 * quoted_fields)]

    regular = last - first == 2 * quoted_fields
    escaped = np.flatnonzero(block[marks - 1] == BACKSLASH)
    regular[np.searchsorted(last, escaped)] = False
    time = _words_before(block, quotes[0] + 1, words=4)
    regular &= _has_head_and_time(time, quotes[0], starts)
    regular &= _has_trailing_fields(block, quotes, ends)
    size_end = quotes[2] - len(" ") if quoted_fields > 1 else ends
    status, size, fits = _numbers(block, quotes[1], size_end)
    regular &= fits
    bounds = _bounds(starts, quotes)
    return Scan(block, starts, ends, regular, bounds, status, size, _repeats(time, regular))


def _block(data: bytes, start: int, stop: int) -> Bytes:
    """The lines, each with its newline; what stands behind the last one is of no line."""
    has_newline = start == stop or data.endswith(b"\n", start, stop)
    if has_newline and stop - start >= _SPARE:
        return np.frombuffer(data, np.uint8, stop - start, start)
    pieces = (memoryview(data)[start:stop], b"" if has_newline else b"\n", bytes(_SPARE))
    return np.frombuffer(b"".join(pieces), np.uint8)


def _marks(block: Bytes) -> Positions:
    """The positions of all newlines and quotes."""
    is_mark = np.empty(len(block), np.bool_)
    for start in range(0, len(block), _PIECE):
        piece = block[start : start + _PIECE]
        found = is_mark[start : start + len(piece)]
        np.equal(piece, QUOTE, out=found)
        found |= piece == NEWLINE
    return np.flatnonzero(is_mark)


def _after_the_one_before(positions: Positions) -> Positions:
    """What begins where the one before it ended: position 0, then one after each but the last."""
    begins = np.zeros_like(positions)
    begins[1:] = positions[:-1] + 1
    return begins


def _words_before(block: Bytes, end: Positions, words: int = 1) -> Words:
    """The words that end at the positions; any words where a line has too few bytes."""
    width = 8 * words
    return load_words(block, np.clip(end - width, 0, len(block) - width), words)


def _reads(words: Words, text: bytes) -> Flags:
    """Whether the words are the text, in which `.` is any byte."""
    mask, number = _masked(text)
    found: Flags = (words & mask) == number
    return found


@lru_cache
def _masked(text: bytes) -> tuple[np.uint64, np.uint64]:
    mask = bytes(0 if byte == ord(".") else 255 for byte in text)
    number = text.replace(b".", b"\0")
    return np.uint64(int.from_bytes(mask, "little")), np.uint64(int.from_bytes(number, "little"))


def _has_head_and_time(time: Words, quote: Positions, starts: Positions) -> Flags:
    """Whether a head and, in brackets, a time stand before the first quote.

    `time` has the 32 bytes from the last one of the head to the quote,
    `. [dd/Mon/yyyy:HH:MM:SS +zzzz] "`.
    """
    fits = quote - starts > _TIME_WIDTH + len(" [] ")
    fits &= _reads(time[:, 0], b". [.....")
    fits &= _reads(time[:, 3], b'.....] "')
    return fits


def _repeats(time: Words, regular: Flags) -> Flags:
    """Whether the time is that of the line before, and both lines are regular."""
    repeats = np.zeros_like(regular)
    same = regular[1:] & regular[:-1]
    same &= (time[1:, 0] ^ time[:-1, 0]) < 256  # the first byte is not of the time
    for place in (1, 2, 3):
        same &= time[1:, place] == time[:-1, place]
    repeats[1:] = same
    return repeats


def _has_trailing_fields(block: Bytes, quotes: Sequence[Positions], ends: Positions) -> Flags:
    """Whether after the first pair of quotes come ` "`, then pairs with `" "` between them."""
    if len(quotes) == 2:
        return np.ones(len(ends), np.bool_)
    fits: Flags = quotes[-1] + 1 == ends
    fits &= block[quotes[2] - 1] == SPACE
    for closing, opening in zip(quotes[3:-1:2], quotes[4::2], strict=True):
        fits &= opening - closing == len('" ')
        fits &= block[opening - 1] == SPACE
    return fits


def _bounds(starts: Positions, quotes: Sequence[Positions]) -> Positions:
    """The fields' bounds in lines that have the right quotes."""
    time_end = quotes[0] - len("] ")
    time = time_end - _TIME_WIDTH
    quoted = [quote + 1 - place % 2 for place, quote in enumerate(quotes)]
    bounds: Positions = np.stack([starts, time - len(" ["), time, time_end, *quoted])
    return bounds.reshape(len(bounds) // 2, 2, -1)


def _numbers(
    block: Bytes, request_end: Positions, size_end: Positions
) -> tuple[npt.NDArray[np.int16], npt.NDArray[np.int64], Flags]:
    """Status and size, -1 for `-`, and whether both are there, with a space after each."""
    size_start = request_end + len('" 200 ')
    status_word = _words_before(block, size_start)[:, 0]
    size_word = _words_before(block, size_end)[:, 0]
    status, fits = _number(status_word << np.uint64(8), _STATUS_WIDTH)
    fits &= _reads(status_word, b'.." ... ')
    length = size_end - size_start
    size, is_number = _number(size_word, np.clip(length, 0, _MAX_DIGITS))
    is_dash = (length == 1) & _reads(size_word, b".......-")
    fits &= is_dash | is_number & (length > 0) & (length <= _MAX_DIGITS)
    return status.astype(np.int16), np.where(is_dash, -1, size), fits


def _number(word: Words, digits: Numbers | int) -> tuple[npt.NDArray[np.int64], Flags]:
    """The decimal number that so many last bytes of the words are, and whether they are digits.

    All digits are added up at once: neighbours to pairs, pairs to fours, fours to eights.
    """
    blank = np.asarray(8 * (_MAX_DIGITS - digits), np.uint64)
    word = word ^ np.uint64(0x3030303030303030)
    word = word >> blank << blank  # what stands before the digits counts as zeros
    above_nine = ((word + np.uint64(0x7676767676767676)) | word) & np.uint64(0x8080808080808080)
    for digits, ones in ((1, 0x00FF00FF00FF00FF), (2, 0x0000FFFF0000FFFF), (4, 0xFFFFFFFF)):
        ten_fold = word * np.uint64(10**digits)
        word = (ten_fold + (word >> np.uint64(8 * digits))) & np.uint64(ones)
    return word.view(np.int64), above_nine == 0
