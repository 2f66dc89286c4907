"""Where files of sales are: a directory of this machine, or a prefix in S3."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from clickstream.core.errors import UnusableSales

S3 = "s3://"


@dataclass(frozen=True)
class SalesFile:
    """A file: its name, a function that reads it, and where it is, for messages."""

    name: str
    read: Callable[[], bytes]
    location: str


def files_of_directory(directory: Path, source: str) -> list[SalesFile]:
    """Return the files, the latest last; files of one time are in the order of their names.

    Raises UnusableSales if the directory can't be read.
    """
    try:
        paths = [path for path in directory.iterdir() if path.is_file()]
        ages = {path: path.stat().st_mtime_ns for path in paths}
    except OSError as error:
        raise UnusableSales(
            f"The directory {directory} of {source} can't be read ({error.strerror}): check path "
            "in [[sales]]."
        ) from None
    in_order = sorted(paths, key=lambda path: (ages[path], path.name))
    return [SalesFile(path.name, path.read_bytes, str(path)) for path in in_order]


def files_of_prefix(s3: Any, address: str) -> list[SalesFile]:
    """Return the objects below an address such as s3://bucket/exports/, the latest last.

    `s3` is boto3's client, whose errors are raised.
    """
    bucket, _, prefix = address.removeprefix(S3).partition("/")
    pages = s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix)
    items = [item for page in pages for item in page.get("Contents", ())]

    def read(key: str) -> Callable[[], bytes]:
        return lambda: bytes(s3.get_object(Bucket=bucket, Key=key)["Body"].read())

    in_order = sorted(items, key=lambda item: (item["LastModified"], item["Key"]))
    return [
        SalesFile(name, read(item["Key"]), f"{S3}{bucket}/{item['Key']}")
        for item in in_order
        if (name := item["Key"].rpartition("/")[2])
    ]
