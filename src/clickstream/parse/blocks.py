"""Texts cut out of a block by their bounds; Arrow does it, without a Python object for each.

Decimal numbers in a block of bytes, many at once, from where they stand.

A log that comes as a stream: whole lines in blocks, however the stream cuts them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, BinaryIO

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc


def cut_out(data: Any, start: npt.NDArray[Any], end: npt.NDArray[Any]) -> pa.Array:
    """The texts of a block of bytes between the positions, which rise and don't overlap."""
    # Between neighbouring bounds lies, in turn, a text and what separates it from the next.
    bounds = np.empty((len(start), 2), np.int32)
    bounds[:, 0], bounds[:, 1] = start, end
    count = max(2 * len(start) - 1, 0)
    spans = [None, pa.py_buffer(bounds), pa.py_buffer(data)]
    pieces = pa.Array.from_buffers(pa.binary(), count, spans)
    texts = pa.array(np.arange(0, count, 2, dtype=np.int32))
    return pc.take(pieces, texts, boundscheck=False)


Bytes = npt.NDArray[np.uint8]
Positions = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]

MAX_DIGITS = 18
"""Digits that surely fit 64 bits."""


def fixed(block: Bytes, start: Positions, width: int) -> tuple[npt.NDArray[Any], Flags]:
    """The number of exactly `width` digits at each position, and whether it is one."""
    number: npt.NDArray[Any] = np.zeros(len(start), np.int64 if width > 4 else np.int32)
    is_number = np.ones(len(start), np.bool_)
    for place in range(width):
        digit = block[start + place] - np.uint8(ord("0"))  # what is no digit wraps past 9
        is_number &= digit <= 9
        number = number * 10 + digit
    return number, is_number


def between(block: Bytes, start: Positions, end: Positions) -> tuple[npt.NDArray[np.int64], Flags]:
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


BATCH_BYTES = 32 << 20
"""Text that makes one batch: so much that values repeat, so little that it is soon forgotten."""


def blocks(stream: BinaryIO, size: int = 2 << 20) -> Iterator[bytes]:
    """Blocks of whole lines, each read in pieces of `size` bytes and cut after its last newline.

    A line longer than that makes a longer block. The last line may lack its newline.
    """
    rest: list[bytes] = []
    while piece := stream.read(size):
        cut = piece.rfind(b"\n") + 1
        if cut:
            yield b"".join((*rest, memoryview(piece)[:cut]))
            rest = []
        rest.append(piece[cut:])
    if tail := b"".join(rest):
        yield tail


def count_lines(data: bytes) -> int:
    """Count the newlines: `bytes.count` takes eight times as long."""
    return int(np.count_nonzero(np.frombuffer(data, np.uint8) == ord("\n")))


def batches(blocks: Iterable[bytes], size: int = BATCH_BYTES) -> Iterator[list[bytes]]:
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
