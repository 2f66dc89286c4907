from __future__ import annotations

import hashlib
import io
import os
from typing import Any

import pytest
from tests.support.aws_errors import refused

PART = 5 << 20


@pytest.fixture
def upload(s3: Any, bucket: str) -> dict[str, str]:
    created = s3.create_multipart_upload(Bucket=bucket, Key="m p", ContentType="text/x-m")
    return {"Bucket": bucket, "Key": "m p", "UploadId": created["UploadId"]}


def put_part(s3: Any, upload: dict[str, str], number: int, body: bytes) -> dict[str, Any]:
    etag = s3.upload_part(**upload, PartNumber=number, Body=body)["ETag"]
    return {"PartNumber": number, "ETag": etag}


def complete(s3: Any, upload: dict[str, str], parts: list[dict[str, Any]], **more: str) -> Any:
    return s3.complete_multipart_upload(**upload, MultipartUpload={"Parts": parts}, **more)


def test_parts_become_one_object(s3: Any, upload: dict[str, str]) -> None:
    bodies = {1: os.urandom(PART), 3: os.urandom(PART), 7: b"tail"}
    parts = [put_part(s3, upload, number, bodies[number]) for number in (7, 1, 3)]
    parts.sort(key=lambda part: part["PartNumber"])
    done = complete(s3, upload, parts)
    joint = hashlib.md5(b"".join(hashlib.md5(body).digest() for body in bodies.values()))
    assert done["ETag"] == f'"{joint.hexdigest()}-3"'
    got = s3.get_object(Bucket=upload["Bucket"], Key=upload["Key"])
    assert got["Body"].read() == b"".join(bodies.values())
    assert (got["ContentType"], got["ETag"]) == ("text/x-m", done["ETag"])
    with refused("NoSuchUpload", 404):
        s3.list_parts(**upload)


def test_a_part_can_be_replaced_and_listed(s3: Any, upload: dict[str, str]) -> None:
    put_part(s3, upload, 1, b"first")
    parts = [put_part(s3, upload, 1, b"second"), put_part(s3, upload, 2, b"more")]
    pages = s3.get_paginator("list_parts").paginate(**upload, PaginationConfig={"PageSize": 1})
    listed = [part for page in pages for part in page["Parts"]]
    assert [(part["PartNumber"], part["Size"], part["ETag"]) for part in listed] == [
        (1, 6, parts[0]["ETag"]),
        (2, 4, parts[1]["ETag"]),
    ]
    complete(s3, upload, parts[:1])
    got = s3.get_object(Bucket=upload["Bucket"], Key=upload["Key"])
    assert got["Body"].read() == b"second"


def test_what_s3_refuses(s3: Any, upload: dict[str, str]) -> None:
    small = [put_part(s3, upload, number, b"%d" % number) for number in (1, 2)]
    with refused("EntityTooSmall", 400):
        complete(s3, upload, small)
    with refused("InvalidPartOrder", 400):
        complete(s3, upload, small[::-1])
    with refused("InvalidPart", 400):
        complete(s3, upload, [{"PartNumber": 1, "ETag": '"0"'}])
    with refused("InvalidPart", 400):
        complete(s3, upload, [small[0] | {"PartNumber": 9}])
    with refused("MalformedXML", 400):
        complete(s3, upload, [{"PartNumber": 1}])
    with refused("InvalidArgument", 400):
        s3.upload_part(**upload, PartNumber=10_001, Body=b"")
    with refused("NoSuchUpload", 404):
        s3.upload_part(**(upload | {"Key": "other"}), PartNumber=1, Body=b"")


def test_abort_leaves_nothing(s3: Any, upload: dict[str, str]) -> None:
    part = put_part(s3, upload, 1, b"x")
    s3.abort_multipart_upload(**upload)
    with refused("NoSuchUpload", 404):
        complete(s3, upload, [part])
    with refused("NoSuchUpload", 404):
        put_part(s3, upload, 2, b"y")
    assert s3.list_objects_v2(Bucket=upload["Bucket"])["KeyCount"] == 0


def test_conditions_hold_at_completion(s3: Any, upload: dict[str, str]) -> None:
    key = {"Bucket": upload["Bucket"], "Key": upload["Key"]}
    part = put_part(s3, upload, 1, b"late")
    etag = s3.put_object(**key, Body=b"early")["ETag"]
    with refused("PreconditionFailed", 412):
        complete(s3, upload, [part], IfNoneMatch="*")
    with refused("PreconditionFailed", 412):
        complete(s3, upload, [part], IfMatch='"0"')
    assert s3.get_object(**key)["Body"].read() == b"early"
    complete(s3, upload, [part], IfMatch=etag)
    assert s3.get_object(**key)["Body"].read() == b"late"


def test_parts_copied_from_objects(s3: Any, upload: dict[str, str]) -> None:
    data = os.urandom(PART + 100)
    s3.put_object(Bucket=upload["Bucket"], Key="src", Body=data)
    copy = {**upload, "CopySource": {"Bucket": upload["Bucket"], "Key": "src"}}
    ranges = {1: f"bytes=0-{PART - 1}", 2: f"bytes={PART}-{PART + 99}"}
    parts = [
        {
            "PartNumber": number,
            "ETag": s3.upload_part_copy(**copy, PartNumber=number, CopySourceRange=span)[
                "CopyPartResult"
            ]["ETag"],
        }
        for number, span in ranges.items()
    ]
    with refused("InvalidArgument", 400):
        s3.upload_part_copy(**copy, PartNumber=3, CopySourceRange=f"bytes=0-{len(data)}")
    complete(s3, upload, parts)
    got = s3.get_object(Bucket=upload["Bucket"], Key=upload["Key"])
    assert got["Body"].read() == data


def test_boto3s_transfer_manager_copies_large_objects(s3: Any, bucket: str) -> None:
    data = os.urandom(20 << 20)
    s3.upload_fileobj(io.BytesIO(data), bucket, "big")
    s3.copy({"Bucket": bucket, "Key": "big"}, bucket, "copy")
    out = io.BytesIO()
    s3.download_fileobj(bucket, "copy", out)
    assert out.getvalue() == data
