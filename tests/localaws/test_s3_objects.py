"""Objects of the local S3: keys, ranges, conditions, concurrent writers, and other clients."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from pyarrow import fs
from tests.support.aws_errors import error_code, refused
from tests.support.cases import each_case

KEYS = (
    "a/b=1/x y+é.txt",
    "%2F and 100%",
    "q?a=b&c#d",
    "//double//",
    "日本/☕.json",
    "<tag>&amp;'\"",
)


@each_case("key", KEYS)
def test_an_object_is_read_listed_and_deleted_by_its_key(s3: Any, bucket: str, key: str) -> None:
    s3.put_object(Bucket=bucket, Key=key, Body=key.encode(), Metadata={"who": "me"})
    stored = s3.get_object(Bucket=bucket, Key=key)
    assert (stored["Body"].read(), stored["Metadata"]) == (key.encode(), {"who": "me"})
    listed = s3.list_objects_v2(Bucket=bucket)["Contents"]
    assert [entry["Key"] for entry in listed] == [key]
    s3.delete_objects(Bucket=bucket, Delete={"Objects": [{"Key": key}]})
    with refused("NoSuchKey", 404):
        s3.get_object(Bucket=bucket, Key=key)


def test_absent_buckets_are_refused_by_name(s3: Any) -> None:
    with refused("NoSuchBucket", 404):
        s3.get_object(Bucket="no-such-bucket", Key="k")
    with refused("NoSuchBucket", 404):
        s3.put_object(Bucket="no-such-bucket", Key="k", Body=b"x")


@each_case(
    "header, start, end",
    [
        ("bytes=10-19", 10, 20),
        ("bytes=95-", 95, 100),
        ("bytes=-5", 95, 100),
        ("bytes=90-1000", 90, 100),
    ],
)
def test_a_range_of_an_object_is_read(
    s3: Any, bucket: str, header: str, start: int, end: int
) -> None:
    data = bytes(range(100))
    s3.put_object(Bucket=bucket, Key="r", Body=data)
    part = s3.get_object(Bucket=bucket, Key="r", Range=header)
    assert part["Body"].read() == data[start:end]
    assert part["ContentRange"] == f"bytes {start}-{end - 1}/100"
    with refused("InvalidRange", 416):
        s3.get_object(Bucket=bucket, Key="r", Range="bytes=100-")


def test_a_reader_survives_overwrite_and_delete(s3: Any, bucket: str) -> None:
    data = os.urandom(8 << 20)
    s3.put_object(Bucket=bucket, Key="k", Body=data)
    body = s3.get_object(Bucket=bucket, Key="k")["Body"]
    first = body.read(1 << 20)
    s3.put_object(Bucket=bucket, Key="k", Body=b"new")
    s3.delete_object(Bucket=bucket, Key="k")
    assert first + body.read() == data


def test_readers_see_whole_objects_while_an_object_is_replaced(s3: Any, bucket: str) -> None:
    s3.put_object(Bucket=bucket, Key="k", Body=b"0" * 1000)

    def write(number: int) -> None:
        s3.put_object(Bucket=bucket, Key="k", Body=str(number % 10).encode() * 1000)

    def read(_: int) -> int:
        return len(set(s3.get_object(Bucket=bucket, Key="k")["Body"].read()))

    with ThreadPoolExecutor(8) as pool:
        writes = [pool.submit(write, number) for number in range(20)]
        assert set(pool.map(read, range(40))) == {1}
        for written in writes:
            written.result()


def test_an_object_is_replaced_only_if_it_is_the_one_that_was_read(s3: Any, bucket: str) -> None:
    old = s3.put_object(Bucket=bucket, Key="k", Body=b"1", IfNoneMatch="*")["ETag"]
    with refused("PreconditionFailed", 412):
        s3.put_object(Bucket=bucket, Key="k", Body=b"2", IfNoneMatch="*")
    s3.put_object(Bucket=bucket, Key="k", Body=b"2", IfMatch=old)
    with refused("PreconditionFailed", 412):
        s3.put_object(Bucket=bucket, Key="k", Body=b"3", IfMatch=old)
    with refused("PreconditionFailed", 412):
        s3.delete_object(Bucket=bucket, Key="k", IfMatch=old)
    with refused("NoSuchKey", 404):
        s3.put_object(Bucket=bucket, Key="absent", Body=b"3", IfMatch=old)
    assert s3.get_object(Bucket=bucket, Key="k")["Body"].read() == b"2"


def test_one_of_several_creators_wins(s3: Any, bucket: str) -> None:
    def create(number: int) -> str | None:
        new = {"Bucket": bucket, "Key": "k", "Body": b"%d" % number, "IfNoneMatch": "*"}
        return error_code(s3.put_object, **new)

    with ThreadPoolExecutor(8) as pool:
        codes = list(pool.map(create, range(8)))
    assert sorted(map(str, codes)) == ["None", *["PreconditionFailed"] * 7]
    body = s3.get_object(Bucket=bucket, Key="k")["Body"].read()
    assert int(body) == codes.index(None)


def test_compare_and_swap_loses_no_increment(s3: Any, bucket: str) -> None:
    s3.put_object(Bucket=bucket, Key="n", Body=b"0")

    def increment(_: int) -> None:
        code: str | None = "PreconditionFailed"
        while code == "PreconditionFailed":
            stored = s3.get_object(Bucket=bucket, Key="n")
            new = {"Body": b"%d" % (int(stored["Body"].read()) + 1), "IfMatch": stored["ETag"]}
            code = error_code(s3.put_object, Bucket=bucket, Key="n", **new)
        assert code is None

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(increment, range(12)))
    assert s3.get_object(Bucket=bucket, Key="n")["Body"].read() == b"12"


def test_pyarrow_writes_in_parts_and_reads_ranges(local_aws: Any, s3: Any, bucket: str) -> None:
    files = fs.S3FileSystem(
        access_key="k", secret_key="s", region="us-east-1", endpoint_override=local_aws.endpoint
    )
    data = os.urandom(12 << 20)
    with files.open_output_stream(f"{bucket}/dir/x.bin") as stream:
        stream.write(data)
    with files.open_input_file(f"{bucket}/dir/x.bin") as file:
        assert file.read_at(1000, 5 << 20) == data[5 << 20 :][:1000]
    assert s3.get_object(Bucket=bucket, Key="dir/x.bin")["Body"].read() == data


def test_an_upload_that_differs_from_its_checksum_is_refused(s3: Any, bucket: str) -> None:
    with refused("BadDigest", 400):
        s3.put_object(Bucket=bucket, Key="k", Body=b"data", ChecksumCRC32="AAAAAA==")
    assert s3.list_objects_v2(Bucket=bucket)["KeyCount"] == 0


@pytest.mark.parametrize(
    ("operation", "members", "name"),
    [
        ("put_bucket_versioning", {"VersioningConfiguration": {}}, "?versioning"),
        ("get_object", {"Key": "k", "VersionId": "1"}, "versionId"),
        (
            "put_object",
            {"Key": "k", "ServerSideEncryption": "aws:kms"},
            "x-amz-server-side-encryption: aws:kms",
        ),
    ],
)
def test_requests_that_are_not_implemented_are_refused_by_name(
    s3: Any, bucket: str, operation: str, members: dict[str, Any], name: str
) -> None:
    with refused("NotImplemented", 501) as refusal:
        getattr(s3, operation)(Bucket=bucket, **members)
    assert name in refusal.message
