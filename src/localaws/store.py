"""Durable storage of the services: one SQLite database, and a folder of files that never change.

A change is answered only after its transaction is on disk. A blob file is on disk before the row
that names it, and is removed after that row. A crash between the two leaves only a file that no row
names, which the next start removes.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import sqlite3
import threading
import uuid
from collections.abc import Iterable, Iterator, Set
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from localaws.errors import StartError

FORMAT = 2
"""The version of tables and files. Increase it with each change that older data does not fit."""

BUSY_TIMEOUT_MS = 60_000


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
    """One SQLite file in WAL mode, shared by all threads of the process."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._local = threading.local()
        self._write_lock = threading.Lock()

    def check_format(self) -> None:
        """Mark a new file with the current format. Raises StartError if it has another format."""
        connection = self.connection()
        (version,) = connection.execute("pragma user_version").fetchone()
        if not connection.execute("select 1 from sqlite_master").fetchone():
            connection.execute(f"pragma user_version = {FORMAT}")
        elif version != FORMAT:
            raise StartError(
                f"{self._path.parent} has data of another version of localaws (format {version}, "
                f"this one has {FORMAT}). Choose another --root, or delete the folder."
            )

    def create(self, schema: str) -> None:
        """Run ``create table if not exists ...`` statements."""
        with self._write_lock:
            self.connection().executescript(schema)

    def query(self, sql: str, parameters: Iterable[Any] = ()) -> list[sqlite3.Row]:
        """Return all rows of a SELECT, as of the last commit."""
        return self.connection().execute(sql, tuple(parameters)).fetchall()

    def query_one(self, sql: str, parameters: Iterable[Any] = ()) -> sqlite3.Row | None:
        """Return the first row of a SELECT, or None."""
        row: sqlite3.Row | None = self.connection().execute(sql, tuple(parameters)).fetchone()
        return row

    @contextmanager
    def write(self) -> Iterator[sqlite3.Connection]:
        """Open a write transaction: on disk when the block ends, rolled back if it raises.

        Writers wait for a lock of this object, which is fair and cheap, instead of SQLite's busy
        polling.
        """
        with self._write_lock:
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
        """Return this thread's connection, opened on first use. Writers use ``write``."""
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


@dataclass(frozen=True)
class Blob:
    """A file of the folder: its name, its size in bytes, and the MD5 of its bytes."""

    name: str
    size: int
    md5: bytes


class BlobFolder:
    """Files with random names, each written once."""

    def __init__(self, root: Path) -> None:
        self._root = root
        root.mkdir(parents=True, exist_ok=True)

    def path(self, name: str) -> Path:
        """Return the file of a blob."""
        return self._root / name

    def write(self, blocks: Iterable[bytes]) -> Blob:
        """Write a blob; its bytes and its name are on disk when this returns."""
        name, size, md5 = uuid.uuid4().hex, 0, hashlib.md5(usedforsecurity=False)
        try:
            with self.path(name).open("wb") as file:
                for block in blocks:
                    file.write(block)
                    md5.update(block)
                    size += len(block)
                file.flush()
                os.fsync(file.fileno())
        except BaseException:
            self.remove(name)
            raise
        folder = os.open(self._root, os.O_RDONLY)
        try:
            os.fsync(folder)  # fsync of a file does not guarantee its directory entry
        finally:
            os.close(folder)
        return Blob(name, size, md5.digest())

    def remove(self, *names: str) -> None:
        """Unlink blobs. A reader that has a blob open can still read it to the end."""
        for name in names:
            self.path(name).unlink(missing_ok=True)

    def sweep(self, live: Set[str]) -> None:
        """Remove each file that is not in ``live``."""
        self.remove(*(entry.name for entry in self._root.iterdir() if entry.name not in live))
