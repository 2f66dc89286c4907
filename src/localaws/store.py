"""Durable storage: one SQLite database and a folder of immutable blob files.

A change is answered only after its transaction is on disk. A blob is on disk before the row that
names it, and its file is removed after that row. So a crash between the two leaves only a file
that no row names, which the next start removes.
"""

from __future__ import annotations

import errno
import fcntl
import hashlib
import os
import sqlite3
import threading
import uuid
from collections.abc import Iterable, Iterator, Set
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, Any

from localaws.errors import AwsError, StartError
from localaws.reserve import DiskReserve

BUSY_TIMEOUT_MS = 60_000
_DISK_FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}


def lock_root(root: Path) -> IO[str]:
    """Lock the folder for this process, until the returned file is closed or the process ends.

    Raises StartError if another process has the lock or if the folder can't be created.
    """
    try:
        root.mkdir(parents=True, exist_ok=True)
        handle = (root / "lock").open("a")
    except OSError as error:
        raise StartError(f"Cannot use {root} as root: {error}. Choose another --root.") from error
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        handle.close()
        raise StartError(
            f"Another localaws uses {root}. Stop it, or choose another --root."
        ) from error
    return handle


class Database:
    """One SQLite file in WAL mode, shared by all services and threads of the process."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._local = threading.local()
        self._write_lock = threading.Lock()

    def create(self, schema: str) -> None:
        """Run ``create table if not exists ...`` statements."""
        with self._write_lock:
            self.connection().executescript(schema)

    def query(self, sql: str, parameters: Iterable[Any] = ()) -> list[sqlite3.Row]:
        """Return all rows of a SELECT, as of the last commit."""
        return self.connection().execute(sql, tuple(parameters)).fetchall()

    def query_one(self, sql: str, parameters: Iterable[Any] = ()) -> sqlite3.Row | None:
        """First row of a SELECT, or None."""
        row: sqlite3.Row | None = self.connection().execute(sql, tuple(parameters)).fetchone()
        return row

    def iterate(self, sql: str, parameters: Iterable[Any] = ()) -> Iterator[sqlite3.Row]:
        """Rows of a SELECT one by one, for a caller that may stop early."""
        return self.connection().execute(sql, tuple(parameters))

    @contextmanager
    def read(self) -> Iterator[sqlite3.Connection]:
        """Open a read transaction, in which all SELECTs see the same state."""
        connection = self.connection()
        connection.execute("begin")
        try:
            yield connection
        finally:
            connection.execute("rollback")

    @contextmanager
    def write(self) -> Iterator[sqlite3.Connection]:
        """Open a write transaction: on disk when the block ends, rolled back if it raises.

        Writers wait for a lock of this object, which is fair and cheap, instead of SQLite's busy
        polling.
        """
        with self._write_lock, _translate_disk_errors():
            connection = self.connection()
            connection.execute("begin immediate")
            try:
                yield connection
                connection.execute("commit")
            except BaseException:
                if connection.in_transaction:
                    connection.execute("rollback")
                raise

    def truncate_log(self) -> None:
        """Move the write-ahead log into the database and empty it.

        After it (and with ``secure_delete``) the bytes of deleted rows are gone from the disk.
        """
        with self._write_lock:
            self.connection().execute("pragma wal_checkpoint(truncate)")

    def connection(self) -> sqlite3.Connection:
        """Return this thread's connection for reading, opened on first use.

        Writers use ``write``.
        """
        connection: sqlite3.Connection | None = getattr(self._local, "connection", None)
        if connection is None:
            connection = sqlite3.connect(self._path, isolation_level=None)
            connection.row_factory = sqlite3.Row
            connection.execute(f"pragma busy_timeout = {BUSY_TIMEOUT_MS}")
            connection.execute("pragma journal_mode = wal")
            connection.execute("pragma synchronous = full")
            connection.execute("pragma secure_delete = on")
            self._local.connection = connection
        return connection


class BlobFolder:
    """Files with random names, spread over 256 subfolders, each written once."""

    def __init__(self, root: Path) -> None:
        self._root = root
        for number in range(256):
            (root / f"{number:02x}").mkdir(parents=True, exist_ok=True)
        _sync_folder(root)
        self.reserve = DiskReserve(root / "reserve")

    def path(self, name: str) -> Path:
        """File of a blob."""
        return self._root / name[:2] / name

    @contextmanager
    def writing(self) -> Iterator[BlobWriter]:
        """Create a blob, which is kept if the block ends and removed if it raises.

        The block must call ``finish()`` when all bytes are written.
        """
        writer = BlobWriter(self, uuid.uuid4().hex)
        try:
            with _translate_disk_errors(), writer:
                yield writer
        except BaseException:
            self.remove(writer.name)
            raise

    def remove(self, *names: str) -> None:
        """Unlink blobs. A reader that has a blob open can still read it to the end.

        A file that can't be removed now is removed by the next sweep, because no row names it.
        """
        for name in names:
            with suppress(OSError):
                self.path(name).unlink()

    def sweep(self, live: Set[str]) -> int:
        """Remove every file that is not in ``live``, and return how many were removed."""
        leftover = [
            entry for entry in self._root.glob("??/*") if entry.is_file() and entry.name not in live
        ]
        for entry in leftover:
            entry.unlink()
        return len(leftover)


class BlobWriter:
    """A blob being written: ``name``, ``size`` in bytes and the MD5 of what was written so far."""

    def __init__(self, folder: BlobFolder, name: str) -> None:
        self.name = name
        self.size = 0
        self._md5 = hashlib.md5(usedforsecurity=False)
        self._path = folder.path(name)
        self._file = self._path.open("wb")

    def write(self, chunk: bytes) -> None:
        """Append bytes."""
        self._file.write(chunk)
        self._md5.update(chunk)
        self.size += len(chunk)

    def finish(self) -> None:
        """Sync the bytes and the file's directory entry to disk."""
        self._file.flush()
        os.fsync(self._file.fileno())
        self._file.close()
        _sync_folder(self._path.parent)

    def md5(self) -> bytes:
        """MD5 of the bytes written so far."""
        return self._md5.digest()

    def __enter__(self) -> BlobWriter:
        return self

    def __exit__(self, *_error: object) -> None:
        self._file.close()


@contextmanager
def _translate_disk_errors() -> Iterator[None]:
    """Translate the errors of a full disk for the client.

    Raises AwsError (InternalError), which clients retry.
    """
    try:
        yield
    except OSError as error:
        if error.errno not in _DISK_FULL:
            raise
        raise AwsError("InternalError", f"The disk of localaws is full: {error}", 500) from error
    except sqlite3.OperationalError as error:
        if error.sqlite_errorcode & 0xFF not in (sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR):
            raise
        raise AwsError("InternalError", f"The disk of localaws is full: {error}", 500) from error


def _sync_folder(folder: Path) -> None:
    """Sync a folder's entries to disk, which fsync of a file does not guarantee."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
