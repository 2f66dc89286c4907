"""Create the lake's Iceberg tables, and add the optional columns that existing ones lack.

Rows of earlier files read null in an added column. Its field id comes from the stored table.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from itertools import count

from pyiceberg.exceptions import (
    CommitFailedException,
    NamespaceAlreadyExistsError,
    TableAlreadyExistsError,
)
from pyiceberg.partitioning import PartitionField, PartitionSpec
from pyiceberg.schema import Schema
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

from clickstream.lake.client import Lake, has_database
from clickstream.lake.iceberg import iceberg_tables
from clickstream.lake.iceberg_properties import properties_of, refuse_unknown
from clickstream.tables import Table
from clickstream.tables.table_type import Type

ICEBERG: dict[Type, IcebergType] = {
    "string": StringType(),
    "int": IntegerType(),
    "long": LongType(),
    "double": DoubleType(),
    "boolean": BooleanType(),
    "timestamp": TimestampType(),
    "date": DateType(),
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


def ensure_tables(lake: Lake) -> None:
    """Create the database and every missing table; add columns and properties to the others.

    Raises NewerLake if another release has extended a table meanwhile.
    """
    # It is created only if it is missing: so a role needs no permission if it exists.
    if not has_database(lake.glue, lake.database):
        with suppress(NamespaceAlreadyExistsError):  # another process created it meanwhile
            lake.catalog.create_namespace(lake.database)
    existing = {name for _, name in lake.catalog.list_tables(lake.database)}
    for table in lake.tables:
        if table.name in existing:
            _extend(lake, table)
        else:
            _create(lake, table)


def _extend(lake: Lake, table: Table) -> None:
    """Add the optional columns that a stored table lacks, and set our properties, in one commit.

    Another process may extend the table or publish an hour at the same time. The commit then fails,
    and the table is loaded again.
    """
    in_order = table.column_names
    for attempt in count(1):
        stored = iceberg_tables.load(lake, table).iceberg
        names = [field.name for field in stored.schema().fields]
        refuse_unknown(lake, table, names)
        missing = [column for column in table.columns if column.name not in names]
        if not missing and properties_of(table).items() <= stored.properties.items():
            return
        try:
            with stored.transaction() as transaction:
                if missing:
                    with transaction.update_schema() as update:
                        for column in missing:  # at its place, as a new table has it
                            kind = _iceberg_type(column.type, count(1))  # the update numbers it
                            update.add_column(column.name, kind, doc=column.meaning)
                            before = in_order[in_order.index(column.name) - 1]
                            update.move_after(column.name, before)
                transaction.set_properties(properties_of(table))
        except CommitFailedException:
            if attempt == EXTENSION_ATTEMPTS:
                raise
        else:
            return


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
                **properties_of(table),
            },
        )
