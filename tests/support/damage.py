"""Damage to stored bytes, as a bad disk or memory does it."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path


def flipped(body: bytes, at: int) -> bytes:
    """The bytes with one bit of the byte at `at` flipped."""
    return body[:at] + bytes([body[at] ^ 1 << at % 7]) + body[at + 1 :]


def flips(body: bytes, count: int = 14) -> Iterator[bytes]:
    """Copies of the bytes, each with one flipped bit, evenly spread from the first to the last."""
    positions = {round(number * (len(body) - 1) / (count - 1)) for number in range(count)}
    return (flipped(body, at) for at in sorted(positions))


def blob_path(root: Path, bucket: str, key: str) -> Path:
    """The file of the local S3, under its root, that has an object's bytes."""
    with closing(sqlite3.connect(root / "localaws.db")) as connection:
        [(blob,)] = connection.execute(
            "select blob from s3_object where bucket = ? and key = ?", (bucket, key)
        ).fetchall()
    return root / "blobs" / str(blob)
