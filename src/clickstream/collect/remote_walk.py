"""Find the files of a directory of another host over SFTP by a pattern.

Only regular files count. A link counts if it leads to a regular file inside the directory, which
may itself be a link.
"""

from __future__ import annotations

import asyncio
import posixpath
from collections.abc import Iterable
from dataclasses import dataclass, field
from stat import S_ISDIR, S_ISLNK, S_ISREG

import asyncssh

from clickstream.collect.patterns import Pattern
from clickstream.collect.sftp_answers import HostFileGone, HostFileRefused, answer
from clickstream.collect.source import LEADS_NOWHERE, LEADS_OUT, HostFileError, LeftOut

UNLISTABLE = "is a directory that the account may not list"


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
    """A walk through a directory: matching files so far, and names left out."""

    client: asyncssh.SFTPClient
    root: bytes
    real_root: bytes = b""
    files: dict[bytes, asyncssh.SFTPAttrs] = field(default_factory=dict)
    left_out: list[LeftOut] = field(default_factory=list)

    async def find(self, pattern: Pattern) -> None:
        """Find the files. Raises the server's error if the directory can't be listed."""
        self.real_root = await answer(self.client.realpath(self.root))
        todo = [(b"", pattern)]
        while todo:
            directory, below = todo.pop()
            todo += await self._scan(directory, below)

    async def _scan(self, directory: bytes, pattern: Pattern) -> list[tuple[bytes, Pattern]]:
        """Collect the files of one directory, and return the directories that may have more."""
        try:
            entries = await list_entries(self.client, posixpath.join(self.root, directory))
        except (HostFileGone, HostFileRefused) as error:
            if not directory:
                raise
            if isinstance(error, HostFileRefused):
                self.left_out.append(LeftOut(text_of(directory), UNLISTABLE, is_refused=True))
            return []
        entries = {posixpath.join(directory, name): found for name, found in entries.items()}
        links = [name for name, one in entries.items() if S_ISLNK(one.permissions or 0)]
        wanted = [name for name in links if _concerns(pattern, name)]
        entries |= await self._follow(wanted)
        for name, found in entries.items():
            if S_ISREG(found.permissions or 0) and pattern.matches(_last(name)):
                self.files[name] = found
        return [
            (name, below)
            for name, found in entries.items()
            if S_ISDIR(found.permissions or 0)
            and (below := pattern.below(_last(name), name in links))
        ]

    async def _follow(self, links: Iterable[bytes]) -> dict[bytes, asyncssh.SFTPAttrs]:
        """Return the targets of links inside the directory; other links are left out."""
        found: dict[bytes, asyncssh.SFTPAttrs] = {}
        for name in links:
            path = posixpath.join(self.root, name)
            real, target = await asyncio.gather(
                answer(self.client.realpath(path)),
                answer(self.client.stat(path)),
                return_exceptions=True,
            )
            if isinstance(target, HostFileRefused):
                self.left_out.append(LeftOut(text_of(name), LEADS_OUT))
            elif isinstance(target, HostFileError):
                self.left_out.append(LeftOut(text_of(name), LEADS_NOWHERE))
            elif isinstance(target, BaseException):
                raise target
            elif real == self.real_root or is_inside(real, self.real_root):
                found[name] = target
            else:
                self.left_out.append(LeftOut(text_of(name), LEADS_OUT))
        return found


def _concerns(pattern: Pattern, name: bytes) -> bool:
    """Return whether a link's target may be one of the files, or a directory of them."""
    last = _last(name)
    return pattern.matches(last) or pattern.below(last, is_link=True) is not None


def _last(name: bytes) -> str:
    return text_of(posixpath.basename(name))


async def list_entries(client: asyncssh.SFTPClient, path: bytes) -> dict[bytes, asyncssh.SFTPAttrs]:
    """Return names and attributes in a directory; links are not followed."""
    found = {}
    entries = client.scandir(path)
    while entry := await answer(anext(entries, None)):
        name = entry.filename
        if isinstance(name, bytes) and name not in (b".", b".."):
            found[name] = entry.attrs
    for name, attributes in found.items():
        if attributes.permissions is None:  # some servers list no file types
            found[name] = await answer(client.lstat(posixpath.join(path, name)))
    return found
