"""Uncompress logs: plain files, or files compressed with gzip, bzip2, xz or Zstandard.

The first bytes of a file show how it is compressed; a name does not, since `access.log.1` may be
either. A file that is cut off or damaged is read up to there: the damage is recorded, not raised.
"""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import zlib
from collections.abc import Callable
from typing import Any, BinaryIO

import zstandard

HEAD = 8
"""Number of first bytes that show how a file is compressed."""

_DAMAGES = (EOFError, OSError, zlib.error, lzma.LZMAError, zstandard.ZstdError)


class _Zstandard(io.RawIOBase):
    """Reads Zstandard frames, one after the other, and detects that the last one is cut off."""

    _PIECE = 1 << 17

    def __init__(self, source: BinaryIO) -> None:
        self._source = source
        self._begin = source.tell() if source.seekable() else 0
        self._restart()

    def _restart(self) -> None:
        self._frame = zstandard.ZstdDecompressor().decompressobj()
        self._input = self._output = b""
        self._is_inside = False
        self._position = 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return self._source.seekable()

    def tell(self) -> int:
        return self._position

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """Move to a byte of the content, by reading up to it; only offsets from the start."""
        if whence != io.SEEK_SET:
            raise io.UnsupportedOperation("Only offsets from the start can be sought.")
        if offset < self._position:
            self._source.seek(self._begin)
            self._restart()
        while self._position < offset and self.read(min(offset - self._position, self._PIECE)):
            pass
        return self._position

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        while not self._output:
            if self._frame.eof:
                self._input = self._frame.unused_data
                self._frame = zstandard.ZstdDecompressor().decompressobj()
                self._is_inside = False
            self._input = self._input or self._source.read(self._PIECE)
            if not self._input:
                if self._is_inside:
                    raise EOFError("Compressed file ended before the end-of-frame marker")
                return 0
            self._output, self._input = self._frame.decompress(self._input), b""
            self._is_inside = True
        size = min(len(buffer), len(self._output))
        buffer[:size], self._output = self._output[:size], self._output[size:]
        self._position += size
        return size


_OPENERS: dict[bytes, Callable[..., Any]] = {
    b"\x1f\x8b": gzip.open,
    b"BZh": bz2.open,
    b"\xfd7zXZ\0": lzma.open,
    b"\x28\xb5\x2f\xfd": _Zstandard,
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
