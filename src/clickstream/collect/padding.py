"""Padding: NUL bytes or a byte-order mark at the beginning of a log, before its first line.

A server that does not write in append mode leaves NULs when logrotate truncates its file
(`copytruncate`): it continues at its old offset, and the file begins with a hole, of gigabytes in a
busy log. Editors and some Windows programs begin a file with the byte-order mark of UTF-8.
"""

from __future__ import annotations

import io
from codecs import BOM_UTF8
from collections.abc import Callable

BLOCK_BYTES = 1 << 18


def skip_padding(read: Callable[[int], bytes]) -> tuple[int, bytes]:
    """Skip the padding; return its number of bytes, and the bytes after it that were read.

    `read` continues where it stopped and returns b"" at the end. Needs memory for two blocks.
    """
    skipped, rest = 0, b""
    while not rest and (block := read(BLOCK_BYTES)):
        rest = block.lstrip(b"\0")
        skipped += len(block) - len(rest)
    while 0 < len(rest) < len(BOM_UTF8) and BOM_UTF8.startswith(rest):
        if not (more := read(BLOCK_BYTES)):
            break
        rest += more
    if not rest.startswith(BOM_UTF8):
        return skipped, rest
    return skipped + len(BOM_UTF8), rest.removeprefix(BOM_UTF8)


class WithoutPadding(io.RawIOBase):
    """The bytes of a stream after its padding, for streams that can't seek."""

    def __init__(self, stream: io.RawIOBase) -> None:
        self._stream = stream
        self._ahead: bytes | None = None
        self.padding = 0
        """Bytes of padding, known after the first read."""

    def readable(self) -> bool:
        """Return True."""
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        """Fill some of the buffer; return 0 at the end."""
        if self._ahead is None:
            self.padding, self._ahead = skip_padding(lambda size: self._stream.read(size) or b"")
        if not self._ahead:
            return self._stream.readinto(buffer) or 0
        piece, self._ahead = self._ahead[: len(buffer)], self._ahead[len(buffer) :]
        buffer[: len(piece)] = piece
        return len(piece)
