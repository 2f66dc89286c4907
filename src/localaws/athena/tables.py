"""Tables and views of the Glue Data Catalog, and the files of an Iceberg table's snapshot.

Each query looks up every table once and uses that snapshot throughout. Columns are read by their
Iceberg field ids, so renamed and added columns are read correctly from older files. DuckDB's plan
of a query says which columns it reads and on which conditions; files that can have no row for the
conditions are left out.
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple, NoReturn
from urllib.parse import urlsplit

import sqlglot
from pyiceberg import types as iceberg_types
from pyiceberg.catalog.noop import NoopCatalog
from pyiceberg.exceptions import ValidationError
from pyiceberg.expressions import (
    AlwaysTrue,
    And,
    BooleanExpression,
    EqualTo,
    GreaterThan,
    GreaterThanOrEqual,
    In,
    LessThan,
    LessThanOrEqual,
    Or,
)
from pyiceberg.io import FileIO, InputFile, InputStream, OutputFile
from pyiceberg.schema import Schema, index_name_by_id
from pyiceberg.serializers import FromInputFile
from pyiceberg.table import FileScanTask, StaticTable
from pyiceberg.table.metadata import TableMetadata
from sqlglot import exp
from sqlglot.errors import SqlglotError

from localaws.errors import AwsError
from localaws.glue import GlueCatalogStore
from localaws.s3 import BlobAccess
from trino_duckdb import QueryError, Scan, TableColumns, ViewText, not_supported, types

PRESTO_VIEW = re.compile(r"/\* Presto View: ([A-Za-z0-9+/=]+) \*/")
NAME_MAPPING = "schema.name-mapping.default"
VERSION_LITERAL = re.compile(r"(\d{4}-\d\d-\d\d)[ T](\d\d:\d\d(?::\d\d(?:\.\d{1,6})?)?)( UTC)?")
METADATA_CACHE = 128


def split_uri(uri: str) -> tuple[str, str]:
    """Return bucket and key of ``s3://bucket/key``. Raises ValueError for any other URI."""
    parts = urlsplit(uri, allow_fragments=False)
    if parts.scheme not in ("s3", "s3a", "s3n") or not parts.netloc:
        raise ValueError(f"{uri} is not an s3:// URI")
    return parts.netloc, uri.split("/", 3)[3] if uri.count("/") > 2 else ""


class BlobInputFile(InputFile):
    """An object of the local S3 for pyiceberg to read."""

    def __init__(self, location: str, path: Path | None) -> None:
        super().__init__(location)
        self._path = path

    def __len__(self) -> int:
        return self._existing().stat().st_size

    def exists(self) -> bool:
        """Whether the object exists."""
        return self._path is not None and self._path.exists()

    def open(self, seekable: bool = True) -> InputStream:  # noqa: ARG002 (pyiceberg names it)
        """Open the object. Raises FileNotFoundError."""
        return self._existing().open("rb")

    def _existing(self) -> Path:
        if self._path is None:
            raise FileNotFoundError(self.location)
        return self._path


class BlobFileIO(FileIO):
    """Read-only FileIO of pyiceberg for the local S3."""

    def __init__(self, blobs: BlobAccess) -> None:
        super().__init__()
        self._blobs = blobs

    def __eq__(self, other: object) -> bool:
        return isinstance(other, BlobFileIO) and other._blobs is self._blobs

    def __hash__(self) -> int:
        return hash(id(self._blobs))

    def new_input(self, location: str) -> BlobInputFile:
        """Return an object to read."""
        return BlobInputFile(location, self._blobs.path(*split_uri(location)))

    def new_output(self, location: str) -> OutputFile:
        """Raise PermissionError, because queries do not write tables."""
        return self._refuse(location)

    def delete(self, location: str | InputFile | OutputFile) -> None:
        """Raise PermissionError, because queries do not delete files."""
        self._refuse(str(location))

    def _refuse(self, location: str) -> NoReturn:
        raise PermissionError(f"Athena only reads {location}")


class QueryTables:
    """Tables and views as one query sees them."""

    def __init__(self, blobs: BlobAccess, glue: GlueCatalogStore) -> None:
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
        named = ((field.name.lower(), duckdb_name(field)) for field in columns.fields)
        return TableColumns([(name, types.parse_type(kind)) for name, kind in named])

    def entry(self, schema: str, name: str) -> dict[str, Any]:
        """Return Glue's ``Table`` of a table or view, read once per query. Raises QueryError."""
        key = (schema, name)
        if key in self._found:
            return self._found[key]
        try:
            answer = self._glue.call("GetTable", {"DatabaseName": schema, "Name": name})
        except AwsError as error:
            if error.code != "EntityNotFoundException":
                raise
            if schema == "information_schema" or "$" in name:
                raise not_supported(f'the system table "{schema}"."{name}"') from None
            code = "TABLE_NOT_FOUND"
            message = f"Table 'awsdatacatalog.{schema}.{name}' does not exist"
            try:
                self._glue.call("GetDatabase", {"Name": schema})
            except AwsError:
                code, message = "SCHEMA_NOT_FOUND", f"Schema '{schema}' does not exist"
            raise QueryError(code, message) from None
        self._found[key] = answer["Table"]
        return self._found[key]

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

    def scan(self, scan: Scan) -> TableScan:
        """Return what a statement may read of a table, before its conditions are known."""
        table = self.iceberg(self.entry(scan.schema, scan.table))
        snapshot_id, schema = _snapshot(table, scan.version)
        return TableScan(f"s{scan.number}_", table, snapshot_id, schema)

    def files(self, tasks: Sequence[FileScanTask]) -> list[str]:
        """Return the files of some tasks. Raises QueryError if one is missing or damaged."""
        paths = []
        for task in tasks:
            if task.delete_files:
                raise not_supported("tables with row-level delete files; rewrite the table's files")
            self._uris.add(task.file.file_path)
            paths.append(self._path(task.file.file_path))
        return paths

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
    columns = [
        (column["name"], types.parse_type(types.duckdb_type(column["type"])))
        for column in view["columns"]
    ]
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
        snapshot = table.snapshot_by_id(int(text))
    elif version.this.upper() == "TIMESTAMP" and (match := VERSION_LITERAL.fullmatch(text)):
        moment = datetime.fromisoformat(f"{match[1]}T{match[2]}").replace(tzinfo=UTC)
        if moment > datetime.now(UTC):
            raise QueryError("INVALID_ARGUMENTS", f"Pointer value '{text}' is not in the past")
        snapshot = table.snapshot_as_of_timestamp(int(moment.timestamp() * 1000))
    else:
        raise not_supported("time travel other than by a snapshot id or a UTC timestamp literal")
    if snapshot is None:
        raise QueryError("INVALID_ARGUMENTS", f"No version history of the table at {text}")
    return snapshot


@dataclass(frozen=True)
class TableScan:
    """One mention of a table in a query; DuckDB sees its columns with a prefix of their own.

    The prefix tells the columns of different mentions apart in DuckDB's plan.
    """

    prefix: str
    table: StaticTable
    snapshot_id: int | None
    schema: Schema

    def tasks(self, condition: BooleanExpression) -> list[FileScanTask]:
        """Return the files that may have rows for the condition, in a fixed order."""
        if self.snapshot_id is None:
            return []
        scan = self.table.scan(snapshot_id=self.snapshot_id, case_sensitive=False)
        try:
            tasks = list(scan.filter(condition).plan_files())
        except (ValueError, ValidationError):
            # Iceberg can't compare one of the constants: read all files; the query checks its
            # conditions itself.
            tasks = list(scan.plan_files())
        return sorted(tasks, key=lambda task: str(task.file.file_path))

    def source(self, files: Sequence[str]) -> str:
        """Return a SELECT of all columns from some files, by their Iceberg field ids."""
        fields = [(field, duckdb_name(field)) for field in self.schema.fields]
        if not files:
            empty = (f"CAST(NULL AS {kind}) AS {quoted(field.name)}" for field, kind in fields)
            return f"(SELECT {', '.join(empty)} WHERE false)"
        entries, outputs = [], []
        for field, kind in fields:
            name = self.prefix + field.name
            read = "TIMESTAMPTZ" if kind == types.ZONED else kind
            entries.append(
                f"{field.field_id}: {{name: {text_literal(name)}, type: {text_literal(read)}, "
                "default_value: NULL}"
            )
            value = quoted(name)
            if kind == types.ZONED:
                value = (
                    f"CASE WHEN {value} IS NOT NULL THEN {{'moment': {value}, 'zone': 'UTC'}} END"
                )
            outputs.append(f"{value} AS {quoted(field.name)}")
        listed = ", ".join(map(text_literal, files))
        return (
            f"(SELECT {', '.join(outputs)} FROM read_parquet([{listed}], "  # noqa: S608
            f"schema = MAP {{{', '.join(entries)}}}))"
        )

    def bytes_read(self, tasks: Sequence[FileScanTask], used: Set[str]) -> int:
        """Return the size of the columns that the query reads, in bytes, from the manifests."""
        ids = {
            field_id  # also of keys, values and elements: only leaf fields have a size
            for field_id, path in index_name_by_id(self.schema).items()
            if path.split(".")[0] in used
        }
        return sum(
            sum(size for field_id, size in task.file.column_sizes.items() if field_id in ids)
            if task.file.column_sizes
            else int(task.file.file_size_in_bytes)
            for task in tasks
        )


class PlannedRead(NamedTuple):
    """Columns that a plan reads of one mention of a table, and the condition on them.

    A table whose rows a plan only counts, or that it leaves out, has the defaults.
    """

    used: Set[str] = frozenset()
    condition: BooleanExpression = AlwaysTrue()


def read_plan(plan: list[dict[str, Any]]) -> dict[str, PlannedRead]:
    """Return what DuckDB's plan reads, by the prefix of the mention."""
    reads: dict[str, PlannedRead] = {}
    nodes: list[tuple[dict[str, Any], dict[str, Any] | None]] = [(node, None) for node in plan]
    while nodes:
        node, parent = nodes.pop()
        nodes += [(child, node) for child in node["children"]]
        names = _as_list(node["extra_info"].get("Projections"))
        match = re.match(r"s\d+_", names[0]) if names else None
        if node["name"].strip() != "READ_PARQUET" or match is None:
            continue
        prefix = match[0]
        filters = _as_list(node["extra_info"].get("Filters"))
        texts = [text.removeprefix("optional: ") for text in filters]
        if parent is not None and parent["name"].strip() == "FILTER":
            texts += _as_list(parent["extra_info"].get("Expression"))
        used: Set[str] = {name.removeprefix(prefix) for name in names}
        condition: BooleanExpression = AlwaysTrue()
        for text in texts:
            condition = And(condition, _condition(text, prefix, used))
        earlier = reads.get(prefix)
        if earlier is not None:  # DuckDB may read a WITH query several times
            used, condition = used | earlier.used, Or(condition, earlier.condition)
        reads[prefix] = PlannedRead(used, condition)
    return reads


def _as_list(value: Any) -> list[str]:
    return value if isinstance(value, list) else [value] if value else []


def _condition(text: str, prefix: str, columns: Set[str]) -> BooleanExpression:
    """Convert a condition of DuckDB's plan; AlwaysTrue for what Iceberg can't evaluate."""
    try:
        tree = sqlglot.parse_one(text, read="duckdb")
    except SqlglotError:
        return AlwaysTrue()
    return _convert_condition(tree, prefix, columns)


def _convert_condition(node: exp.Expr, prefix: str, columns: Set[str]) -> BooleanExpression:
    node = node.unnest()
    if isinstance(node, exp.And | exp.Or):
        join = And if isinstance(node, exp.And) else Or
        left, right = (
            _convert_condition(operand, prefix, columns) for operand in (node.left, node.right)
        )
        return join(left, right)
    column = node.this.name.removeprefix(prefix) if isinstance(node.this, exp.Column) else ""
    if column not in columns:
        return AlwaysTrue()
    if isinstance(node, exp.Between):
        low, high = _constant(node.args["low"]), _constant(node.args["high"])
        if low is not None and high is not None:
            return And(PREDICATES[exp.GTE](column, low), PREDICATES[exp.LTE](column, high))
    elif isinstance(node, exp.In) and node.expressions:
        values = [_constant(operand) for operand in node.expressions]
        if None not in values:
            contained: BooleanExpression = PREDICATES[exp.In](column, values)
            return contained
    elif type(node) in PREDICATES and (value := _constant(node.expression)) is not None:
        predicate: BooleanExpression = PREDICATES[type(node)](column, value)
        return predicate
    return AlwaysTrue()


def _constant(node: exp.Expr) -> Any:
    """Return a constant as Iceberg compares it, or None."""
    if isinstance(node, exp.Literal):
        return node.name if node.is_string else int(node.name) if node.name.isdigit() else None
    if isinstance(node, exp.Cast) and isinstance(node.this, exp.Literal):
        if node.is_type("date"):
            return node.this.name
        if node.is_type("timestamp", "timestampntz"):
            return node.this.name.replace(" ", "T")
    return None


PRIMITIVES: dict[type[iceberg_types.IcebergType], str] = {
    iceberg_types.BooleanType: "BOOLEAN",
    iceberg_types.IntegerType: "INTEGER",
    iceberg_types.LongType: "BIGINT",
    iceberg_types.DoubleType: "DOUBLE",
    iceberg_types.DateType: "DATE",
    iceberg_types.StringType: "VARCHAR",
    iceberg_types.BinaryType: "BLOB",
    iceberg_types.FixedType: "BLOB",
    iceberg_types.TimestampType: "TIMESTAMP",
    iceberg_types.TimestamptzType: types.ZONED,
}
# pyiceberg's predicates accept a column's name and values, but their type hints do not.
PREDICATES: Mapping[type[exp.Expr], Any] = {
    exp.EQ: EqualTo,
    exp.LT: LessThan,
    exp.LTE: LessThanOrEqual,
    exp.GT: GreaterThan,
    exp.GTE: GreaterThanOrEqual,
    exp.In: In,
}


def duckdb_name(field: iceberg_types.NestedField) -> str:
    """Return DuckDB's type of a column. Raises QueryError (NOT_SUPPORTED)."""
    return _converted_type(field.field_type, field.name)


def _converted_type(kind: iceberg_types.IcebergType, column: str) -> str:
    if isinstance(kind, iceberg_types.DecimalType):
        return f"DECIMAL({kind.precision}, {kind.scale})"
    if isinstance(kind, iceberg_types.ListType):
        return f"{_nested_type(kind.element_type, column)}[]"
    if isinstance(kind, iceberg_types.MapType):
        key, value = (_nested_type(part, column) for part in (kind.key_type, kind.value_type))
        return f"MAP({key}, {value})"
    if isinstance(kind, iceberg_types.StructType):
        parts = (
            f"{quoted(part.name)} {_nested_type(part.field_type, column)}" for part in kind.fields
        )
        return f"STRUCT({', '.join(parts)})"
    if type(kind) not in PRIMITIVES:
        raise not_supported(f"columns of the type {kind}, such as {column}")
    return PRIMITIVES[type(kind)]


def _nested_type(kind: iceberg_types.IcebergType, column: str) -> str:
    if isinstance(kind, iceberg_types.TimestamptzType):
        raise not_supported(f"a timestamp with time zone inside {column}")
    return _converted_type(kind, column)


def quoted(name: str) -> str:
    """Quote a name for DuckDB."""
    return '"' + name.replace('"', '""') + '"'


def text_literal(text: str) -> str:
    """Quote a text for DuckDB."""
    return "'" + text.replace("'", "''") + "'"
