"""Athena's operations on catalogs, databases and tables, based on Glue."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from localaws.athena.errors import invalid_request
from localaws.athena.statements import pages
from localaws.errors import AwsError
from localaws.service import Catalog

Json = dict[str, Any]
CATALOG = "AwsDataCatalog"


class CatalogOperations:
    """Operations such as ListDatabases and GetTableMetadata; the only catalog is Glue's."""

    def __init__(self, glue: Catalog) -> None:
        self._glue = glue

    def operations(self) -> dict[str, Callable[[Json], Json]]:
        """Handlers by operation name."""
        return {
            "ListDataCatalogs": self._list_catalogs,
            "GetDataCatalog": self._get_catalog,
            "ListDatabases": self._list_databases,
            "GetDatabase": self._get_database,
            "ListTableMetadata": self._list_tables,
            "GetTableMetadata": self._get_table,
        }

    def _list_catalogs(self, _body: Json) -> Json:
        return {"DataCatalogsSummary": [{"CatalogName": CATALOG, "Type": "GLUE"}]}

    def _get_catalog(self, body: Json) -> Json:
        _require_catalog(body["Name"])
        return {"DataCatalog": {"Name": CATALOG, "Type": "GLUE", "Parameters": {}}}

    def _list_databases(self, body: Json) -> Json:
        _require_catalog(body["CatalogName"])
        databases = pages(self._glue, "GetDatabases", "DatabaseList", {})
        return {"DatabaseList": [_database(database) for database in databases]}

    def _get_database(self, body: Json) -> Json:
        _require_catalog(body["CatalogName"])
        answer = self._ask("GetDatabase", {"Name": body["DatabaseName"]})
        return {"Database": _database(answer["Database"])}

    def _list_tables(self, body: Json) -> Json:
        _require_catalog(body["CatalogName"])
        wanted = {"DatabaseName": body["DatabaseName"]}
        try:
            tables = pages(self._glue, "GetTables", "TableList", wanted)
        except AwsError as error:
            raise _metadata_error(error) from None
        pattern = body.get("Expression") or ".*"
        return {
            "TableMetadataList": [
                _metadata(table) for table in tables if re.fullmatch(pattern, table["Name"])
            ]
        }

    def _get_table(self, body: Json) -> Json:
        _require_catalog(body["CatalogName"])
        wanted = {"DatabaseName": body["DatabaseName"], "Name": body["TableName"]}
        return {"TableMetadata": _metadata(self._ask("GetTable", wanted)["Table"])}

    def _ask(self, operation: str, body: Json) -> Json:
        try:
            return self._glue.call(operation, body)
        except AwsError as error:
            raise _metadata_error(error) from None


def _require_catalog(name: str) -> None:
    if name.lower() != CATALOG.lower():
        raise invalid_request(f"The catalog {name} does not exist.")


def _metadata_error(error: AwsError) -> AwsError:
    return AwsError("MetadataException", f"{error.code}: {error.message}")


def _database(entry: Json) -> Json:
    kept = ("Name", "Description", "Parameters")
    return {key: entry[key] for key in kept if entry.get(key)}


def _columns(columns: list[Json]) -> list[Json]:
    kept = ("Name", "Type", "Comment")
    return [{key: column[key] for key in kept if column.get(key)} for column in columns]


def _metadata(table: Json) -> Json:
    storage = table.get("StorageDescriptor", {})
    metadata = {
        "Name": table["Name"],
        "TableType": table.get("TableType", ""),
        "Columns": _columns(storage.get("Columns", [])),
        "PartitionKeys": _columns(table.get("PartitionKeys", [])),
        "Parameters": {**table.get("Parameters", {}), "location": storage.get("Location", "")},
    }
    if table.get("CreateTime") is not None:
        metadata["CreateTime"] = table["CreateTime"]
    return metadata
