"""Index of buckets and objects: rows in the database, each with the name of its blob.

One transaction reads the current object, checks the condition of the write, and replaces the
object. So exactly one of several conditional writers succeeds, and no reader sees a mixture.
"""

from __future__ import annotations

import json
import re
import sqlite3
import time
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import IO

from localaws.errors import AwsError
from localaws.s3.conditions import WriteCondition
from localaws.s3.integrity import Integrity, missing
from localaws.service import REGION
from localaws.store import BlobFolder, Database

_SCHEMA = """
create table if not exists s3_bucket (
    name text primary key, region text not null, created_at real not null
);
create table if not exists s3_object (
    bucket text, key text, blob text not null, size integer not null, etag text not null,
    modified_at real not null, headers text not null, checksums text not null,
    primary key (bucket, key)
) without rowid;
create table if not exists s3_upload (
    id text primary key, bucket text not null, key text not null, headers text not null,
    started_at real not null
);
create table if not exists s3_part (
    upload_id text, number integer, blob text not null, size integer not null, etag text not null,
    modified_at real not null,
    primary key (upload_id, number)
) without rowid;
"""


@dataclass(frozen=True)
class StoredObject:
    """One object. ``size`` in bytes, ``etag`` without quotes, ``modified_at`` in Unix seconds.

    ``headers`` has content headers and user metadata. ``checksums`` has the checksum headers that
    were sent with the object and verified.
    """

    key: str
    blob: str
    size: int
    etag: str
    headers: Mapping[str, str]
    checksums: Mapping[str, str] = field(default_factory=dict)
    modified_at: float = field(default_factory=time.time)


class ObjectIndex:
    """Buckets and objects."""

    def __init__(self, database: Database, blobs: BlobFolder) -> None:
        self.database = database
        self.blobs = blobs
        database.create(_SCHEMA)
        rows = database.query("select blob from s3_object union all select blob from s3_part")
        blobs.sweep({row["blob"] for row in rows})
        self.integrity = Integrity(database)
        self.integrity.forget_all_but_stored()

    # Buckets

    def create_bucket(self, name: str, region: str) -> None:
        """Create a bucket. Raises AwsError (InvalidBucketName, BucketAlreadyOwnedByYou).

        In us-east-1, creating an existing bucket again succeeds, as at AWS.
        """
        if not re.fullmatch(r"(?!.*\.\.)[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]", name):
            raise AwsError("InvalidBucketName", "The specified bucket is not valid.")
        with self.database.write() as connection:
            inserted = connection.execute(
                "insert or ignore into s3_bucket values (?, ?, ?)", (name, region, time.time())
            ).rowcount
        if not inserted and region != REGION:
            raise AwsError(
                "BucketAlreadyOwnedByYou",
                "Your previous request to create the named bucket succeeded and you already "
                "own it.",
                409,
            )

    def exists_bucket(self, name: str) -> bool:
        """Whether the bucket exists."""
        return bool(self.database.query_one("select 1 from s3_bucket where name = ?", (name,)))

    def bucket_region(self, name: str) -> str:
        """Region the bucket was created in. Raises AwsError (NoSuchBucket)."""
        row = self.database.query_one("select region from s3_bucket where name = ?", (name,))
        if row is None:
            raise no_such_bucket(name)
        return str(row["region"])

    def buckets(self) -> list[tuple[str, str, float]]:
        """Name, region and creation time of each bucket, by name."""
        return [tuple(row) for row in self.database.query("select * from s3_bucket order by name")]

    def delete_bucket(self, name: str) -> None:
        """Drop a bucket and its unfinished uploads. Raises AwsError (NoSuchBucket...)."""
        with self.blobs.reserve.released(), self.database.write() as connection:
            if connection.execute("select 1 from s3_object where bucket = ?", (name,)).fetchone():
                raise AwsError("BucketNotEmpty", "The bucket you tried to delete is not empty", 409)
            if not connection.execute("delete from s3_bucket where name = ?", (name,)).rowcount:
                raise no_such_bucket(name)
            orphans = connection.execute(
                "delete from s3_part where upload_id in (select id from s3_upload where bucket = ?)"
                " returning blob",
                (name,),
            ).fetchall()
            connection.execute("delete from s3_upload where bucket = ?", (name,))
        self.blobs.remove(*(row["blob"] for row in orphans))

    # Objects

    def get(self, bucket: str, key: str) -> StoredObject:
        """Return an object. Raises AwsError (NoSuchBucket, NoSuchKey)."""
        found = self.find(bucket, key)
        if found is None:
            self.bucket_region(bucket)
            raise AwsError("NoSuchKey", "The specified key does not exist.", 404)
        return found

    def find(self, bucket: str, key: str) -> StoredObject | None:
        """The object, or None."""
        row = self.database.query_one(
            "select * from s3_object where bucket = ? and key = ?", (bucket, key)
        )
        return None if row is None else _stored_object(row)

    def open(self, bucket: str, key: str) -> tuple[StoredObject, IO[bytes]]:
        """Return an object and its open blob, which stays readable if the object is replaced.

        Raises AwsError (NoSuchBucket, NoSuchKey; InvalidObjectState if the blob is missing).
        """
        while True:
            found = self.get(bucket, key)
            try:
                file = self.blobs.path(found.blob).open("rb")
            except FileNotFoundError:
                # The object was replaced between the look-up and the open: look it up again. If
                # the index still names the missing blob, the store is damaged.
                if self.get(bucket, key).blob == found.blob:
                    raise missing(uri_of(bucket, key), self.blobs.path(found.blob)) from None
            else:
                return found, file

    def check(self, bucket: str, stored: StoredObject, file: IO[bytes]) -> None:
        """Compare an object's bytes with their MD5, unless this process has done so before.

        Raises AwsError (InvalidObjectState) if they are damaged.
        """
        uri = uri_of(bucket, stored.key)
        self.integrity.check(uri, stored.blob, stored.etag, stored.size, file)

    def check_size(self, bucket: str, stored: StoredObject, file: IO[bytes]) -> None:
        """Raise AwsError (InvalidObjectState) if the blob has another size than the object."""
        self.integrity.check_size(uri_of(bucket, stored.key), stored.size, file)

    def blocks(self, bucket: str, stored: StoredObject, file: IO[bytes]) -> Iterator[bytes]:
        """All bytes of an object in blocks, compared with their MD5; closes the file at the end.

        Raises AwsError (InvalidObjectState) instead of the last block if they are damaged.
        """
        uri = uri_of(bucket, stored.key)
        with file:
            yield from self.integrity.blocks(uri, stored.blob, stored.etag, stored.size, file)

    def put(self, bucket: str, new: StoredObject, condition: WriteCondition) -> None:
        """Store an object whose blob is on disk.

        Raises AwsError (NoSuchBucket, and those of ``WriteCondition.check``).
        """
        with self.database.write() as connection:
            replaced = self.replace(connection, bucket, new, condition)
        self.blobs.remove(*replaced)

    def replace(
        self,
        connection: sqlite3.Connection,
        bucket: str,
        new: StoredObject,
        condition: WriteCondition,
    ) -> list[str]:
        """Put inside the caller's transaction; return the blobs to remove after its commit."""
        if not connection.execute("select 1 from s3_bucket where name = ?", (bucket,)).fetchone():
            raise no_such_bucket(bucket)
        old = connection.execute(
            "select etag, blob from s3_object where bucket = ? and key = ?", (bucket, new.key)
        ).fetchone()
        condition.check(old and old["etag"])
        connection.execute(
            "insert or replace into s3_object values (?, ?, ?, ?, ?, ?, ?, ?)",
            (
                *(bucket, new.key, new.blob, new.size, new.etag, new.modified_at),
                *(json.dumps(dict(new.headers)), json.dumps(dict(new.checksums))),
            ),
        )
        return [old["blob"]] if old else []

    def delete(self, bucket: str, keys: Iterable[str], if_match: str | None = None) -> None:
        """Delete objects in one transaction. As at AWS, missing objects are no error.

        Raises AwsError (NoSuchBucket; NoSuchKey or PreconditionFailed for ``if_match``).
        """
        self.bucket_region(bucket)
        gone: list[str] = []
        with self.blobs.reserve.released(), self.database.write() as connection:
            for key in keys:
                old = connection.execute(
                    "select etag, blob from s3_object where bucket = ? and key = ?", (bucket, key)
                ).fetchone()
                WriteCondition(if_match).check(old and old["etag"])
                if old:
                    gone.append(old["blob"])
                    connection.execute(
                        "delete from s3_object where bucket = ? and key = ?", (bucket, key)
                    )
        self.blobs.remove(*gone)
        self.blobs.reserve.fill()

    def scan(self, bucket: str, start: str) -> Iterator[StoredObject]:
        """Objects with keys at or after ``start``, in S3's order (UTF-8 bytes)."""
        rows = self.database.iterate(
            "select * from s3_object where bucket = ? and key >= ? order by key", (bucket, start)
        )
        return map(_stored_object, rows)


def uri_of(bucket: str, key: str) -> str:
    """The s3:// address of an object."""
    return f"s3://{bucket}/{key}"


def no_such_bucket(name: str) -> AwsError:
    """Build the error for a missing bucket."""
    return AwsError(
        "NoSuchBucket",
        "The specified bucket does not exist",
        404,
        members={"BucketName": name},
    )


def _stored_object(row: sqlite3.Row) -> StoredObject:
    return StoredObject(
        key=row["key"],
        blob=row["blob"],
        size=row["size"],
        etag=row["etag"],
        modified_at=row["modified_at"],
        headers=json.loads(row["headers"]),
        checksums=json.loads(row["checksums"]),
    )
