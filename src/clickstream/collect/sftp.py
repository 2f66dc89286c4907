"""The source `sftp`: log files in a directory of another host, read over SSH.

It uses only the SFTP subsystem: no command runs on the host, and nothing is written there. Files
outside the directory are never read, even if a link in it leads there.
"""

from __future__ import annotations

import asyncio
import errno
import posixpath
from collections.abc import Coroutine, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import asyncssh

from clickstream.collect import event_loop, ssh
from clickstream.collect.hosts import Host, HostLogin
from clickstream.collect.limits import LIMITS, Budget, PullLimits
from clickstream.collect.patterns import Pattern
from clickstream.collect.remote_file import Rate, RemoteBytes, RemoteFile
from clickstream.collect.remote_walk import Walk, encoded, is_inside, text_of
from clickstream.collect.sftp_session import HostFileGone, SftpSession
from clickstream.collect.source import FileHandle, HostFileError, LeftOut, ListedFile
from clickstream.errors import LoginRefused, MissingDirectory, UnreadableLog
from clickstream.wording import printable

Answer = TypeVar("Answer")

NOT_ITSELF = "the host resolves its path to another file, or to one outside the directory"


@contextmanager
def connect(
    host: Host,
    login: HostLogin,
    known_hosts: Path,
    connect_seconds: float,
    limits: PullLimits = LIMITS,
) -> Iterator[SftpSource]:
    """Log in to a host and return its files; the connection is closed when the block ends.

    Raises HostKeyRefused, HostUnreachable, or InputError for a login that does not work. Later,
    the files also raise UnusableAnswer, and PullLimitReached at one of the `limits`.
    """
    budget = Budget(ssh.describe_host(host, login), limits)
    connection = event_loop.run(ssh.connect(host, login, known_hosts, connect_seconds))
    try:
        client = event_loop.run(_start_client(connection, host, login, connect_seconds))
        rate = Rate(host.source.max_kb_per_second * 1_000)
        yield SftpSource(host, login, SftpSession(client, budget), rate)
    finally:
        event_loop.run(_close(connection))


async def _start_client(
    connection: asyncssh.SSHClientConnection, host: Host, login: HostLogin, seconds: float
) -> asyncssh.SFTPClient:
    """Start the SFTP subsystem. Names stay bytes, since a host's names may have any encoding."""
    with ssh.translate_errors(host, login):
        try:
            started = connection.start_sftp_client(path_encoding=None)
            return await asyncio.wait_for(started, seconds)
        except (asyncssh.ChannelOpenError, asyncssh.SFTPError) as error:
            await asyncio.sleep(0)  # lets a lost connection be marked as closed
            if connection.is_closed():
                raise
            raise LoginRefused(
                f"{ssh.describe_host(host, login)} offers {login.user} no SFTP ({error.reason}): "
                "set the subsystem sftp to internal-sftp in its sshd, which needs no shell."
            ) from None


async def _close(connection: asyncssh.SSHClientConnection) -> None:
    connection.close()
    with suppress(TimeoutError, OSError, asyncssh.Error):
        await asyncio.wait_for(connection.wait_closed(), ssh.CLOSE_SECONDS)
    connection.abort()


@dataclass(frozen=True)
class SftpSource:
    """The files of a host's directory whose names match a pattern."""

    host: Host
    login: HostLogin
    session: SftpSession
    rate: Rate
    last_walk: list[Walk] = field(default_factory=list, repr=False, compare=False)
    """The walk of the last listing."""

    def list(self) -> list[ListedFile]:
        """List the regular files. Raises InputError if the directory can't be listed."""
        found = self._walk().files
        return [ListedFile(text_of(name), found[name]) for name in sorted(found)]

    def list_left_out(self) -> Sequence[LeftOut]:
        """Return matching names that can't be pulled, and why: links, unlistable directories."""
        [walk] = self.last_walk or [self._walk()]
        return sorted(walk.left_out)

    def list_names(self) -> Sequence[str]:
        """List the names in the directory itself, whether they match or not."""
        with self._explain_refused_directory():
            return self._run(self._names())

    @contextmanager
    def open(self, name: str) -> Iterator[FileHandle]:
        """Open a file for as long as the block runs.

        Raises FileNotFoundError if no file of the directory has this name any more, and InputError
        if the account can't read it.
        """
        try:
            opened = self._run(_open_inside(self.session, self._path, encoded(name)))
        except HostFileGone:
            raise
        except HostFileError as error:
            raise UnreadableLog(
                f"can't be opened ({error.strerror}): let the account {self.login.user} read it, "
                "for example by its group."
            ) from None
        file = RemoteFile(RemoteBytes(opened, self.session, self.rate), self._translate_errors)
        try:
            yield file
        finally:
            file.close()

    def _walk(self) -> Walk:
        walk = Walk(self.session, self._path)
        with self._explain_refused_directory():
            self._run(walk.find(Pattern.parse(self.host.source.pattern)))
        self.last_walk[:] = [walk]
        return walk

    async def _names(self) -> Sequence[str]:
        self.session.budget.begin_listing()
        return sorted([text_of(name) async for name, _ in self.session.entries(self._path)])

    @property
    def _path(self) -> bytes:
        return encoded(self.host.source.path)

    def _run(self, coroutine: Coroutine[Any, Any, Answer]) -> Answer:
        with self._translate_errors():
            return event_loop.run(coroutine)

    @contextmanager
    def _translate_errors(self) -> Iterator[None]:
        with ssh.translate_errors(self.host, self.login):
            yield

    @contextmanager
    def _explain_refused_directory(self) -> Iterator[None]:
        """Raise InputError with the remedy if the directory can't be listed."""
        path, user = printable(self.host.source.path), self.login.user
        name = ssh.describe_host(self.host, self.login)
        try:
            yield
        except FileNotFoundError:
            raise MissingDirectory.of(
                f"{name} has no directory {path}, or {user} can't see it"
            ) from None
        except PermissionError:
            raise UnreadableLog(
                f"{user} may not list {path} on {name}: let it read the directory, for example "
                f"by its group: usermod -aG adm {user}"
            ) from None
        except HostFileError as error:
            raise UnreadableLog(
                f"{user} can't list {path} on {name} ({error.strerror}): check the disk and the "
                "SFTP server of the host."
            ) from None


async def _open_inside(session: SftpSession, root: bytes, name: bytes) -> asyncssh.SFTPClientFile:
    """Open a file, and verify that it is inside the directory.

    SFTP can't refuse links. So the path is resolved before and after the file is opened; a server
    answers requests in order. If the results differ, a link has replaced the file.
    """
    path = posixpath.join(root, name)
    before, opened, after, real_root = await asyncio.gather(
        session.real_path(path),
        session.open(path),
        session.real_path(path),
        session.real_path(root),
        return_exceptions=True,
    )
    if isinstance(opened, BaseException):
        raise opened
    if before != after or not is_inside(before, real_root):
        await session.ask(opened.close)
        raise _ended(before, after, real_root) or HostFileGone(errno.ENOENT, NOT_ITSELF)
    return opened


def _ended(*answers: object) -> BaseException | None:
    """Return the error that ends the pull, if one of the answers is such an error."""
    errors = [one for one in answers if isinstance(one, BaseException)]
    return next((one for one in errors if not isinstance(one, HostFileError)), None)
