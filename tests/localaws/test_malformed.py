"""A malformed request is refused with a 4xx, never an error of the server's own."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator
from typing import Any
from xml.etree import ElementTree as ET

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.support.localaws_process import LocalAwsProcess

from localaws.server import WORKER_THREADS

SIGNATURE = "AWS4-HMAC-SHA256 Credential=k/20260101/us-east-1/{}/aws4_request"
TOKEN = "x" * 40
TABLE = {
    "Name": "t",
    "StorageDescriptor": {
        "Columns": [{"Name": "a", "Type": "int"}],
        "Location": "s3://out/x",
        "SerdeInfo": {"Parameters": {"a": "b"}},
    },
    "Parameters": {"metadata_location": "s3://out/x", "table_type": "ICEBERG"},
    "PartitionKeys": [],
}
WORKGROUP = {
    "ResultConfiguration": {"OutputLocation": "s3://out/"},
    "BytesScannedCutoffPerQuery": 10_000_000,
}
REQUESTS: dict[str, dict[str, dict[str, Any]]] = {
    "glue AWSGlue": {
        "CreateDatabase": {"DatabaseInput": {"Name": "d", "Parameters": {"x": "y"}}},
        "GetDatabase": {"Name": "d"},
        "GetDatabases": {"MaxResults": 3, "NextToken": "eA=="},
        "CreateTable": {"DatabaseName": "d", "TableInput": TABLE},
        "UpdateTable": {"DatabaseName": "d", "TableInput": TABLE, "VersionId": "1"},
        "GetTable": {"DatabaseName": "d", "Name": "t"},
        "GetTables": {"DatabaseName": "d", "Expression": "t.*", "MaxResults": 5},
        "DeleteTable": {"DatabaseName": "d", "Name": "t"},
        "GetPartitions": {"DatabaseName": "d", "TableName": "t"},
    },
    "athena AmazonAthena": {
        "StartQueryExecution": {
            "QueryString": "select 1",
            "QueryExecutionContext": {"Database": "default"},
            "ResultConfiguration": {"OutputLocation": "s3://out/q/"},
            "WorkGroup": "primary",
            "ExecutionParameters": ["1"],
            "ClientRequestToken": TOKEN,
        },
        "BatchGetQueryExecution": {"QueryExecutionIds": ["a"]},
        "ListQueryExecutions": {"MaxResults": 5, "NextToken": "1", "WorkGroup": "primary"},
        "GetQueryResults": {"QueryExecutionId": "x", "MaxResults": 3, "NextToken": "5"},
        "GetWorkGroup": {"WorkGroup": "primary"},
        "ListWorkGroups": {"MaxResults": 5, "NextToken": "1"},
        "CreateWorkGroup": {"Name": "w", "Configuration": WORKGROUP},
        "UpdateWorkGroup": {"WorkGroup": "w", "ConfigurationUpdates": WORKGROUP},
        "ListDatabases": {"CatalogName": "AwsDataCatalog", "MaxResults": 3},
        "GetDatabase": {"CatalogName": "AwsDataCatalog", "DatabaseName": "d"},
        "GetTableMetadata": {
            "CatalogName": "AwsDataCatalog",
            "DatabaseName": "d",
            "TableName": "t",
        },
        "ListTableMetadata": {
            "CatalogName": "AwsDataCatalog",
            "DatabaseName": "d",
            "Expression": "t.*",
            "MaxResults": 5,
            "NextToken": "eA==",
        },
    },
    "secretsmanager secretsmanager": {
        "CreateSecret": {"Name": "s", "SecretString": "x", "ClientRequestToken": TOKEN},
        "PutSecretValue": {"SecretId": "s", "SecretBinary": "eA=="},
        "GetSecretValue": {"SecretId": "s", "VersionId": TOKEN, "VersionStage": "AWSCURRENT"},
        "ListSecrets": {"MaxResults": 3, "Filters": [{"Key": "name", "Values": ["s"]}]},
        "DeleteSecret": {"SecretId": "s", "RecoveryWindowInDays": 7},
    },
}
WRONG = (
    *(None, True, 0, -1, 2**31, 2**70, 1e300, float("inf"), float("nan"), [], [1], ["a", None], {}),
    *({"a": 1}, {"\ud800": "x"}, "", "\ud800", "\0", "a" * 70_000, "s3://", "../../x", "'", "\x7f"),
)
OPERATIONS = [(service, name) for service, calls in REQUESTS.items() for name in calls]
QUERIES = (
    *("max-keys", "partNumber", "uploadId", "continuation-token", "start-after", "marker"),
    *("delimiter", "prefix", "encoding-type", "list-type", "versionId", "uploads", "max-parts"),
    *("location", "acl", "response-expires", "response-content-type"),
)
HEADERS = (
    *("Range", "If-Match", "If-None-Match", "Content-MD5", "x-amz-checksum-sha256"),
    *("x-amz-copy-source", "x-amz-copy-source-range", "x-amz-decoded-content-length"),
    *("x-amz-content-sha256", "If-Modified-Since", "Content-Encoding", "x-amz-metadata-directive"),
)
ODD_TEXTS = (
    *("", "-1", "0", "abc", "1e9", "9" * 20, "%00", "%ED%A0%80", "%7F", "a" * 3000, "bytes=9-1"),
    *("bytes=99999999999999999999-", "/out/k", "///", "aws-chunked", "null"),
    *("STREAMING-UNSIGNED-PAYLOAD-TRAILER", "STREAMING-AWS4-HMAC-SHA256-PAYLOAD"),
)


@pytest.fixture(scope="module")
def aws(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalAwsProcess]:
    with LocalAwsProcess(tmp_path_factory.mktemp("aws")) as process:
        s3 = process.client("s3")
        s3.create_bucket(Bucket="out")
        s3.put_object(Bucket="out", Key="k", Body=b"abc")
        yield process


def places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Where a part of a request can be replaced."""
    yield path
    if isinstance(value, dict | list):
        for name, one in value.items() if isinstance(value, dict) else enumerate(value):
            yield from places(one, (*path, name))


def replaced(value: Any, path: tuple[Any, ...], new: Any) -> Any:
    if not path:
        return new
    copy = dict(value) if isinstance(value, dict) else list(value)
    copy[path[0]] = replaced(copy[path[0]], path[1:], new)
    return copy


def assert_no_fault(answer: httpx.Response) -> None:
    is_fault = answer.status_code >= 500 and "localaws does not implement" not in answer.text
    assert not (is_fault and answer.status_code != 501), (answer.request.url, answer.text[:200])


@pytest.mark.parametrize(("service", "operation"), OPERATIONS)
def test_members_of_a_wrong_type_or_size_are_refused(
    aws: LocalAwsProcess, service: str, operation: str
) -> None:
    scope, prefix = service.split()
    headers = {"X-Amz-Target": f"{prefix}.{operation}", "Authorization": SIGNATURE.format(scope)}
    request = REQUESTS[service][operation]
    with httpx.Client(headers=headers, timeout=60) as client:
        for path in places(request):
            for wrong in WRONG:
                body = json.dumps(replaced(request, path, wrong))
                assert_no_fault(client.post(aws.endpoint, content=body))


@pytest.mark.parametrize("body", ["[", "[" * 100_000, '{"a": ' * 100_000, "\ud800", "1", "nul"])
def test_a_body_that_is_no_object_is_refused(aws: LocalAwsProcess, body: str) -> None:
    headers = {"X-Amz-Target": "AWSGlue.GetDatabases", "Authorization": SIGNATURE.format("glue")}
    answer = httpx.post(
        aws.endpoint, content=body.encode("utf-8", "surrogatepass"), headers=headers
    )
    assert (answer.status_code, answer.json()["__type"]) == (400, "SerializationException")


@pytest.mark.parametrize(
    ("method", "path"),
    [("GET", "/"), ("GET", "/out/k"), ("PUT", "/out/k"), ("POST", "/out/k"), ("DELETE", "/out/k")],
)
def test_odd_parameters_and_headers_of_s3_are_refused(
    aws: LocalAwsProcess, method: str, path: str
) -> None:
    headers = {"Authorization": SIGNATURE.format("s3")}
    body = b"x" if method in ("PUT", "POST") else None
    # A connection each: a refused body leaves one that can't be used again.
    single = httpx.Limits(max_keepalive_connections=0)
    with httpx.Client(base_url=aws.endpoint, headers=headers, limits=single, timeout=60) as client:
        for text in ODD_TEXTS:
            for name in QUERIES:
                assert_no_fault(client.request(method, f"{path}?{name}={text}", content=body))
            for name in HEADERS:
                assert_no_fault(client.request(method, path, headers={name: text}, content=body))


@given(st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=20))
def test_a_listing_of_any_key_is_valid_xml(aws: LocalAwsProcess, key: str) -> None:
    s3 = aws.client("s3")
    s3.put_object(Bucket="out", Key=f"odd/{key}", Body=b"")
    listed = s3.list_objects_v2(Bucket="out", Prefix="odd/")  # boto3 asks for encoding-type=url
    assert f"odd/{key}" in [one["Key"] for one in listed["Contents"]]
    signed = {"Authorization": SIGNATURE.format("s3")}
    answer = httpx.get(f"{aws.endpoint}/out?list-type=2&prefix=odd/", headers=signed)
    assert ET.fromstring(answer.content).tag.endswith("ListBucketResult")
    s3.delete_object(Bucket="out", Key=f"odd/{key}")


def test_stalled_uploads_end_and_leave_room_for_others(aws: LocalAwsProcess) -> None:
    host, port = aws.endpoint.removeprefix("http://").split(":")
    head = (
        "PUT /out/stalled HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000\r\n"
        f"Authorization: {SIGNATURE.format('s3')}\r\n\r\nfirst bytes"
    )
    stalled = [socket.create_connection((host, int(port))) for _ in range(WORKER_THREADS)]
    for one in stalled:
        one.sendall(head.encode())
    aws.client("s3").put_object(Bucket="out", Key="other", Body=b"x")
    for one in stalled:
        answer = b""
        while b"RequestTimeout" not in answer and (part := one.recv(4096)):
            answer += part
        one.close()
        assert answer.startswith(b"HTTP/1.1 400 ")
        assert b"RequestTimeout" in answer
