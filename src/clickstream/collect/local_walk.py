"""Find the files of a directory of this machine by a pattern."""

from __future__ import annotations

import errno
import os
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from stat import S_ISREG

from clickstream.collect.patterns import Pattern
from clickstream.collect.permissions import explain_refusal
from clickstream.collect.source import LEADS_NOWHERE, LEADS_OUT, LeftOut

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
            with os.scandir(self.root / directory) as found:
                entries = list(found)
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
            found = path.stat()
            is_inside = real_path(path).is_relative_to(self.real_root)
        except OSError as error:
            if error.errno not in NO_FILE:
                self._refuse(name, error)
            elif path.is_symlink():
                self.left_out.append(LeftOut(name, LEADS_NOWHERE))
            return
        if not is_inside:
            self.left_out.append(LeftOut(name, LEADS_OUT))
        elif S_ISREG(found.st_mode):
            self.files[name] = found

    def _refuse(self, name: str, error: OSError) -> None:
        is_forbidden = isinstance(error, PermissionError)
        why = explain_refusal(self.root / name) if is_forbidden else error.strerror
        self.left_out.append(LeftOut(name, f"can't be read: {why}", is_refused=True))


def _is_directory(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir()
    except OSError:  # a link whose target this user can't see
        return False
