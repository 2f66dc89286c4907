"""Recognize a log by its content, whatever its name is, compressed or not.

A fingerprint of its beginning names it. Digests of the bytes before some offsets distinguish it
from a file with the same beginning, also if that file is shorter. A compressed file is recognized
by its size and its last bytes: they hold a checksum of the content and its size, for gzip (RFC
1952, 2.3.1), bzip2, xz and, as logrotate calls it, Zstandard.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from itertools import count

from clickstream.collect.compression import HEAD, is_compressed
from clickstream.collect.source import FileHandle

TAIL_BYTES = 1_024
"""Bytes before an offset that its digest covers."""

STEPS_PER_DOUBLING = 4
SHORTEST = 64

TRAILER_BYTES = 64


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


def read_trailer(handle: FileHandle) -> str:
    """Return a text that identifies the content of a compressed file; empty for any other file.

    It takes two reads of a few bytes. Raises OSError if the handle does.
    """
    if not is_compressed(handle.read(0, HEAD)):
        return ""
    size = handle.stat().size
    begin = max(0, size - TRAILER_BYTES)
    return f"{size}-{digest(handle.read(begin, size - begin))}"
