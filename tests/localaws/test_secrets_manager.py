from __future__ import annotations

import uuid
from typing import Any

import pytest
from tests.support.aws_errors import refused

from localaws.secretsmanager import SecretsManager
from localaws.store import Database


@pytest.fixture(scope="module")
def secrets(local_aws: Any) -> Any:
    return local_aws.client("secretsmanager")


@pytest.fixture
def name() -> str:
    return f"site/{uuid.uuid4().hex[:12]}"


def read(secrets: Any, name: str, **which: str) -> str:
    return str(secrets.get_secret_value(SecretId=name, **which)["SecretString"])


def test_text_and_bytes(secrets: Any, name: str) -> None:
    made = secrets.create_secret(Name=name, SecretString="☕", Description="d")
    got = secrets.get_secret_value(SecretId=made["ARN"])
    assert got["SecretString"] == "☕"
    assert (got["Name"], got["VersionId"]) == (name, made["VersionId"])
    assert got["VersionStages"] == ["AWSCURRENT"]
    key = bytes(range(256))
    secrets.put_secret_value(SecretId=name, SecretBinary=key)
    assert secrets.get_secret_value(SecretId=name)["SecretBinary"] == key


def test_stages_follow_new_versions(secrets: Any, name: str) -> None:
    first = secrets.create_secret(Name=name, SecretString="1")["VersionId"]
    second = secrets.put_secret_value(SecretId=name, SecretString="2")["VersionId"]
    assert read(secrets, name) == "2"
    assert read(secrets, name, VersionStage="AWSPREVIOUS") == "1"
    third = secrets.update_secret(SecretId=name, SecretString="3")["VersionId"]
    assert read(secrets, name, VersionStage="AWSPREVIOUS") == "2"
    assert read(secrets, name, VersionId=first) == "1"
    stages = secrets.describe_secret(SecretId=name)["VersionIdsToStages"]
    assert stages == {second: ["AWSPREVIOUS"], third: ["AWSCURRENT"]}
    with refused("InvalidRequestException", 400):
        read(secrets, name, VersionId=first, VersionStage="AWSCURRENT")
    with refused("ResourceNotFoundException", 400):
        read(secrets, name, VersionStage="nobody")
    with refused("ResourceNotFoundException", 400):
        read(secrets, name, VersionId=str(uuid.uuid4()))


def test_a_value_with_a_stage_of_its_own_is_not_current(secrets: Any, name: str) -> None:
    secrets.create_secret(Name=name, SecretString="1")
    secrets.put_secret_value(SecretId=name, SecretString="2", VersionStages=["PENDING"])
    assert read(secrets, name) == "1"
    assert read(secrets, name, VersionStage="PENDING") == "2"


def test_the_same_call_twice(secrets: Any, name: str) -> None:
    call = {"Name": name, "SecretString": "1", "ClientRequestToken": str(uuid.uuid4())}
    assert secrets.create_secret(**call)["ARN"] == secrets.create_secret(**call)["ARN"]
    with refused("ResourceExistsException", 400):
        secrets.create_secret(**(call | {"SecretString": "2"}))
    with refused("ResourceExistsException", 400):
        secrets.create_secret(Name=name, SecretString="1")
    put = {"SecretId": name, "SecretString": "2", "ClientRequestToken": str(uuid.uuid4())}
    secrets.put_secret_value(**put)
    secrets.put_secret_value(**put)
    assert read(secrets, name, VersionStage="AWSPREVIOUS") == "1"
    with refused("ResourceExistsException", 400):
        secrets.put_secret_value(**(put | {"SecretString": "3"}))
    assert read(secrets, name) == "2"


def test_deletion_with_a_way_back(secrets: Any, name: str) -> None:
    secrets.create_secret(Name=name, SecretString="1")
    secrets.delete_secret(SecretId=name, RecoveryWindowInDays=7)
    for call in (
        lambda: read(secrets, name),
        lambda: secrets.put_secret_value(SecretId=name, SecretString="2"),
        lambda: secrets.create_secret(Name=name, SecretString="2"),
        lambda: secrets.delete_secret(SecretId=name),
    ):
        with refused("InvalidRequestException", 400):
            call()
    assert secrets.describe_secret(SecretId=name)["DeletedDate"]
    secrets.restore_secret(SecretId=name)
    assert read(secrets, name) == "1"
    with refused("InvalidParameterException", 400):
        secrets.delete_secret(SecretId=name, RecoveryWindowInDays=3)


def test_deletion_without_a_way_back(local_aws: Any, secrets: Any, name: str) -> None:
    value = uuid.uuid4().hex
    secrets.create_secret(Name=name, SecretString=value)
    files = [local_aws.root / "localaws.db", local_aws.root / "localaws.db-wal"]
    assert any(value.encode() in file.read_bytes() for file in files)
    secrets.delete_secret(SecretId=name, ForceDeleteWithoutRecovery=True)
    assert not any(value.encode() in file.read_bytes() for file in files)
    secrets.delete_secret(SecretId=name, ForceDeleteWithoutRecovery=True)
    for call in (lambda: read(secrets, name), lambda: secrets.describe_secret(SecretId=name)):
        with refused("ResourceNotFoundException", 400):
            call()
    secrets.create_secret(Name=name, SecretString="again")
    assert read(secrets, name) == "again"


def test_a_secret_goes_when_its_window_is_over(tmp_path: Any) -> None:
    store = Database(tmp_path / "localaws.db")
    manager = SecretsManager(store)
    manager.call("CreateSecret", {"Name": "s", "SecretString": "x"})
    manager.call("DeleteSecret", {"SecretId": "s"})
    assert manager.call("ListSecrets", {"IncludePlannedDeletion": True})["SecretList"]
    with store.write() as connection:
        connection.execute("update secret set purge_at = purge_at - 31 * 86400")
    assert not manager.call("ListSecrets", {"IncludePlannedDeletion": True})["SecretList"]


def test_secrets_are_listed_by_name_and_tag(secrets: Any) -> None:
    prefix = f"list-{uuid.uuid4().hex[:8]}/"
    names = [f"{prefix}{number}" for number in range(5)]
    for entry in reversed(names):
        secrets.create_secret(Name=entry, SecretString="x", Tags=[{"Key": "a", "Value": "b"}])
    secrets.delete_secret(SecretId=names[3])
    name_filter = [{"Key": "name", "Values": [prefix]}]

    def listed(**more: Any) -> list[str]:
        pages = secrets.get_paginator("list_secrets").paginate(
            Filters=name_filter, PaginationConfig={"PageSize": 2}, **more
        )
        return [entry["Name"] for page in pages for entry in page["SecretList"]]

    assert listed() == [*names[:3], names[4]]
    assert listed(IncludePlannedDeletion=True) == names
    with refused("NotImplemented", 501):
        secrets.list_secrets(Filters=[{"Key": "tag-key", "Values": ["a"]}])


def test_invalid_and_unknown_requests_are_refused_by_name(secrets: Any, name: str) -> None:
    with refused("InvalidParameterException", 400):
        secrets.create_secret(Name=name, SecretString="a", SecretBinary=b"b")
    with refused("UnknownOperationException", 400) as refusal:
        secrets.get_random_password()
    assert "secretsmanager GetRandomPassword" in refusal.message
    with refused("ResourceNotFoundException", 400):
        read(secrets, "absent")
