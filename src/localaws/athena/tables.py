"""Tables and views of the Glue Data Catalog, and the files of an Iceberg table's snapshot.

Each query looks up every table once and uses that snapshot throughout. Columns are read by their
Iceberg field ids, so renamed and added columns are read correctly from older files.
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Sequence
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

from pyiceberg.catalog.noop import NoopCatalog
from pyiceberg.exceptions import ValidationError
from pyiceberg.schema import Schema, index_name_by_id
from pyiceberg.serializers import FromInputFile
from pyiceberg.table import FileScanTask, StaticTable
from pyiceberg.table.metadata import TableMetadata
from sqlglot import exp

from localaws.athena.blobio import BlobFileIO, split_uri
from localaws.athena.iceberg import duckdb_schema, row_filter, trino_type
from localaws.errors import AwsError
from localaws.service import Blobs, Catalog
from trino_duckdb import QueryError, Scan, TableColumns, ViewText, not_supported, types

PRESTO_VIEW = re.compile(r"/\* Presto View: ([A-Za-z0-9+/=]+) \*/")
NAME_MAPPING = "schema.name-mapping.default"
VERSION_LITERAL = re.compile(r"(\d{4}-\d\d-\d\d)[ T](\d\d:\d\d(?::\d\d(?:\.\d{1,6})?)?)( UTC)?")
METADATA_CACHE = 128


class QueryTables:
    """Tables and views as one query sees them."""

    def __init__(self, blobs: Blobs, glue: Catalog) -> None:
        self._glue = glue
        self._blobs = blobs
        self._io = BlobFileIO(blobs)
        self._found: dict[tuple[str, str], dict[str, Any]] = {}
        self._uris: set[str] = set()

    def find(self, schema: str, name: str, version: object) -> ViewText | TableColumns:
        """Return a table or view. Raises QueryError (TABLE_NOT_FOUND, SCHEMA_NOT_FOUND)."""
        entry = self.entry(schema, name)
        if is_view(entry):
            if version is not None:
                raise not_supported("time travel of a view; put it inside the view's query")
            return read_view(entry)
        table = self.iceberg(entry)
        _, columns = _snapshot(table, version)
        return TableColumns([(field.name.lower(), trino_type(field)) for field in columns.fields])

    def entry(self, schema: str, name: str) -> dict[str, Any]:
        """Return Glue's ``Table`` of a table or view, read once per query. Raises QueryError."""
        key = (schema, name)
        if key not in self._found:
            self._found[key] = self._get_table(schema, name)
        return self._found[key]

    def _get_table(self, schema: str, name: str) -> dict[str, Any]:
        try:
            answer = self._glue.call("GetTable", {"DatabaseName": schema, "Name": name})
        except AwsError as error:
            if error.code != "EntityNotFoundException":
                raise
            if schema == "information_schema" or "$" in name:
                raise not_supported(f'the system table "{schema}"."{name}"') from None
            self._require_schema(schema)
            raise QueryError(
                "TABLE_NOT_FOUND", f"Table 'awsdatacatalog.{schema}.{name}' does not exist"
            ) from None
        table: dict[str, Any] = answer["Table"]
        return table

    def _require_schema(self, schema: str) -> None:
        try:
            self._glue.call("GetDatabase", {"Name": schema})
        except AwsError:
            raise QueryError("SCHEMA_NOT_FOUND", f"Schema '{schema}' does not exist") from None

    def iceberg(self, entry: dict[str, Any]) -> StaticTable:
        """Open the table from its metadata file. Raises QueryError (NOT_SUPPORTED)."""
        parameters = entry.get("Parameters", {})
        name = f"{entry['DatabaseName']}.{entry['Name']}"
        if parameters.get("table_type", "").upper() != "ICEBERG":
            raise not_supported(f"tables other than Iceberg, such as {name}")
        location = parameters["metadata_location"]
        metadata = read_metadata(self._io, location)
        if NAME_MAPPING in metadata.properties:
            raise not_supported(f"files without field ids, as {name} may have (name mapping)")
        _refuse_renamed_fields(metadata, name)
        return StaticTable(
            (entry["DatabaseName"], entry["Name"]),
            metadata,
            location,
            self._io,
            NoopCatalog("glue"),
        )

    def plan(self, scan: Scan) -> tuple[str, list[str], int]:
        """Return a SELECT over a scan's files, the files, and the bytes to read."""
        table = self.iceberg(self.entry(scan.schema, scan.table))
        snapshot_id, schema = _snapshot(table, scan.version)
        tasks = _tasks(table, snapshot_id, row_filter(scan.conditions, dict(scan.columns)))
        files = [self._file(task) for task in tasks]
        used = {
            field_id  # also of keys, values and elements: only leaf fields have a size
            for field_id, path in index_name_by_id(schema).items()
            if path.split(".")[0].lower() in scan.used
        }
        size = sum(_bytes_read(task, used) for task in tasks)
        return _source(schema, files), files, size

    def _file(self, task: FileScanTask) -> str:
        if task.delete_files:
            raise not_supported("tables with row-level delete files; rewrite the table's files")
        self._uris.add(task.file.file_path)
        return self._path(task.file.file_path)

    def _path(self, uri: str) -> str:
        try:
            path = self._blobs.path(*split_uri(uri))
        except AwsError as error:
            raise QueryError("ICEBERG_BAD_DATA", error.message) from None
        if path is None:
            raise QueryError("ICEBERG_MISSING_DATA", f"File {uri} of the snapshot is missing")
        return str(path)

    def check_files(self) -> None:
        """Raise QueryError if a planned file is missing or damaged; called after a query fails."""
        for uri in sorted(self._uris):
            self._path(uri)


@lru_cache(maxsize=METADATA_CACHE)
def read_metadata(io: BlobFileIO, location: str) -> TableMetadata:
    """Read a table's metadata file, which never changes."""
    return FromInputFile.table_metadata(io.new_input(location))


def _refuse_renamed_fields(metadata: TableMetadata, name: str) -> None:
    """Raise QueryError for renamed fields inside rows: only top-level columns are read by id."""
    labels: dict[int, str] = {}
    for schema in metadata.schemas:
        for field_id, path in index_name_by_id(schema).items():
            if (
                "." in path
                and labels.setdefault(field_id, path.split(".")[-1]) != path.split(".")[-1]
            ):
                raise not_supported(f"renamed fields inside rows, such as {path} of {name}")


def is_view(entry: dict[str, Any]) -> bool:
    """Whether a table of Glue is a view."""
    return bool(entry.get("TableType") == "VIRTUAL_VIEW")


def read_view(entry: dict[str, Any]) -> ViewText:
    """Decode a view as Athena stores it. Raises QueryError for views of other engines."""
    match = PRESTO_VIEW.fullmatch((entry.get("ViewOriginalText") or "").strip())
    if match is None:
        raise not_supported(f"the view {entry['Name']}, which was not created by Athena")
    view = json.loads(base64.b64decode(match[1]))
    columns = [(column["name"], types.parse_type(column["type"])) for column in view["columns"]]
    return ViewText(view["schema"], view["originalSql"], columns)


def _snapshot(table: StaticTable, version: object) -> tuple[int | None, Schema]:
    """Return the snapshot to read, or None for an empty table, and the schema to read it with."""
    current = table.current_snapshot()
    if not isinstance(version, exp.Version):
        return (current.snapshot_id if current else None), table.schema()
    snapshot = _travel(table, version)
    schemas = table.schemas()
    schema_id = snapshot.schema_id
    return snapshot.snapshot_id, schemas[schema_id] if schema_id in schemas else table.schema()


def _travel(table: StaticTable, version: exp.Version) -> Any:
    """Return the snapshot of FOR TIMESTAMP AS OF or FOR VERSION AS OF with a literal."""
    node = version.expression
    literal = node.this if isinstance(node, exp.Cast) else node
    text = literal.name if isinstance(literal, exp.Literal) else ""
    if version.this.upper() == "VERSION" and text.isdigit():
        found = table.snapshot_by_id(int(text))
    elif version.this.upper() == "TIMESTAMP" and (match := VERSION_LITERAL.fullmatch(text)):
        moment = datetime.fromisoformat(f"{match[1]}T{match[2]}").replace(tzinfo=UTC)
        if moment > datetime.now(UTC):
            raise QueryError("INVALID_ARGUMENTS", f"Pointer value '{text}' is not in the past")
        found = table.snapshot_as_of_timestamp(int(moment.timestamp() * 1000))
    else:
        raise not_supported("time travel other than by a snapshot id or a UTC timestamp literal")
    if found is None:
        raise QueryError("INVALID_ARGUMENTS", f"No version history of the table at {text}")
    return found


def _tasks(table: StaticTable, snapshot_id: int | None, condition: Any) -> list[FileScanTask]:
    """Return the files that may have rows for the condition, in a fixed order."""
    if snapshot_id is None:
        return []
    scan = table.scan(snapshot_id=snapshot_id, case_sensitive=False)
    try:
        tasks = list(scan.filter(condition).plan_files())
    except (ValueError, ValidationError):
        # Iceberg can't compare one of the constants: read all files; the query checks its
        # conditions itself.
        tasks = list(scan.plan_files())
    return sorted(tasks, key=lambda task: str(task.file.file_path))


def _bytes_read(task: FileScanTask, used: set[int]) -> int:
    """Return the size of the columns that the query names, in bytes, from the manifest."""
    sizes = task.file.column_sizes
    if not sizes:
        return int(task.file.file_size_in_bytes)
    return sum(size for field_id, size in sizes.items() if field_id in used)


def _source(schema: Schema, files: Sequence[str]) -> str:
    names, columns = duckdb_schema(schema)
    if not files:
        empty = ", ".join(f"CAST(NULL AS {kind}) AS {name}" for name, kind in names)
        return f"SELECT {empty} WHERE false"
    listed = ", ".join("'" + file.replace("'", "''") + "'" for file in files)
    return f"SELECT * FROM read_parquet([{listed}], schema = {columns})"  # noqa: S608
