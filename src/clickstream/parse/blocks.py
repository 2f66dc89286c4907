"""Functions on blocks of bytes: cut streams into blocks, and read lines, words, numbers and texts.

The readers of all formats use them. Most functions work on many positions at once.
"""

from __future__ import annotations

import io
from collections.abc import Iterable, Iterator
from typing import Any, BinaryIO

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

Bytes = npt.NDArray[np.uint8]
Positions = npt.NDArray[np.int64]
Numbers = npt.NDArray[Any]
Flags = npt.NDArray[np.bool_]
Words = npt.NDArray[np.uint64]

BLOCK_BYTES = 4 << 20
"""Maximum number of bytes that are scanned at once, about the size of the processor's cache."""

BATCH_BYTES = 32 << 20
"""Bytes of text in one batch: enough for values to repeat, and little enough to limit memory."""

MAX_DIGITS = 18
"""Maximum number of digits of a number, so that it fits in 64 bits."""

NEWLINE, RETURN, TAB, SPACE, QUOTE, BACKSLASH, DASH = b'\n\r\t "\\-'


def line_bounds(data: bytes) -> tuple[Positions, Positions]:
    """Find where each line starts and ends, its newline included; the last may lack one."""
    ends = np.flatnonzero(np.frombuffer(data, np.uint8) == NEWLINE) + 1
    if data and not data.endswith(b"\n"):
        ends = np.append(ends, len(data))
    return np.concatenate([[0], ends[:-1]]) if len(ends) else ends, ends


def block_bounds(data: bytes, size: int = BLOCK_BYTES) -> Iterator[tuple[int, int]]:
    """Cut data after newlines, about every `size` bytes; yield start and stop of each block."""
    start = 0
    while start < len(data):
        stop = len(data)
        if start + size < len(data):
            stop = data.rfind(b"\n", start, start + size) + 1
            stop = stop or data.find(b"\n", start + size) + 1 or len(data)
        yield start, stop
        start = stop


def load_words(block: Bytes, start: Positions, words: int = 1) -> Words:
    """Load little-endian words of eight bytes from each position: a row of `words` for each."""
    width = 8 * words
    windows = np.ndarray(len(block) - width + 1, f"V{width}", buffer=block, strides=(1,))
    return windows[start].view("<u8").reshape(len(start), words)


def cut_texts(data: Any, start: npt.NDArray[Any], end: npt.NDArray[Any]) -> pa.Array:
    """Cut out the texts between positions, which must ascend and not overlap."""
    # Between neighbouring bounds, texts alternate with the separators between them.
    bounds = np.empty((len(start), 2), np.int32)
    bounds[:, 0], bounds[:, 1] = start, end
    count = max(2 * len(start) - 1, 0)
    spans = [None, pa.py_buffer(bounds), pa.py_buffer(data)]
    pieces = pa.Array.from_buffers(pa.binary(), count, spans)
    texts = pa.array(np.arange(0, count, 2, dtype=np.int32))
    return pc.take(pieces, texts, boundscheck=False)


def parse_fixed_number(
    block: Bytes, start: Positions, width: int
) -> tuple[npt.NDArray[Any], Flags]:
    """Parse a number of exactly `width` digits at each position; also return which are valid."""
    number: npt.NDArray[Any] = np.zeros(len(start), np.int64 if width > 4 else np.int32)
    is_number = np.ones(len(start), np.bool_)
    for index in range(width):
        digit = block[start + index] - np.uint8(ord("0"))  # other bytes give more than 9 (wraps)
        is_number &= digit <= 9
        number = number * 10 + digit
    return number, is_number


def parse_number(
    block: Bytes, start: Positions, end: Positions
) -> tuple[npt.NDArray[np.int64], Flags]:
    """Parse the numbers between positions; also return which have 1 to MAX_DIGITS digits."""
    length = end - start
    number = np.zeros(len(start), np.int64)
    is_number = (length > 0) & (length <= MAX_DIGITS)
    longest = int(length[is_number].max(initial=0))
    has = np.flatnonzero(is_number)
    for index in range(longest):
        has = has[length[has] > index]
        digit = block[start[has] + index] - np.uint8(ord("0"))
        is_number[has] &= digit <= 9
        number[has] = number[has] * 10 + digit
    return number, is_number


def read_blocks(
    stream: BinaryIO | io.RawIOBase, size: int = 2 << 20, longest: int | None = None
) -> Iterator[bytes]:
    """Yield blocks of whole lines, from reads of `size` bytes that are cut after the last newline.

    A line longer than `size` gives a longer block. The last line may lack its newline. Of a line of
    more than `longest` bytes that continues after the read in which it starts, only the first
    `longest` + 1 bytes are kept. This is enough to see that it is too long, and limits the memory.
    """
    rest: list[bytes] = []
    held = 0
    while piece := stream.read(size) or b"":
        cut = piece.rfind(b"\n") + 1
        if cut:
            begin = 0
            if longest is not None and held > longest:
                begin = piece.index(b"\n")
            yield b"".join((*rest, memoryview(piece)[begin:cut]))
            rest, held = [], 0
        tail = piece[cut:] if longest is None else piece[cut : cut + max(longest + 1 - held, 0)]
        rest.append(tail)
        held += len(tail)
    if tail := b"".join(rest):
        yield tail


def count_lines(data: bytes) -> int:
    """Count newlines; eight times as fast as `bytes.count`."""
    return int(np.count_nonzero(np.frombuffer(data, np.uint8) == ord("\n")))


def group_blocks(blocks: Iterable[bytes], size: int = BATCH_BYTES) -> Iterator[list[bytes]]:
    """Group neighbouring blocks into batches of at least `size` bytes; the last may be smaller."""
    batch: list[bytes] = []
    held = 0
    for block in blocks:
        batch.append(block)
        held += len(block)
        del block  # otherwise it would stay in memory after its batch
        if held >= size:
            yield batch
            batch, held = [], 0
    if batch:
        yield batch
