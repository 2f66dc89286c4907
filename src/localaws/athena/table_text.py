"""Output of DESCRIBE, SHOW CREATE TABLE and SHOW PARTITIONS for Iceberg tables.

DESCRIBE of an Iceberg table has two sections with headings, and cells that are separated by tabs
and not padded, unlike DESCRIBE of other tables (github.com/dacort/metabase-athena-driver, issue
112); the second one repeats the partition columns with their transforms (github.com/metabase/
metabase, pull request 75666). The statement of SHOW CREATE TABLE follows the synopsis of CREATE
TABLE for Iceberg tables in Athena's user guide ("Create Iceberg tables"), and SHOW PARTITIONS has
a line `column=value` for each partition ("SHOW PARTITIONS").
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from pyiceberg.table import StaticTable

from trino_duckdb import QueryError, not_supported

Entry = Mapping[str, Any]

PRINTED_PROPERTIES = {
    "write.format.default": ("format", "parquet"),
    "write.parquet.compression-codec": ("write_compression", "zstd"),
}
"""Properties of Iceberg that have another name in Athena, with that name and its default."""


def describe(entry: Entry, table: StaticTable) -> Iterator[str]:
    """Yield the lines of DESCRIBE: columns with type and comment, then the partition spec."""
    yield "# Table schema:\t\t"
    yield "# col_name\tdata_type\tcomment"
    for column in current_columns(entry):
        spaced_type = re.sub(r"([:,])\s*", r"\1 ", column["Type"])  # as AWS prints nested types
        yield "\t".join((column["Name"], spaced_type, column.get("Comment") or ""))
    yield "\t\t"
    yield "# Partition spec:\t\t"
    yield "# field_name\tfield_transform\tcolumn_name"
    for field in table.spec().fields:
        column_name = table.schema().find_column_name(field.source_id)
        yield f"{field.name}\t{field.transform}\t{column_name}"


def show_create(entry: Entry, table: StaticTable) -> Iterator[str]:
    """Yield the lines of a CREATE TABLE statement that creates a table like this one.

    Only properties that Athena's CREATE TABLE accepts are printed. According to its user guide,
    Athena may refuse SHOW CREATE TABLE for an Iceberg table that has others.
    """
    columns = []
    for column in current_columns(entry):
        comment = (column.get("Comment") or "").replace("'", "\\'")
        suffix = f" COMMENT '{comment}'" if comment else ""
        columns.append(f"  {column['Name']} {column['Type']}{suffix}")
    yield f"CREATE TABLE {entry['DatabaseName']}.{entry['Name']} ("
    yield from (f"{line}," for line in columns[:-1])
    yield f"{columns[-1]})"
    if table.spec().fields:
        yield f"PARTITIONED BY ({', '.join(_partition_terms(table))})"
    yield f"LOCATION '{table.location()}'"
    yield "TBLPROPERTIES ("
    yield "  'table_type'='iceberg',"
    printed = [
        f"  '{name}'='{table.properties.get(key, default)}'"
        for key, (name, default) in PRINTED_PROPERTIES.items()
    ]
    yield from (f"{line}," for line in printed[:-1])
    yield f"{printed[-1]});"


def show_partitions(entry: Entry, table: StaticTable) -> Iterator[str]:
    """Yield a line for each partition with files, sorted.

    Raises QueryError if the table is not partitioned by column values.
    """
    fields = table.spec().fields
    if not fields:
        raise QueryError("INVALID_TABLE", f"Table {entry['Name']} is not a partitioned table")
    if any(str(field.transform) != "identity" for field in fields):
        raise not_supported("SHOW PARTITIONS of a table whose partitions are not column values")
    if table.current_snapshot() is None:
        return
    partitions = table.inspect.partitions()["partition"].to_pylist()
    yield from sorted(
        "/".join(f"{name}={value}" for name, value in partition.items()) for partition in partitions
    )


def current_columns(entry: Entry) -> list[dict[str, Any]]:
    """Return the columns of the current schema; in Glue, writers also keep those of older ones."""
    columns: list[dict[str, Any]] = entry["StorageDescriptor"]["Columns"]
    return [
        column
        for column in columns
        if column.get("Parameters", {}).get("iceberg.field.current") != "false"
    ]


def _partition_terms(table: StaticTable) -> Iterator[str]:
    """Yield the partition columns in the syntax of CREATE TABLE: `column`, or its transform."""
    for field in table.spec().fields:
        column = table.schema().find_column_name(field.source_id)
        transform = re.fullmatch(r"(\w+)(?:\[(\d+)\])?", str(field.transform))
        if transform is None or transform[1] == "identity":
            yield f"`{column}`"
        else:
            size = f"{transform[2]}, " if transform[2] else ""
            yield f"{transform[1]}({size}`{column}`)"
