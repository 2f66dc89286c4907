"""The process of the local AWS: its root, port and options, and which requests it accepts."""

from __future__ import annotations

import socket
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path
from typing import Any

import httpx
import pytest
from tests.support.aws_errors import refused
from tests.support.localaws_process import LocalAwsProcess

SIGNED = {"Authorization": "AWS4-HMAC-SHA256 Credential=k/20260101/us-east-1/s3/aws4_request"}


def test_a_root_has_one_server(local_aws: LocalAwsProcess) -> None:
    command = [sys.executable, "-m", "localaws", "--root", str(local_aws.root), "--port", "0"]
    second = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
    assert second.returncode == 1
    assert f"Another localaws uses {local_aws.root}" in second.stderr


def test_sigterm_ends_it_and_data_stays(tmp_path: Path) -> None:
    with LocalAwsProcess(tmp_path / "new" / "root") as process:
        s3 = process.client("s3")
        s3.create_bucket(Bucket="kept")
        s3.put_object(Bucket="kept", Key="k", Body=b"x")
        endpoint = process.endpoint
        assert process.stop() == 0
        process.start()
        assert process.endpoint == endpoint
        assert process.client("s3").get_object(Bucket="kept", Key="k")["Body"].read() == b"x"


def test_data_of_another_version_is_refused(tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / "localaws.db")) as connection:
        connection.execute("create table s3_bucket (name text)")
    command = [sys.executable, "-m", "localaws", "--root", str(tmp_path), "--port", "0"]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert ended.returncode == 1
    assert f"{tmp_path} has data of another version of localaws" in ended.stderr


def test_it_listens_on_the_loopback_address_only(local_aws: LocalAwsProcess) -> None:
    port = int(local_aws.endpoint.rpartition(":")[2])
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.2", port), 5)


def test_a_foreign_host_name_is_refused(local_aws: LocalAwsProcess) -> None:
    """A web page can let the name of its own site lead to 127.0.0.1."""
    answer = httpx.get(local_aws.endpoint, headers={**SIGNED, "Host": "evil.example"})
    assert answer.status_code == 400


def test_unsigned_requests_are_refused(local_aws: LocalAwsProcess) -> None:
    answer = httpx.get(local_aws.endpoint)
    assert answer.status_code == 403
    assert "<Code>AccessDenied</Code>" in answer.text


def test_web_page_can_not_delete_objects(local_aws: LocalAwsProcess, s3: Any, bucket: str) -> None:
    """A form of another site can send this POST, because browsers ask for no permission for it."""
    s3.put_object(Bucket=bucket, Key="kept", Body=b"x")
    answer = httpx.post(
        f"{local_aws.endpoint}/{bucket}?delete",
        content="<Delete><Object><Key>kept</Key></Object></Delete>",
        headers={"Content-Type": "text/plain"},
    )
    assert (answer.status_code, "<Code>AccessDenied</Code>" in answer.text) == (403, True)
    assert s3.get_object(Bucket=bucket, Key="kept")["Body"].read() == b"x"


def test_services_and_operations_that_are_not_implemented_are_named(local_aws: Any) -> None:
    with refused("UnknownOperationException", 400) as refusal:
        local_aws.client("dynamodb").list_tables()
    assert refusal.message == "localaws does not implement dynamodb ListTables."
    with refused("UnknownOperationException", 400) as refusal:
        local_aws.client("sts").get_session_token()
    assert refusal.message == "localaws does not implement sts GetSessionToken."
    with refused("UnknownOperationException", 400) as refusal:
        local_aws.client("glue").list_crawlers()
    assert refusal.message == "localaws does not implement glue ListCrawlers."
