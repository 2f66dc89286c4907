"""An open log file: its uncompressed content, read in ranges from one handle."""

from __future__ import annotations

import io
from collections.abc import Iterator
from functools import cached_property

from clickstream.collect.compression import HEAD, Content, is_compressed
from clickstream.collect.file_identity import TAIL_BYTES
from clickstream.collect.padding import skip_padding
from clickstream.collect.source import FileHandle, FileStat

HEAD_BYTES = 65_536
PROBE_BYTES = 1_024
SAMPLE_LIMIT_BYTES = 4 << 20
"""Limit of the bytes that are read to find a given number of lines."""


class OpenLog:
    """The content of an open file. Offsets count its bytes; it ends where it is damaged."""

    def __init__(self, handle: FileHandle) -> None:
        self._handle = handle
        self._damage: Exception | None = None
        self.is_compressed = is_compressed(self._read_plain(0, HEAD))
        """Whether the file is compressed, so the web server no longer writes to it."""
        self._kept_at, self._kept = 0, b""
        self._size: int | None = None
        self._start = self._find_start()  # before any other read: see is_unchanged
        self._identified = self._start

    @cached_property
    def _content(self) -> Content:
        """The uncompressed content of a compressed file."""
        return Content(io.BufferedReader(_Stored(self._handle), 1 << 20))

    @cached_property
    def _stream(self) -> io.BufferedReader:
        return io.BufferedReader(self._content, 1 << 20)

    @property
    def damage(self) -> Exception | None:
        """The error that ended the reads; None if the file is undamaged so far."""
        return self._content.damage if self.is_compressed else self._damage

    def read(self, offset: int, size: int) -> bytes:
        """Read a range; shorter than `size` only where the content ends or is damaged."""
        if self.is_compressed:
            return self._read_compressed(offset, size)
        return self._read_plain(offset, size)

    def _read_plain(self, offset: int, size: int) -> bytes:
        try:
            return self._handle.read(offset, size)
        except OSError as error:
            self._damage = error
            return b""

    def _read_compressed(self, offset: int, size: int) -> bytes:
        """Continue from the last range if possible: to go back, the file is uncompressed again."""
        kept = b""
        if self._kept_at <= offset <= self._kept_at + len(self._kept):
            kept = self._kept[offset - self._kept_at :][:size]
            if len(kept) == size:
                return kept
        at = offset + len(kept)
        if self._stream.tell() != at and (end := self._stream.seek(at)) < at:
            self._size = end
            return kept
        self._kept = b""  # so that a range of 32 MB is not in memory twice
        data = kept + self._stream.read(size - len(kept))
        if len(data) < size:
            self._size = offset + len(data)
        self._kept_at, self._kept = offset, data
        return data

    def is_unchanged(self) -> bool:
        """Return whether the file begins as when it was opened, and as when it was identified.

        If not, it was truncated and written again, and the reads since then may mix old and new
        bytes. A file that was empty when it was opened is known only by the bytes that identified
        it. A compressed file is written only once, so it is not checked.
        """
        if self.is_compressed:
            return True
        checked = (self._start, self._identified)
        begin = min(offset for offset, _ in checked)
        end = max(offset + len(data) for offset, data in checked)
        now = self._read_plain(begin, end - begin)
        return all(now[offset - begin :].startswith(data) for offset, data in checked)

    def read_before(self, offset: int) -> bytes:
        """Read the bytes before an offset that its digest covers; fewer where the log ends."""
        begin = max(0, offset - TAIL_BYTES)
        return self.read(begin, offset - begin)

    def size_up_to(self, limit: int) -> int:
        """Return the size of the content if it is smaller than `limit`, else `limit`.

        The size of compressed content is known only after a read has reached its end.
        """
        if not self.is_compressed:
            return min(self.stat().size, limit)
        return limit if self._size is None else min(self._size, limit)

    def stat(self) -> FileStat:
        """Return the current size, time and inode of the open file."""
        return self._handle.stat()

    @property
    def padding(self) -> int:
        """The number of bytes before the first line: NULs, or a byte-order mark."""
        return self._start[0]

    def _find_start(self) -> tuple[int, bytes]:
        """Return where the first line begins, and the first bytes from there on."""
        position = hole = 0 if self.is_compressed else self._handle.skip_hole(0)

        def read(size: int) -> bytes:
            nonlocal position
            block = self.read(position, size)
            position += len(block)
            return block

        skipped, rest = skip_padding(read)
        return hole + skipped, rest[:PROBE_BYTES]

    def sample(self, size: int = HEAD_BYTES) -> bytes:
        """Return the first bytes after the padding."""
        return self.read(self.padding, size)

    def first_lines(self, lines: int) -> bytes:
        """Return the first lines after the padding, up to 4 MB; the last may be cut."""
        sample = self.sample(SAMPLE_LIMIT_BYTES)
        parts = sample.split(b"\n", lines)
        return sample.removesuffix(parts[lines]) if len(parts) > lines else sample

    def heads(self) -> Iterator[bytes]:
        """Yield beginnings that identify the file: up to its first entry, second entry, and so on.

        An entry is a line that is not a comment. Nothing is yielded before a line is finished.
        Comments belong to a beginning, too: all W3C logs begin with the same ones, and only their
        entries differ. The last line of a compressed file is finished where the file ends.
        """
        start, ends = self._beginning()
        if not ends and len(start) == HEAD_BYTES:
            yield start
        for end in ends:
            yield start[:end]
        if ends and self.is_compressed and self.ends_inside_line() and not self.damage:
            yield start

    def ends_inside_line(self) -> bool:
        """Return whether the log is shorter than HEAD_BYTES and its last line is not finished."""
        start, _ = self._beginning()
        return len(start) < HEAD_BYTES and not start.endswith(b"\n")

    def _beginning(self) -> tuple[bytes, list[int]]:
        """Return the first bytes, and where lines in them end that are not comments.

        Padding is part of them, unless it is so long that no line ends before HEAD_BYTES.
        """
        start, offset = self.read(0, HEAD_BYTES), 0
        ends = [*_entry_ends(start, self.padding)]
        if not ends:
            start, offset = self.sample(), self.padding
            ends = [*_entry_ends(start, 0)]
        self._identified = (offset, start[:PROBE_BYTES])
        return start, ends


def _entry_ends(start: bytes, position: int) -> Iterator[int]:
    while (end := start.find(b"\n", position)) >= 0:
        if not start.startswith(b"#", position):
            yield end + 1
        position = end + 1


class _Stored(io.RawIOBase):
    """The bytes of a handle as a stream, which is then uncompressed."""

    def __init__(self, handle: FileHandle) -> None:
        self._handle = handle
        self._position = 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._position

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        bases = {io.SEEK_SET: 0, io.SEEK_CUR: self._position}
        base = bases[whence] if whence in bases else self._handle.stat().size
        self._position = base + offset
        return self._position

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        piece = self._handle.read(self._position, len(buffer))
        buffer[: len(piece)] = piece
        self._position += len(piece)
        return len(piece)
