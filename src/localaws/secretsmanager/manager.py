"""The Secrets Manager service and its operations."""

from __future__ import annotations

import base64
import json
import sqlite3
import time
import uuid
from collections.abc import Callable
from typing import Any

from localaws.errors import AwsError, NotSupportedError, UnknownOperationError
from localaws.secretsmanager import vault
from localaws.store import Database

Json = dict[str, Any]

DAY_SECONDS = 86_400
DEFAULT_WINDOW_DAYS = 30
MAX_RESULTS = 100


class SecretsManager:
    """The secrets of the one account."""

    name = "secretsmanager"
    target_prefix = "secretsmanager"

    def __init__(self, store: Database) -> None:
        self._store = store
        store.create(vault.SCHEMA)
        self._operations: dict[str, Callable[[Json], Json]] = {
            "CreateSecret": self._create,
            "DeleteSecret": self._delete,
            "DescribeSecret": self._describe,
            "GetSecretValue": self._get_value,
            "ListSecrets": self._list,
            "PutSecretValue": self._put_value,
            "RestoreSecret": self._restore,
            "UpdateSecret": self._update,
        }

    def call(self, operation: str, body: Json) -> Json:
        """Answer one operation. Raises AwsError."""
        handler = self._operations.get(operation)
        if handler is None:
            raise UnknownOperationError(self.name, operation)
        self._purge_expired()
        return handler(body)

    def close(self) -> None:
        """Do nothing: the service holds no resources."""

    def _create(self, body: Json) -> Json:
        """Create a secret. A repeated ClientRequestToken with the same value changes nothing."""
        if body.get("AddReplicaRegions"):
            raise NotSupportedError("AddReplicaRegions in secretsmanager CreateSecret")
        name, value = _member(body, "Name"), vault.Value.of(body)
        version_id = _version_id(body)
        with self._store.write() as connection:
            secret = vault.find(connection, name)
            if secret is None:
                secret = vault.create(connection, name, body)
            else:
                _check_same_call(connection, secret, version_id)
            if value is not None:
                vault.add_version(connection, name, version_id, value, [vault.CURRENT])
        return _identity(secret) | ({"VersionId": version_id} if value else {})

    def _put_value(self, body: Json) -> Json:
        value, version_id = vault.Value.of(body), _version_id(body)
        if value is None:
            raise AwsError(
                "InvalidRequestException", "You must provide either SecretString or SecretBinary."
            )
        labels = body.get("VersionStages") or [vault.CURRENT]
        with self._store.write() as connection:
            secret = vault.require_live(connection, _member(body, "SecretId"))
            vault.add_version(connection, secret["name"], version_id, value, labels)
            stages = vault.stages(connection, secret["name"]).get(version_id, [])
        return _identity(secret) | {"VersionId": version_id, "VersionStages": stages}

    def _update(self, body: Json) -> Json:
        value, version_id = vault.Value.of(body), _version_id(body)
        with self._store.write() as connection:
            secret = vault.require_live(connection, _member(body, "SecretId"))
            connection.execute(
                "update secret set description = ?, kms_key_id = ?, changed_at = ? where name = ?",
                (
                    body.get("Description", secret["description"]),
                    body.get("KmsKeyId", secret["kms_key_id"]),
                    time.time(),
                    secret["name"],
                ),
            )
            if value is not None:
                vault.add_version(connection, secret["name"], version_id, value, [vault.CURRENT])
        return _identity(secret) | ({"VersionId": version_id} if value else {})

    def _get_value(self, body: Json) -> Json:
        with self._store.read() as connection:
            secret = vault.require_live(connection, _member(body, "SecretId"))
            version = vault.version(
                connection, secret["name"], body.get("VersionId"), body.get("VersionStage")
            )
            stages = vault.stages(connection, secret["name"]).get(version["id"], [])
        answer = _identity(secret) | {
            "VersionId": version["id"],
            "VersionStages": stages,
            "CreatedDate": version["created_at"],
        }
        if version["secret_string"] is not None:
            return answer | {"SecretString": version["secret_string"]}
        return answer | {"SecretBinary": version["secret_binary"]}

    def _describe(self, body: Json) -> Json:
        with self._store.read() as connection:
            secret = vault.require(connection, _member(body, "SecretId"))
            stages = vault.stages(connection, secret["name"])
        return _description(secret) | {"VersionIdsToStages": stages}

    def _list(self, body: Json) -> Json:
        prefixes = _name_prefixes(body)
        after = _after(body)
        limit = int(body.get("MaxResults") or MAX_RESULTS)
        with self._store.read() as connection:
            rows = [
                row
                for row in connection.execute(
                    "select * from secret where name > ? order by name", (after,)
                )
                if row["name"].startswith(prefixes)
                and (row["deleted_at"] is None or body.get("IncludePlannedDeletion"))
            ]
            found = [
                _description(row)
                | {"SecretVersionsToStages": vault.stages(connection, row["name"])}
                for row in rows[:limit]
            ]
        if len(rows) <= limit:
            return {"SecretList": found}
        token = base64.b64encode(found[-1]["Name"].encode()).decode()
        return {"SecretList": found, "NextToken": token}

    def _delete(self, body: Json) -> Json:
        if body.get("ForceDeleteWithoutRecovery"):
            return self._force_delete(body)
        window = body.get("RecoveryWindowInDays", DEFAULT_WINDOW_DAYS)
        if not 7 <= window <= 30:
            raise AwsError(
                "InvalidParameterException",
                "The RecoveryWindowInDays value must be between 7 and 30 days (inclusive).",
            )
        now = time.time()
        purge_at = now + window * DAY_SECONDS
        with self._store.write() as connection:
            secret = vault.require_live(connection, _member(body, "SecretId"))
            connection.execute(
                "update secret set deleted_at = ?, purge_at = ? where name = ?",
                (now, purge_at, secret["name"]),
            )
        return _identity(secret) | {"DeletionDate": purge_at}

    def _force_delete(self, body: Json) -> Json:
        """Wipe a secret. As at AWS, a secret that does not exist is no error."""
        if "RecoveryWindowInDays" in body:
            raise AwsError(
                "InvalidParameterException",
                "You can't use ForceDeleteWithoutRecovery in conjunction with "
                "RecoveryWindowInDays.",
            )
        name = _member(body, "SecretId")
        with self._store.write() as connection:
            secret = vault.find(connection, name)
            if secret is not None:
                vault.wipe(connection, secret["name"])
        self._store.truncate_log()
        identity = {"Name": name} if secret is None else _identity(secret)
        return identity | {"DeletionDate": time.time()}

    def _restore(self, body: Json) -> Json:
        with self._store.write() as connection:
            secret = vault.require(connection, _member(body, "SecretId"))
            connection.execute(
                "update secret set deleted_at = null, purge_at = null where name = ?",
                (secret["name"],),
            )
        return _identity(secret)

    def _purge_expired(self) -> None:
        """Wipe secrets whose recovery window is over."""
        expired = ("select name from secret where purge_at <= ?", (time.time(),))
        if not self._store.query(*expired):
            return
        with self._store.write() as connection:
            for row in connection.execute(*expired).fetchall():
                vault.wipe(connection, row["name"])
        self._store.truncate_log()


def _check_same_call(connection: sqlite3.Connection, secret: sqlite3.Row, version_id: str) -> None:
    """Raise AwsError unless an earlier CreateSecret call created this version."""
    name = secret["name"]
    if secret["deleted_at"] is not None:
        raise AwsError(
            "InvalidRequestException",
            "You can't create this secret because a secret with this name is already scheduled "
            "for deletion.",
        )
    known = connection.execute(
        "select 1 from secret_version where name = ? and id = ?", (name, version_id)
    ).fetchone()
    if not known:
        raise AwsError(
            "ResourceExistsException",
            f"The operation failed because the secret {name} already exists.",
        )


def _member(body: Json, name: str) -> str:
    value = body.get(name)
    if not value:
        raise AwsError("InvalidParameterException", f"You must provide a value for {name}.")
    return str(value)


def _version_id(body: Json) -> str:
    return str(body.get("ClientRequestToken") or uuid.uuid4())


def _after(body: Json) -> str:
    """Decode the last name of the page before. Raises AwsError (InvalidNextTokenException)."""
    try:
        return base64.b64decode(body.get("NextToken") or "", validate=True).decode()
    except ValueError:
        raise AwsError("InvalidNextTokenException", "The NextToken value is invalid.") from None


def _name_prefixes(body: Json) -> tuple[str, ...]:
    """Return the prefixes of the filter by name. Raises NotSupportedError for other filters."""
    prefixes: tuple[str, ...] = ("",)
    for item in body.get("Filters") or []:
        values = item.get("Values", [])
        if item.get("Key") != "name" or any(value.startswith("!") for value in values):
            raise NotSupportedError(f"the filter {item.get('Key')} in secretsmanager ListSecrets")
        prefixes = tuple(values)
    return prefixes


def _identity(secret: sqlite3.Row) -> Json:
    return {"ARN": secret["arn"], "Name": secret["name"]}


def _description(secret: sqlite3.Row) -> Json:
    described = _identity(secret) | {
        "Description": secret["description"],
        "KmsKeyId": secret["kms_key_id"],
        "Tags": json.loads(secret["tags"]),
        "CreatedDate": secret["created_at"],
        "LastChangedDate": secret["changed_at"],
        "DeletedDate": secret["deleted_at"],
    }
    return {name: value for name, value in described.items() if value is not None}
