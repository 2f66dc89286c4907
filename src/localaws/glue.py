"""The Glue Data Catalog: databases, and tables and views as JSON with a version.

Iceberg commits with UpdateTable and the ``VersionId`` that it has read. Check and update are one
transaction here: of two writers that have read the same version, one commits and the other gets
ConcurrentModificationException. There are no operations on partitions, because Iceberg stores
partitions itself, and no earlier versions of a table.
"""

from __future__ import annotations

import base64
import json
import re
import sqlite3
import time

from localaws.errors import AwsError
from localaws.service import ACCOUNT_ID, Json, Operations, find_operation
from localaws.store import Database

_SCHEMA = """
create table if not exists glue_database (
    name text primary key, input text not null, created_at real not null
);
create table if not exists glue_table (
    database text, name text, version integer not null, input text not null,
    created_at real not null, updated_at real not null,
    primary key (database, name)
) without rowid;
"""
MAX_RESULTS = 100
_REFUSED_MEMBERS = (
    "OpenTableFormatInput",
    "PartitionIndexes",
    "TransactionId",
    "UpdateOpenTableFormatInput",
    "ViewUpdateAction",
)


class GlueCatalogStore:
    """The catalog of the one account. Glue stores all names in lower case."""

    def __init__(self, store: Database) -> None:
        self._store = store
        store.create(_SCHEMA)
        self._operations: Operations = {
            "CreateDatabase": self._create_database,
            "CreateTable": self._create_table,
            "DeleteDatabase": self._delete_database,
            "DeleteTable": self._delete_table,
            "GetDatabase": self._get_database,
            "GetDatabases": self._get_databases,
            "GetTable": self._get_table,
            "GetTables": self._get_tables,
            "UpdateTable": self._update_table,
        }

    def call(self, operation: str, body: Json) -> Json:
        """Answer one operation. Raises AwsError."""
        handler = find_operation("glue", self._operations, operation, body, _REFUSED_MEMBERS)
        if body.get("CatalogId", ACCOUNT_ID) != ACCOUNT_ID:
            raise _not_found(f"Catalog {body['CatalogId']}")
        return handler(body)

    def _create_database(self, body: Json) -> Json:
        definition = body["DatabaseInput"]
        name = definition["Name"].lower()
        with self._store.write() as connection:
            inserted = connection.execute(
                "insert or ignore into glue_database values (?, ?, ?)",
                (name, json.dumps(definition), time.time()),
            ).rowcount
        if not inserted:
            raise AwsError("AlreadyExistsException", "Database already exists.")
        return {}

    def _delete_database(self, body: Json) -> Json:
        """Delete a database with its tables, as AWS does."""
        name = body["Name"].lower()
        with self._store.write() as connection:
            _require_database(connection, name)
            connection.execute("delete from glue_database where name = ?", (name,))
            connection.execute("delete from glue_table where database = ?", (name,))
        return {}

    def _get_database(self, body: Json) -> Json:
        row = _require_database(self._store.connection(), body["Name"].lower())
        return {"Database": _describe(row)}

    def _get_databases(self, body: Json) -> Json:
        rows = self._store.query(
            "select * from glue_database where name > ? order by name", (_after(body),)
        )
        rows, token = _page(rows, body)
        return {"DatabaseList": [_describe(row) for row in rows], **token}

    def _create_table(self, body: Json) -> Json:
        """Create a table or view with version 0."""
        database, definition = body["DatabaseName"].lower(), body["TableInput"]
        now = time.time()
        with self._store.write() as connection:
            _require_database(connection, database)
            inserted = connection.execute(
                "insert or ignore into glue_table values (?, ?, 0, ?, ?, ?)",
                (database, definition["Name"].lower(), json.dumps(definition), now, now),
            ).rowcount
        if not inserted:
            raise AwsError("AlreadyExistsException", "Table already exists.")
        return {}

    def _update_table(self, body: Json) -> Json:
        """Replace a table, if it still has the version that the caller has read.

        Raises AwsError (ConcurrentModificationException) if it has another one.
        """
        database, definition = body["DatabaseName"].lower(), body["TableInput"]
        name, expected = definition["Name"].lower(), body.get("VersionId")
        with self._store.write() as connection:
            current = _require_table(connection, database, name)
            if expected is not None and expected != str(current["version"]):
                raise AwsError(
                    "ConcurrentModificationException",
                    "Update table failed due to concurrent modifications.",
                )
            connection.execute(
                "update glue_table set version = version + 1, input = ?, updated_at = ?"
                " where database = ? and name = ?",
                (json.dumps(definition), time.time(), database, name),
            )
        return {}

    def _delete_table(self, body: Json) -> Json:
        key = body["DatabaseName"].lower(), body["Name"].lower()
        with self._store.write() as connection:
            _require_table(connection, *key)
            connection.execute("delete from glue_table where database = ? and name = ?", key)
        return {}

    def _get_table(self, body: Json) -> Json:
        key = body["DatabaseName"].lower(), body["Name"].lower()
        return {"Table": _describe_table(_require_table(self._store.connection(), *key))}

    def _get_tables(self, body: Json) -> Json:
        """Return tables by name, in pages.

        ``Expression`` is a regular expression that matches whole names. A bare ``*`` matches any
        text, as in Hive, where the expression comes from (clients send ``*hits*``).
        """
        database, expression = body["DatabaseName"].lower(), body.get("Expression", "*")
        _require_database(self._store.connection(), database)
        try:
            pattern = re.compile(re.sub(r"(?<![.\])])\*", ".*", expression), re.IGNORECASE)
        except re.error as error:
            raise AwsError("InvalidInputException", f"Invalid expression: {error}.") from error
        rows = self._store.query(
            "select * from glue_table where database = ? and name > ? order by name",
            (database, _after(body)),
        )
        rows, token = _page([row for row in rows if pattern.fullmatch(row["name"])], body)
        return {"TableList": [_describe_table(row) for row in rows], **token}


def _require_database(connection: sqlite3.Connection, name: str) -> sqlite3.Row:
    row: sqlite3.Row | None = connection.execute(
        "select * from glue_database where name = ?", (name,)
    ).fetchone()
    if row is None:
        raise _not_found(f"Database {name}")
    return row


def _require_table(connection: sqlite3.Connection, database: str, name: str) -> sqlite3.Row:
    _require_database(connection, database)
    row: sqlite3.Row | None = connection.execute(
        "select * from glue_table where database = ? and name = ?", (database, name)
    ).fetchone()
    if row is None:
        raise _not_found(f"Table {name}")
    return row


def _describe(row: sqlite3.Row) -> Json:
    """Return what databases and tables share: their input, name, time and catalog."""
    return {
        **json.loads(row["input"]),
        "Name": row["name"],
        "CreateTime": row["created_at"],
        "CatalogId": ACCOUNT_ID,
    }


def _describe_table(row: sqlite3.Row) -> Json:
    return {
        "Retention": 0,
        **_describe(row),
        "DatabaseName": row["database"],
        "UpdateTime": row["updated_at"],
        "CreatedBy": f"arn:aws:iam::{ACCOUNT_ID}:root",
        "IsRegisteredWithLakeFormation": False,
        "VersionId": str(row["version"]),
    }


def _after(body: Json) -> str:
    """Decode the last name of the page before from the token; empty for the first page."""
    return base64.b64decode(body.get("NextToken") or "").decode()


def _page(rows: list[sqlite3.Row], body: Json) -> tuple[list[sqlite3.Row], Json]:
    """Return up to ``MaxResults`` rows, and ``{"NextToken": ...}`` if there are more."""
    limit = body.get("MaxResults") or MAX_RESULTS
    if len(rows) <= limit:
        return rows, {}
    token = base64.b64encode(rows[limit - 1]["name"].encode()).decode()
    return rows[:limit], {"NextToken": token}


def _not_found(name: str) -> AwsError:
    return AwsError("EntityNotFoundException", f"{name} not found.")
