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


def read(secrets: Any, name: str) -> str:
    return str(secrets.get_secret_value(SecretId=name)["SecretString"])


def test_text_and_bytes_are_read_by_name_or_arn(secrets: Any, name: str) -> None:
    made = secrets.create_secret(Name=name, SecretString="☕", Description="d")
    got = secrets.get_secret_value(SecretId=made["ARN"])
    assert got["SecretString"] == "☕"
    assert (got["Name"], got["VersionId"]) == (name, made["VersionId"])
    assert got["VersionStages"] == ["AWSCURRENT"]
    key = bytes(range(256))
    secrets.create_secret(Name=f"{name}-bytes", SecretBinary=key)
    assert secrets.get_secret_value(SecretId=f"{name}-bytes")["SecretBinary"] == key


def test_a_repeated_call_creates_one_secret(secrets: Any, name: str) -> None:
    call = {"Name": name, "SecretString": "1", "ClientRequestToken": str(uuid.uuid4())}
    assert secrets.create_secret(**call)["ARN"] == secrets.create_secret(**call)["ARN"]
    with refused("ResourceExistsException", 400):
        secrets.create_secret(**(call | {"SecretString": "2"}))
    with refused("ResourceExistsException", 400):
        secrets.create_secret(Name=name, SecretString="1")
    assert read(secrets, name) == "1"


def test_a_destroyed_secret_is_wiped_from_the_disk(local_aws: Any, secrets: Any, name: str) -> None:
    value = uuid.uuid4().hex
    secrets.create_secret(Name=name, SecretString=value)
    files = [local_aws.root / "localaws.db", local_aws.root / "localaws.db-wal"]
    assert any(value.encode() in file.read_bytes() for file in files)
    secrets.delete_secret(SecretId=name, ForceDeleteWithoutRecovery=True)
    assert not any(value.encode() in file.read_bytes() for file in files)
    secrets.delete_secret(SecretId=name, ForceDeleteWithoutRecovery=True)
    with refused("ResourceNotFoundException", 400):
        read(secrets, name)
    secrets.create_secret(Name=name, SecretString="again")
    assert read(secrets, name) == "again"


def test_secrets_are_listed_by_prefix_in_pages(secrets: Any) -> None:
    prefix = f"list-{uuid.uuid4().hex[:8]}/"
    names = [f"{prefix}{number}" for number in range(5)]
    for entry in reversed(names):
        secrets.create_secret(Name=entry, SecretString="x")
    pages = secrets.get_paginator("list_secrets").paginate(
        Filters=[{"Key": "name", "Values": [prefix]}], PaginationConfig={"PageSize": 2}
    )
    assert [entry["Name"] for page in pages for entry in page["SecretList"]] == names


def test_invalid_requests_are_refused(secrets: Any, name: str) -> None:
    with refused("InvalidParameterException", 400):
        secrets.create_secret(Name=name, SecretString="a", SecretBinary=b"b")
    with refused("InvalidParameterException", 400):
        secrets.create_secret(Name=name)
    with refused("ResourceNotFoundException", 400):
        read(secrets, "absent")


@pytest.mark.parametrize(
    ("operation", "arguments", "missing"),
    [
        ("create_secret", {"Name": "n", "SecretString": "x", "KmsKeyId": "k"}, "KmsKeyId"),
        ("get_secret_value", {"SecretId": "n", "VersionStage": "AWSPREVIOUS"}, "VersionStage"),
        ("list_secrets", {"Filters": [{"Key": "tag-key", "Values": ["a"]}]}, "filter tag-key"),
        ("delete_secret", {"SecretId": "n"}, "recovery window"),
    ],
)
def test_unsupported_members_are_refused_by_name(
    secrets: Any, operation: str, arguments: dict[str, Any], missing: str
) -> None:
    with refused("NotImplemented", 501) as refusal:
        getattr(secrets, operation)(**arguments)
    assert missing in refusal.message


@pytest.mark.parametrize("operation", ["put_secret_value", "describe_secret", "restore_secret"])
def test_other_operations_are_refused_by_name(secrets: Any, operation: str) -> None:
    value = {"SecretString": "x"} if operation == "put_secret_value" else {}
    with refused("UnknownOperationException", 400) as refusal:
        getattr(secrets, operation)(SecretId="n", **value)
    assert operation.replace("_", "") in refusal.message.lower()
