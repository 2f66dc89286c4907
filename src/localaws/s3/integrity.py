"""Compares stored bytes with their MD5, so that no client receives damaged bytes as data.

The ETag of an object from a single PutObject is the MD5 of its bytes. The ETag of a multipart
object is not, so the completion of an upload also stores the MD5 of its blob. Multipart objects of
earlier releases have no MD5 and are read unchecked.
"""

from __future__ import annotations

import hashlib
import logging
import os
import sqlite3
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from threading import Lock
from typing import IO

from cachetools import LRUCache

from localaws.errors import AwsError
from localaws.store import Database

SCHEMA = """
create table if not exists s3_blob_md5 (blob text primary key, md5 text not null) without rowid;
"""
_BLOCK = 1 << 20
_REMEMBERED = 1 << 16
_Stamp = tuple[int, int, int]

log = logging.getLogger(__name__)


class Integrity:
    """MD5 digests of blobs, and a cache of the blobs that this process has found undamaged.

    A blob never changes, so a read of a range checks the whole blob: once per process, and again
    if the file's size or times have changed.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        database.create(SCHEMA)
        self._verified: LRUCache[str, _Stamp] = LRUCache(_REMEMBERED)
        self._suspects: LRUCache[str, bool] = LRUCache(_REMEMBERED)
        self._lock = Lock()

    def forget_all_but_stored(self) -> None:
        """Delete the MD5s of blobs that no object has; on a full disk, a later start does it."""
        with suppress(AwsError), self._database.write() as connection:
            connection.execute(
                "delete from s3_blob_md5 where blob not in (select blob from s3_object)"
            )

    def md5_of(self, blob: str, etag: str) -> str | None:
        """Return the MD5 of a blob in hexadecimal; None if it is unknown."""
        if "-" not in etag:
            return etag
        row = self._database.query_one("select md5 from s3_blob_md5 where blob = ?", (blob,))
        return None if row is None else str(row["md5"])

    def check(self, uri: str, blob: str, etag: str, size: int, file: IO[bytes]) -> None:
        """Compare a blob with its MD5, unless done before. Raises AwsError (InvalidObjectState)."""
        stamp = _stamp(file)
        with self._lock:
            if self._verified.get(blob) == stamp:
                return
        for _ in self.blocks(uri, blob, etag, size, file):
            pass
        with self._lock:
            self._verified[blob] = stamp

    def check_size(self, uri: str, size: int, file: IO[bytes]) -> None:
        """Raise AwsError (InvalidObjectState) if the file has another size than the object."""
        if (found := os.fstat(file.fileno()).st_size) != size:
            raise damaged(uri, file, f"there are {found:,} bytes instead of {size:,}")

    def is_suspect(self, blob: str) -> bool:
        """Whether an earlier read found the blob damaged after most of it was sent."""
        with self._lock:
            return blob in self._suspects

    def blocks(self, uri: str, blob: str, etag: str, size: int, file: IO[bytes]) -> Iterator[bytes]:
        """Yield all bytes of a blob in blocks, the last one only if the MD5 is right.

        Raises AwsError (InvalidObjectState) instead of the last block if it is wrong. The file
        stays open.
        """
        self.check_size(uri, size, file)
        expected, digest = self.md5_of(blob, etag), hashlib.md5(usedforsecurity=False)
        file.seek(0)
        left = size
        while left > 0 and (block := file.read(min(left, _BLOCK))):
            left -= len(block)
            digest.update(block)
            if left == 0 and expected not in (None, digest.hexdigest()):
                with self._lock:
                    self._suspects[blob] = True
                raise damaged(
                    uri, file, "the MD5 of the bytes is not the one that was stored with them"
                )
            yield block
        if left:
            raise damaged(uri, file, f"{left:,} bytes are missing at their end")
        with self._lock:
            self._suspects.pop(blob, None)


def save_md5(connection: sqlite3.Connection, blob: str, md5: bytes) -> None:
    """Store the MD5 of a multipart object's blob, inside the caller's transaction."""
    connection.execute("insert or replace into s3_blob_md5 values (?, ?)", (blob, md5.hex()))


def damaged(uri: str, file: IO[bytes], reason: str) -> AwsError:
    """Log and build the error for an object whose bytes are damaged, which no client retries."""
    message = (
        f"The stored bytes of {uri} are damaged: {reason} (file {file.name} of localaws). Restore "
        "the object from a backup, or upload it again."
    )
    log.error("%s", message)
    return AwsError("InvalidObjectState", message, 409)


def missing(uri: str, path: Path) -> AwsError:
    """Log and build the error for an object whose blob is missing, which no client retries."""
    message = (
        f"The stored bytes of {uri} are missing: the file {path} of localaws is gone. Restore the "
        "object from a backup, or upload it again."
    )
    log.error("%s", message)
    return AwsError("InvalidObjectState", message, 409)


def _stamp(file: IO[bytes]) -> _Stamp:
    status = os.fstat(file.fileno())
    return status.st_size, status.st_mtime_ns, status.st_ctime_ns
