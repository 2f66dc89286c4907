"""Operations on the catalog's databases."""

from __future__ import annotations

import json
import time

from localaws.errors import AwsError, NotSupportedError
from localaws.glue.common import (
    Json,
    after,
    describe,
    entity_name,
    find_database,
    member,
    page,
    require_database,
)
from localaws.store import Database


class DatabaseOperations:
    """Create, get, list, update and delete databases."""

    def __init__(self, store: Database) -> None:
        self._store = store

    def create_database(self, body: Json) -> Json:
        """Create a database. Raises AwsError (AlreadyExistsException) if the name exists."""
        given = member(body, "DatabaseInput")
        name = entity_name(given, "Name")
        with self._store.write() as connection:
            if find_database(connection, name):
                raise AwsError("AlreadyExistsException", "Database already exists.")
            connection.execute(
                "insert into glue_database values (?, ?, ?)", (name, json.dumps(given), time.time())
            )
        return {}

    def update_database(self, body: Json) -> Json:
        """Replace the description, location and parameters."""
        name, given = entity_name(body, "Name"), member(body, "DatabaseInput")
        if entity_name(given, "Name") != name:
            raise NotSupportedError("renaming a database by glue UpdateDatabase")
        with self._store.write() as connection:
            require_database(connection, name)
            connection.execute(
                "update glue_database set input = ? where name = ?", (json.dumps(given), name)
            )
        return {}

    def delete_database(self, body: Json) -> Json:
        """Delete a database with its tables, as AWS does."""
        name = entity_name(body, "Name")
        with self._store.write() as connection:
            require_database(connection, name)
            connection.execute("delete from glue_database where name = ?", (name,))
            connection.execute("delete from glue_table where database = ?", (name,))
            connection.execute("delete from glue_archive where database = ?", (name,))
        return {}

    def get_database(self, body: Json) -> Json:
        """One database."""
        row = require_database(self._store.connection(), entity_name(body, "Name"))
        return {"Database": describe(row)}

    def get_databases(self, body: Json) -> Json:
        """Databases by name, in pages."""
        rows = self._store.query(
            "select * from glue_database where name > ? order by name", (after(body),)
        )
        rows, token = page(rows, body)
        return {"DatabaseList": [describe(row) for row in rows], **token}
