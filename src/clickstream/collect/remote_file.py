"""An open file of another host: ranges are read over SFTP, and the next one is fetched ahead.

The pull reads a large range, processes it, and reads the next one, which begins up to 1,024 bytes
and a line before the end of the last. So the next range is fetched while the pull processes the
last one. Small reads always ask the host, because they check whether the file was cut meanwhile.
"""

from __future__ import annotations

import asyncio
import io
import time
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future
from contextlib import AbstractContextManager, suppress
from dataclasses import dataclass, field

import asyncssh

from clickstream.collect import event_loop
from clickstream.collect.sftp_answers import answer
from clickstream.collect.source import FileStat, HostFileError

Pieces = deque[bytes]

SAFE_BLOCK = 32 << 10
"""Bytes of a read that every SFTP server answers; newer servers report how many more they allow."""

LARGE_BLOCK = 256 << 10
"""Limit of the bytes of a request; OpenSSH returns up to 255 KiB."""

LEAST_AT_ONCE, MOST_AT_ONCE = 4 << 10, 4 << 20
"""Bounds of the bytes that are requested from a host and have not arrived."""

AHEAD_FROM = 1 << 20
"""Minimum size of a read after which the next range is fetched ahead."""

OVERLAP = 64 << 10
"""Bytes before the end of a range at which the next one may begin."""


class Rate:
    """Keeps the reads from one host below a number of bytes per second; 0 is no limit."""

    def __init__(self, bytes_per_second: float) -> None:
        self._per_second = bytes_per_second
        self._free_at = 0.0

    @property
    def at_once(self) -> int:
        """Limit of the bytes in flight, which are those of a quarter of a second."""
        if not self._per_second:
            return MOST_AT_ONCE
        return min(max(int(self._per_second / 4), LEAST_AT_ONCE), MOST_AT_ONCE)

    async def wait(self) -> None:
        """Wait until the bytes received so far are within the rate."""
        if self._per_second:
            await asyncio.sleep(max(0.0, self._free_at - time.monotonic()))

    def count(self, size: int) -> None:
        """Count received bytes."""
        if self._per_second:
            begin = max(time.monotonic(), self._free_at)
            self._free_at = begin + size / self._per_second


@dataclass(frozen=True)
class _Ahead:
    """A range that is being fetched, `size` bytes from `offset` on."""

    offset: int
    size: int
    pieces: Future[Pieces]

    def covers(self, offset: int, size: int) -> bool:
        return self.offset <= offset and offset + size <= self.offset + self.size


@dataclass(frozen=True)
class RemoteBytes:
    """An open file, and how it is read. It had `size` bytes when it was listed."""

    opened: asyncssh.SFTPClientFile
    size: int
    largest_read: int
    rate: Rate

    @property
    def block(self) -> int:
        """Bytes of one request."""
        return min(self.largest_read or SAFE_BLOCK, LARGE_BLOCK, self.rate.at_once)

    def requests(self, offset: int) -> int:
        """Return how many requests to send at a time: one after the expected end of the file."""
        return max(1, min(self.rate.at_once // self.block, 64)) if offset < self.size else 1


@dataclass
class RemoteFile:
    """An open file of a host. `translated` converts a connection's errors into this library's."""

    file: RemoteBytes
    translated: Callable[[], AbstractContextManager[None]]
    _ahead: _Ahead | None = field(default=None, repr=False)

    def stat(self) -> FileStat:
        """Return size and time of the open file; SFTP has no inodes and only whole seconds."""
        with self.translated():
            return file_stat(event_loop.run(answer(self.file.opened.stat())))

    def read(self, offset: int, size: int) -> bytes:
        """Read up to `size` bytes; fewer only at the end of the file.

        Raises OSError if the host can't read its own file, and HostUnreachable.
        """
        if size < AHEAD_FROM:
            return self._fetch(offset, size)
        data = self._take_ahead(offset, size)
        if len(data) < size:
            data += self._fetch(offset + len(data), size - len(data))
        if len(data) == size:
            self._fetch_ahead(offset + size - OVERLAP, size + OVERLAP)
        return data

    def skip_hole(self, offset: int) -> int:
        """Return `offset`: SFTP does not report holes."""
        return offset

    def close(self) -> None:
        """Close the file without waiting for it, and drop a range that is being fetched ahead."""
        self._drop_ahead()
        event_loop.start(_close(self.file.opened))

    def _fetch(self, offset: int, size: int) -> bytes:
        with self.translated():
            return _join_pieces(event_loop.run(read_range(self.file, offset, size)), 0, size)

    def _fetch_ahead(self, offset: int, size: int) -> None:
        fetched = read_range(self.file, offset, size)
        self._ahead = _Ahead(offset, size, event_loop.start(fetched))

    def _take_ahead(self, offset: int, size: int) -> bytes:
        """Return the beginning of a range that was fetched ahead; empty for another range."""
        ahead = self._ahead
        if ahead is None or not ahead.covers(offset, size):
            self._drop_ahead()
            return b""
        self._ahead = None
        with self.translated():
            return _join_pieces(ahead.pieces.result(), offset - ahead.offset, size)

    def _drop_ahead(self) -> None:
        if self._ahead:
            self._ahead.pieces.cancel()
            self._ahead = None


async def _close(opened: asyncssh.SFTPClientFile) -> None:
    with suppress(HostFileError, asyncssh.Error, OSError):  # the next request reports it
        await answer(opened.close())


async def read_range(file: RemoteBytes, offset: int, size: int) -> Pieces:
    """Read a range by several requests at a time; shorter only at the end of the file.

    The answers are used in order, and the first short one ends the range. So a file that shrinks
    and grows meanwhile leaves no gap. (`SFTPClientFile.read` of the whole range would fill it with
    zeros.)
    """
    pieces: Pieces = deque()
    asked: deque[tuple[int, asyncio.Task[bytes]]] = deque()
    at, end = offset, offset + size
    try:
        while at < end or asked:
            while at < end and len(asked) < file.requests(at):
                await file.rate.wait()
                wanted = min(file.block, end - at)
                asked.append((wanted, asyncio.ensure_future(_read_block(file.opened, at, wanted))))
                at += wanted
            wanted, task = asked.popleft()
            data = await answer(task)
            file.rate.count(len(data))
            pieces.append(data)
            if len(data) < wanted:
                break
    finally:
        for _, task in asked:
            task.cancel()
        await asyncio.gather(*(task for _, task in asked), return_exceptions=True)
    return pieces


async def _read_block(opened: asyncssh.SFTPClientFile, offset: int, size: int) -> bytes:
    """Read a block; a server may return less than requested, and has more then."""
    data: bytes = await opened.read(size, offset)
    while 0 < len(data) < size:
        more: bytes = await opened.read(size - len(data), offset + len(data))
        if not more:
            break
        data += more
    return data


def _join_pieces(pieces: Pieces, begin: int, size: int) -> bytes:
    """Copy some bytes of a range. Each piece is freed once it is copied, to save memory."""
    buffer = io.BytesIO()
    while pieces and buffer.tell() < size:
        piece = pieces.popleft()
        buffer.write(piece[begin : begin + size - buffer.tell()])
        begin = max(0, begin - len(piece))
    return buffer.getvalue()  # no copy: BytesIO returns the bytes that it has built


def file_stat(found: asyncssh.SFTPAttrs) -> FileStat:
    """Return size and time of a file from its SFTP attributes."""
    return FileStat(found.size or 0, int(found.mtime or 0) * 1_000_000_000)
