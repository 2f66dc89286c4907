"""A log that comes as a stream: whole lines in blocks, however the stream cuts them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import BinaryIO

import numpy as np

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
