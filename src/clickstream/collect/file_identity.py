"""Recognize a log by its content, whatever its name is, compressed or not.

A fingerprint of its beginning names it. Digests of the bytes before some offsets distinguish it
from a file with the same beginning, also if that file is shorter.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from itertools import count

TAIL_BYTES = 1_024
"""Bytes before an offset that its digest covers."""

STEPS_PER_DOUBLING = 4
SHORTEST = 64


def fingerprint(head: bytes, attempt: int = 0) -> str:
    """Return the permanent name of a file; `attempt` distinguishes files that begin alike."""
    return digest(head + b"#" * attempt)


def digest(data: bytes) -> str:
    """Return the digest of some bytes, as 16 hexadecimal digits."""
    return hashlib.blake2b(data, digest_size=8).hexdigest()


def checkpoints(
    start: int, first: int, last: int, read: Callable[[int, int], bytes]
) -> Iterator[tuple[int, str]]:
    """Yield the checkpoints of a log between two offsets, with digests of the bytes before them.

    `read` returns the bytes between two offsets in this range. The checkpoints are 64, 80, 96, 112,
    128, 160, 192, … bytes after `start`, where the log's first line begins: four for each doubling,
    so a gigabyte has about a hundred, and a shorter file is compared over at least four fifths of
    its length.
    """
    for offset in checkpoint_offsets(start):
        if offset > last:
            return
        begin = max(0, offset - TAIL_BYTES)
        if begin >= first:
            yield offset, digest(read(begin, offset))


def checkpoint_offsets(start: int) -> Iterator[int]:
    """Yield the offsets of a log's checkpoints, without end."""
    for number in count():
        doublings, step = divmod(number, STEPS_PER_DOUBLING)
        yield start + (SHORTEST << doublings) * (STEPS_PER_DOUBLING + step) // STEPS_PER_DOUBLING
