"""What survives a crash: one SQLite database and a folder of immutable blob files.

A fact counts only when its transaction is on disk, so a client is answered after the commit. A
blob is on disk before the row that names it, and its file is removed after the row is gone: a
crash between the two leaves a file nobody names, which the next start sweeps away.
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
_NO_ROOM = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}


def lock_root(root: Path) -> IO[str]:
    """Claim the folder for this process; the lock ends with the returned file or the process.

    Raises StartError if another live process holds it or the folder cannot be made.
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
        """All rows of a SELECT, as of the last commit."""
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
        """Several SELECTs that see the same state."""
        connection = self.connection()
        connection.execute("begin")
        try:
            yield connection
        finally:
            connection.execute("rollback")

    @contextmanager
    def write(self) -> Iterator[sqlite3.Connection]:
        """A transaction: on disk when the block ends, undone when it raises.

        Writers queue on a lock of ours, which is fair and cheap, instead of SQLite's busy polling.
        """
        with self._write_lock, _room_on_disk():
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
        """This thread's connection for reading, opened on first use; writers take ``write``."""
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
        """A new blob: kept if the block ends, removed if it raises.

        The block calls ``finish()`` when all bytes are written.
        """
        writer = BlobWriter(self, uuid.uuid4().hex)
        try:
            with _room_on_disk(), writer:
                yield writer
        except BaseException:
            self.remove(writer.name)
            raise

    def remove(self, *names: str) -> None:
        """Unlink blobs; who has one open can read on.

        A file that cannot be removed now is removed by the next sweep: the index forgot it.
        """
        for name in names:
            with suppress(OSError):
                self.path(name).unlink()

    def sweep(self, live: Set[str]) -> int:
        """Remove every file that is not in ``live``; the number of files removed."""
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
        """Bring the bytes and the file's name to disk."""
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
def _room_on_disk() -> Iterator[None]:
    """A write that the disk has no room for is an error that the client is told of.

    Raises AwsError (InternalError), which clients take for a fault that may pass.
    """
    try:
        yield
    except OSError as error:
        if error.errno not in _NO_ROOM:
            raise
        raise AwsError("InternalError", f"The disk of localaws is full: {error}", 500) from error
    except sqlite3.OperationalError as error:
        if error.sqlite_errorcode & 0xFF not in (sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR):
            raise
        raise AwsError("InternalError", f"The disk of localaws is full: {error}", 500) from error


def _sync_folder(folder: Path) -> None:
    """Bring a folder's entries to disk (fsync of a file does not promise that)."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
