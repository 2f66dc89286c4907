"""Buckets, objects and multipart uploads: rows in the database, each with the name of its blob.

One transaction reads the current object, checks the condition of the write, and replaces the
object. So exactly one of several conditional writers succeeds, and no reader sees a mixture.
"""

from __future__ import annotations

import hashlib
import json
import sqlite3
import time
import uuid
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import IO

from localaws.errors import AwsError
from localaws.store import Blob, BlobFolder, Database

_SCHEMA = """
create table if not exists s3_bucket (name text primary key, created_at real not null);
create table if not exists s3_object (
    bucket text, key text, blob text not null, size integer not null, etag text not null,
    headers text not null, modified_at real not null,
    primary key (bucket, key)
) without rowid;
create table if not exists s3_upload (
    id text primary key, bucket text not null, key text not null, headers text not null
);
create table if not exists s3_part (
    upload_id text, number integer, blob text not null, etag text not null,
    primary key (upload_id, number)
) without rowid;
"""
_OPEN_ATTEMPTS = 100
_BLOCK = 1 << 20
# Sorts after all other characters, so a scan from prefix + _LAST skips the keys with the prefix.
_LAST = "\U0010ffff"
NO_CONDITIONS: Mapping[str, str] = MappingProxyType({})


@dataclass(frozen=True)
class StoredObject:
    """One object. ``size`` in bytes, ``etag`` without quotes, ``modified_at`` in Unix seconds.

    ``headers`` has content headers and user metadata.
    """

    key: str
    blob: str
    size: int
    etag: str
    headers: Mapping[str, str]
    modified_at: float = field(default_factory=time.time)


class ObjectStore:
    """All buckets, their objects and their unfinished uploads."""

    def __init__(self, database: Database, blobs: BlobFolder) -> None:
        self._database = database
        self.blobs = blobs
        database.create(_SCHEMA)
        rows = database.query("select blob from s3_object union all select blob from s3_part")
        blobs.sweep({row["blob"] for row in rows})

    def create_bucket(self, name: str) -> None:
        """Create a bucket, unless it exists: as at AWS in us-east-1, that is no error."""
        with self._database.write() as connection:
            connection.execute("insert or ignore into s3_bucket values (?, ?)", (name, time.time()))

    def buckets(self) -> list[tuple[str, float]]:
        """Return name and creation time of each bucket, by name."""
        return [tuple(row) for row in self._database.query("select * from s3_bucket order by name")]

    def exists_bucket(self, name: str) -> bool:
        """Whether the bucket exists."""
        return bool(self._database.query_one("select 1 from s3_bucket where name = ?", (name,)))

    def require_bucket(self, name: str) -> None:
        """Raise AwsError (NoSuchBucket) if the bucket does not exist."""
        if not self.exists_bucket(name):
            raise AwsError(
                "NoSuchBucket", "The specified bucket does not exist", 404, {"BucketName": name}
            )

    def get(self, bucket: str, key: str) -> StoredObject:
        """Return an object. Raises AwsError (NoSuchBucket, NoSuchKey)."""
        row = self._database.query_one(
            "select * from s3_object where bucket = ? and key = ?", (bucket, key)
        )
        if row is None:
            self.require_bucket(bucket)
            raise _no_such_key()
        return _stored_object(row)

    def open(self, bucket: str, key: str) -> tuple[StoredObject, IO[bytes]]:
        """Return an object and its open blob, which stays readable if the object is replaced.

        Raises AwsError (NoSuchBucket, NoSuchKey; InvalidObjectState if the blob is missing).
        """
        for _ in range(_OPEN_ATTEMPTS):
            stored = self.get(bucket, key)
            try:
                return stored, self.blobs.path(stored.blob).open("rb")
            except FileNotFoundError:  # the object was replaced after the look-up: look it up again
                continue
        raise AwsError(
            "InvalidObjectState",
            f"The stored bytes of s3://{bucket}/{key} are missing: localaws has no file "
            f"{self.blobs.path(stored.blob)}. Upload the object again.",
            409,
        )

    def put(
        self,
        bucket: str,
        key: str,
        blocks: Iterable[bytes],
        headers: Mapping[str, str],
        conditions: Mapping[str, str] = NO_CONDITIONS,
    ) -> StoredObject:
        """Store an object. ``conditions`` has the request headers If-Match and If-None-Match.

        Raises AwsError (NoSuchBucket, NoSuchKey, PreconditionFailed).
        """
        self.require_bucket(bucket)
        with self._write_blob(blocks) as (connection, blob):
            stored = StoredObject(key, blob.name, blob.size, blob.md5.hex(), headers)
            replaced = _replace(connection, bucket, stored, conditions)
        self.blobs.remove(*replaced)
        return stored

    def delete(
        self, bucket: str, keys: Iterable[str], conditions: Mapping[str, str] = NO_CONDITIONS
    ) -> None:
        """Delete objects in one transaction. As at AWS, missing objects are no error.

        Raises AwsError (NoSuchBucket; NoSuchKey or PreconditionFailed for the conditions).
        """
        self.require_bucket(bucket)
        removed: list[str] = []
        with self._database.write() as connection:
            for key in keys:
                _check_conditions(connection, bucket, key, conditions)
                rows = connection.execute(
                    "delete from s3_object where bucket = ? and key = ? returning blob",
                    (bucket, key),
                )
                removed += [row["blob"] for row in rows]
        self.blobs.remove(*removed)

    def list_entries(
        self, bucket: str, prefix: str, delimiter: str, after: str
    ) -> Iterator[StoredObject | str]:
        """Yield the entries of a listing greater than ``after``, in S3's order (UTF-8 bytes).

        An entry is an object or, as text, a common prefix: the part of keys up to the first
        delimiter after the prefix.
        """

        def common_prefix(key: str) -> str:
            cut = key.find(delimiter, len(prefix)) if delimiter and key.startswith(prefix) else -1
            return key[: cut + len(delimiter)] if cut >= 0 else ""

        folded = common_prefix(after)
        start: str | None = folded + _LAST if folded else max(prefix, after)
        while start is not None:
            rows = self._database.connection().execute(
                "select * from s3_object where bucket = ? and key >= ? order by key",
                (bucket, start),
            )
            start = None
            for row in rows:
                if not row["key"].startswith(prefix):
                    return
                if row["key"] <= after:
                    continue
                folded = common_prefix(row["key"])
                yield folded or _stored_object(row)
                if folded:  # start again behind the folded keys instead of reading them all
                    start = folded + _LAST
                    break

    def create_upload(self, bucket: str, key: str, headers: Mapping[str, str]) -> str:
        """Begin a multipart upload and return its id. Raises AwsError (NoSuchBucket)."""
        self.require_bucket(bucket)
        upload_id = uuid.uuid4().hex
        with self._database.write() as connection:
            row = (upload_id, bucket, key, json.dumps(dict(headers)))
            connection.execute("insert into s3_upload values (?, ?, ?, ?)", row)
        return upload_id

    def put_part(self, upload_id: str, number: int, content: bytes) -> str:
        """Store a part, which replaces an earlier one with its number, and return its ETag.

        Raises AwsError (NoSuchUpload).
        """
        with self._write_blob([content]) as (connection, blob):
            _require_upload(connection, upload_id)
            replaced = connection.execute(
                "delete from s3_part where upload_id = ? and number = ? returning blob",
                (upload_id, number),
            ).fetchall()
            row = (upload_id, number, blob.name, blob.md5.hex())
            connection.execute("insert into s3_part values (?, ?, ?, ?)", row)
        self.blobs.remove(*(row["blob"] for row in replaced))
        return blob.md5.hex()

    def complete_upload(
        self, upload_id: str, wanted: Sequence[tuple[int, str]], conditions: Mapping[str, str]
    ) -> StoredObject:
        """Join the wanted parts (number, ETag) into the object and end the upload.

        Raises AwsError (NoSuchUpload, InvalidPart, and those of the conditions, after which the
        upload still exists).
        """
        upload = _require_upload(self._database.connection(), upload_id)
        rows = self._database.query("select * from s3_part where upload_id = ?", (upload_id,))
        blobs = {(row["number"], row["etag"]): row["blob"] for row in rows}
        if not wanted or not blobs.keys() >= {*wanted}:
            raise AwsError(
                "InvalidPart", "A part was not uploaded, or its entity tag does not match."
            )
        digests = b"".join(bytes.fromhex(etag) for _, etag in wanted)
        etag = f"{hashlib.md5(digests, usedforsecurity=False).hexdigest()}-{len(wanted)}"
        headers = json.loads(upload["headers"])
        blocks = self._blocks([blobs[part] for part in wanted])
        with self._write_blob(blocks) as (connection, blob):
            stored = StoredObject(upload["key"], blob.name, blob.size, etag, headers)
            _require_upload(connection, upload_id)
            replaced = _replace(connection, upload["bucket"], stored, conditions)
            replaced += _end_upload(connection, upload_id)
        self.blobs.remove(*replaced)
        return stored

    def abort_upload(self, upload_id: str) -> None:
        """End an upload and remove its parts. Raises AwsError (NoSuchUpload)."""
        with self._database.write() as connection:
            _require_upload(connection, upload_id)
            removed = _end_upload(connection, upload_id)
        self.blobs.remove(*removed)

    @contextmanager
    def _write_blob(self, blocks: Iterable[bytes]) -> Iterator[tuple[sqlite3.Connection, Blob]]:
        """Write a blob, and open the transaction that stores its name.

        If the transaction fails, the blob is removed.
        """
        blob = self.blobs.write(blocks)
        try:
            with self._database.write() as connection:
                yield connection, blob
        except BaseException:
            self.blobs.remove(blob.name)
            raise

    def _blocks(self, names: Iterable[str]) -> Iterator[bytes]:
        for name in names:
            with self.blobs.path(name).open("rb") as file:
                while block := file.read(_BLOCK):
                    yield block


def is_match(header: str, etag: str) -> bool:
    """Whether a list of ETags in a header names this one, as ``*`` does."""
    return any(tag.strip().strip('"') in ("*", etag) for tag in header.split(","))


def precondition_failed() -> AwsError:
    """Build the error for a condition that does not hold."""
    message = "At least one of the pre-conditions you specified did not hold"
    return AwsError("PreconditionFailed", message, 412)


def _no_such_key() -> AwsError:
    return AwsError("NoSuchKey", "The specified key does not exist.", 404)


def _replace(
    connection: sqlite3.Connection, bucket: str, new: StoredObject, conditions: Mapping[str, str]
) -> list[str]:
    """Put an object in the caller's transaction; return the blobs to remove after its commit."""
    _check_conditions(connection, bucket, new.key, conditions)
    replaced = connection.execute(
        "select blob from s3_object where bucket = ? and key = ?", (bucket, new.key)
    ).fetchall()
    values = (new.blob, new.size, new.etag, json.dumps(dict(new.headers)), new.modified_at)
    connection.execute(
        "insert or replace into s3_object values (?, ?, ?, ?, ?, ?, ?)", (bucket, new.key, *values)
    )
    return [row["blob"] for row in replaced]


def _check_conditions(
    connection: sqlite3.Connection, bucket: str, key: str, conditions: Mapping[str, str]
) -> None:
    """Raise AwsError (PreconditionFailed, NoSuchKey) if the current object is another one."""
    must_match, must_be_new = conditions.get("if-match"), "if-none-match" in conditions
    if not must_match and not must_be_new:
        return
    row = connection.execute(
        "select etag from s3_object where bucket = ? and key = ?", (bucket, key)
    ).fetchone()
    if must_be_new and row is not None:
        raise precondition_failed()
    if must_match and row is None:
        raise _no_such_key()
    if must_match and not is_match(must_match, row["etag"]):
        raise precondition_failed()


def _require_upload(connection: sqlite3.Connection, upload_id: str) -> sqlite3.Row:
    row: sqlite3.Row | None = connection.execute(
        "select * from s3_upload where id = ?", (upload_id,)
    ).fetchone()
    if row is None:
        raise AwsError("NoSuchUpload", "The specified multipart upload does not exist.", 404)
    return row


def _end_upload(connection: sqlite3.Connection, upload_id: str) -> list[str]:
    """Drop an upload and its parts; return the blobs of the parts."""
    connection.execute("delete from s3_upload where id = ?", (upload_id,))
    rows = connection.execute("delete from s3_part where upload_id = ? returning blob", [upload_id])
    return [row["blob"] for row in rows]


def _stored_object(row: sqlite3.Row) -> StoredObject:
    headers = json.loads(row["headers"])
    values = (row["key"], row["blob"], row["size"], row["etag"], headers, row["modified_at"])
    return StoredObject(*values)
