"""Room on the disk that is kept for deletions: a full disk can be emptied through the API."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

RESERVE_BYTES = 16 << 20
"""A deletion writes the pages of the index that it changes; the largest has 1,000 objects."""


class DiskReserve:
    """A file that occupies room, and is removed while a deletion needs it."""

    def __init__(self, path: Path, size: int = RESERVE_BYTES) -> None:
        self._path = path
        self._size = size
        self.fill()

    def fill(self) -> None:
        """Occupy the room, if the disk has it and as much again."""
        with suppress(OSError):
            if self._path.exists() or _free_bytes(self._path.parent) < 2 * self._size:
                return
            with self._path.open("wb") as file:
                file.write(bytes(self._size))
                os.fsync(file.fileno())

    @contextmanager
    def released(self) -> Iterator[None]:
        """Leave the room to the block if the disk has no other."""
        if _free_bytes(self._path.parent) < self._size:
            self._path.unlink(missing_ok=True)
        try:
            yield
        finally:
            self.fill()


def _free_bytes(directory: Path) -> int:
    found = os.statvfs(directory)
    return found.f_bavail * found.f_frsize
