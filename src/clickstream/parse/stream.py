"""A log that comes as a stream: whole lines in blocks, however the stream cuts them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import BinaryIO


def blocks(stream: BinaryIO, size: int = 4 << 20) -> Iterator[bytes]:
    """Blocks of whole lines, each read in pieces of `size` bytes and cut after its last newline.

    A line longer than that makes a longer block. The last line may lack its newline.
    """
    rest: list[bytes] = []
    while piece := stream.read(size):
        cut = piece.rfind(b"\n") + 1
        if cut:
            yield b"".join((*rest, piece[:cut]))
            rest = []
        rest.append(piece[cut:])
    if tail := b"".join(rest):
        yield tail
