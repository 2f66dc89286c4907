"""Reads of S3 objects: retried when interrupted, and an in-process cache of their bytes."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from threading import Lock
from typing import Any

from botocore.exceptions import (
    ClientError,
    IncompleteReadError,
    ReadTimeoutError,
    ResponseStreamingError,
)
from cachetools import LRUCache
from urllib3.exceptions import HTTPError

ATTEMPTS = 5
"""Limit of the attempts of a request, including the first."""

MISSING = {"NoSuchKey", "404"}
_BROKEN_OFF = (IncompleteReadError, ReadTimeoutError, ResponseStreamingError, HTTPError)


@dataclass(frozen=True)
class Stored:
    """An object's bytes, and the ETag that a compare-and-swap needs."""

    body: bytes
    etag: str


def get(s3: Any, bucket: str, key: str) -> Stored | None:
    """Return an object's bytes and ETag, or None if it does not exist; `s3` is boto3's client.

    boto3 retries a failed request, but not an interrupted read of the body: that is done here.
    """
    for _ in range(ATTEMPTS - 1):
        with suppress(*_BROKEN_OFF):
            return _get(s3, bucket, key)
    return _get(s3, bucket, key)


def _get(s3: Any, bucket: str, key: str) -> Stored | None:
    try:
        answer = s3.get_object(Bucket=bucket, Key=key)
    except ClientError as error:
        if code(error) in MISSING:
            return None
        raise
    return Stored(answer["Body"].read(), answer["ETag"])


def code(error: ClientError) -> str:
    """Return S3's code of the error."""
    return str(error.response["Error"]["Code"])


class ObjectCache:
    """Thread-safe cache of object bytes by key; the least recently used are dropped first.

    `max_bytes` limits the total size; a larger object is not cached.
    """

    def __init__(self, max_bytes: int = 64 << 20) -> None:
        self._bodies: LRUCache[str, bytes] = LRUCache(max_bytes, getsizeof=len)
        self._lock = Lock()

    def put(self, key: str, body: bytes) -> None:
        """Cache an object in place of its earlier bytes."""
        with self._lock:
            self._bodies.pop(key, None)
            if len(body) <= self._bodies.maxsize:
                self._bodies[key] = body

    def get(self, key: str) -> bytes | None:
        """Return the bytes of an object; None if it is not cached."""
        with self._lock:
            return self._bodies.get(key)
