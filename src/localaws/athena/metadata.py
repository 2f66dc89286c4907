"""The operations of Athena that read the Glue Data Catalog: databases, tables and views.

PyAthena's SQLAlchemy dialect calls them. PyAthena's module ``glue`` documents how AWS builds
``TableMetadata`` from Glue's ``Table``.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from localaws.athena.executions import invalid_request
from localaws.athena.table_text import current_columns
from localaws.errors import AwsError
from localaws.service import Catalog

CATALOG = "awsdatacatalog"
MAX_TABLES = 50
NOT_FOUND = (
    "Entity Not Found (Service: AmazonDataCatalog; Status Code: 400; "
    "Error Code: EntityNotFoundException; Request ID: local; Proxy: null)"
)
Json = dict[str, Any]


class Metadata:
    """Reads databases, tables and views from the Glue Data Catalog."""

    def __init__(self, glue: Catalog) -> None:
        self._glue = glue

    def list_databases(self, body: Json) -> Json:
        """Answer ListDatabases."""
        answer = self._call(body, "GetDatabases", _page(body))
        databases = [_database(database) for database in answer["DatabaseList"]]
        return {"DatabaseList": databases, **_next(answer)}

    def get_database(self, body: Json) -> Json:
        """Answer GetDatabase."""
        answer = self._call(body, "GetDatabase", {"Name": body["DatabaseName"]})
        return {"Database": _database(answer["Database"])}

    def list_tables(self, body: Json) -> Json:
        """Answer ListTableMetadata."""
        request = {"DatabaseName": body["DatabaseName"], "MaxResults": MAX_TABLES, **_page(body)}
        if "Expression" in body:
            request["Expression"] = body["Expression"]
        answer = self._call(body, "GetTables", request)
        return {
            "TableMetadataList": [_table(table) for table in answer["TableList"]],
            **_next(answer),
        }

    def get_table(self, body: Json) -> Json:
        """Answer GetTableMetadata."""
        request = {"DatabaseName": body["DatabaseName"], "Name": body["TableName"]}
        return {"TableMetadata": _table(self._call(body, "GetTable", request)["Table"])}

    def _call(self, body: Json, operation: str, request: Json) -> Json:
        """Ask Glue. Raises AwsError (MetadataException) if a database or table does not exist."""
        if body["CatalogName"].lower() != CATALOG:
            raise invalid_request(
                f"Catalog {body['CatalogName']} is not found; use AwsDataCatalog."
            )
        try:
            return self._glue.call(operation, request)
        except AwsError as error:
            if error.code != "EntityNotFoundException":
                raise
            raise AwsError("MetadataException", NOT_FOUND) from None


def _page(body: Json) -> Json:
    return {name: body[name] for name in ("MaxResults", "NextToken") if name in body}


def _next(answer: Json) -> Json:
    return {"NextToken": answer["NextToken"]} if "NextToken" in answer else {}


def _database(entry: Mapping[str, Any]) -> Json:
    return _members(entry, "Name", "Description", "Parameters")


def _table(entry: Mapping[str, Any]) -> Json:
    """Return Athena's ``TableMetadata`` of Glue's ``Table``."""
    members = _members(entry, "Name", "CreateTime", "LastAccessTime", "TableType")
    if "StorageDescriptor" in entry:
        columns = current_columns(entry)
        members["Columns"] = [_members(column, "Name", "Type", "Comment") for column in columns]
    keys = entry.get("PartitionKeys", [])
    members["PartitionKeys"] = [_members(column, "Name", "Type", "Comment") for column in keys]
    members["Parameters"] = {
        **entry.get("Parameters", {}),
        **_storage(entry.get("StorageDescriptor", {})),
    }
    return members


def _storage(descriptor: Mapping[str, Any]) -> Json:
    """Return the parameters that AWS adds for where and how a table is stored."""
    names = {"Location": "location", "InputFormat": "inputformat", "OutputFormat": "outputformat"}
    storage = {name: descriptor[key] for key, name in names.items() if key in descriptor}
    serde = descriptor.get("SerdeInfo", {})
    if "SerializationLibrary" in serde:
        storage["serde.serialization.lib"] = serde["SerializationLibrary"]
    return storage | {f"serde.param.{k}": v for k, v in serde.get("Parameters", {}).items()}


def _members(entry: Mapping[str, Any], *names: str) -> Json:
    return {name: entry[name] for name in names if name in entry}
