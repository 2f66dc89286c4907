"""The source `directory`: log files in a local directory, found by a pattern."""

from __future__ import annotations

import errno
import grp
import os
import pwd
import stat
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from stat import S_ISREG

from clickstream.collect.patterns import Pattern
from clickstream.collect.source import (
    LEADS_NOWHERE,
    LEADS_OUT,
    FileHandle,
    FileStat,
    LeftOut,
    ListedFile,
)
from clickstream.core.errors import MissingDirectory, UnreadableLog

# Explain why the user of this process can't read a path of this machine, and the remedy.


def explain_refusal(path: Path) -> str:
    """Name the directory or file of a path that refuses the user, and how to allow reading it.

    If its group may read it, joining the group is the remedy: the usual case is /var/log/nginx with
    mode 750 and group adm. Otherwise an access control list admits one user (setfacl of acl(5)).
    """
    user, refusing = _name_of_user(os.geteuid()), _refusing(path)
    try:
        status = refusing.stat()
    except OSError:  # not even its owner and mode can be read
        return f"the user {user} may not read {refusing}: let that user read it"
    owner, group, mode = _name_of_user(status.st_uid), _group(status.st_gid), status.st_mode
    facts = f"owner {owner}, group {group}, mode {stat.S_IMODE(mode):o}"
    right = "rx" if stat.S_ISDIR(mode) else "r"
    needed = stat.S_IRGRP | (stat.S_IXGRP if stat.S_ISDIR(mode) else 0)
    if mode & needed == needed:
        way = f"sudo usermod -aG {group} {user}"
        return (
            f"the user {user} may not read {refusing} ({facts}): add the user to the group by "
            f"`{way}`, and start what runs as {user} again"
        )
    way = f"sudo setfacl -m u:{user}:{right} {refusing}"
    return f"the user {user} may not read {refusing} ({facts}): let that user read it by `{way}`"


def _refusing(path: Path) -> Path:
    """Return the first directory on the way to a path that can't be entered, or the path itself."""
    effective = os.access in os.supports_effective_ids
    for directory in reversed(path.absolute().parents):
        if not os.access(directory, os.X_OK, effective_ids=effective):
            return directory
    return path


def _name_of_user(number: int) -> str:
    try:
        return pwd.getpwuid(number).pw_name
    except KeyError:
        return str(number)


def _group(number: int) -> str:
    try:
        return grp.getgrgid(number).gr_name
    except KeyError:
        return str(number)


# Find the files of a directory of this machine by a pattern.

NO_FILE = {errno.ENOENT, errno.ENOTDIR, errno.ELOOP}
"""Errors of a name without a file: renamed or deleted since the listing, or a broken link."""


def real_path(path: Path) -> Path:
    """Return the path without links; unlike `Path.resolve` it does not fail for a loop of links."""
    return Path(os.path.realpath(path))


@dataclass
class LocalWalk:
    """A walk through a directory: matching files so far, and names left out.

    It does not use `pathlib`, whose `glob` treats a directory that can't be listed as an empty one.
    """

    root: Path
    files: dict[str, os.stat_result] = field(default_factory=dict)
    left_out: list[LeftOut] = field(default_factory=list)

    @cached_property
    def real_root(self) -> Path:
        """The directory without links."""
        return real_path(self.root)

    def find(self, pattern: Pattern) -> None:
        """Find the files. Raises OSError if the directory itself can't be listed."""
        todo = [("", pattern)]
        while todo:
            directory, below = todo.pop()
            todo += self._scan(directory, below)

    def _scan(self, directory: str, pattern: Pattern) -> list[tuple[str, Pattern]]:
        """Collect the files of one directory, and return the directories that may have more."""
        try:
            with os.scandir(self.root / directory) as listing:
                entries = list(listing)
        except OSError as error:
            if not directory:
                raise
            if error.errno not in NO_FILE:
                self._refuse(directory, error)
            return []
        deeper = []
        for entry in entries:
            name = str(Path(directory, entry.name))
            if pattern.matches(entry.name):
                self._take(name)
            below = pattern.below(entry.name, entry.is_symlink())
            if below and _is_directory(entry):
                deeper.append((name, below))
        return deeper

    def _take(self, name: str) -> None:
        """Collect a matching name if it leads to a regular file inside the directory."""
        path = self.root / name
        try:
            status = path.stat()
            is_inside = real_path(path).is_relative_to(self.real_root)
        except OSError as error:
            if error.errno not in NO_FILE:
                self._refuse(name, error)
            elif path.is_symlink():
                self.left_out.append(LeftOut(name, LEADS_NOWHERE))
            return
        if not is_inside:
            self.left_out.append(LeftOut(name, LEADS_OUT))
        elif S_ISREG(status.st_mode):
            self.files[name] = status

    def _refuse(self, name: str, error: OSError) -> None:
        is_forbidden = isinstance(error, PermissionError)
        why = explain_refusal(self.root / name) if is_forbidden else error.strerror
        self.left_out.append(LeftOut(name, f"can't be read: {why}", is_refused=True))


def _is_directory(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir()
    except OSError:  # a link whose target this user can't see
        return False


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
        return [ListedFile(name, _file_stat(status)) for name, status in sorted(files.items())]

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


def _file_stat(status: os.stat_result) -> FileStat:
    return FileStat(status.st_size, status.st_mtime_ns, status.st_ino)
