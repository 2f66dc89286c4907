"""The source `sftp`: log files in a directory of another host, read over SSH.

It uses only the SFTP subsystem: no command runs on the host, and nothing is written there. Files
outside the directory are never read, even if a link in it leads there.
"""

from __future__ import annotations

import asyncio
import errno
import posixpath
from collections.abc import AsyncIterator, Coroutine, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from stat import S_ISDIR, S_ISLNK, S_ISREG
from typing import Any, TypeVar

import asyncssh

from clickstream.collect import event_loop, ssh
from clickstream.collect.hosts import Host, HostLogin
from clickstream.collect.limits import LIMITS, Budget, PullLimits
from clickstream.collect.patterns import Pattern
from clickstream.collect.sftp_file import Rate, RemoteBytes, RemoteFile
from clickstream.collect.sftp_session import HostFileGone, HostFileRefused, SftpSession, file_stat
from clickstream.collect.source import (
    LEADS_NOWHERE,
    LEADS_OUT,
    FileHandle,
    FileStat,
    HostFileError,
    LeftOut,
    ListedFile,
)
from clickstream.core.errors import LoginRefused, MissingDirectory, UnreadableLog
from clickstream.core.wording import printable

# Find the files of a directory of another host over SFTP by a pattern.
#
# Only regular files count. A link counts if it leads to a regular file inside the directory, which
# may itself be a link.

UNLISTABLE = "is a directory that the account may not list"
TOO_DEEP = "is a directory too deep below the source's path: set the path to one closer to the logs"


def text_of(name: bytes) -> str:
    """Return a name of the host as text; bytes that are not UTF-8 survive the round trip."""
    return name.decode("utf-8", "surrogateescape")


def encoded(name: str) -> bytes:
    """Return the bytes of a name that `text_of` returned."""
    return name.encode("utf-8", "surrogateescape")


def is_inside(path: object, root: object) -> bool:
    """Return whether a path without links is below another; False if one of them is no path."""
    if not isinstance(path, bytes) or not isinstance(root, bytes):
        return False
    return path.startswith(root.rstrip(b"/") + b"/")


@dataclass
class Walk:
    """A walk through a directory: matching files so far, and names left out.

    Only these are kept in memory, since a server may list any number of other names.
    """

    session: SftpSession
    root: bytes
    real_root: bytes = b""
    files: dict[bytes, FileStat] = field(default_factory=dict)
    left_out: list[LeftOut] = field(default_factory=list)
    _todo: list[tuple[bytes, Pattern]] = field(default_factory=list)

    async def find(self, pattern: Pattern) -> None:
        """Find the files. Raises the server's error if the directory can't be listed."""
        self.session.budget.begin_listing()
        self.real_root = await self.session.real_path(self.root)
        self._todo.append((b"", pattern))
        while self._todo:
            await self._scan(*self._todo.pop())

    async def _scan(self, directory: bytes, pattern: Pattern) -> None:
        """Collect the files of one directory, and the directories that may have more."""
        links: list[bytes] = []
        try:
            async for name, attributes in self._entries(directory):
                last = _last(name)
                if not S_ISLNK(attributes.permissions or 0):
                    self._take(name, attributes, pattern)
                elif pattern.matches(last) or pattern.below(last, is_link=True):
                    links.append(name)  # its target may be one of the files, or a directory of them
        except HostFileError as error:
            if not directory:
                raise
            if not isinstance(error, HostFileGone):
                is_forbidden = isinstance(error, HostFileRefused)
                reason = UNLISTABLE if is_forbidden else f"can't be listed: {error.strerror}"
                self._refuse(directory, reason)
        await self._follow(links, pattern)

    async def _entries(self, directory: bytes) -> AsyncIterator[tuple[bytes, asyncssh.SFTPAttrs]]:
        """Yield names below the root, with attributes; links are not followed."""
        untyped: list[bytes] = []
        async for last, attributes in self.session.entries(self._path(directory)):
            name = posixpath.join(directory, last)
            if attributes.permissions is None:  # some servers list no file types
                untyped.append(name)
            else:
                yield name, attributes
        for name in untyped:
            with suppress(HostFileGone):
                yield name, await self.session.ask(self.session.client.lstat, self._path(name))

    def _take(
        self, name: bytes, attributes: asyncssh.SFTPAttrs, pattern: Pattern, is_link: bool = False
    ) -> None:
        """Collect a matching file, or a directory that may have some."""
        mode = attributes.permissions or 0
        if S_ISDIR(mode) and (below := pattern.below(_last(name), is_link)):
            if name.count(b"/") < self.session.budget.limits.depth:
                self._todo.append((name, below))
            else:
                self._refuse(name, TOO_DEEP)
        elif S_ISREG(mode) and pattern.matches(_last(name)):
            try:
                self.files[name] = file_stat(attributes)
            except HostFileError as error:
                self._refuse(name, str(error.strerror))

    def _refuse(self, name: bytes, reason: str) -> None:
        self.left_out.append(LeftOut(text_of(name), reason, is_refused=True))

    def _path(self, name: bytes) -> bytes:
        return posixpath.join(self.root, name)

    async def _follow(self, links: Iterable[bytes], pattern: Pattern) -> None:
        """Collect the targets of links inside the directory; other links are left out."""
        for name in links:
            real, target = await asyncio.gather(
                self.session.real_path(self._path(name)),
                self.session.ask(self.session.client.stat, self._path(name)),
                return_exceptions=True,
            )
            if isinstance(target, HostFileRefused):
                self.left_out.append(LeftOut(text_of(name), LEADS_OUT))
            elif isinstance(target, HostFileError):
                self.left_out.append(LeftOut(text_of(name), LEADS_NOWHERE))
            elif isinstance(target, BaseException):
                raise target
            elif real == self.real_root or is_inside(real, self.real_root):
                self._take(name, target, pattern, is_link=True)
            else:
                self.left_out.append(LeftOut(text_of(name), LEADS_OUT))


def _last(name: bytes) -> str:
    return text_of(posixpath.basename(name))


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
        files = self._walk().files
        return [ListedFile(text_of(name), files[name]) for name in sorted(files)]

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
        for answer in (before, after, real_root):
            if isinstance(answer, BaseException) and not isinstance(answer, HostFileError):
                raise answer  # an error of the connection, which ends the pull
        raise HostFileGone(errno.ENOENT, NOT_ITSELF)
    return opened
