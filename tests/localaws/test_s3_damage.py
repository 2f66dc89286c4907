"""Damaged or missing blobs are errors that name the object; no client gets their bytes."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import BotoCoreError, ClientError
from tests.support.aws_errors import refused
from tests.support.damage import blob_path, flipped
from tests.support.localaws_process import LocalAwsProcess
from urllib3.exceptions import HTTPError

SMALL, LARGE = 1000, (3 << 20) + 17
PART = 5 << 20
Spoil = Callable[[Path], None]


def flip_middle(path: Path) -> None:
    body = path.read_bytes()
    path.write_bytes(flipped(body, len(body) // 2))


def flip_last(path: Path) -> None:
    body = path.read_bytes()
    path.write_bytes(flipped(body, len(body) - 1))


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-1])


def lengthen(path: Path) -> None:
    path.write_bytes(path.read_bytes() + b"!")


SPOILED = pytest.mark.parametrize(
    "spoil", [flip_middle, flip_last, cut, lengthen, Path.unlink], ids=lambda spoil: spoil.__name__
)


def refused_read(s3: Any, bucket: str, key: str, **more: str) -> str:
    """The message of a read that is refused."""
    with refused("InvalidObjectState", 409) as error:
        s3.get_object(Bucket=bucket, Key=key, **more)
    return error.message


@SPOILED
def test_a_spoiled_small_object_is_refused_with_its_name(
    s3: Any, bucket: str, local_aws: LocalAwsProcess, spoil: Spoil
) -> None:
    s3.put_object(Bucket=bucket, Key="a/b", Body=os.urandom(SMALL))
    assert s3.get_object(Bucket=bucket, Key="a/b")["Body"].read()
    spoil(blob_path(local_aws.root, bucket, "a/b"))
    said = refused_read(s3, bucket, "a/b")
    assert f"The stored bytes of s3://{bucket}/a/b are" in said
    assert f"s3://{bucket}/a/b" in refused_read(s3, bucket, "a/b", Range="bytes=0-9")
    with refused("InvalidObjectState", 409):
        s3.copy_object(Bucket=bucket, Key="copy", CopySource={"Bucket": bucket, "Key": "a/b"})
    with refused("NoSuchKey", 404):
        s3.get_object(Bucket=bucket, Key="copy")
    s3.put_object(Bucket=bucket, Key="a/b", Body=b"new")
    assert s3.get_object(Bucket=bucket, Key="a/b")["Body"].read() == b"new"


@SPOILED
def test_a_spoiled_large_object_is_never_read_whole(
    s3: Any, bucket: str, local_aws: LocalAwsProcess, spoil: Spoil
) -> None:
    s3.put_object(Bucket=bucket, Key="large", Body=os.urandom(LARGE))
    spoil(blob_path(local_aws.root, bucket, "large"))
    with pytest.raises((BotoCoreError, HTTPError, ClientError)):
        s3.get_object(Bucket=bucket, Key="large")["Body"].read()
    assert f"s3://{bucket}/large" in refused_read(s3, bucket, "large")


def test_a_range_of_an_object_that_is_spoiled_after_its_first_read_is_refused(
    s3: Any, bucket: str, local_aws: LocalAwsProcess
) -> None:
    body = os.urandom(LARGE)
    s3.put_object(Bucket=bucket, Key="large", Body=body)
    some = s3.get_object(Bucket=bucket, Key="large", Range="bytes=5-99")["Body"].read()
    assert some == body[5:100]
    flip_last(blob_path(local_aws.root, bucket, "large"))
    assert "are damaged" in refused_read(s3, bucket, "large", Range="bytes=5-99")


def test_a_multipart_object_is_compared_with_the_digest_of_its_whole_bytes(
    s3: Any, bucket: str, local_aws: LocalAwsProcess
) -> None:
    upload = s3.create_multipart_upload(Bucket=bucket, Key="m")["UploadId"]
    part = {"Bucket": bucket, "Key": "m", "UploadId": upload}
    bodies = [os.urandom(PART), b"tail"]
    parts = [
        {"PartNumber": n, "ETag": s3.upload_part(**part, PartNumber=n, Body=body)["ETag"]}
        for n, body in enumerate(bodies, 1)
    ]
    s3.complete_multipart_upload(**part, MultipartUpload={"Parts": parts})
    assert s3.get_object(Bucket=bucket, Key="m")["Body"].read() == b"".join(bodies)
    flip_middle(blob_path(local_aws.root, bucket, "m"))
    assert "are damaged" in refused_read(s3, bucket, "m", Range="bytes=0-9")


def test_a_part_that_is_spoiled_before_the_upload_is_completed_is_refused(
    s3: Any, bucket: str, local_aws: LocalAwsProcess
) -> None:
    upload = s3.create_multipart_upload(Bucket=bucket, Key="m")["UploadId"]
    part = {"Bucket": bucket, "Key": "m", "UploadId": upload}
    body = os.urandom(SMALL)
    etag = s3.upload_part(**part, PartNumber=1, Body=body)["ETag"]
    [path] = [p for p in (local_aws.root / "blobs").glob("??/*") if p.read_bytes() == body]
    flip_middle(path)
    with refused("InvalidObjectState", 409) as error:
        s3.complete_multipart_upload(
            **part, MultipartUpload={"Parts": [{"PartNumber": 1, "ETag": etag}]}
        )
    assert f"s3://{bucket}/m (part 1)" in error.message
