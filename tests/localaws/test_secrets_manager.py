"""Secrets of the local AWS, which keep the visitor keys."""

from __future__ import annotations

import uuid
from typing import Any

import pytest
from tests.support.aws_errors import refused


@pytest.fixture(scope="module")
def secrets(local_aws: Any) -> Any:
    return local_aws.client("secretsmanager")


@pytest.fixture
def name() -> str:
    return f"site/{uuid.uuid4().hex[:12]}"


def test_a_repeated_call_creates_one_secret(secrets: Any, name: str) -> None:
    call = {"Name": name, "SecretString": "1", "ClientRequestToken": str(uuid.uuid4())}
    assert secrets.create_secret(**call)["ARN"] == secrets.create_secret(**call)["ARN"]
    with refused("ResourceExistsException", 400):
        secrets.create_secret(Name=name, SecretString="2")
    assert secrets.get_secret_value(SecretId=name)["SecretString"] == "1"
    listed = secrets.list_secrets(Filters=[{"Key": "name", "Values": [name]}])["SecretList"]
    assert [entry["Name"] for entry in listed] == [name]


def test_a_destroyed_secret_is_wiped_from_the_disk(local_aws: Any, secrets: Any, name: str) -> None:
    value = uuid.uuid4().hex
    secrets.create_secret(Name=name, SecretString=value)
    files = [local_aws.root / "localaws.db", local_aws.root / "localaws.db-wal"]
    assert any(value.encode() in file.read_bytes() for file in files)
    secrets.delete_secret(SecretId=name, ForceDeleteWithoutRecovery=True)
    assert not any(value.encode() in file.read_bytes() for file in files)
    with refused("ResourceNotFoundException", 400):
        secrets.get_secret_value(SecretId=name)


def test_requests_that_are_not_implemented_are_refused_by_name(secrets: Any, name: str) -> None:
    with refused("NotImplemented", 501) as refusal:
        secrets.delete_secret(SecretId=name)
    assert "recovery window" in refusal.message
    with refused("UnknownOperationException", 400) as refusal:
        secrets.describe_secret(SecretId=name)
    assert "DescribeSecret" in refusal.message
