"""Find the files of a directory of another host over SFTP by a pattern.

Only regular files count. A link counts if it leads to a regular file inside the directory, which
may itself be a link.
"""

from __future__ import annotations

import asyncio
import posixpath
from collections.abc import AsyncIterator, Iterable
from contextlib import suppress
from dataclasses import dataclass, field
from stat import S_ISDIR, S_ISLNK, S_ISREG

import asyncssh

from clickstream.collect.patterns import Pattern
from clickstream.collect.sftp_session import HostFileGone, HostFileRefused, SftpSession, file_stat
from clickstream.collect.source import (
    LEADS_NOWHERE,
    LEADS_OUT,
    FileStat,
    HostFileError,
    LeftOut,
)

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
            async for name, found in self._entries(directory):
                if not S_ISLNK(found.permissions or 0):
                    self._take(name, found, pattern)
                elif _concerns(pattern, name):
                    links.append(name)
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
        async for last, found in self.session.entries(self._path(directory)):
            name = posixpath.join(directory, last)
            if found.permissions is None:  # some servers list no file types
                untyped.append(name)
            else:
                yield name, found
        for name in untyped:
            with suppress(HostFileGone):
                yield name, await self.session.ask(self.session.client.lstat, self._path(name))

    def _take(
        self, name: bytes, found: asyncssh.SFTPAttrs, pattern: Pattern, is_link: bool = False
    ) -> None:
        """Collect a matching file, or a directory that may have some."""
        mode = found.permissions or 0
        if S_ISDIR(mode) and (below := pattern.below(_last(name), is_link)):
            if name.count(b"/") < self.session.budget.limits.depth:
                self._todo.append((name, below))
            else:
                self._refuse(name, TOO_DEEP)
        elif S_ISREG(mode) and pattern.matches(_last(name)):
            try:
                self.files[name] = file_stat(found)
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


def _concerns(pattern: Pattern, name: bytes) -> bool:
    """Return whether a link's target may be one of the files, or a directory of them."""
    last = _last(name)
    return pattern.matches(last) or pattern.below(last, is_link=True) is not None


def _last(name: bytes) -> str:
    return text_of(posixpath.basename(name))
