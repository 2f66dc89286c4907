r"""Find the fields of the regular lines of a `LogFormat`, for a whole block at once.

Splitting a log line by line in Python takes microseconds per line. CSV readers are not reliable: if
a line is cut inside a quote, they read it together with the next line. This scan finds all newlines
and quotes of a block with numpy and counts the quotes *of each line*. A line is *regular* if it has
the number of quotes of its format, no quote is escaped, and a few bytes at fixed distances from the
quotes are those of the format: ` [` and `] ` around a time of 26 bytes before the first quote,
`" 200 ` after the second. The positions of the quotes then give the bounds of all fields, and Arrow
cuts the fields out. The strict pattern reads all other lines, and it alone decides on rejects.

The text before the time (client, identity, user) is the *head* of a line. Bytes before a position
are compared as words of eight bytes. Loading costs more than comparing, so all words that end at a
position are loaded at once.
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

_SPARE = 32  # padding of a short text: the largest number of bytes that is loaded at once
_PIECE = 1 << 17  # bytes compared at once; for more, allocating the results costs more time
_TIME_WIDTH = 26
_STATUS_WIDTH = 3
_MAX_DIGITS = 8  # digits of a number in a regular line, which fit in one word


@dataclass(frozen=True)
class LineScan:
    """The result of a scan of one block; all arrays have one entry per line.

    Positions count from the first byte of the block. `starts` and `ends` are the bounds of the
    lines without their line ends. For `regular` lines, `bounds` has start and end of head, time and
    each quoted field (an array of fields x 2 x lines), `status` the status, and `size` the bytes,
    -1 for a logged `-`. For other lines these values are undefined until the strict pattern sets
    them. `same_time` marks regular lines with the same time as the line before, if that line is
    regular too.
    """

    block: Bytes
    starts: Numbers
    ends: Numbers
    regular: Flags
    bounds: Positions
    status: npt.NDArray[np.int16]
    size: npt.NDArray[np.int64]
    same_time: Flags


def scan(data: bytes, start: int, stop: int, quoted_fields: int) -> LineScan:
    """Scan the whole lines between two positions; the last one may lack its newline."""
    block = _block(data, start, stop)
    marks = _marks(block)
    last = np.flatnonzero(block[marks] == NEWLINE)  # the newline is the last mark of each line
    first, newlines = _starts_from_ends(last), marks[last]
    starts = _starts_from_ends(newlines)
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
    return LineScan(
        block, starts, ends, regular, bounds, status, size, _mark_repeated_times(time, regular)
    )


def _block(data: bytes, start: int, stop: int) -> Bytes:
    """Return the lines, each with its newline; further bytes after the last one are padding."""
    has_newline = start == stop or data.endswith(b"\n", start, stop)
    if has_newline and stop - start >= _SPARE:
        return np.frombuffer(data, np.uint8, stop - start, start)
    pieces = (memoryview(data)[start:stop], b"" if has_newline else b"\n", bytes(_SPARE))
    return np.frombuffer(b"".join(pieces), np.uint8)


def _marks(block: Bytes) -> Positions:
    """Return the positions of all newlines and quotes."""
    is_mark = np.empty(len(block), np.bool_)
    for start in range(0, len(block), _PIECE):
        piece = block[start : start + _PIECE]
        found = is_mark[start : start + len(piece)]
        np.equal(piece, QUOTE, out=found)
        found |= piece == NEWLINE
    return np.flatnonzero(is_mark)


def _starts_from_ends(positions: Positions) -> Positions:
    """Return 0, then the position after each but the last: from ends of lines, their starts."""
    begins = np.zeros_like(positions)
    begins[1:] = positions[:-1] + 1
    return begins


def _words_before(block: Bytes, end: Positions, words: int = 1) -> Words:
    """Load the words that end at the positions; if a line is too short, they have other bytes."""
    width = 8 * words
    return load_words(block, np.clip(end - width, 0, len(block) - width), words)


def _equals(words: Words, text: bytes) -> Flags:
    """Return a mask of the words that equal the text, in which `.` matches any byte."""
    mask, number = _mask_and_number(text)
    found: Flags = (words & mask) == number
    return found


@lru_cache
def _mask_and_number(text: bytes) -> tuple[np.uint64, np.uint64]:
    mask = bytes(0 if byte == ord(".") else 255 for byte in text)
    number = text.replace(b".", b"\0")
    return np.uint64(int.from_bytes(mask, "little")), np.uint64(int.from_bytes(number, "little"))


def _has_head_and_time(time: Words, quote: Positions, starts: Positions) -> Flags:
    """Return a mask of the lines with a head and a time in brackets before the first quote.

    `time` has the 32 bytes from the last byte of the head to the quote,
    `. [dd/Mon/yyyy:HH:MM:SS +zzzz] "`.
    """
    fits = quote - starts > _TIME_WIDTH + len(" [] ")
    fits &= _equals(time[:, 0], b". [.....")
    fits &= _equals(time[:, 3], b'.....] "')
    return fits


def _mark_repeated_times(time: Words, regular: Flags) -> Flags:
    """Return a mask of the lines with the time of the line before, if both lines are regular."""
    repeats = np.zeros_like(regular)
    same = regular[1:] & regular[:-1]
    same &= (time[1:, 0] ^ time[:-1, 0]) < 256  # ignores the first byte, which is not of the time
    for place in (1, 2, 3):
        same &= time[1:, place] == time[:-1, place]
    repeats[1:] = same
    return repeats


def _has_trailing_fields(block: Bytes, quotes: Sequence[Positions], ends: Positions) -> Flags:
    """Return a mask of the lines with correct separators after the first pair of quotes.

    A space and a quote must begin the second pair, `" "` must separate further pairs, and the last
    quote must be the end of the line.
    """
    if len(quotes) == 2:
        return np.ones(len(ends), np.bool_)
    fits: Flags = quotes[-1] + 1 == ends
    fits &= block[quotes[2] - 1] == SPACE
    for closing, opening in zip(quotes[3:-1:2], quotes[4::2], strict=True):
        fits &= opening - closing == len('" ')
        fits &= block[opening - 1] == SPACE
    return fits


def _bounds(starts: Positions, quotes: Sequence[Positions]) -> Positions:
    """Compute the bounds of the fields of lines with the right number of quotes."""
    time_end = quotes[0] - len("] ")
    time = time_end - _TIME_WIDTH
    quoted = [quote + 1 - place % 2 for place, quote in enumerate(quotes)]
    bounds: Positions = np.stack([starts, time - len(" ["), time, time_end, *quoted])
    return bounds.reshape(len(bounds) // 2, 2, -1)


def _numbers(
    block: Bytes, request_end: Positions, size_end: Positions
) -> tuple[npt.NDArray[np.int16], npt.NDArray[np.int64], Flags]:
    """Return status, size (-1 for `-`), and a mask of the lines with both and their separators."""
    size_start = request_end + len('" 200 ')
    status_word = _words_before(block, size_start)[:, 0]
    size_word = _words_before(block, size_end)[:, 0]
    status, fits = _number(status_word << np.uint64(8), _STATUS_WIDTH)
    fits &= _equals(status_word, b'.." ... ')
    length = size_end - size_start
    size, is_number = _number(size_word, np.clip(length, 0, _MAX_DIGITS))
    is_dash = (length == 1) & _equals(size_word, b".......-")
    fits &= is_dash | is_number & (length > 0) & (length <= _MAX_DIGITS)
    return status.astype(np.int16), np.where(is_dash, -1, size), fits


def _number(word: Words, digits: Numbers | int) -> tuple[npt.NDArray[np.int64], Flags]:
    """Parse the last `digits` bytes of words as decimal numbers; also return a mask of valid ones.

    All digits are combined in three steps: neighbours to pairs, pairs to fours, fours to eights.
    """
    blank = np.asarray(8 * (_MAX_DIGITS - digits), np.uint64)
    word = word ^ np.uint64(0x3030303030303030)
    word = word >> blank << blank  # bytes before the digits become zeros
    above_nine = ((word + np.uint64(0x7676767676767676)) | word) & np.uint64(0x8080808080808080)
    for digits, ones in ((1, 0x00FF00FF00FF00FF), (2, 0x0000FFFF0000FFFF), (4, 0xFFFFFFFF)):
        ten_fold = word * np.uint64(10**digits)
        word = (ten_fold + (word >> np.uint64(8 * digits))) & np.uint64(ones)
    return word.view(np.int64), above_nine == 0
