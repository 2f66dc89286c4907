"""S3 objects: put, compare-and-swap, get, list."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import IO

from clickstream.lake import s3_get
from clickstream.lake.client import Lake
from clickstream.lake.s3_get import MISSING, ObjectBytes

LOST_RACE = {"PreconditionFailed", "ConditionalRequestConflict", "412", "409"}


@dataclass(frozen=True)
class Listed:
    """An object in a listing; its size is in bytes, `modified_at` is aware."""

    key: str
    size: int
    modified_at: datetime


def put(lake: Lake, key: str, body: bytes | IO[bytes]) -> None:
    """Write an object over an existing one; a file is written from its current position."""
    lake.s3.put_object(Bucket=lake.bucket, Key=key, Body=body)


def swap(lake: Lake, key: str, body: bytes, etag: str | None) -> str | None:
    """Write an object only if it still has `etag` (None: does not exist yet).

    Returns the new ETag, or None if another process was faster.
    """
    condition = {"IfMatch": etag} if etag else {"IfNoneMatch": "*"}
    try:
        answer = lake.s3.put_object(Bucket=lake.bucket, Key=key, Body=body, **condition)
    except lake.s3.exceptions.ClientError as error:
        if s3_get.code(error) in LOST_RACE | MISSING:
            return None
        raise
    return str(answer["ETag"])


def get(lake: Lake, key: str) -> ObjectBytes | None:
    """Return an object's bytes and ETag, or None if it does not exist."""
    return s3_get.get(lake.s3, lake.bucket, key)


def fetch(lake: Lake, key: str, file: IO[bytes]) -> bool:
    """Copy an object's bytes to an empty file; return whether there is an object."""
    return s3_get.fetch(lake.s3, lake.bucket, key, file)


def etag_of(lake: Lake, key: str) -> str | None:
    """Return an object's ETag, or None if it does not exist; its bytes are not read."""
    try:
        return str(lake.s3.head_object(Bucket=lake.bucket, Key=key)["ETag"])
    except lake.s3.exceptions.ClientError as error:
        if s3_get.code(error) in MISSING:
            return None
        raise


def listing(lake: Lake, prefix: str, after: str = "") -> Iterator[tuple[str, int]]:
    """Yield keys and sizes below a prefix, in key order; with `after`, of later keys only."""
    return ((item.key, item.size) for item in listed(lake, prefix, after))


def listed(lake: Lake, prefix: str, after: str = "") -> Iterator[Listed]:
    """Yield the objects below a prefix like `listing`, with their times."""
    pages = lake.s3.get_paginator("list_objects_v2").paginate(
        Bucket=lake.bucket, Prefix=prefix, StartAfter=after
    )
    for page in pages:
        for item in page.get("Contents", ()):
            yield Listed(item["Key"], item["Size"], item["LastModified"])


def delete(lake: Lake, keys: list[str]) -> None:
    """Delete objects; a missing one is no error."""
    for start in range(0, len(keys), 1000):
        batch = [{"Key": key} for key in keys[start : start + 1000]]
        lake.s3.delete_objects(Bucket=lake.bucket, Delete={"Objects": batch, "Quiet": True})


def remove(lake: Lake, key: str, etag: str) -> bool:
    """Delete an object only if it still has `etag`; return whether it was deleted."""
    try:
        lake.s3.delete_object(Bucket=lake.bucket, Key=key, IfMatch=etag)
    except lake.s3.exceptions.ClientError as error:
        if s3_get.code(error) in LOST_RACE | MISSING:
            return False
        raise
    return True
