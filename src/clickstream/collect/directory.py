"""The source `directory`: log files in a local directory, found by a pattern."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from clickstream.collect.local_walk import NO_FILE, LocalWalk, real_path
from clickstream.collect.patterns import Pattern
from clickstream.collect.permissions import explain_refusal
from clickstream.collect.source import FileHandle, FileStat, LeftOut, ListedFile
from clickstream.errors import MissingDirectory, UnreadableLog

_NO_LINK = os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW


@dataclass(frozen=True)
class DirectorySource:
    """The files of a directory whose names match a pattern.

    A link counts if it leads to a regular file inside the directory; no file outside is ever read.
    """

    path: Path
    pattern: str
    last_walk: list[LocalWalk] = field(default_factory=list, repr=False, compare=False)
    """The walk of the last listing."""

    def list(self) -> list[ListedFile]:
        """List the regular files. Raises InputError if the directory can't be listed."""
        files = self._walk().files
        return [ListedFile(name, _file_stat(found)) for name, found in sorted(files.items())]

    def list_left_out(self) -> Sequence[LeftOut]:
        """Return matching names that can't be read, or are links to no file or to outside."""
        [walk] = self.last_walk or [self._walk()]
        return sorted(walk.left_out)

    def list_names(self) -> Sequence[str]:
        """List the names in the directory itself, whether they match or not."""
        with self._translate_errors():
            return sorted(path.name for path in self.path.iterdir())

    def _walk(self) -> LocalWalk:
        walk = LocalWalk(self.path)
        with self._translate_errors():
            walk.find(Pattern.parse(self.pattern))
        self.last_walk[:] = [walk]
        return walk

    @contextmanager
    def _translate_errors(self) -> Iterator[None]:
        try:
            yield
        except PermissionError:
            raise UnreadableLog(f"Can't list {self.path}: {explain_refusal(self.path)}.") from None
        except FileNotFoundError:
            raise MissingDirectory.of(f"{self.path} does not exist") from None
        except OSError as error:
            if error.errno in NO_FILE:
                text = f"{self.path} is not a directory; set the source's path to one."
                raise UnreadableLog(text) from None
            raise UnreadableLog(f"Can't list {self.path}: {error.strerror}.") from None

    @contextmanager
    def open(self, name: str) -> Iterator[FileHandle]:
        """Open a file for as long as the block runs, if it is one of the directory's."""
        try:
            descriptor = _open_inside(real_path(self.path), real_path(self.path / name))
        except (FileNotFoundError, ValueError):  # ValueError: a link that leads out
            raise FileNotFoundError(self.path / name) from None
        except PermissionError:
            raise UnreadableLog(f"can't be opened: {explain_refusal(self.path / name)}.") from None
        except OSError as error:
            if error.errno in NO_FILE:
                raise FileNotFoundError(self.path / name) from None
            raise UnreadableLog(f"can't be opened ({error.strerror}): check the disk.") from None
        try:
            yield _LocalFile(descriptor)
        finally:
            os.close(descriptor)


def _open_inside(root: Path, path: Path) -> int:
    """Open a file below a directory; both paths are without links, and new links are refused."""
    *directories, name = path.relative_to(root).parts
    at = os.open(root, os.O_RDONLY | os.O_CLOEXEC | os.O_DIRECTORY)
    try:
        for part in directories:
            below = os.open(part, _NO_LINK | os.O_DIRECTORY, dir_fd=at)
            os.close(at)
            at = below
        return os.open(name, _NO_LINK | os.O_NONBLOCK, dir_fd=at)  # opening a pipe does not wait
    finally:
        os.close(at)


@dataclass(frozen=True)
class _LocalFile:
    """An open file of this machine."""

    descriptor: int

    def stat(self) -> FileStat:
        """Return size, time and inode of the open file."""
        return _file_stat(os.fstat(self.descriptor))

    def read(self, offset: int, size: int) -> bytes:
        """Read up to `size` bytes; fewer only at the end of the file."""
        pieces: list[bytes] = []
        while size and (piece := os.pread(self.descriptor, size, offset)):
            pieces.append(piece)
            offset += len(piece)
            size -= len(piece)
        return pieces[0] if len(pieces) == 1 else b"".join(pieces)

    def skip_hole(self, offset: int) -> int:
        """Return the offset of the next bytes that the file system stores, or the file's end."""
        try:
            return os.lseek(self.descriptor, offset, os.SEEK_DATA)
        except OSError as error:
            return max(offset, self.stat().size) if error.errno == errno.ENXIO else offset


def _file_stat(found: os.stat_result) -> FileStat:
    return FileStat(found.st_size, found.st_mtime_ns, found.st_ino)
