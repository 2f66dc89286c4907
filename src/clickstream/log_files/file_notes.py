"""What a read of a log file notes for later reads: which file it was, and where its batches begin.

`read_log` fills the notes. `log_facts` keeps them, and reads a file that has grown from its last
batches on.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from hashlib import blake2b
from stat import S_ISREG

from clickstream.log_files.written_offsets import (
    WrittenOffsets,
    merge_offsets,
    sample_offsets,
)
from clickstream.parse.format_changes import FormatState, Position

CHECKED_BYTES = 4096
"""Bytes at the start of a file, and before the end that was read, by which it is recognized."""


@dataclass(frozen=True)
class Start:
    """Where a batch begins: its byte, the number of its first line, and the format of its lines.

    `hour` is the number of the hour of the line before it; None if that is unknown.
    """

    offset: int = 0
    line: int = 1
    log_format: str = ""
    hour: int | None = None


BEGIN = Start()


@dataclass(frozen=True)
class FileIdentity:
    """A regular file at the time at which it was opened. `head` and `tail` are digests."""

    device: int
    inode: int
    size: int
    modified_ns: int
    head: str
    tail: str

    @classmethod
    def of(cls, descriptor: int) -> FileIdentity | None:
        """Return the identity of an open file; None for a pipe. Raises OSError."""
        found = os.fstat(descriptor)
        if not S_ISREG(found.st_mode):
            return None
        ends = digests_of_ends(descriptor, found.st_size)
        return cls(found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns, *ends)


def digests_of_ends(descriptor: int, size: int) -> tuple[str, str]:
    """Return digests of the first and of the last bytes before `size`; the position stays."""
    some = min(size, CHECKED_BYTES)
    ends = os.pread(descriptor, some, 0), os.pread(descriptor, some, size - some)
    head, tail = (blake2b(end, digest_size=16).hexdigest() for end in ends)
    return head, tail


@dataclass
class FileNotes:
    """The notes of one read of a file; `starts` has the start of each batch.

    `identity` is None if the file can't be recognized later. `is_divisible` is whether a later read
    may begin at these starts: not if the file is compressed or damaged, or if its lines depend on
    those before them. `ends_line` is whether the last line has its newline. `offsets` are those of
    some lines.
    """

    identity: FileIdentity | None = None
    starts: list[Start] = field(default_factory=list)
    is_divisible: bool = False
    ends_line: bool = True
    offsets: WrittenOffsets = field(default_factory=dict)
    _bytes: int = 0
    _next: Start | None = BEGIN
    _is_plain: bool = True

    def open(self, descriptor: int, start: Start) -> None:
        """Note the file that is read from `start` on."""
        with contextlib.suppress(OSError):
            self.identity = FileIdentity.of(descriptor)
        self._bytes, self._next = start.offset, start

    def count(self, blocks: Iterable[bytes]) -> Iterator[bytes]:
        """Pass blocks on, count their bytes, and note the offsets of their times."""
        for block in blocks:
            self.note_offsets(block)
            self._bytes += len(block)
            self.ends_line = block.endswith(b"\n")
            yield block

    def note_offsets(self, block: bytes) -> None:
        """Note the offsets of the times of a block."""
        self.offsets = merge_offsets((self.offsets, sample_offsets(block)))

    def add_batch(self, log_format: str, position: Position) -> None:
        """Note a batch that was parsed; the next one begins at `position`."""
        state = position.state or FormatState(log_format)
        self._is_plain &= self._next is not None
        self._is_plain &= (state.log_format, state.header) == (log_format, b"")
        self.starts.append(self._next or BEGIN)
        is_start = not state.leaned  # otherwise lines before it decide about its format
        self._next = Start(self._bytes, position.line, log_format) if is_start else None

    def end(self, end: int) -> None:
        """Note that the file was read up to byte `end`.

        If other bytes were parsed, offsets are wrong: the file is compressed, or some were left
        out.
        """
        self.is_divisible = self._is_plain and self._bytes == end
