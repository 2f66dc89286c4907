from __future__ import annotations

import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import httpx
import pytest
from tests.support.aws_errors import refused
from tests.support.localaws_process import LocalAwsProcess


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "localaws", *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)


def test_a_root_has_one_server(local_aws: LocalAwsProcess) -> None:
    second = run("--root", str(local_aws.root), "--port", "0")
    assert second.returncode == 1
    assert f"Another localaws uses {local_aws.root}" in second.stderr


def test_a_taken_port_is_named(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        result = run("--root", str(tmp_path), "--port", str(port))
    assert result.returncode == 1
    assert f"Cannot listen on 127.0.0.1:{port}" in result.stderr
    assert "Traceback" not in result.stderr


def test_help_shows_an_example() -> None:
    assert "python -m localaws --root" in run("--help").stdout


def test_sigterm_ends_it_well_and_data_stays(tmp_path: Path) -> None:
    with LocalAwsProcess(tmp_path / "new" / "root") as process:
        s3 = process.client("s3")
        s3.create_bucket(Bucket="kept")
        s3.put_object(Bucket="kept", Key="k", Body=b"x")
        endpoint = process.endpoint
        assert process.stop() == 0
        process.start()
        assert process.endpoint == endpoint
        assert process.client("s3").get_object(Bucket="kept", Key="k")["Body"].read() == b"x"


def test_it_listens_on_the_loopback_address_only(local_aws: LocalAwsProcess) -> None:
    port = int(local_aws.endpoint.rpartition(":")[2])
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.2", port), 5)


def test_unsigned_requests_are_refused(local_aws: LocalAwsProcess) -> None:
    answer = httpx.get(local_aws.endpoint)
    assert answer.status_code == 403
    assert "<Code>AccessDenied</Code>" in answer.text
    target = {"X-Amz-Target": "AWSGlue.GetDatabases"}
    answer = httpx.post(local_aws.endpoint, headers=target, json={})
    assert answer.json()["__type"] == "MissingAuthenticationTokenException"


SIGNED = {"Authorization": "AWS4-HMAC-SHA256 Credential=k/20260101/us-east-1/s3/aws4_request"}
IN_QUERY = ["X-Amz-Credential=k/20260101/us-east-1/s3/aws4_request", "AWSAccessKeyId=k"]
DELETE_KEPT = "<Delete><Object><Key>kept</Key></Object></Delete>"


@pytest.mark.parametrize("credential", IN_QUERY)
@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
    ],
    ids=str,
)
def test_a_web_page_can_not_delete_objects(
    local_aws: LocalAwsProcess, s3: Any, bucket: str, credential: str, headers: dict[str, str]
) -> None:
    """A form of another site can send this POST: its type needs no question of the browser."""
    s3.put_object(Bucket=bucket, Key="kept", Body=b"x")
    answer = httpx.post(
        f"{local_aws.endpoint}/{bucket}?delete&{credential}",
        content=DELETE_KEPT,
        headers={"Content-Type": "text/plain", **headers},
    )
    assert (answer.status_code, "<Code>AccessDenied</Code>" in answer.text) == (403, True)
    assert s3.get_object(Bucket=bucket, Key="kept")["Body"].read() == b"x"


@pytest.mark.parametrize("header", ["Origin", "Sec-Fetch-Site"])
@pytest.mark.parametrize("method", ["GET", "HEAD", "PUT", "POST", "DELETE"])
def test_a_signed_request_of_a_web_page_is_refused(
    local_aws: LocalAwsProcess, method: str, header: str
) -> None:
    sent = {**SIGNED, header: "cross-site"}
    assert httpx.request(method, local_aws.endpoint, headers=sent).status_code == 403
    assert httpx.get(local_aws.endpoint, headers=SIGNED).status_code == 200


def test_a_foreign_host_name_is_refused(local_aws: LocalAwsProcess) -> None:
    answer = httpx.get(local_aws.endpoint, headers={"Host": "evil.example"})
    assert answer.status_code == 400


def test_another_host_name_is_served_if_it_is_given(tmp_path: Path) -> None:
    with LocalAwsProcess(tmp_path, "--host-name", "localaws") as process:
        port = process.endpoint.rpartition(":")[2]
        assert process.endpoint == f"http://0.0.0.0:{port}"
        answers = {
            name: httpx.get(f"http://127.0.0.1:{port}", headers={**SIGNED, "Host": name})
            for name in ("localaws:4566", "127.0.0.1", "evil.example")
        }
    assert [one.status_code for one in answers.values()] == [200, 200, 400]


def test_unknown_services_and_operations_are_named(local_aws: Any) -> None:
    with refused("UnknownOperationException", 400) as refusal:
        local_aws.client("dynamodb").list_tables()
    assert refusal.message == "localaws does not implement dynamodb ListTables."
    with refused("UnknownOperationException", 400) as refusal:
        local_aws.client("glue").list_crawlers()
    assert refusal.message == "localaws does not implement glue ListCrawlers."
    with refused("NotImplemented", 501) as refusal:
        local_aws.client("sts").get_session_token()
    assert refusal.message == "localaws does not implement sts GetSessionToken."


def test_who_am_i(local_aws: Any) -> None:
    assert local_aws.client("sts").get_caller_identity()["Account"] == "000000000000"


def test_a_body_that_is_not_json(local_aws: LocalAwsProcess) -> None:
    answer = httpx.post(
        local_aws.endpoint,
        content=b"[1",
        headers={
            "X-Amz-Target": "AWSGlue.GetDatabases",
            "Authorization": "AWS4-HMAC-SHA256 Credential=k/20260101/us-east-1/glue/aws4_request",
        },
    )
    assert (answer.status_code, answer.json()["__type"]) == (400, "SerializationException")


def test_leftover_blobs_are_swept_at_start(tmp_path: Path) -> None:
    with LocalAwsProcess(tmp_path) as process:
        process.client("s3").create_bucket(Bucket="kept")
        process.client("s3").put_object(Bucket="kept", Key="k", Body=b"x")
        process.kill()
        leftover = tmp_path / "blobs" / "00" / "00leftover"
        leftover.write_bytes(b"half an upload")
        process.start()
        assert not leftover.exists()
        assert process.client("s3").get_object(Bucket="kept", Key="k")["Body"].read() == b"x"
