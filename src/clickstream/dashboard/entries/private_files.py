"""Files that only their owner may read: accounts, the session secret, login links, notes.

Several processes share the directory: the dashboard, the demo, and commands in a shell. Readers see
a complete file, old or new, and a lock serializes the writers.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import secrets
from collections.abc import Iterator
from pathlib import Path

from clickstream.core.errors import UnusableDashboardFile

_LOCK_NAME = "access.lock"
PRIVATE_DIRECTORY = 0o700
_PRIVATE_FILE = 0o600


def create_directory(directory: Path) -> None:
    """Create a directory that only its owner may enter; leave an existing one unchanged."""
    with _translate_error(directory):
        directory.mkdir(mode=PRIVATE_DIRECTORY, parents=True, exist_ok=True)


def replace(path: Path, text: str) -> None:
    """Replace a file atomically; the new file survives a power failure."""
    temporary = _write_beside(path, text)
    temporary.replace(path)
    handle = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def create_once(path: Path, text: str) -> str:
    """Write a file unless it exists, and return its content: the first writer wins."""
    temporary = _write_beside(path, text)
    try:
        # A hard link fails if the name exists, and the file is complete as soon as it has the name.
        with contextlib.suppress(FileExistsError):
            path.hardlink_to(temporary)
    finally:
        temporary.unlink()
    return path.read_text(encoding="utf-8")


@contextlib.contextmanager
def exclusive_access(directory: Path) -> Iterator[None]:
    """Lock the directory's files against changes by other processes and threads."""
    create_directory(directory)
    path = directory / _LOCK_NAME
    with _translate_error(path):
        handle = os.open(path, os.O_RDWR | os.O_CREAT, mode=_PRIVATE_FILE)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)  # which ends the lock


def _write_beside(path: Path, text: str) -> Path:
    """Write a private file with a unique name in the same directory."""
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    with _translate_error(path):
        handle = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode=_PRIVATE_FILE)
        try:
            with os.fdopen(handle, "w", encoding="utf-8") as file:
                file.write(text)
                file.flush()
                os.fsync(handle)
        except OSError:
            temporary.unlink()
            raise
    return temporary


@contextlib.contextmanager
def _translate_error(path: Path) -> Iterator[None]:
    """Translate a system error to an error that states what to do."""
    try:
        yield
    except OSError as error:
        raise UnusableDashboardFile(
            f"Can't write {path}: {error.strerror}. Set directory in the section [dashboard] of "
            "the settings to one that you may write to and that has free space."
        ) from None
