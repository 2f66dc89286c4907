"""Files that only their owner may read: accounts, the session secret, login links, notes.

Several processes share the directory: the dashboard, the demo, and commands in a shell. Readers see
a whole file, old or new, and writers take turns.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import secrets
from collections.abc import Iterator
from pathlib import Path

from clickstream.errors import UnusableDashboardFile

_LOCK_NAME = "access.lock"
_PRIVATE_FILE, _PRIVATE_DIRECTORY = 0o600, 0o700


def create_directory(directory: Path) -> None:
    """Create a directory that only its owner may enter; leave an existing one as it is."""
    with _explained(directory):
        directory.mkdir(mode=_PRIVATE_DIRECTORY, parents=True, exist_ok=True)


def replace(path: Path, text: str) -> None:
    """Write a file, which replaces the old one in one step, and outlives a power cut then."""
    temporary = _write_beside(path, text)
    temporary.replace(path)
    handle = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def create_once(path: Path, text: str) -> str:
    """Write a file unless it exists, and return what it holds: the first writer wins."""
    temporary = _write_beside(path, text)
    try:
        # A hard link fails if the name exists, and the file is whole from its first moment on.
        with contextlib.suppress(FileExistsError):
            path.hardlink_to(temporary)
    finally:
        temporary.unlink()
    return path.read_text(encoding="utf-8")


@contextlib.contextmanager
def exclusive_access(directory: Path) -> Iterator[None]:
    """Keep other processes and threads from changing the directory's files meanwhile."""
    create_directory(directory)
    path = directory / _LOCK_NAME
    with _explained(path):
        handle = os.open(path, os.O_RDWR | os.O_CREAT, mode=_PRIVATE_FILE)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)  # which ends the lock


def _write_beside(path: Path, text: str) -> Path:
    """Write a private file with a name of its own in the same directory."""
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    with _explained(path):
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
def _explained(path: Path) -> Iterator[None]:
    """Turn a refusal of the system into an error that says what to do."""
    try:
        yield
    except OSError as error:
        raise UnusableDashboardFile(
            f"Can't write {path}: {error.strerror}. Set directory in the section [dashboard] of "
            "the settings to one that you may write to and that has room."
        ) from None
