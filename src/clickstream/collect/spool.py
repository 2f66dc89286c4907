"""Copy compressed files of other machines to the local disk, and read them there.

Uncompressing may go back to the start of a file; over the network that would fetch it again.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from clickstream.collect.source import FileHandle, FileStat

BLOCK_BYTES = 16 << 20


@contextmanager
def spooled(handle: FileHandle) -> Iterator[FileHandle]:
    """Copy a file to the temporary directory for as long as the block runs.

    The copy has no name, so the system deletes it even if the process is killed.
    """
    with tempfile.TemporaryFile(prefix="clickstream-") as file:
        offset = 0
        while block := handle.read(offset, BLOCK_BYTES):
            file.write(block)
            offset += len(block)
        file.flush()
        yield _SpooledFile(handle, file.fileno())


@dataclass(frozen=True)
class _SpooledFile:
    """A file with the bytes of the copy and the stat of the original."""

    original: FileHandle
    descriptor: int

    def stat(self) -> FileStat:
        """Return the current size and time of the original."""
        return self.original.stat()

    def read(self, offset: int, size: int) -> bytes:
        """Read up to `size` bytes of the copy; fewer only at its end."""
        return os.pread(self.descriptor, size, offset)

    def skip_hole(self, offset: int) -> int:
        """Return `offset`: a compressed file has no holes."""
        return offset
