"""The Secrets Manager service: creates, reads, lists and destroys secrets."""

from __future__ import annotations

import secrets
import sqlite3
import time
import uuid
from collections.abc import Callable
from typing import Any

from localaws.errors import AwsError, NotSupportedError, UnknownOperationError
from localaws.service import ACCOUNT_ID, REGION
from localaws.store import Database

Json = dict[str, Any]

# Databases of earlier versions have these columns, too, and may have several versions of a secret.
SCHEMA = """
create table if not exists secret (
    name text primary key, arn text unique not null, description text, tags text not null,
    created_at real not null, changed_at real not null
);
create table if not exists secret_version (
    name text, id text, secret_string text, secret_binary text, created_at real not null,
    primary key (name, id)
) without rowid;
"""

FIND = """
select arn, name, id, secret_string, secret_binary, version.created_at
from secret join secret_version as version using (name)
where name = ? or arn = ?
order by version.created_at desc limit 1
"""

MAX_RESULTS = 100


class SecretsManager:
    """The secrets of the one account."""

    name = "secretsmanager"
    target_prefix = "secretsmanager"

    def __init__(self, store: Database) -> None:
        self._store = store
        store.create(SCHEMA)
        self._operations: dict[str, Callable[[Json], Json]] = {
            "CreateSecret": self._create,
            "DeleteSecret": self._delete,
            "GetSecretValue": self._get_value,
            "ListSecrets": self._list,
        }

    def call(self, operation: str, body: Json) -> Json:
        """Answer one operation. Raises AwsError."""
        handler = self._operations.get(operation)
        if handler is None:
            raise UnknownOperationError(self.name, operation)
        return handler(body)

    def close(self) -> None:
        """Do nothing: the service holds no resources."""

    def _create(self, body: Json) -> Json:
        """Create a secret. A repeated ClientRequestToken with the same value changes nothing."""
        _refuse(body, "CreateSecret", "AddReplicaRegions", "KmsKeyId", "Tags")
        name, value = _member(body, "Name"), (body.get("SecretString"), body.get("SecretBinary"))
        version_id = str(body.get("ClientRequestToken") or uuid.uuid4())
        if value.count(None) != 1:
            raise AwsError(
                "InvalidParameterException", "You must provide SecretString or SecretBinary."
            )
        with self._store.write() as connection:
            secret = _find(connection, name)
            if secret is None:
                arn, now = _arn(name), time.time()
                connection.execute(
                    "insert into secret (name, arn, description, tags, created_at, changed_at) "
                    "values (?, ?, ?, '[]', ?, ?)",
                    (name, arn, body.get("Description"), now, now),
                )
                row = (name, version_id, *value, now)
                connection.execute("insert into secret_version values (?, ?, ?, ?, ?)", row)
                return {"ARN": arn, "Name": name, "VersionId": version_id}
        stored = secret["id"], (secret["secret_string"], secret["secret_binary"])
        if stored != (version_id, value):
            raise AwsError(
                "ResourceExistsException",
                f"The operation failed because the secret {name} already exists.",
            )
        return {"ARN": secret["arn"], "Name": name, "VersionId": version_id}

    def _get_value(self, body: Json) -> Json:
        _refuse(body, "GetSecretValue", "VersionId", "VersionStage")
        secret = _find(self._store.connection(), _member(body, "SecretId"))
        if secret is None:
            raise AwsError(
                "ResourceNotFoundException", "Secrets Manager can't find the specified secret."
            )
        values = {"SecretString": secret["secret_string"], "SecretBinary": secret["secret_binary"]}
        return {
            "ARN": secret["arn"],
            "Name": secret["name"],
            "VersionId": secret["id"],
            "VersionStages": ["AWSCURRENT"],
            "CreatedDate": secret["created_at"],
            **{name: value for name, value in values.items() if value is not None},
        }

    def _list(self, body: Json) -> Json:
        prefixes, limit = _name_prefixes(body), int(body.get("MaxResults") or MAX_RESULTS)
        after = (body.get("NextToken") or "",)
        rows = self._store.query("select * from secret where name > ? order by name", after)
        found = [
            {
                "ARN": row["arn"],
                "Name": row["name"],
                "Description": row["description"] or "",
                "CreatedDate": row["created_at"],
            }
            for row in rows
            if row["name"].startswith(prefixes)
        ]
        more = {"NextToken": found[limit - 1]["Name"]} if len(found) > limit else {}
        return {"SecretList": found[:limit], **more}

    def _delete(self, body: Json) -> Json:
        """Wipe a secret. As at AWS, it is no error if the secret does not exist."""
        if not body.get("ForceDeleteWithoutRecovery"):
            raise NotSupportedError("secretsmanager DeleteSecret with a recovery window")
        name = _member(body, "SecretId")
        with self._store.write() as connection:
            secret = _find(connection, name)
            if secret is not None:
                name = secret["name"]
                connection.execute("delete from secret where name = ?", (name,))
                connection.execute("delete from secret_version where name = ?", (name,))
        self._store.truncate_log()
        arn = {} if secret is None else {"ARN": secret["arn"]}
        return {"Name": name, "DeletionDate": time.time(), **arn}


def _find(connection: sqlite3.Connection, secret_id: str) -> sqlite3.Row | None:
    """A secret by name or ARN, with its value; None if there is none."""
    row: sqlite3.Row | None = connection.execute(FIND, (secret_id, secret_id)).fetchone()
    return row


def _arn(name: str) -> str:
    return f"arn:aws:secretsmanager:{REGION}:{ACCOUNT_ID}:secret:{name}-{secrets.token_hex(3)}"


def _member(body: Json, name: str) -> str:
    value = body.get(name)
    if not value:
        raise AwsError("InvalidParameterException", f"You must provide a value for {name}.")
    return str(value)


def _refuse(body: Json, operation: str, *names: str) -> None:
    """Raise NotSupportedError if the request has one of the members."""
    for name in names:
        if body.get(name):
            raise NotSupportedError(f"{name} in secretsmanager {operation}")


def _name_prefixes(body: Json) -> tuple[str, ...]:
    """Return the prefixes of the filter by name. Raises NotSupportedError for other filters."""
    prefixes: tuple[str, ...] = ("",)
    for item in body.get("Filters") or []:
        values = item.get("Values", [])
        if item.get("Key") != "name" or any(value.startswith("!") for value in values):
            raise NotSupportedError(f"the filter {item.get('Key')} in secretsmanager ListSecrets")
        prefixes = tuple(values)
    return prefixes
