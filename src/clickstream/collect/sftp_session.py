"""The requests of a pull to an SFTP server. Every answer passes here, and is not trusted.

Errors of files are separated from errors of the connection. An answer that breaks the protocol
ends the pull, and so does a limit of its budget (`limits`).
"""

from __future__ import annotations

import asyncio
import errno
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from functools import partial
from typing import Any, TypeVar

import asyncssh

from clickstream.collect.limits import ANSWER_SECONDS, REPAIR_SERVER, Budget
from clickstream.collect.source import FileStat, HostFileError
from clickstream.collect.ssh import SHOWN_CHARACTERS
from clickstream.core.errors import UnusableAnswer
from clickstream.core.wording import printable

Answer = TypeVar("Answer")

LAST_MTIME = (1 << 32) - 1
"""The last time that SFTP 3 can express, in Unix seconds."""


class HostFileGone(HostFileError, FileNotFoundError):
    """The host has no file of this name."""


class HostFileRefused(HostFileError, PermissionError):
    """The account has no permission to do this with the file."""


@dataclass(frozen=True)
class SftpSession:
    """A connected SFTP client with the budget of the pull.

    All methods raise HostFileError for an error of a file, UnusableAnswer, PullLimitReached, and
    errors of asyncssh or TimeoutError for the connection.
    """

    client: asyncssh.SFTPClient
    budget: Budget

    async def ask(self, request: Callable[..., Awaitable[Answer]], *arguments: Any) -> Answer:
        """Send a request, and wait for its answer. No request is sent after the pull's time."""
        self.budget.check_time()
        return await self.wait(request(*arguments))

    async def wait(self, answer: Awaitable[Answer]) -> Answer:
        """Wait for an answer with a time limit."""
        try:
            return await asyncio.wait_for(answer, self.budget.answer_seconds)
        except TimeoutError:
            self.budget.check_time()
            raise TimeoutError(f"no complete answer in {ANSWER_SECONDS} seconds") from None
        except asyncssh.SFTPNoSuchFile as error:
            raise HostFileGone(errno.ENOENT, shown(error)) from None
        except asyncssh.SFTPPermissionDenied as error:
            raise HostFileRefused(errno.EACCES, shown(error)) from None
        except (
            asyncssh.SFTPFailure,
            asyncssh.SFTPBadMessage,
            asyncssh.SFTPOpUnsupported,
        ) as error:
            raise HostFileError(errno.EIO, f"the host reports: {shown(error)}") from None
        except (LookupError, ValueError, OverflowError) as error:  # of asyncssh, which decodes it
            raise self.unusable(f"sends an answer that can't be decoded ({error})") from None

    def unusable(self, fault: str) -> UnusableAnswer:
        """Return the error for an answer that breaks the protocol."""
        return UnusableAnswer(f"{self.budget.host} {fault}. {REPAIR_SERVER}")

    async def real_path(self, path: bytes) -> bytes:
        """Return a path without links."""
        return await self.ask(self.client.realpath, path)

    async def entries(self, directory: bytes) -> AsyncIterator[tuple[bytes, asyncssh.SFTPAttrs]]:
        """Yield names and attributes in a directory, without `.` and `..`; links as links."""
        listing = self.client.scandir(directory)
        while entry := await self.ask(anext, listing, None):
            name = entry.filename
            if isinstance(name, bytes):  # as the client is started
                self.budget.count_name(name)
                if name not in (b".", b".."):
                    yield name, entry.attrs

    async def open(self, path: bytes) -> asyncssh.SFTPClientFile:
        """Open a file; each of its reads is one request."""
        opened = partial(self.client.open, encoding=None, block_size=0)
        return await self.ask(opened, path, "rb")

    async def read(self, opened: asyncssh.SFTPClientFile, size: int, offset: int) -> bytes:
        """Read up to `size` bytes by one request. The caller waits for it."""
        data: bytes = await opened.read(size, offset)
        if len(data) > size:
            raise self.unusable(f"answers a request of {size:,} bytes with {len(data):,}")
        self.budget.check_time()
        self.budget.count_bytes(len(data))
        return data


def shown(error: asyncssh.Error) -> str:
    """Return a server's error message, shortened, without control characters."""
    return printable(error.reason[:SHOWN_CHARACTERS])


def file_stat(attributes: asyncssh.SFTPAttrs) -> FileStat:
    """Return size and time of a file from its attributes. Raises HostFileError without a size."""
    if attributes.size is None:
        raise HostFileError(errno.EIO, "the host does not report its size")
    return FileStat(attributes.size, min(int(attributes.mtime or 0), LAST_MTIME) * 1_000_000_000)
