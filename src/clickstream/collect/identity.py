"""How a log is known again by its content, whatever its name is, compressed or not.

A fingerprint of its beginning names it. Digests of the bytes before some offsets tell it from a
file that only begins alike, also when that file is shorter.
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
    """The permanent name of a file. A further `attempt` tells apart files that begin alike."""
    return digest(head + b"#" * attempt)


def digest(data: bytes) -> str:
    """Digest of some bytes, as 16 hexadecimal digits."""
    return hashlib.blake2b(data, digest_size=8).hexdigest()


def checkpoints(
    start: int, first: int, last: int, read: Callable[[int, int], bytes]
) -> Iterator[tuple[int, str]]:
    """The checkpoints of a log from one offset to another, and digests of the bytes before them.

    `read` returns the bytes between two offsets in this range. Checkpoints lie 64,
    80, 96, 112, 128, 160, 192, … bytes behind `start`, where the log's first line begins: four for
    each doubling, so a gigabyte has about a hundred, and a shorter file is compared over at least
    four fifths of its length.
    """
    for offset in checkpoint_offsets(start):
        if offset > last:
            return
        begin = max(0, offset - TAIL_BYTES)
        if begin >= first:
            yield offset, digest(read(begin, offset))


def checkpoint_offsets(start: int) -> Iterator[int]:
    """Where the checkpoints of a log lie; without end."""
    for number in count():
        doublings, step = divmod(number, STEPS_PER_DOUBLING)
        yield start + (SHORTEST << doublings) * (STEPS_PER_DOUBLING + step) // STEPS_PER_DOUBLING
