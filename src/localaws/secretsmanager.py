"""Secrets Manager: creates, reads, lists and destroys secrets, which have one value each.

The value of a destroyed secret is wiped from the disk, because the pipeline destroys the keys of
visitor ids in this way.
"""

from __future__ import annotations

import secrets
import sqlite3
import time
import uuid

from localaws.errors import AwsError, NotSupportedError
from localaws.service import ACCOUNT_ID, REGION, Json, Operations, find_operation
from localaws.store import Database

_SCHEMA = """
create table if not exists secret (
    name text primary key, arn text unique not null, description text not null,
    version text not null, value text not null, created_at real not null
);
"""
MAX_RESULTS = 100
_REFUSED_MEMBERS = (
    "AddReplicaRegions",
    "KmsKeyId",
    "SecretBinary",
    "Tags",
    "VersionId",
    "VersionStage",
)


class SecretsManager:
    """The secrets of the one account."""

    def __init__(self, store: Database) -> None:
        self._store = store
        store.create(_SCHEMA)
        self._operations: Operations = {
            "CreateSecret": self._create,
            "DeleteSecret": self._delete,
            "GetSecretValue": self._get_value,
            "ListSecrets": self._list,
        }

    def call(self, operation: str, body: Json) -> Json:
        """Answer one operation. Raises AwsError."""
        return find_operation(
            "secretsmanager", self._operations, operation, body, _REFUSED_MEMBERS
        )(body)

    def _create(self, body: Json) -> Json:
        """Create a secret. A repeated ClientRequestToken with the same value changes nothing."""
        name, value = body["Name"], body["SecretString"]
        version = body.get("ClientRequestToken") or str(uuid.uuid4())
        suffix = secrets.token_hex(3)
        arn = f"arn:aws:secretsmanager:{REGION}:{ACCOUNT_ID}:secret:{name}-{suffix}"
        with self._store.write() as connection:
            connection.execute(
                "insert or ignore into secret values (?, ?, ?, ?, ?, ?)",
                (name, arn, body.get("Description", ""), version, value, time.time()),
            )
            stored = _find(connection, name)
        if stored is None or (stored["version"], stored["value"]) != (version, value):
            raise AwsError(
                "ResourceExistsException",
                f"The operation failed because the secret {name} already exists.",
            )
        return {"ARN": stored["arn"], "Name": name, "VersionId": version}

    def _get_value(self, body: Json) -> Json:
        secret = _find(self._store.connection(), body["SecretId"])
        if secret is None:
            raise AwsError(
                "ResourceNotFoundException", "Secrets Manager can't find the specified secret."
            )
        return {
            "ARN": secret["arn"],
            "Name": secret["name"],
            "VersionId": secret["version"],
            "VersionStages": ["AWSCURRENT"],
            "CreatedDate": secret["created_at"],
            "SecretString": secret["value"],
        }

    def _list(self, body: Json) -> Json:
        """Return secrets by name, in pages; the only filter is that by the beginning of names."""
        prefixes: tuple[str, ...] = ("",)
        for item in body.get("Filters", []):
            if item["Key"] != "name" or any(value.startswith("!") for value in item["Values"]):
                raise NotSupportedError(f"the filter {item['Key']} in secretsmanager ListSecrets")
            prefixes = tuple(item["Values"])
        rows = self._store.query(
            "select * from secret where name > ? order by name", (body.get("NextToken", ""),)
        )
        entries = [
            {
                "ARN": row["arn"],
                "Name": row["name"],
                "Description": row["description"],
                "CreatedDate": row["created_at"],
            }
            for row in rows
            if row["name"].startswith(prefixes)
        ]
        limit = body.get("MaxResults", MAX_RESULTS)
        next_page = {"NextToken": entries[limit - 1]["Name"]} if len(entries) > limit else {}
        return {"SecretList": entries[:limit], **next_page}

    def _delete(self, body: Json) -> Json:
        """Destroy a secret. As at AWS, it is no error if the secret does not exist."""
        if not body.get("ForceDeleteWithoutRecovery"):
            raise NotSupportedError("secretsmanager DeleteSecret with a recovery window")
        with self._store.write() as connection:
            secret = _find(connection, body["SecretId"])
            if secret is not None:
                connection.execute("delete from secret where name = ?", (secret["name"],))
        self._store.truncate_log()
        names = {} if secret is None else {"ARN": secret["arn"], "Name": secret["name"]}
        return {"Name": body["SecretId"], "DeletionDate": time.time(), **names}


def _find(connection: sqlite3.Connection, secret_id: str) -> sqlite3.Row | None:
    """Return a secret by name or ARN; None if there is none."""
    row: sqlite3.Row | None = connection.execute(
        "select * from secret where name = ? or arn = ?", (secret_id, secret_id)
    ).fetchone()
    return row
