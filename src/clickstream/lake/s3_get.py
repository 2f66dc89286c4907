"""Reads of S3 objects, which are retried if they are interrupted, and a cache in the process."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from threading import Lock
from typing import IO, TYPE_CHECKING, Any, TypeVar

from cachetools import LRUCache

if TYPE_CHECKING:
    from botocore.exceptions import ClientError

ATTEMPTS = 5
"""Limit of the attempts of a request, including the first."""

T = TypeVar("T")

_PIECE_BYTES = 1 << 20
MISSING = {"NoSuchKey", "404"}


@dataclass(frozen=True)
class ObjectBytes:
    """An object's bytes, and the ETag that a compare-and-swap needs."""

    body: bytes
    etag: str


def get(s3: Any, bucket: str, key: str) -> ObjectBytes | None:
    """Return an object's bytes and ETag; None if there is no object. `s3` is boto3's client."""

    def read() -> ObjectBytes | None:
        answer = _get_object(s3, bucket, key)
        return None if answer is None else ObjectBytes(answer["Body"].read(), answer["ETag"])

    return _retry(read)


def fetch(s3: Any, bucket: str, key: str, file: IO[bytes]) -> bool:
    """Copy an object's bytes to an empty file; return whether there is an object."""

    def copy() -> bool:
        file.seek(0)
        file.truncate()  # an interrupted attempt may have written a part
        answer = _get_object(s3, bucket, key)
        if answer is None:
            return False
        for piece in answer["Body"].iter_chunks(_PIECE_BYTES):
            file.write(piece)
        return True

    return _retry(copy)


def _retry(read: Callable[[], T]) -> T:
    """Retry an interrupted read of a body. boto3 retries failed requests, but not these."""
    from botocore.exceptions import IncompleteReadError, ReadTimeoutError, ResponseStreamingError
    from urllib3.exceptions import HTTPError

    interruptions = (IncompleteReadError, ReadTimeoutError, ResponseStreamingError, HTTPError)
    for _ in range(ATTEMPTS - 1):
        with suppress(*interruptions):
            return read()
    return read()


def _get_object(s3: Any, bucket: str, key: str) -> Any:
    try:
        return s3.get_object(Bucket=bucket, Key=key)
    except s3.exceptions.ClientError as error:
        if code(error) in MISSING:
            return None
        raise


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
