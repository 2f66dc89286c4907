"""Answers of an SFTP server: wait for them, and tell errors of files from those of connections."""

from __future__ import annotations

import asyncio
import errno
from collections.abc import Awaitable
from typing import TypeVar

import asyncssh

from clickstream.collect.source import HostFileError

Answer = TypeVar("Answer")

ANSWER_SECONDS = 60
"""An SFTP server that sends nothing for so long is given up, though its host answers."""


class HostFileGone(HostFileError, FileNotFoundError):
    """The host has no file of this name."""


class HostFileRefused(HostFileError, PermissionError):
    """The account may not do this with the file."""


async def answer(asked: Awaitable[Answer]) -> Answer:
    """Wait for an answer, but not for ever. Raises HostFileError, and errors of asyncssh."""
    try:
        return await asyncio.wait_for(asked, ANSWER_SECONDS)
    except asyncssh.SFTPNoSuchFile as error:
        raise HostFileGone(errno.ENOENT, error.reason) from None
    except asyncssh.SFTPPermissionDenied as error:
        raise HostFileRefused(errno.EACCES, error.reason) from None
    except (asyncssh.SFTPFailure, asyncssh.SFTPBadMessage, asyncssh.SFTPOpUnsupported) as error:
        raise HostFileError(errno.EIO, f"the host says: {error.reason}") from None
