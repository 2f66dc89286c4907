"""The Glue service: maps each operation to its function."""

from __future__ import annotations

from collections.abc import Callable

from localaws.errors import UnknownOperationError
from localaws.glue.common import Json, not_found
from localaws.glue.databases import DatabaseOperations
from localaws.glue.tables import TableOperations
from localaws.service import ACCOUNT_ID
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
create table if not exists glue_archive (
    database text, name text, version integer, input text not null,
    created_at real not null, updated_at real not null,
    primary key (database, name, version)
) without rowid;
"""


class GlueCatalogStore:
    """The catalog of the one account."""

    name = "glue"
    target_prefix = "AWSGlue"

    def __init__(self, store: Database) -> None:
        store.create(_SCHEMA)
        databases, tables = DatabaseOperations(store), TableOperations(store)
        self._operations: dict[str, Callable[[Json], Json]] = {
            "BatchDeleteTable": tables.batch_delete_table,
            "CreateDatabase": databases.create_database,
            "CreateTable": tables.create_table,
            "DeleteDatabase": databases.delete_database,
            "DeleteTable": tables.delete_table,
            "GetDatabase": databases.get_database,
            "GetDatabases": databases.get_databases,
            "GetTable": tables.get_table,
            "GetTableVersion": tables.get_table_version,
            "GetTableVersions": tables.get_table_versions,
            "GetTables": tables.get_tables,
            "UpdateDatabase": databases.update_database,
            "UpdateTable": tables.update_table,
        }

    def call(self, operation: str, body: Json) -> Json:
        """Answer one operation. Raises AwsError."""
        handler = self._operations.get(operation)
        if handler is None:
            raise UnknownOperationError(self.name, operation)
        if body.get("CatalogId", ACCOUNT_ID) != ACCOUNT_ID:
            raise not_found(f"Catalog {body['CatalogId']} not found.")
        return handler(body)

    def close(self) -> None:
        """Do nothing: the service holds no resources."""
