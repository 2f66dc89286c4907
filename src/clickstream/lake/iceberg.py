"""The lake's Iceberg tables: made from `tables.py`, an hour replaced as one, conflicts noticed."""

from __future__ import annotations

import warnings
from contextlib import suppress
from dataclasses import dataclass
from functools import reduce

import pyarrow as pa
from pyiceberg.exceptions import (
    CommitFailedException,
    NamespaceAlreadyExistsError,
    TableAlreadyExistsError,
    ValidationException,
)
from pyiceberg.expressions import (
    AlwaysTrue,
    And,
    BooleanExpression,
    EqualTo,
    GreaterThanOrEqual,
    LessThanOrEqual,
)
from pyiceberg.partitioning import PartitionField, PartitionSpec
from pyiceberg.schema import Schema
from pyiceberg.table import Table as IcebergTable
from pyiceberg.transforms import IdentityTransform
from pyiceberg.types import (
    BooleanType,
    DateType,
    DoubleType,
    IcebergType,
    IntegerType,
    LongType,
    NestedField,
    StringType,
    TimestampType,
)

from clickstream.errors import StaleHour
from clickstream.hours import Hour
from clickstream.lake.client import Lake
from clickstream.tables import TABLES, Table, Type

# An hour's first publication replaces nothing, which pyiceberg finds worth a warning.
warnings.filterwarnings("ignore", message="Delete operation did not match any records")

ICEBERG: dict[Type, IcebergType] = {
    "string": StringType(),
    "int": IntegerType(),
    "long": LongType(),
    "double": DoubleType(),
    "boolean": BooleanType(),
    "timestamp": TimestampType(),
    "date": DateType(),
}
PROPERTIES = {
    "format-version": "2",
    "write.parquet.compression-codec": "zstd",
    # An hourly commit must not get slower with every hour that the table already holds.
    "write.metadata.delete-after-commit.enabled": "true",
    "write.metadata.previous-versions-max": "10",
    "commit.manifest-merge.enabled": "true",
    "commit.manifest.min-count-to-merge": "24",
    "commit.retry.num-retries": "10",
}


def iceberg_schema(table: Table) -> Schema:
    """A table's Iceberg schema; field ids follow the columns' order, comments their meaning."""
    fields = (
        NestedField(n, column.name, ICEBERG[column.type], column.required, column.meaning)
        for n, column in enumerate(table.columns, start=1)
    )
    return Schema(*fields)


def ensure_tables(lake: Lake) -> None:
    """Make the database and every table that does not exist yet, and add columns that are new."""
    with suppress(NamespaceAlreadyExistsError):
        lake.catalog.create_namespace(lake.database)
    existing = {name for _, name in lake.catalog.list_tables(lake.database)}
    for table in TABLES:
        if table.name in existing:
            _evolve(lake, table)
        else:
            _create(lake, table)


def _evolve(lake: Lake, table: Table) -> None:
    """Add the columns that a table made by an older version lacks; older rows have null there."""
    stored = load(lake, table).iceberg
    missing = [c for c in table.columns if c.name not in stored.schema().column_names]
    if missing:
        with stored.update_schema() as update:
            for column in missing:
                update.add_column(column.name, ICEBERG[column.type], column.meaning)


def _create(lake: Lake, table: Table) -> None:
    schema = iceberg_schema(table)
    event_date = schema.find_field("event_date").field_id
    partition = PartitionField(event_date, 1000, IdentityTransform(), "event_date")
    with suppress(TableAlreadyExistsError):  # someone else made it meanwhile
        lake.catalog.create_table(
            f"{lake.database}.{table.name}",
            schema=schema,
            partition_spec=PartitionSpec(partition),
            properties={**PROPERTIES, "comment": f"One row is {table.one_row_is}."},
        )


def of_hour(hour: Hour) -> BooleanExpression:
    """The filter that selects an hour's rows; the date prunes the partition."""
    return And(
        EqualTo(term="event_date", value=hour.event_date.isoformat()),
        EqualTo(term="hour_at", value=hour.naive.isoformat()),
    )


def between(first: Hour | None, last: Hour | None) -> BooleanExpression:
    """The filter that selects the rows of a range of hours, both ends included; None is open."""
    limits: list[BooleanExpression] = [AlwaysTrue()]
    if first:
        limits.append(GreaterThanOrEqual(term="event_date", value=first.event_date.isoformat()))
        limits.append(GreaterThanOrEqual(term="hour_at", value=first.naive.isoformat()))
    if last:
        limits.append(LessThanOrEqual(term="event_date", value=last.event_date.isoformat()))
        limits.append(LessThanOrEqual(term="hour_at", value=last.naive.isoformat()))
    return reduce(And, limits)


@dataclass(frozen=True)
class LoadedTable:
    """A table as it stood when it was loaded: writes made from it notice what came later."""

    table: Table
    iceberg: IcebergTable

    def read(self, hour: Hour, columns: list[str] | None = None) -> pa.Table:
        """An hour's rows."""
        return self.iceberg.scan(
            row_filter=of_hour(hour), selected_fields=tuple(columns or ["*"])
        ).to_arrow()

    def replace_hour(self, hour: Hour, rows: pa.Table, **only: str) -> None:
        """Replace an hour's rows, or those that `only` have some values, by column.

        Raises StaleHour if someone changed the hour since the load.
        """
        chosen = reduce(
            And, (EqualTo(term=name, value=value) for name, value in only.items()), of_hour(hour)
        )
        try:
            self.iceberg.overwrite(rows, overwrite_filter=chosen)
        except (ValidationException, CommitFailedException) as error:
            raise StaleHour(
                f"Hour {hour} of {self.table.name} was published by someone else meanwhile; "
                f"build it again. ({error})"
            ) from error


def load(lake: Lake, table: Table) -> LoadedTable:
    """Load a table as it stands now."""
    return LoadedTable(table, lake.catalog.load_table(f"{lake.database}.{table.name}"))
