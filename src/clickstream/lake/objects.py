"""S3 objects: put, compare-and-swap, get, list."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import IO

from botocore.exceptions import ClientError

from clickstream.lake.client import Lake

MISSING = {"NoSuchKey", "404"}
LOST_RACE = {"PreconditionFailed", "ConditionalRequestConflict", "412", "409"}


@dataclass(frozen=True)
class Stored:
    """An object's bytes and the ETag a compare-and-swap needs."""

    body: bytes
    etag: str


def put(lake: Lake, key: str, body: bytes | IO[bytes]) -> None:
    """Write an object, whole, over whatever was there; a file from where it stands."""
    lake.s3.put_object(Bucket=lake.bucket, Key=key, Body=body)


def swap(lake: Lake, key: str, body: bytes, etag: str | None) -> str | None:
    """Write only if the object still has `etag` (None: does not exist yet).

    Returns the new ETag, or None when somebody else was faster.
    """
    condition = {"IfMatch": etag} if etag else {"IfNoneMatch": "*"}
    try:
        answer = lake.s3.put_object(Bucket=lake.bucket, Key=key, Body=body, **condition)
    except ClientError as error:
        if _code(error) in LOST_RACE | MISSING:
            return None
        raise
    return str(answer["ETag"])


def get(lake: Lake, key: str) -> Stored | None:
    """An object's bytes and ETag, or None if there is none."""
    try:
        answer = lake.s3.get_object(Bucket=lake.bucket, Key=key)
    except ClientError as error:
        if _code(error) in MISSING:
            return None
        raise
    return Stored(answer["Body"].read(), answer["ETag"])


def listing(lake: Lake, prefix: str, after: str = "") -> Iterator[tuple[str, int]]:
    """Keys and sizes below a prefix, in key order; with `after`, of the keys that come after it."""
    pages = lake.s3.get_paginator("list_objects_v2").paginate(
        Bucket=lake.bucket, Prefix=prefix, StartAfter=after
    )
    for page in pages:
        yield from ((item["Key"], item["Size"]) for item in page.get("Contents", ()))


def moments(lake: Lake, prefix: str) -> dict[str, datetime]:
    """When each object below a prefix was last written, in UTC without its zone."""
    pages = lake.s3.get_paginator("list_objects_v2").paginate(Bucket=lake.bucket, Prefix=prefix)
    items = (item for page in pages for item in page.get("Contents", ()))
    return {item["Key"]: item["LastModified"].replace(tzinfo=None) for item in items}


def delete(lake: Lake, keys: list[str]) -> None:
    """Delete objects; one that is gone already is no error."""
    for start in range(0, len(keys), 1000):
        batch = [{"Key": key} for key in keys[start : start + 1000]]
        lake.s3.delete_objects(Bucket=lake.bucket, Delete={"Objects": batch, "Quiet": True})


def _code(error: ClientError) -> str:
    return str(error.response["Error"]["Code"])
