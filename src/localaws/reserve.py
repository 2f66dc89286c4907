"""Disk space that is reserved for deletions, so that clients can free a full disk by the API."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

RESERVE_BYTES = 16 << 20
"""Enough for the index pages that the largest deletion, of 1,000 objects, writes."""


class DiskReserve:
    """A file that occupies disk space, and is removed while a deletion needs the space."""

    def __init__(self, path: Path, size: int = RESERVE_BYTES) -> None:
        self._path = path
        self._size = size
        self.fill()

    def fill(self) -> None:
        """Create the file, if the disk has at least twice its size free."""
        with suppress(OSError):
            if self._path.exists() or _free_bytes(self._path.parent) < 2 * self._size:
                return
            with self._path.open("wb") as file:
                file.write(bytes(self._size))
                os.fsync(file.fileno())

    @contextmanager
    def released(self) -> Iterator[None]:
        """Remove the file during the block if the disk has less than its size free."""
        if _free_bytes(self._path.parent) < self._size:
            self._path.unlink(missing_ok=True)
        try:
            yield
        finally:
            self.fill()


def _free_bytes(directory: Path) -> int:
    found = os.statvfs(directory)
    return found.f_bavail * found.f_frsize
