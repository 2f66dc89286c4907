"""Operations on the catalog's tables and views, and on their versions."""

from __future__ import annotations

import json
import re
import sqlite3
import time
from collections.abc import Callable

from localaws.errors import AwsError, NotSupportedError
from localaws.glue.common import (
    Json,
    after,
    describe,
    entity_name,
    member,
    not_found,
    page,
    require_database,
)
from localaws.service import ACCOUNT_ID
from localaws.store import Database


class TableOperations:
    """Create, get, list, update and delete tables."""

    def __init__(self, store: Database) -> None:
        self._store = store

    def create_table(self, body: Json) -> Json:
        """Create a table or view with version 0."""
        for option in ("OpenTableFormatInput", "PartitionIndexes", "TransactionId"):
            if body.get(option):
                raise NotSupportedError(f"{option} in glue CreateTable")
        database, given = entity_name(body, "DatabaseName"), member(body, "TableInput")
        name, now = entity_name(given, "Name"), time.time()
        with self._store.write() as connection:
            require_database(connection, database)
            if _find_table(connection, database, name):
                raise AwsError("AlreadyExistsException", "Table already exists.")
            connection.execute(
                "insert into glue_table values (?, ?, 0, ?, ?, ?)",
                (database, name, json.dumps(given), now, now),
            )
        return {}

    def update_table(self, body: Json) -> Json:
        """Replace a table, if it still has the version that the caller has read.

        Raises AwsError (ConcurrentModificationException) if it has another.
        """
        for option in ("UpdateOpenTableFormatInput", "TransactionId", "ViewUpdateAction"):
            if body.get(option):
                raise NotSupportedError(f"{option} in glue UpdateTable")
        database, given = entity_name(body, "DatabaseName"), member(body, "TableInput")
        name = entity_name(given, "Name")
        if body.get("Name", name).lower() != name:
            raise NotSupportedError("renaming a table by glue UpdateTable")
        with self._store.write() as connection:
            current = _require_table(connection, database, name)
            _check_version(body.get("VersionId"), current["version"])
            if not body.get("SkipArchive"):
                connection.execute(
                    "insert into glue_archive select database, name, version, input, created_at,"
                    " updated_at from glue_table where database = ? and name = ?",
                    (database, name),
                )
            connection.execute(
                "update glue_table set version = version + 1, input = ?, updated_at = ?"
                " where database = ? and name = ?",
                (json.dumps(given), time.time(), database, name),
            )
        return {}

    def delete_table(self, body: Json) -> Json:
        """Drop a table with its versions."""
        database, name = entity_name(body, "DatabaseName"), entity_name(body, "Name")
        with self._store.write() as connection:
            _require_table(connection, database, name)
            _drop_table(connection, database, name)
        return {}

    def batch_delete_table(self, body: Json) -> Json:
        """Drop tables. Missing ones are listed in ``Errors``."""
        database, errors = entity_name(body, "DatabaseName"), []
        with self._store.write() as connection:
            require_database(connection, database)
            for given in member(body, "TablesToDelete"):
                name = str(given).lower()
                if _find_table(connection, database, name):
                    _drop_table(connection, database, name)
                    continue
                error = _table_not_found(name)
                detail = {"ErrorCode": error.code, "ErrorMessage": error.message}
                errors.append({"TableName": name, "ErrorDetail": detail})
        return {"Errors": errors}

    def get_table(self, body: Json) -> Json:
        """One table, as it is now."""
        return {"Table": _describe_table(self._current(body, "Name"))}

    def get_tables(self, body: Json) -> Json:
        """Tables by name, in pages."""
        database = entity_name(body, "DatabaseName")
        require_database(self._store.connection(), database)
        matches = _name_pattern(body.get("Expression"))
        rows = self._store.query(
            "select * from glue_table where database = ? and name > ? order by name",
            (database, after(body)),
        )
        rows, token = page([row for row in rows if matches(row["name"])], body)
        return {"TableList": [_describe_table(row) for row in rows], **token}

    def get_table_version(self, body: Json) -> Json:
        """Return one version, by default the current one."""
        wanted = body.get("VersionId")
        for row in self._versions(body):
            if wanted is None or str(row["version"]) == wanted:
                return {"TableVersion": _describe_version(row)}
        raise not_found(f"Version {wanted} not found.")

    def get_table_versions(self, body: Json) -> Json:
        """Versions, newest first, in pages."""
        last = after(body)
        older = [row for row in self._versions(body) if not last or row["version"] < int(last)]
        rows, token = page(older, body, "version")
        return {"TableVersions": [_describe_version(row) for row in rows], **token}

    def _versions(self, body: Json) -> list[sqlite3.Row]:
        """The current version and the archived ones, newest first."""
        current = self._current(body, "TableName")
        archived = self._store.query(
            "select * from glue_archive where database = ? and name = ? order by version desc",
            (current["database"], current["name"]),
        )
        return [current, *archived]

    def _current(self, body: Json, member_name: str) -> sqlite3.Row:
        database, name = entity_name(body, "DatabaseName"), entity_name(body, member_name)
        return _require_table(self._store.connection(), database, name)


def _find_table(connection: sqlite3.Connection, database: str, name: str) -> sqlite3.Row | None:
    row: sqlite3.Row | None = connection.execute(
        "select * from glue_table where database = ? and name = ?", (database, name)
    ).fetchone()
    return row


def _require_table(connection: sqlite3.Connection, database: str, name: str) -> sqlite3.Row:
    require_database(connection, database)
    row = _find_table(connection, database, name)
    if row is None:
        raise _table_not_found(name)
    return row


def _drop_table(connection: sqlite3.Connection, database: str, name: str) -> None:
    for table in ("glue_table", "glue_archive"):
        connection.execute(
            f"delete from {table} where database = ? and name = ?",  # noqa: S608  our own names
            (database, name),
        )


def _check_version(expected: str | None, current: int) -> None:
    if expected is not None and expected != str(current):
        raise AwsError(
            "ConcurrentModificationException",
            "Update table failed due to concurrent modifications.",
        )


def _name_pattern(expression: str | None) -> Callable[[str], object]:
    """Return the function that matches table names with the ``Expression`` of GetTables.

    AWS matches the whole name with a regular expression. A bare ``*`` matches any text, as in Hive,
    where the expression comes from (clients send ``*hits*``).
    """
    if expression is None:
        return lambda _name: True
    try:
        return re.compile(re.sub(r"(?<![.\])])\*", ".*", expression), re.IGNORECASE).fullmatch
    except re.error as error:
        raise AwsError("InvalidInputException", f"Invalid expression: {error}.") from error


def _describe_table(row: sqlite3.Row) -> Json:
    return {
        "Retention": 0,
        **describe(row),
        "DatabaseName": row["database"],
        "UpdateTime": row["updated_at"],
        "CreatedBy": f"arn:aws:iam::{ACCOUNT_ID}:root",
        "IsRegisteredWithLakeFormation": False,
        "VersionId": str(row["version"]),
    }


def _describe_version(row: sqlite3.Row) -> Json:
    return {"Table": _describe_table(row), "VersionId": str(row["version"])}


def _table_not_found(name: str) -> AwsError:
    return not_found(f"Table {name} not found.")
