"""Rows of secrets, versions and stages; all functions work inside the caller's transaction."""

from __future__ import annotations

import json
import secrets
import sqlite3
import string
import time
from dataclasses import dataclass
from typing import Any

from localaws.errors import AwsError
from localaws.service import ACCOUNT_ID, REGION

SCHEMA = """
create table if not exists secret (
    name text primary key, arn text unique not null, description text, kms_key_id text,
    tags text not null, created_at real not null, changed_at real not null,
    deleted_at real, purge_at real
);
create table if not exists secret_version (
    name text, id text, secret_string text, secret_binary text, created_at real not null,
    primary key (name, id)
) without rowid;
create table if not exists secret_stage (
    name text, stage text, version_id text not null,
    primary key (name, stage)
) without rowid;
"""

CURRENT, PREVIOUS = "AWSCURRENT", "AWSPREVIOUS"


@dataclass(frozen=True)
class Value:
    """The value of a version: text, or bytes in base64."""

    text: str | None = None
    binary: str | None = None

    @classmethod
    def of(cls, body: dict[str, Any]) -> Value | None:
        """Return the value in a request, or None.

        Raises AwsError (InvalidParameterException) if the request has both text and bytes.
        """
        value = cls(body.get("SecretString"), body.get("SecretBinary"))
        if value.text is not None and value.binary is not None:
            raise AwsError(
                "InvalidParameterException",
                "You can't specify both a binary secret value and a string secret value in the "
                "same secret.",
            )
        return None if value == cls() else value


def find(connection: sqlite3.Connection, secret_id: str) -> sqlite3.Row | None:
    """A secret by name or ARN, deleted or not; None if there is none."""
    row: sqlite3.Row | None = connection.execute(
        "select * from secret where name = ? or arn = ?", (secret_id, secret_id)
    ).fetchone()
    return row


def require(connection: sqlite3.Connection, secret_id: str) -> sqlite3.Row:
    """A secret, deleted or not. Raises AwsError (ResourceNotFoundException)."""
    row = find(connection, secret_id)
    if row is None:
        raise not_found("Secrets Manager can't find the specified secret.")
    return row


def require_live(connection: sqlite3.Connection, secret_id: str) -> sqlite3.Row:
    """A secret that is not scheduled for deletion. Raises AwsError (InvalidRequestException...)."""
    row = require(connection, secret_id)
    if row["deleted_at"] is not None:
        raise AwsError(
            "InvalidRequestException",
            "You can't perform this operation on the secret because it was marked for deletion.",
        )
    return row


def create(connection: sqlite3.Connection, name: str, body: dict[str, Any]) -> sqlite3.Row:
    """Create a secret without a version."""
    alphabet = string.ascii_letters + string.digits
    suffix = "".join(secrets.choice(alphabet) for _ in range(6))
    now = time.time()
    connection.execute(
        "insert into secret values (?, ?, ?, ?, ?, ?, ?, null, null)",
        (
            name,
            f"arn:aws:secretsmanager:{REGION}:{ACCOUNT_ID}:secret:{name}-{suffix}",
            body.get("Description"),
            body.get("KmsKeyId"),
            json.dumps(body.get("Tags", [])),
            now,
            now,
        ),
    )
    return require(connection, name)


def add_version(
    connection: sqlite3.Connection, name: str, version_id: str, value: Value, stages: list[str]
) -> None:
    """Add a version and move the stages to it. Adding an equal version again changes nothing.

    Raises AwsError (ResourceExistsException) if the version exists with another value.
    """
    old = connection.execute(
        "select * from secret_version where name = ? and id = ?", (name, version_id)
    ).fetchone()
    if old is not None:
        if Value(old["secret_string"], old["secret_binary"]) == value:
            return
        raise AwsError(
            "ResourceExistsException",
            "You can't use ClientRequestToken "
            f"{version_id} because that value is already in use for a version of secret {name}.",
        )
    connection.execute(
        "insert into secret_version values (?, ?, ?, ?, ?)",
        (name, version_id, value.text, value.binary, time.time()),
    )
    for stage in stages:
        _move_stage(connection, name, stage, version_id)
    connection.execute("update secret set changed_at = ? where name = ?", (time.time(), name))


def version(
    connection: sqlite3.Connection, name: str, version_id: str | None, stage: str | None
) -> sqlite3.Row:
    """Return the version with an id, a stage or both; by default that of ``AWSCURRENT``.

    Raises AwsError (ResourceNotFoundException; InvalidRequestException if id and stage disagree).
    """
    wanted_stage = stage or (None if version_id else CURRENT)
    if wanted_stage:
        staged = _staged_version(connection, name, wanted_stage)
        if staged is None:
            raise not_found(
                "Secrets Manager can't find the specified secret value for staging label: "
                f"{wanted_stage}"
            )
        if version_id not in (None, staged):
            raise AwsError(
                "InvalidRequestException",
                "You provided a VersionStage that is not associated to the provided VersionId.",
            )
        version_id = staged
    row: sqlite3.Row | None = connection.execute(
        "select * from secret_version where name = ? and id = ?", (name, version_id)
    ).fetchone()
    if row is None:
        raise not_found(
            f"Secrets Manager can't find the specified secret value for VersionId: {version_id}"
        )
    return row


def stages(connection: sqlite3.Connection, name: str) -> dict[str, list[str]]:
    """Return the stages of each version that has any."""
    found: dict[str, list[str]] = {}
    for row in connection.execute(
        "select version_id, stage from secret_stage where name = ? order by stage", (name,)
    ):
        found.setdefault(row["version_id"], []).append(row["stage"])
    return found


def wipe(connection: sqlite3.Connection, name: str) -> None:
    """Delete a secret and all its versions."""
    connection.execute("delete from secret where name = ?", (name,))
    connection.execute("delete from secret_version where name = ?", (name,))
    connection.execute("delete from secret_stage where name = ?", (name,))


def not_found(message: str) -> AwsError:
    """Build the error for a missing secret or version."""
    return AwsError("ResourceNotFoundException", message)


def _staged_version(connection: sqlite3.Connection, name: str, stage: str) -> str | None:
    row = connection.execute(
        "select version_id from secret_stage where name = ? and stage = ?", (name, stage)
    ).fetchone()
    return None if row is None else str(row["version_id"])


def _move_stage(connection: sqlite3.Connection, name: str, stage: str, version_id: str) -> None:
    left = _staged_version(connection, name, stage)
    connection.execute(
        "insert or replace into secret_stage values (?, ?, ?)", (name, stage, version_id)
    )
    if stage == CURRENT and left is not None:
        _move_stage(connection, name, PREVIOUS, left)
