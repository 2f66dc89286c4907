from __future__ import annotations

import hashlib
import os
import urllib.request
import zlib
from base64 import b64encode
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import quote

import httpx
import pytest
from tests.support.aws_errors import error_code, refused

NAMES = [
    "plain.txt",
    "a/b=1/x y+é.txt",
    "100%",
    "%2F and %zz",
    "q?a=b&c#d",
    "//double//",
    "日本/☕.json",
    "line\nbreak",
    "<tag>&amp;'\"",
    "../up/./here",
    "~tilde*!()",
]


def signed(service: str = "s3") -> dict[str, str]:
    return {
        "Authorization": f"AWS4-HMAC-SHA256 Credential=k/20260101/us-east-1/{service}/aws4_request"
    }


class TestPutAndGet:
    @pytest.mark.parametrize("key", NAMES)
    def test_any_key_comes_back(self, s3: Any, bucket: str, key: str) -> None:
        s3.put_object(Bucket=bucket, Key=key, Body=key.encode())
        assert s3.get_object(Bucket=bucket, Key=key)["Body"].read() == key.encode()
        listed = s3.list_objects_v2(Bucket=bucket)["Contents"]
        assert [entry["Key"] for entry in listed] == [key]
        s3.delete_objects(Bucket=bucket, Delete={"Objects": [{"Key": key}]})
        assert s3.list_objects_v2(Bucket=bucket)["KeyCount"] == 0

    def test_headers_metadata_and_etag(self, s3: Any, bucket: str) -> None:
        s3.put_object(
            Bucket=bucket,
            Key="k",
            Body=b"hi",
            ContentType="text/csv",
            ContentEncoding="gzip",
            CacheControl="no-store",
            Metadata={"who": "me"},
        )
        head = s3.head_object(Bucket=bucket, Key="k")
        assert head["ETag"] == f'"{hashlib.md5(b"hi").hexdigest()}"'
        assert head["ContentLength"] == 2
        assert head["ContentType"] == "text/csv"
        assert head["ContentEncoding"] == "gzip"
        assert head["CacheControl"] == "no-store"
        assert head["Metadata"] == {"who": "me"}
        assert datetime.now(UTC) - head["LastModified"] < timedelta(minutes=5)

    def test_default_content_type_is_that_of_s3(self, s3: Any, bucket: str) -> None:
        s3.put_object(Bucket=bucket, Key="k", Body=b"")
        assert s3.get_object(Bucket=bucket, Key="k")["ContentType"] == "binary/octet-stream"

    def test_overwriting_replaces_headers_too(self, s3: Any, bucket: str) -> None:
        s3.put_object(Bucket=bucket, Key="k", Body=b"1", Metadata={"a": "1"})
        s3.put_object(Bucket=bucket, Key="k", Body=b"22")
        got = s3.get_object(Bucket=bucket, Key="k")
        assert (got["Body"].read(), got["Metadata"]) == (b"22", {})

    def test_absent_objects_and_buckets_are_refused_by_name(self, s3: Any, bucket: str) -> None:
        with refused("NoSuchKey", 404):
            s3.get_object(Bucket=bucket, Key="nothing")
        with refused("404", 404):
            s3.head_object(Bucket=bucket, Key="nothing")
        with refused("NoSuchBucket", 404):
            s3.get_object(Bucket="no-such-bucket", Key="k")
        with refused("NoSuchBucket", 404):
            s3.put_object(Bucket="no-such-bucket", Key="k", Body=b"x")
        s3.delete_object(Bucket=bucket, Key="nothing")

    def test_a_key_may_have_1024_bytes(self, s3: Any, bucket: str) -> None:
        s3.put_object(Bucket=bucket, Key="é" * 512, Body=b"")
        with refused("KeyTooLongError", 400):
            s3.put_object(Bucket=bucket, Key="é" * 512 + "x", Body=b"")

    def test_a_reader_survives_overwrite_and_delete(self, s3: Any, bucket: str) -> None:
        data = os.urandom(8 << 20)
        s3.put_object(Bucket=bucket, Key="k", Body=data)
        body = s3.get_object(Bucket=bucket, Key="k")["Body"]
        first = body.read(1 << 20)
        s3.put_object(Bucket=bucket, Key="k", Body=b"new")
        s3.delete_object(Bucket=bucket, Key="k")
        assert first + body.read() == data

    def test_readers_never_see_a_gap_while_an_object_is_replaced(
        self, s3: Any, bucket: str
    ) -> None:
        s3.put_object(Bucket=bucket, Key="k", Body=b"0" * 1000)

        def write(number: int) -> None:
            s3.put_object(Bucket=bucket, Key="k", Body=str(number % 10).encode() * 1000)

        def read(_: int) -> int:
            return len(set(s3.get_object(Bucket=bucket, Key="k")["Body"].read()))

        with ThreadPoolExecutor(8) as pool:
            writes = [pool.submit(write, number) for number in range(80)]
            assert set(pool.map(read, range(160))) == {1}
            for written in writes:
                written.result()

    def test_presigned_urls_read_an_object_without_credentials(
        self, s3: Any, local_aws: Any, bucket: str
    ) -> None:
        s3.put_object(Bucket=bucket, Key="a b", Body=b"data")
        parameters = {"Bucket": bucket, "Key": "a b", "ResponseContentType": "text/x-test"}
        for client in (s3, local_aws.client("s3", signature_version="s3v4")):
            url = client.generate_presigned_url("get_object", Params=parameters)
            with urllib.request.urlopen(url) as answer:
                assert answer.read() == b"data"
                assert answer.headers["Content-Type"] == "text/x-test"


class TestRanges:
    DATA = bytes(range(100))

    @pytest.mark.parametrize(
        ("header", "start", "end"),
        [
            ("bytes=10-19", 10, 20),
            ("bytes=95-", 95, 100),
            ("bytes=-5", 95, 100),
            ("bytes=-500", 0, 100),
            ("bytes=90-1000", 90, 100),
            ("bytes=0-0", 0, 1),
        ],
    )
    def test_part_of_an_object(
        self, s3: Any, bucket: str, header: str, start: int, end: int
    ) -> None:
        s3.put_object(Bucket=bucket, Key="r", Body=self.DATA)
        got = s3.get_object(Bucket=bucket, Key="r", Range=header)
        assert got["ResponseMetadata"]["HTTPStatusCode"] == 206
        assert got["Body"].read() == self.DATA[start:end]
        assert got["ContentRange"] == f"bytes {start}-{end - 1}/100"
        assert s3.head_object(Bucket=bucket, Key="r", Range=header)["ContentLength"] == end - start

    @pytest.mark.parametrize("header", ["bytes=100-", "bytes=-0", "bytes=200-300"])
    def test_a_range_beyond_the_object_is_refused(self, s3: Any, bucket: str, header: str) -> None:
        s3.put_object(Bucket=bucket, Key="r", Body=self.DATA)
        with refused("InvalidRange", 416):
            s3.get_object(Bucket=bucket, Key="r", Range=header)

    @pytest.mark.parametrize("header", ["bytes=5-2", "lines=1-2", "bytes=0-1,3-4", "bytes=-"])
    def test_unreadable_headers_are_ignored(self, s3: Any, bucket: str, header: str) -> None:
        s3.put_object(Bucket=bucket, Key="r", Body=self.DATA)
        got = s3.get_object(Bucket=bucket, Key="r", Range=header)
        assert got["ResponseMetadata"]["HTTPStatusCode"] == 200
        assert got["Body"].read() == self.DATA

    def test_a_range_of_a_large_object_is_streamed(self, s3: Any, bucket: str) -> None:
        data = os.urandom(5 << 20)
        s3.put_object(Bucket=bucket, Key="r", Body=data)
        got = s3.get_object(Bucket=bucket, Key="r", Range=f"bytes=1000-{(4 << 20) + 1}")
        assert got["Body"].read() == data[1000 : (4 << 20) + 2]


class TestConditions:
    def test_if_none_match_creates_once(self, s3: Any, bucket: str) -> None:
        s3.put_object(Bucket=bucket, Key="k", Body=b"1", IfNoneMatch="*")
        with refused("PreconditionFailed", 412):
            s3.put_object(Bucket=bucket, Key="k", Body=b"2", IfNoneMatch="*")
        assert s3.get_object(Bucket=bucket, Key="k")["Body"].read() == b"1"

    def test_if_match_replaces_what_was_read(self, s3: Any, bucket: str) -> None:
        etag = s3.put_object(Bucket=bucket, Key="k", Body=b"1")["ETag"]
        s3.put_object(Bucket=bucket, Key="k", Body=b"2", IfMatch=etag)
        with refused("PreconditionFailed", 412):
            s3.put_object(Bucket=bucket, Key="k", Body=b"3", IfMatch=etag)
        with refused("PreconditionFailed", 412):
            s3.delete_object(Bucket=bucket, Key="k", IfMatch=etag)
        with refused("NoSuchKey", 404):
            s3.put_object(Bucket=bucket, Key="absent", Body=b"3", IfMatch=etag)
        assert s3.get_object(Bucket=bucket, Key="k")["Body"].read() == b"2"

    def test_sixteen_creators_one_winner(self, s3: Any, bucket: str) -> None:
        def create(number: int) -> str | None:
            new = {"Bucket": bucket, "Key": "k", "Body": b"%d" % number, "IfNoneMatch": "*"}
            return error_code(s3.put_object, **new)

        with ThreadPoolExecutor(16) as pool:
            codes = list(pool.map(create, range(16)))
        assert sorted(map(str, codes)) == ["None", *["PreconditionFailed"] * 15]
        body = s3.get_object(Bucket=bucket, Key="k")["Body"].read()
        assert int(body) == codes.index(None)

    def test_compare_and_swap_loses_no_increment(self, s3: Any, bucket: str) -> None:
        s3.put_object(Bucket=bucket, Key="n", Body=b"0")

        def increment(_: int) -> None:
            code: str | None = "PreconditionFailed"
            while code == "PreconditionFailed":
                got = s3.get_object(Bucket=bucket, Key="n")
                new = {"Body": b"%d" % (int(got["Body"].read()) + 1), "IfMatch": got["ETag"]}
                code = error_code(s3.put_object, Bucket=bucket, Key="n", **new)
            assert code is None

        with ThreadPoolExecutor(8) as pool:
            list(pool.map(increment, range(40)))
        assert s3.get_object(Bucket=bucket, Key="n")["Body"].read() == b"40"

    def test_reads_obey_their_conditions(self, s3: Any, bucket: str) -> None:
        put = s3.put_object(Bucket=bucket, Key="k", Body=b"1")
        etag, other = put["ETag"], '"0123"'
        at = s3.head_object(Bucket=bucket, Key="k")["LastModified"]
        before, after = at - timedelta(hours=1), at + timedelta(hours=1)
        for allowed in (
            {"IfMatch": etag},
            {"IfNoneMatch": other},
            {"IfModifiedSince": before},
            {"IfUnmodifiedSince": after},
            {"IfMatch": etag, "IfUnmodifiedSince": before},
            {"IfNoneMatch": other, "IfModifiedSince": after},
        ):
            assert s3.get_object(Bucket=bucket, Key="k", **allowed)["Body"].read() == b"1"
        for unchanged in ({"IfNoneMatch": etag}, {"IfModifiedSince": after}):
            with refused("304", 304):
                s3.get_object(Bucket=bucket, Key="k", **unchanged)
        for failing in ({"IfMatch": other}, {"IfUnmodifiedSince": before}):
            with refused("PreconditionFailed", 412):
                s3.get_object(Bucket=bucket, Key="k", **failing)


class TestIntegrity:
    @pytest.mark.parametrize("algorithm", ["CRC32", "SHA1", "SHA256"])
    def test_checksums_are_kept(self, s3: Any, bucket: str, algorithm: str) -> None:
        put = s3.put_object(Bucket=bucket, Key="k", Body=b"data", ChecksumAlgorithm=algorithm)
        got = s3.get_object(Bucket=bucket, Key="k", ChecksumMode="ENABLED")
        assert got["Body"].read() == b"data"
        assert got[f"Checksum{algorithm}"] == put[f"Checksum{algorithm}"]

    @pytest.mark.parametrize(
        ("parameters", "code"),
        [
            ({"ContentMD5": b64encode(hashlib.md5(b"other").digest()).decode()}, "BadDigest"),
            ({"ContentMD5": "bm90IG1kNQ=="}, "InvalidDigest"),
            ({"ChecksumCRC32": b64encode(bytes(4)).decode()}, "BadDigest"),
            ({"ChecksumSHA256": b64encode(bytes(32)).decode()}, "BadDigest"),
            ({"ChecksumCRC32": "AA=="}, "InvalidRequest"),
        ],
    )
    def test_damaged_uploads_are_refused(
        self, s3: Any, bucket: str, parameters: dict[str, str], code: str
    ) -> None:
        with refused(code, 400):
            s3.put_object(Bucket=bucket, Key="k", Body=b"data", **parameters)
        assert s3.list_objects_v2(Bucket=bucket)["KeyCount"] == 0

    def test_payload_hash_is_checked(self, local_aws: Any, bucket: str) -> None:
        answer = httpx.put(
            f"{local_aws.endpoint}/{bucket}/k",
            content=b"data",
            headers=signed() | {"x-amz-content-sha256": hashlib.sha256(b"other").hexdigest()},
        )
        assert answer.status_code == 400
        assert "<Code>XAmzContentSHA256Mismatch</Code>" in answer.text

    @staticmethod
    def _chunked(data: bytes, trailer: bytes, size: int = 70_000) -> bytes:
        chunks = [data[start : start + size] for start in range(0, len(data), size)]
        framed = b"".join(
            b"%x;chunk-signature=00\r\n%s\r\n" % (len(chunk), chunk) for chunk in chunks
        )
        return framed + b"0\r\n" + trailer + b"\r\n"

    def _put_chunked(self, url: str, data: bytes, trailer: bytes, length: int) -> httpx.Response:
        headers = signed() | {
            "content-encoding": "aws-chunked,gzip",
            "x-amz-content-sha256": "STREAMING-UNSIGNED-PAYLOAD-TRAILER",
            "x-amz-decoded-content-length": str(length),
            "x-amz-trailer": "x-amz-checksum-crc32",
        }
        return httpx.put(url, content=self._chunked(data, trailer), headers=headers)

    def test_aws_chunked_bodies_are_unframed_and_checked(
        self, local_aws: Any, s3: Any, bucket: str
    ) -> None:
        data = os.urandom(3_000_000)
        url = f"{local_aws.endpoint}/{bucket}/{quote('a b')}"
        crc = b64encode(zlib.crc32(data).to_bytes(4, "big"))
        right = b"x-amz-checksum-crc32:" + crc + b"\r\n"
        wrong = b"x-amz-checksum-crc32:AAAAAA==\r\n"
        assert "BadDigest" in self._put_chunked(url, data, wrong, len(data)).text
        assert "IncompleteBody" in self._put_chunked(url, data, right, len(data) + 1).text
        assert s3.list_objects_v2(Bucket=bucket)["KeyCount"] == 0
        assert self._put_chunked(url, data, right, len(data)).status_code == 200
        got = s3.get_object(Bucket=bucket, Key="a b")
        assert got["ContentEncoding"] == "gzip"
        assert got["Body"].read() == data

    def test_pyarrow_reads_and_writes(self, local_aws: Any, s3: Any, bucket: str) -> None:
        from pyarrow import fs

        files = fs.S3FileSystem(
            access_key="k", secret_key="s", region="us-east-1", endpoint_override=local_aws.endpoint
        )
        data = os.urandom(12 << 20)
        with files.open_output_stream(f"{bucket}/dir/x.bin") as stream:
            stream.write(data)
        with files.open_input_file(f"{bucket}/dir/x.bin") as file:
            assert file.read_at(1000, 5 << 20) == data[5 << 20 :][:1000]
            assert file.size() == len(data)
        assert s3.get_object(Bucket=bucket, Key="dir/x.bin")["Body"].read() == data
        found = files.get_file_info(fs.FileSelector(bucket, recursive=True))
        assert {info.path for info in found} == {f"{bucket}/dir", f"{bucket}/dir/x.bin"}
        files.delete_dir(f"{bucket}/dir")
        assert s3.list_objects_v2(Bucket=bucket)["KeyCount"] == 0


class TestCopyAndDelete:
    def test_copy_keeps_or_replaces_headers(self, s3: Any, bucket: str) -> None:
        s3.put_object(Bucket=bucket, Key="a +%", Body=b"data", Metadata={"m": "1"})
        source = {"Bucket": bucket, "Key": "a +%"}
        s3.copy_object(Bucket=bucket, Key="b", CopySource=source)
        s3.copy_object(
            Bucket=bucket, Key="c", CopySource=source, MetadataDirective="REPLACE", Metadata={}
        )
        assert s3.get_object(Bucket=bucket, Key="b")["Metadata"] == {"m": "1"}
        assert s3.get_object(Bucket=bucket, Key="c")["Metadata"] == {}
        assert s3.get_object(Bucket=bucket, Key="c")["Body"].read() == b"data"
        with refused("InvalidRequest", 400):
            s3.copy_object(Bucket=bucket, Key="a +%", CopySource=source)
        with refused("NoSuchKey", 404):
            s3.copy_object(Bucket=bucket, Key="d", CopySource={"Bucket": bucket, "Key": "zz"})
        with refused("PreconditionFailed", 412):
            s3.copy_object(Bucket=bucket, Key="d", CopySource=source, CopySourceIfMatch='"0"')

    def test_several_objects_are_deleted_in_one_request(self, s3: Any, bucket: str) -> None:
        for key in ("a", "b", "c"):
            s3.put_object(Bucket=bucket, Key=key, Body=b"")
        entries = [{"Key": key} for key in ("a", "b", "absent")]
        answer = s3.delete_objects(Bucket=bucket, Delete={"Objects": entries})
        assert answer["Deleted"] == entries
        quiet = s3.delete_objects(Bucket=bucket, Delete={"Objects": entries, "Quiet": True})
        assert "Deleted" not in quiet
        assert [o["Key"] for o in s3.list_objects_v2(Bucket=bucket)["Contents"]] == ["c"]
        with refused("MalformedXML", 400):
            s3.delete_objects(Bucket=bucket, Delete={"Objects": []})


class TestBuckets:
    def test_life_of_a_bucket(self, local_aws: Any, s3: Any, bucket: str) -> None:
        assert bucket in {entry["Name"] for entry in s3.list_buckets()["Buckets"]}
        assert s3.head_bucket(Bucket=bucket)["BucketRegion"] == "us-east-1"
        assert s3.get_bucket_location(Bucket=bucket)["LocationConstraint"] is None
        s3.create_bucket(Bucket=bucket)  # again: no error in us-east-1
        s3.put_object(Bucket=bucket, Key="k", Body=b"")
        with refused("BucketNotEmpty", 409):
            s3.delete_bucket(Bucket=bucket)
        s3.delete_object(Bucket=bucket, Key="k")
        s3.delete_bucket(Bucket=bucket)
        with refused("404", 404):
            s3.head_bucket(Bucket=bucket)

    def test_a_bucket_keeps_the_region_it_was_created_in(self, s3: Any, bucket: str) -> None:
        where = {"LocationConstraint": "eu-central-1"}
        s3.create_bucket(Bucket=f"{bucket}-eu", CreateBucketConfiguration=where)
        location = s3.get_bucket_location(Bucket=f"{bucket}-eu")
        assert location["LocationConstraint"] == "eu-central-1"
        with refused("BucketAlreadyOwnedByYou", 409):
            s3.create_bucket(Bucket=f"{bucket}-eu", CreateBucketConfiguration=where)

    def test_a_bucket_name_with_capitals_is_refused(self, s3: Any) -> None:
        with refused("InvalidBucketName", 400):
            s3.create_bucket(Bucket="Upper_case")


class TestRefusals:
    def test_what_is_not_here_is_refused_by_name(self, s3: Any, bucket: str) -> None:
        with refused("NotImplemented", 501) as refusal:
            s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
        assert "?versioning" in refusal.message
        with refused("NotImplemented", 501) as refusal:
            s3.get_object_acl(Bucket=bucket, Key="k")
        assert "?acl" in refusal.message
        with refused("NotImplemented", 501) as refusal:
            s3.put_object(Bucket=bucket, Key="k", Body=b"", ServerSideEncryption="aws:kms")
        assert "x-amz-server-side-encryption: aws:kms" in refusal.message
        with refused("NotImplemented", 501) as refusal:
            s3.get_object(Bucket=bucket, Key="k", VersionId="1")
        assert "versionId" in refusal.message
        assert s3.list_objects_v2(Bucket=bucket)["KeyCount"] == 0

    def test_a_stranger_s_bucket(self, s3: Any, bucket: str) -> None:
        with refused("AccessDenied", 403):
            s3.list_objects_v2(Bucket=bucket, ExpectedBucketOwner="123456789012")
