"""Create the lake's Iceberg tables, and extend those of an older release; refuse another layout.

A table of an older release gets the optional columns that were added since (`ensure_tables`). Their
field ids come from the stored table, and columns that this release does not know stay as they are.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from itertools import count
from typing import Any

from pyiceberg.catalog.glue import ICEBERG_FIELD_CURRENT
from pyiceberg.exceptions import (
    CommitFailedException,
    NamespaceAlreadyExistsError,
    TableAlreadyExistsError,
)
from pyiceberg.partitioning import PartitionField, PartitionSpec
from pyiceberg.schema import Schema
from pyiceberg.table import Transaction
from pyiceberg.transforms import IdentityTransform
from pyiceberg.types import (
    BooleanType,
    DateType,
    DoubleType,
    IcebergType,
    IntegerType,
    ListType,
    LongType,
    MapType,
    NestedField,
    StringType,
    TimestampType,
)

from clickstream.errors import OtherLayout
from clickstream.lake import iceberg_tables
from clickstream.lake.client import Lake
from clickstream.tables import LAYOUT_VERSION, TABLES, Column, Table, Type

ICEBERG: dict[Type, IcebergType] = {
    "string": StringType(),
    "int": IntegerType(),
    "long": LongType(),
    "double": DoubleType(),
    "boolean": BooleanType(),
    "timestamp": TimestampType(),
    "date": DateType(),
}
LAYOUT_PROPERTY = "clickstream.layout-version"
UNMARKED_VERSION = 1
"""The version of tables without the property."""

PROPERTIES = {
    LAYOUT_PROPERTY: str(LAYOUT_VERSION),
    "write.parquet.compression-codec": "zstd",
    # A commit must not get slower with every hour in the table. So few versions are kept, and
    # manifests have bounds only of the columns in a table's `filtered_by` and `rarely_set`.
    "write.metadata.delete-after-commit.enabled": "true",
    "write.metadata.previous-versions-max": "10",
    "write.metadata.metrics.default": "none",
    # A backfill has concurrent builders; a writer that loses a conflict retries quickly.
    "commit.retry.num-retries": "20",
    "commit.retry.min-wait-ms": "20",
    "commit.retry.max-wait-ms": "1000",
}

EXTENSION_ATTEMPTS = 20
"""Commits that are tried to extend a table; each failure is a commit of another process."""


def iceberg_schema(table: Table) -> Schema:
    """Return a new table's Iceberg schema; field ids follow the columns' order."""
    nested_ids = count(len(table.columns) + 1)
    fields = (
        NestedField(
            n, column.name, _iceberg_type(column.type, nested_ids), column.required, column.meaning
        )
        for n, column in enumerate(table.columns, start=1)
    )
    return Schema(*fields)


def _iceberg_type(kind: Type, ids: Iterator[int]) -> IcebergType:
    """Return the Iceberg type of a column; keys, values and elements take field ids from `ids`."""
    if kind == "map<string, long>":
        return MapType(next(ids), StringType(), next(ids), LongType(), value_required=True)
    if kind == "list<long>":
        return ListType(next(ids), LongType(), element_required=True)
    return ICEBERG[kind]


def properties(table: Table) -> dict[str, str]:
    """Return a table's properties: those of every table, and its columns with statistics."""
    counted = (*table.filtered_by, *table.rarely_set)
    metrics = {f"write.metadata.metrics.column.{name}": "full" for name in counted}
    return PROPERTIES | metrics


def check_tables(lake: Lake) -> bool:
    """Return whether all tables exist with our columns and properties; refuse another layout.

    Opening a lake usually takes only this, and each task opens it again. So it is one request:
    pyiceberg copies a table's properties and columns to its entry in Glue. Raises OtherLayout.
    """
    entries = lake.catalog_entries(table.name for table in TABLES)
    for entry in entries.values():
        _refuse_other_layout(lake, entry.get("Parameters", {}))
    return all(t.name in entries and _is_current(t, entries[t.name]) for t in TABLES)


def _is_current(table: Table, entry: Mapping[str, Any]) -> bool:
    """Return whether a table has our columns and properties, by its entry in Glue."""
    stored = {
        column["Name"]
        for column in entry["StorageDescriptor"]["Columns"]
        if column.get("Parameters", {}).get(ICEBERG_FIELD_CURRENT) != "false"
    }
    has_columns = set(table.column_names) <= stored
    return has_columns and properties(table).items() <= entry.get("Parameters", {}).items()


def _refuse_other_layout(lake: Lake, parameters: Mapping[str, str]) -> None:
    """Raise OtherLayout if a table's properties have another version than ours."""
    version = int(parameters.get(LAYOUT_PROPERTY, UNMARKED_VERSION))
    if version == LAYOUT_VERSION:
        return
    remedy = (
        f'Run `make clean-demo` if it is the demo. Otherwise set [lake] database = "{lake.database}'
        f'_{LAYOUT_VERSION}" and run `clickstream verify`: it prints the command `clickstream '
        "build FROM TO` that builds all hours with raw lines in that database. See "
        "docs/runbook.md, An older lake."
        if version < LAYOUT_VERSION
        else "Install the release that made the tables, or a newer one."
    )
    raise OtherLayout(
        f"The tables of database {lake.database} are of layout version {version}, and this release "
        f"of clickstream needs version {LAYOUT_VERSION}. {remedy}"
    )


def ensure_tables(lake: Lake) -> None:
    """Create the database and every missing table; add columns and properties to the others.

    Raises OtherLayout if another release has created a table meanwhile.
    """
    with suppress(NamespaceAlreadyExistsError):
        lake.catalog.create_namespace(lake.database)
    existing = {name for _, name in lake.catalog.list_tables(lake.database)}
    for table in TABLES:
        if table.name in existing:
            _extend(lake, table)
        else:
            _create(lake, table)


def _extend(lake: Lake, table: Table) -> None:
    """Add the optional columns that a stored table lacks, and set our properties, in one commit.

    Another process may extend the table or publish an hour at the same time. The commit then fails,
    and the table is loaded again.
    """
    for attempt in count(1):
        stored = iceberg_tables.load(lake, table).iceberg
        _refuse_other_layout(lake, stored.properties)
        missing = [c for c in table.columns if c.name not in stored.schema().column_names]
        if not missing and properties(table).items() <= stored.properties.items():
            return
        try:
            with stored.transaction() as transaction:
                _add_columns(transaction, table, missing)
                transaction.set_properties(properties(table))
        except CommitFailedException:
            if attempt == EXTENSION_ATTEMPTS:
                raise
        else:
            return


def _add_columns(transaction: Transaction, table: Table, missing: Sequence[Column]) -> None:
    """Add optional columns at their places in the table, as a new table has them."""
    if not missing:
        return
    names = table.column_names
    with transaction.update_schema() as update:
        for column in missing:
            kind = _iceberg_type(column.type, count(1))  # the update assigns the field ids
            update.add_column(column.name, kind, doc=column.meaning)
            update.move_after(column.name, names[names.index(column.name) - 1])


def _create(lake: Lake, table: Table) -> None:
    schema = iceberg_schema(table)
    event_date = schema.find_field("event_date").field_id
    partition = PartitionField(event_date, 1000, IdentityTransform(), "event_date")
    with suppress(TableAlreadyExistsError):  # another process created it meanwhile
        lake.catalog.create_table(
            f"{lake.database}.{table.name}",
            schema=schema,
            partition_spec=PartitionSpec(partition),
            properties={
                "format-version": "2",
                "comment": f"One row is {table.one_row_is}.",
                **properties(table),
            },
        )
