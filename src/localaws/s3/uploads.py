"""Multipart uploads. Each part is a separate blob until the upload is completed or aborted."""

from __future__ import annotations

import hashlib
import json
import sqlite3
import time
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from localaws.errors import AwsError
from localaws.s3.conditions import WriteCondition
from localaws.s3.index import ObjectIndex, StoredObject, uri_of
from localaws.s3.integrity import save_md5
from localaws.store import BlobWriter

MIN_PART_BYTES = 5 << 20
MAX_PART_NUMBER = 10_000


@dataclass(frozen=True)
class UploadPart:
    """One uploaded part. ``size`` in bytes, ``etag`` without quotes, time in Unix seconds."""

    number: int
    blob: str
    size: int
    etag: str
    modified_at: float


class Uploads:
    """Unfinished multipart uploads of all buckets."""

    def __init__(self, index: ObjectIndex) -> None:
        self._index = index
        self._database = index.database

    def create(self, bucket: str, key: str, headers: Mapping[str, str]) -> str:
        """Begin an upload and return its id. Raises AwsError (NoSuchBucket)."""
        self._index.bucket_region(bucket)
        upload_id = uuid.uuid4().hex
        with self._database.write() as connection:
            connection.execute(
                "insert into s3_upload values (?, ?, ?, ?, ?)",
                (upload_id, bucket, key, json.dumps(dict(headers)), time.time()),
            )
        return upload_id

    def check(self, bucket: str, key: str, upload_id: str) -> Mapping[str, str]:
        """Return the headers that began the upload. Raises AwsError (NoSuchUpload)."""
        row = self._database.query_one(
            "select headers from s3_upload where id = ? and bucket = ? and key = ?",
            (upload_id, bucket, key),
        )
        if row is None:
            raise _no_such_upload()
        headers: dict[str, str] = json.loads(row["headers"])
        return headers

    def put_part(self, upload_id: str, number: int, blob: BlobWriter) -> UploadPart:
        """Store a part whose blob is on disk; it replaces an earlier part with its number.

        Raises AwsError (NoSuchUpload) if the upload has ended in the meantime.
        """
        part = UploadPart(number, blob.name, blob.size, blob.md5().hex(), time.time())
        with self._database.write() as connection:
            _check_alive(connection, upload_id)
            old = connection.execute(
                "select blob from s3_part where upload_id = ? and number = ?", (upload_id, number)
            ).fetchall()
            connection.execute(
                "insert or replace into s3_part values (?, ?, ?, ?, ?, ?)",
                (upload_id, number, part.blob, part.size, part.etag, part.modified_at),
            )
        self._index.blobs.remove(*(row["blob"] for row in old))
        return part

    def parts(self, upload_id: str) -> list[UploadPart]:
        """Parts by number."""
        return _parts(self._database.query(_PARTS, (upload_id,)))

    def complete(
        self,
        bucket: str,
        key: str,
        upload_id: str,
        wanted: Sequence[tuple[int, str]],
        condition: WriteCondition,
    ) -> StoredObject:
        """Join the wanted parts (number, ETag) into the object and end the upload.

        Raises AwsError (NoSuchUpload, InvalidPart, InvalidPartOrder, EntityTooSmall, and those of
        the condition, after which the upload still exists).
        """
        headers = self.check(bucket, key, upload_id)
        chosen = _choose(self.parts(upload_id), wanted)
        with self._index.blobs.writing() as writer:
            self._join(uri_of(bucket, key), chosen, writer)
            writer.finish()
            stored = StoredObject(key, writer.name, writer.size, _joint_etag(chosen), headers)
            with self._database.write() as connection:
                _check_alive(connection, upload_id)
                parts = _parts(connection.execute(_PARTS, (upload_id,)).fetchall())
                if not set(chosen) <= set(parts):
                    raise _invalid_part()
                replaced = self._index.replace(connection, bucket, stored, condition)
                save_md5(connection, writer.name, writer.md5())
                _end(connection, upload_id)
        self._index.blobs.remove(*replaced, *(part.blob for part in parts))
        return stored

    def abort(self, upload_id: str) -> None:
        """End an upload and drop its parts. Raises AwsError (NoSuchUpload)."""
        with self._index.blobs.reserve.released(), self._database.write() as connection:
            _check_alive(connection, upload_id)
            parts = _parts(connection.execute(_PARTS, (upload_id,)).fetchall())
            _end(connection, upload_id)
        self._index.blobs.remove(*(part.blob for part in parts))

    def _join(self, uri: str, parts: Sequence[UploadPart], writer: BlobWriter) -> None:
        try:
            for part in parts:
                with self._index.blobs.path(part.blob).open("rb") as source:
                    of_part = f"{uri} (part {part.number})"
                    for block in self._index.integrity.blocks(
                        of_part, part.blob, part.etag, part.size, source
                    ):
                        writer.write(block)
        except FileNotFoundError as error:
            # Another request ended the upload or replaced a part during the read.
            raise _invalid_part() from error


_PARTS = (
    "select number, blob, size, etag, modified_at from s3_part where upload_id = ? order by number"
)


def _parts(rows: Sequence[sqlite3.Row]) -> list[UploadPart]:
    return [UploadPart(*row) for row in rows]


def _choose(parts: Sequence[UploadPart], wanted: Sequence[tuple[int, str]]) -> list[UploadPart]:
    """Return the parts that a client lists, after the checks of S3. Raises AwsError."""
    numbers = [number for number, _ in wanted]
    if numbers != sorted(set(numbers)):
        raise AwsError(
            "InvalidPartOrder",
            "The list of parts was not in ascending order. Parts must be ordered by part number.",
        )
    uploaded = {(part.number, part.etag): part for part in parts}
    if not wanted or any(entry not in uploaded for entry in wanted):
        raise _invalid_part()
    chosen = [uploaded[entry] for entry in wanted]
    for part in chosen[:-1]:
        if part.size < MIN_PART_BYTES:
            raise AwsError(
                "EntityTooSmall",
                "Your proposed upload is smaller than the minimum allowed size",
                members={
                    "ProposedSize": part.size,
                    "MinSizeAllowed": MIN_PART_BYTES,
                    "PartNumber": part.number,
                },
            )
    return chosen


def _joint_etag(parts: Sequence[UploadPart]) -> str:
    """Return the ETag of a multipart object: MD5 of the parts' MD5s, and their number."""
    joint = hashlib.md5(b"".join(bytes.fromhex(part.etag) for part in parts), usedforsecurity=False)
    return f"{joint.hexdigest()}-{len(parts)}"


def _check_alive(connection: sqlite3.Connection, upload_id: str) -> None:
    if not connection.execute("select 1 from s3_upload where id = ?", (upload_id,)).fetchone():
        raise _no_such_upload()


def _end(connection: sqlite3.Connection, upload_id: str) -> None:
    connection.execute("delete from s3_part where upload_id = ?", (upload_id,))
    connection.execute("delete from s3_upload where id = ?", (upload_id,))


def _no_such_upload() -> AwsError:
    return AwsError(
        "NoSuchUpload",
        "The specified multipart upload does not exist. The upload ID may be invalid, or the "
        "upload may have been aborted or completed.",
        404,
    )


def _invalid_part() -> AwsError:
    return AwsError(
        "InvalidPart",
        "One or more of the specified parts could not be found. The part may not have been "
        "uploaded, or the specified entity tag may not match the part's entity tag.",
    )
