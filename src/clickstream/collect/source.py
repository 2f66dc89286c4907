"""The contract of every source of logs: list, open, stat of the open handle, read a range.

`pipeline.pull` needs no more than this of a source. All offsets and sizes count bytes as they are
stored, compressed or not; `collect.log` uncompresses them.

`is_named_access_log` is the rule for other files, such as error.log, in pulls and `clickstream
try`.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import PurePath
from typing import Protocol


@dataclass(frozen=True)
class FileStat:
    """Size in bytes, time of the last write in nanoseconds since 1970, and inode if known."""

    size: int
    modified_ns: int
    inode: int | None = None

    @property
    def is_remote(self) -> bool:
        """Whether the file is on another machine: SFTP has no inodes and only whole seconds."""
        return self.inode is None

    def identity(self, name: str) -> str:
        """Return a text that changes with each write; with an inode, it survives a rename."""
        return f"{name if self.inode is None else self.inode}-{self.size}-{self.modified_ns}"


@dataclass(frozen=True)
class ListedFile:
    """A file as the source listed it. By the time it is opened, another file may have its name."""

    name: str
    stat: FileStat

    @property
    def identity(self) -> str:
        """The identity at the time of the listing."""
        return self.stat.identity(self.name)


LEADS_OUT = "is a link that leads out of the directory"
LEADS_NOWHERE = "is a link to no file"


@dataclass(frozen=True, order=True)
class LeftOut:
    """A name that matches a source's pattern and is not pulled, and the reason.

    `is_refused` means that it may have lines that should be pulled: they are missing until an
    administrator lets the account read them.
    """

    name: str
    reason: str
    is_refused: bool = False


class HostFileError(OSError):
    """The host failed to read its own file; the connection works."""


class FileHandle(Protocol):
    """An open file. It stays the same file when its name is given to another file."""

    def stat(self) -> FileStat:
        """Return the current size, time and inode of this file, not of its name."""

    def read(self, offset: int, size: int) -> bytes:
        """Read up to `size` bytes; fewer only at the end of the file. Raises OSError."""

    def skip_hole(self, offset: int) -> int:
        """Return an offset up to which all bytes from `offset` on are known to be zeros.

        A source that can't detect holes of sparse files returns `offset`.
        """


class LogSource(Protocol):
    """A place that holds log files."""

    def list(self) -> list[ListedFile]:
        """List the files that may be access logs, by name.

        Raises InputError if they can't be listed.
        """

    def list_left_out(self) -> Sequence[LeftOut]:
        """Return names that match and were not listed, such as links out of the directory, and why.

        They are those of the last listing, if there was one, which saves another walk.
        """

    def list_names(self) -> Sequence[str]:
        """Return the names in the directory itself, whether they match or not."""

    def open(self, name: str) -> AbstractContextManager[FileHandle]:
        """Open a file that was listed.

        Raises FileNotFoundError if no file has this name any more, and InputError, with the remedy,
        if it can't be opened.
        """


def describe_failed_read(error: HostFileError) -> str:
    """Return why a file is refused that its host can't read."""
    return f"can't be read ({error.strerror}): check its host's disk."


def describe_gone(error: FileNotFoundError) -> str:
    """Return why a file is refused that could not be opened after either of two listings."""
    reason = error.strerror or "it does not exist"
    return (
        f"is listed, but can't be opened ({reason}): check the links in the directory, and the "
        "SFTP server of the host"
    )


def is_named_access_log(name: str) -> bool:
    """Return whether a file's name claims that it is an access log.

    Call it after `parse.detect` raised InputError, because none of the first 1,000 lines has a
    known format. A file that is named *access* is then an error; any other file is set aside.
    """
    return "access" in PurePath(name).name.lower()
