"""Versions of the objects in the lake's bucket: what existed at a moment, and how to return to it.

The bucket of a deployment keeps replaced and deleted objects for some days. The local AWS keeps no
versions.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby, islice
from operator import attrgetter
from typing import Any

from botocore.exceptions import ClientError

from clickstream.lake.client import Lake
from clickstream.lake.s3_get import code

_AT_ONCE = 16
_LARGEST_COPY = 5 << 30
"""Bytes that S3 copies in one request; larger objects are copied in parts."""


@dataclass(frozen=True)
class Version:
    """A version of an object, or the marker of its deletion. `written_at` is aware."""

    key: str
    id: str
    written_at: datetime
    is_latest: bool
    etag: str = ""
    size: int = 0

    @property
    def is_deletion(self) -> bool:
        """Whether this is a deletion and not an object."""
        return not self.etag


@dataclass(frozen=True)
class KeyHistory:
    """All versions of a key, oldest first."""

    key: str
    versions: Sequence[Version]

    @property
    def now(self) -> Version | None:
        """The current object, or None without one."""
        newest = self.versions[-1]
        return None if newest.is_deletion else newest

    def at(self, moment: datetime) -> Version | None:
        """Return the object as it was at a moment, or None if it did not exist."""
        earlier = [version for version in self.versions if version.written_at <= moment]
        return earlier[-1] if earlier and not earlier[-1].is_deletion else None

    def differs(self, moment: datetime) -> bool:
        """Return whether the object now has other bytes than at a moment."""
        then, now = self.at(moment), self.now
        return (then and (then.etag, then.size)) != (now and (now.etag, now.size))


def kept_days(lake: Lake) -> int | None:
    """Return the days for which the bucket keeps versions.

    0 is a bucket without versions, and None one that keeps all of them.
    """
    if lake.s3.get_bucket_versioning(Bucket=lake.bucket).get("Status") != "Enabled":
        return 0
    try:
        answer = lake.s3.get_bucket_lifecycle_configuration(Bucket=lake.bucket)
    except ClientError as error:
        if code(error) == "NoSuchLifecycleConfiguration":
            return None
        raise
    days = []
    for rule in answer["Rules"]:
        is_of_some = rule.get("Prefix") or rule.get("Filter", {}).get("Prefix", "")
        if rule["Status"] == "Enabled" and not is_of_some:
            days.append(rule.get("NoncurrentVersionExpiration", {}).get("NoncurrentDays"))
    return min((number for number in days if number), default=None)


def histories(lake: Lake) -> Iterator[KeyHistory]:
    """Yield the history of every key that the bucket has or had, in key order."""
    pages = lake.s3.get_paginator("list_object_versions").paginate(Bucket=lake.bucket)
    all_versions = (version for page in pages for version in _versions(page))
    for key, versions in groupby(all_versions, key=attrgetter("key")):
        yield KeyHistory(key, sorted(versions, key=_age))


def _versions(page: Mapping[str, Any]) -> list[Version]:
    """Return the versions of a page in key order; a key of two pages has its versions on both."""
    listed = [*page.get("DeleteMarkers", ()), *reversed(page.get("Versions", ()))]
    versions = (
        Version(
            entry["Key"],
            entry["VersionId"],
            entry["LastModified"],
            entry["IsLatest"],
            entry.get("ETag", ""),
            entry.get("Size", 0),
        )
        for entry in listed
    )
    return sorted(versions, key=attrgetter("key"))


def _age(version: Version) -> tuple[bool, datetime]:
    """Return the sort key by age.

    S3's times are seconds. Of a deletion and an object of one second, the sort, which is stable,
    puts the object last, because a superfluous object does less harm than a missing one.
    """
    return version.is_latest, version.written_at


def read_version(lake: Lake, version: Version) -> bytes:
    """Return the bytes of a version."""
    answer = lake.s3.get_object(Bucket=lake.bucket, Key=version.key, VersionId=version.id)
    return bytes(answer["Body"].read())


def copy_versions(lake: Lake, versions: Sequence[Version]) -> None:
    """Copy versions over the current objects of their keys; the replaced ones stay as versions."""
    with ThreadPoolExecutor(_AT_ONCE, thread_name_prefix="copy") as pool:
        for _ in pool.map(lambda version: _copy(lake, version), versions):
            pass


def _copy(lake: Lake, version: Version) -> None:
    source = {"Bucket": lake.bucket, "Key": version.key, "VersionId": version.id}
    copy = lake.s3.copy_object if version.size <= _LARGEST_COPY else lake.s3.copy
    copy(CopySource=source, Bucket=lake.bucket, Key=version.key)


def delete_all_versions(lake: Lake) -> int:
    """Delete all versions of all objects for good; return their number."""
    number = 0
    all_versions = (version for history in histories(lake) for version in history.versions)
    while batch := [
        {"Key": version.key, "VersionId": version.id} for version in islice(all_versions, 1000)
    ]:
        lake.s3.delete_objects(Bucket=lake.bucket, Delete={"Objects": batch, "Quiet": True})
        number += len(batch)
    return number
