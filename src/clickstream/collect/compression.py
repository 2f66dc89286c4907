"""Uncompress logs: plain files, or files compressed with gzip, bzip2, xz or Zstandard.

The first bytes of a file show how it is compressed; a name does not, since `access.log.1` may be
either. A file that is cut off or damaged is read up to there: the damage is recorded, not raised.
A file of another machine is copied to the local disk first (`spooled`).
"""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import os
import tempfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from backports import zstd

from clickstream.collect.source import FileHandle, FileStat

HEAD = 8
"""Number of first bytes that show how a file is compressed."""

BLOCK_BYTES = 16 << 20
"""Bytes of a file of another machine that are copied at once."""

_DAMAGES = (EOFError, OSError, zlib.error, lzma.LZMAError, zstd.ZstdError)

_OPENERS: dict[bytes, Callable[..., Any]] = {
    b"\x1f\x8b": gzip.open,
    b"BZh": bz2.open,
    b"\xfd7zXZ\0": lzma.open,
    b"\x28\xb5\x2f\xfd": zstd.open,
}
"""The first bytes of a compressed file, and the function that opens it."""


def is_compressed(head: bytes) -> bool:
    """Return whether a file with these first bytes is compressed."""
    return head.startswith(tuple(_OPENERS))


class Content(io.RawIOBase):
    """The uncompressed content of a file, up to its end or to where it is damaged.

    `damage` is the error that ended it, None so far. `raw` needs `peek`.
    """

    def __init__(self, raw: io.BufferedReader[Any]) -> None:
        self.damage: Exception | None = None
        try:
            head = raw.peek(HEAD)
        except OSError as error:  # a read would fail in the same way
            head, self.damage = b"", error
        openers = (opener for start, opener in _OPENERS.items() if head.startswith(start))
        self._source: Any = next(openers, lambda same: same)(raw)
        self._read = getattr(self._source, "read1", self._source.read)

    def readable(self) -> bool:
        """Return True."""
        return True

    def seekable(self) -> bool:
        """Return whether the file is seekable: a pipe is not."""
        return bool(self._source.seekable())

    def tell(self) -> int:
        """Return the position in the content."""
        return int(self._source.tell())

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """Move to a byte of the content; not beyond the damage."""
        self.damage = None
        try:
            return int(self._source.seek(offset, whence))
        except _DAMAGES as error:
            self.damage = error
            return self.tell()

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        """Fill some of the buffer; return 0 at the end and after damage."""
        if self.damage:
            return 0
        try:
            piece = self._read(len(buffer))
        except _DAMAGES as error:
            self.damage = error
            return 0
        buffer[: len(piece)] = piece
        return len(piece)


@contextmanager
def spooled(handle: FileHandle) -> Iterator[FileHandle]:
    """Copy a file to the temporary directory for as long as the block runs.

    Uncompressing may go back to the start of a file; over the network that would fetch it again.
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
