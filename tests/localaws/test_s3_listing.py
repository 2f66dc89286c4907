from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.support.aws_errors import refused

KEYS = sorted(
    ["a", "a/", "a/1", "a/2", "a/b/1", "a/b/2", "a0", "b/1", "b/2", "ü/1", "ü/2", "\U0001f600", "z"]
)


@pytest.fixture(scope="module")
def filled(s3: Any) -> str:
    s3.create_bucket(Bucket="listing")
    for key in KEYS:
        s3.put_object(Bucket="listing", Key=key, Body=key.encode())
    return "listing"


def expected(prefix: str, delimiter: str, after: str) -> list[str]:
    """Entries of a listing, said in the simplest way: fold, then keep what is greater."""
    entries = set()
    for key in KEYS:
        if key.startswith(prefix):
            cut = key.find(delimiter, len(prefix)) if delimiter else -1
            entries.add(key if cut < 0 else key[: cut + len(delimiter)])
    return sorted(entry for entry in entries if entry > after)


def entries_of(page: dict[str, Any]) -> list[str]:
    keys = [entry["Key"] for entry in page.get("Contents", [])]
    return sorted(keys + [entry["Prefix"] for entry in page.get("CommonPrefixes", [])])


prefixes = st.sampled_from(["", "a", "a/", "a/b", "a/b/", "b/", "ü", "ü/", "x", "\U0001f600"])
delimiters = st.sampled_from(["", "/", "/b/", "1"])
positions = st.one_of(st.just(""), st.sampled_from([*KEYS, "a/1x", "ü/", "a/b/", "zz", "A"]))


@given(prefix=prefixes, delimiter=delimiters, after=positions, size=st.integers(1, 5))
def test_pages_together_are_the_listing(
    s3: Any, filled: str, prefix: str, delimiter: str, after: str, size: int
) -> None:
    shared = {"Bucket": filled, "Prefix": prefix, "Delimiter": delimiter}
    want = expected(prefix, delimiter, after)
    pages = list(
        s3.get_paginator("list_objects_v2").paginate(
            **shared, StartAfter=after, PaginationConfig={"PageSize": size}
        )
    )
    assert [entry for page in pages for entry in entries_of(page)] == want
    assert all(page["KeyCount"] == len(entries_of(page)) <= size for page in pages)


def test_what_an_entry_says(s3: Any, filled: str) -> None:
    entry = s3.list_objects_v2(Bucket=filled, Prefix="ü/1")["Contents"][0]
    head = s3.head_object(Bucket=filled, Key="ü/1")
    assert entry["Key"] == "ü/1"
    assert entry["Size"] == head["ContentLength"] == len("ü/1".encode())
    assert entry["ETag"] == head["ETag"]
    assert entry["LastModified"] == head["LastModified"]
    assert entry["StorageClass"] == "STANDARD"


def test_listing_obeys_its_limits(s3: Any, filled: str) -> None:
    none = s3.list_objects_v2(Bucket=filled, MaxKeys=0)
    assert (none["KeyCount"], none["IsTruncated"]) == (0, False)
    first = s3.list_objects_v2(Bucket=filled, MaxKeys=1)
    assert (first["KeyCount"], first["IsTruncated"], first["MaxKeys"]) == (1, True, 1)
    with refused("NoSuchBucket", 404):
        s3.list_objects_v2(Bucket="no-such-bucket")
