"""Blocks of a log's bytes: streams cut into blocks, lines, words, numbers and texts in a block.

All formats read their lines with these functions, for many positions at once.
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
"""Bytes that are scanned at once at most: about what the processor's cache holds."""

BATCH_BYTES = 32 << 20
"""Text that makes one batch: so much that values repeat, so little that it is soon forgotten."""

MAX_DIGITS = 18
"""Digits that surely fit 64 bits."""

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
    """Load the words of eight bytes that start at the positions: a row for each, little-endian."""
    width = 8 * words
    places = np.ndarray(len(block) - width + 1, f"V{width}", buffer=block, strides=(1,))
    return places[start].view("<u8").reshape(len(start), words)


def cut_texts(data: Any, start: npt.NDArray[Any], end: npt.NDArray[Any]) -> pa.Array:
    """The texts of a block of bytes between the positions, which rise and don't overlap."""
    # Between neighbouring bounds lies, in turn, a text and what separates it from the next.
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
    """The number of exactly `width` digits at each position, and whether it is one."""
    number: npt.NDArray[Any] = np.zeros(len(start), np.int64 if width > 4 else np.int32)
    is_number = np.ones(len(start), np.bool_)
    for place in range(width):
        digit = block[start + place] - np.uint8(ord("0"))  # what is no digit wraps past 9
        is_number &= digit <= 9
        number = number * 10 + digit
    return number, is_number


def parse_number(
    block: Bytes, start: Positions, end: Positions
) -> tuple[npt.NDArray[np.int64], Flags]:
    """The number between the positions, and whether it is one of 1 to MAX_DIGITS digits."""
    length = end - start
    number = np.zeros(len(start), np.int64)
    is_number = (length > 0) & (length <= MAX_DIGITS)
    longest = int(length[is_number].max(initial=0))
    has = np.flatnonzero(is_number)
    for place in range(longest):
        has = has[length[has] > place]
        digit = block[start[has] + place] - np.uint8(ord("0"))
        is_number[has] &= digit <= 9
        number[has] = number[has] * 10 + digit
    return number, is_number


def read_blocks(
    stream: BinaryIO | io.RawIOBase, size: int = 2 << 20, longest: int | None = None
) -> Iterator[bytes]:
    """Blocks of whole lines, each read in pieces of `size` bytes and cut after its last newline.

    A line longer than that makes a longer block. The last line may lack its newline. Of a line of
    more than `longest` bytes, which ends behind the piece that it starts in, the first
    `longest` + 1 bytes are kept: enough to see that it is too long, whatever its length.
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
    """Count the newlines: `bytes.count` takes eight times as long."""
    return int(np.count_nonzero(np.frombuffer(data, np.uint8) == ord("\n")))


def group_blocks(blocks: Iterable[bytes], size: int = BATCH_BYTES) -> Iterator[list[bytes]]:
    """Neighbouring blocks together, each time at least `size` bytes but for the last."""
    batch: list[bytes] = []
    held = 0
    for block in blocks:
        batch.append(block)
        held += len(block)
        del block  # else it would outlive its batch
        if held >= size:
            yield batch
            batch, held = [], 0
    if batch:
        yield batch
