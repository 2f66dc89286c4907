"""Wait for answers of an SFTP server, and separate errors of files from errors of connections."""

from __future__ import annotations

import asyncio
import errno
from collections.abc import Awaitable
from typing import TypeVar

import asyncssh

from clickstream.collect.source import HostFileError

Answer = TypeVar("Answer")

ANSWER_SECONDS = 60
"""Seconds without an answer after which a request fails, even if the host still responds."""


class HostFileGone(HostFileError, FileNotFoundError):
    """The host has no file of this name."""


class HostFileRefused(HostFileError, PermissionError):
    """The account has no permission to do this with the file."""


async def answer(asked: Awaitable[Answer]) -> Answer:
    """Wait for an answer with a time limit. Raises HostFileError, and errors of asyncssh."""
    try:
        return await asyncio.wait_for(asked, ANSWER_SECONDS)
    except asyncssh.SFTPNoSuchFile as error:
        raise HostFileGone(errno.ENOENT, error.reason) from None
    except asyncssh.SFTPPermissionDenied as error:
        raise HostFileRefused(errno.EACCES, error.reason) from None
    except (asyncssh.SFTPFailure, asyncssh.SFTPBadMessage, asyncssh.SFTPOpUnsupported) as error:
        raise HostFileError(errno.EIO, f"the host reports: {error.reason}") from None
