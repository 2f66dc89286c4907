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
from clickstream.collect.sftp_session import SftpSession, file_stat
from clickstream.collect.source import FileStat
from clickstream.core.errors import ClickstreamError

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
    """An open file, and how it is read."""

    opened: asyncssh.SFTPClientFile
    session: SftpSession
    rate: Rate

    @property
    def block(self) -> int:
        """Bytes of one request."""
        largest = self.session.client.limits.max_read_len or SAFE_BLOCK
        return min(largest, LARGE_BLOCK, self.rate.at_once)

    @property
    def requests(self) -> int:
        """How many requests to send at a time."""
        return max(1, min(self.rate.at_once // self.block, 64))


@dataclass
class RemoteFile:
    """An open file of a host. `translated` converts a connection's errors into this library's.

    It ends where its last `stat` saw its end, so that a server can't lengthen it without limit.
    """

    file: RemoteBytes
    translated: Callable[[], AbstractContextManager[None]]
    _end: int | None = field(default=None, repr=False)
    _ahead: _Ahead | None = field(default=None, repr=False)

    def stat(self) -> FileStat:
        """Return size and time of the open file; SFTP has no inodes and only whole seconds."""
        session = self.file.session
        with self.translated():
            status = file_stat(event_loop.run(session.ask(self.file.opened.stat)))
        self._end = status.size
        return status

    def read(self, offset: int, size: int) -> bytes:
        """Read up to `size` bytes; fewer only at the end of the file.

        Raises OSError if the host can't read its own file, HostUnreachable, UnusableAnswer and
        PullLimitReached.
        """
        end = self.stat().size if self._end is None else self._end
        size = max(0, min(size, end - offset))
        if size < AHEAD_FROM:
            return self._fetch(offset, size)
        data = self._take_ahead(offset, size)
        if len(data) < size:
            data += self._fetch(offset + len(data), size - len(data))
        if len(data) == size and offset + size < end:
            begin = offset + size - OVERLAP
            next_size = min(size + OVERLAP, end - begin)
            fetched = event_loop.start(read_range(self.file, begin, next_size))
            self._ahead = _Ahead(begin, next_size, fetched)
        return data

    def skip_hole(self, offset: int) -> int:
        """Return `offset`: SFTP does not report holes."""
        return offset

    def close(self) -> None:
        """Close the file without waiting for it, and drop a range that is being fetched ahead."""
        self._drop_ahead()
        event_loop.start(_close(self.file))

    def _fetch(self, offset: int, size: int) -> bytes:
        with self.translated():
            return _join_pieces(event_loop.run(read_range(self.file, offset, size)), 0, size)

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


async def _close(file: RemoteBytes) -> None:
    with suppress(ClickstreamError, asyncssh.Error, OSError):  # the next request reports it
        await file.session.ask(file.opened.close)


async def read_range(file: RemoteBytes, offset: int, size: int) -> Pieces:
    """Read a range by several requests at a time; shorter only at the end of the file.

    The answers are used in order, and the first short one ends the range. So a file that shrinks
    and grows meanwhile leaves no gap. (`SFTPClientFile.read` of the whole range would fill it with
    zeros.)
    """
    pieces: Pieces = deque()
    pending: deque[tuple[int, asyncio.Task[bytes]]] = deque()
    at, end = offset, offset + size
    try:
        while at < end or pending:
            while at < end and len(pending) < file.requests:
                await file.rate.wait()
                wanted = min(file.block, end - at)
                pending.append((wanted, asyncio.ensure_future(_read_block(file, at, wanted))))
                at += wanted
            wanted, task = pending.popleft()
            data = await file.session.wait(task)
            file.rate.count(len(data))
            pieces.append(data)
            if len(data) < wanted:
                break
    finally:
        for _, task in pending:
            task.cancel()
        await asyncio.gather(*(task for _, task in pending), return_exceptions=True)
    return pieces


async def _read_block(file: RemoteBytes, offset: int, size: int) -> bytes:
    """Read a block; a server may return less than requested, and has more then."""
    data = await file.session.read(file.opened, size, offset)
    while 0 < len(data) < size:
        more = await file.session.read(file.opened, size - len(data), offset + len(data))
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
