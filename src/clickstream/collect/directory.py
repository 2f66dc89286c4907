"""The source `directory`: log files in a local directory, found by a pattern."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from stat import S_ISREG

from clickstream.collect.source import FileHandle, FileStat, ListedFile
from clickstream.errors import InputError

_NO_FILE = {errno.ENOENT, errno.ENOTDIR, errno.ELOOP}
"""Errors of a name that no file has: renamed or deleted since the listing, or a broken link."""


@dataclass(frozen=True)
class DirectorySource:
    """The files of a directory whose names match a pattern."""

    path: Path
    pattern: str

    def list(self) -> list[ListedFile]:
        """List the regular files. Raises InputError when the directory can't be listed."""
        try:
            found = [str(path.relative_to(self.path)) for path in self.path.glob(self.pattern)]
            files = [*self._listed(sorted(found))]
        except OSError as error:
            raise InputError(f"Can't list {self.path}: {error.strerror}.") from None
        if not self.path.is_dir():
            raise InputError(f"{self.path} is not a directory; set the source's path to one.")
        return files

    def _listed(self, names: Iterable[str]) -> Iterator[ListedFile]:
        for name in names:
            try:
                found = (self.path / name).stat()
            except OSError as error:
                if error.errno not in _NO_FILE:
                    raise
                continue
            if S_ISREG(found.st_mode):
                yield ListedFile(name, _file_stat(found))

    @contextmanager
    def open(self, name: str) -> Iterator[FileHandle]:
        """Open a file for as long as the block runs."""
        try:
            descriptor = os.open(self.path / name, os.O_RDONLY | os.O_CLOEXEC)
        except FileNotFoundError:
            raise
        except OSError as error:
            raise InputError(
                f"can't be opened ({error.strerror}): let the account that pulls read it."
            ) from None
        try:
            yield _LocalFile(descriptor)
        finally:
            os.close(descriptor)


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
        """Return where the file system stores the next bytes, or the file's end."""
        try:
            return os.lseek(self.descriptor, offset, os.SEEK_DATA)
        except OSError as error:
            return max(offset, self.stat().size) if error.errno == errno.ENXIO else offset


def _file_stat(found: os.stat_result) -> FileStat:
    return FileStat(found.st_size, found.st_mtime_ns, found.st_ino)
