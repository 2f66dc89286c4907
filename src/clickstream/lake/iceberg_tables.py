"""The lake's Iceberg tables: create and extend them, replace hours in one commit.

A table of an older release gets the optional columns that were added since (`ensure_tables`). Their
field ids come from the stored table, and columns that this release does not know stay as they are.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence, Set
from contextlib import suppress
from dataclasses import dataclass
from functools import reduce
from itertools import count
from typing import Any

import pyarrow as pa
from pyiceberg.catalog.glue import ICEBERG_FIELD_CURRENT
from pyiceberg.exceptions import (
    CommitFailedException,
    NamespaceAlreadyExistsError,
    TableAlreadyExistsError,
    ValidationException,
)
from pyiceberg.expressions import (
    AlwaysFalse,
    AlwaysTrue,
    And,
    BooleanExpression,
    EqualTo,
    GreaterThanOrEqual,
    LessThanOrEqual,
    Or,
)
from pyiceberg.partitioning import PartitionField, PartitionSpec
from pyiceberg.schema import Schema
from pyiceberg.table import Table as IcebergTable
from pyiceberg.table import Transaction
from pyiceberg.table.snapshots import Snapshot
from pyiceberg.table.update.snapshot import ExpireSnapshots
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

from clickstream.errors import OtherLayout, StaleHour
from clickstream.hours import Hour
from clickstream.lake import data_files, table_scan
from clickstream.lake.client import Lake
from clickstream.lake.table_scan import StoredFile
from clickstream.lake.transactions import MonthlyAppend, Replacement
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
MS_PER_HOUR = 3_600_000
NEWEST_SNAPSHOTS = 20
"""Snapshots that are never removed here: publications under way are based on them.

A publication loads its tables seconds before it commits. It creates up to three snapshots of each.
"""

EXTENSION_ATTEMPTS = 20
"""Commits that are tried to extend a table; each failure is a commit of another process."""

FORGOTTEN_AT_ONCE = 20
"""Number of removable snapshots at which they are removed, because that takes a commit."""


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
        stored = load(lake, table).iceberg
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


def between(first: Hour | None, last: Hour | None) -> BooleanExpression:
    """Return the filter for the rows of a range of hours, both ends included; None is open.

    The date prunes partitions. The filter is a range and not a set of hours, because then a file
    within it can be replaced without being read.
    """
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
    """A table in the state in which it was loaded: writes from it detect later changes."""

    table: Table
    iceberg: IcebergTable

    def read(self, first: Hour, last: Hour, columns: list[str] | None = None) -> pa.Table:
        """Return the rows of the hours from `first` to `last`."""
        return self.read_between(first, last, columns)

    def data_files(self, first: Hour | None, last: Hour | None) -> list[StoredFile]:
        """Return the data files with rows of the hours of a range; None is an open end."""
        return table_scan.list_files(self.iceberg, between(first, last))

    def read_between(
        self, first: Hour | None, last: Hour | None, columns: list[str] | None = None
    ) -> pa.Table:
        """Return the rows of the hours from `first` to `last`; None is an open end."""
        scan = self.iceberg.scan(
            row_filter=between(first, last), selected_fields=tuple(columns or ["*"])
        )
        return table_scan.read(scan)

    def replace(
        self,
        first: Hour,
        last: Hour,
        *rows: pa.Table,
        only: Sequence[Mapping[str, str]] = (),
    ) -> None:
        """Replace the rows of the hours from `first` to `last`, of one date, in one commit.

        The new rows may be in several tables, best one for each hour: each file gets whole tables.
        With `only`, only rows are replaced that have all values, by column, of one of its entries.
        Raises StaleHour if another process changed one of the hours since the load.
        """
        chosen = And(between(first, last), _any_of(only)) if only else between(first, last)
        try:
            with (replacement := Replacement(self.iceberg)):
                replacement.remove(self.table, chosen, first.event_date)
                with MonthlyAppend(replacement) as added:
                    for some in data_files.packed(rows):
                        file = data_files.write(
                            self.iceberg, self.table, some, first.event_date, "published"
                        )
                        added.append_data_file(file)
            _thin_out(self.iceberg)
        except (ValidationException, CommitFailedException) as error:
            hours = f"Hour {first}" if first == last else f"One of the hours {first} to {last}"
            raise StaleHour(
                f"{hours} of {self.table.name} was published by another process meanwhile; "
                f"build it again. ({error})"
            ) from error


def _any_of(rows: Sequence[Mapping[str, str]]) -> BooleanExpression:
    """Return the filter for rows that have all values of one of `rows`, by column."""
    alternatives: list[BooleanExpression] = [
        And(AlwaysTrue(), *(EqualTo(term=name, value=value) for name, value in row.items()))
        for row in rows
    ]
    return Or(AlwaysFalse(), *alternatives)


def _thin_out(table: IcebergTable) -> None:
    """Remove the snapshots that can be removed, if there are enough of them.

    A backfill adds thousands in a day, and each later commit would read and write them all.
    """
    kept = {ref.snapshot_id for ref in table.refs().values()}
    forgotten = forgettable(table.snapshots(), kept)
    if len(forgotten) >= FORGOTTEN_AT_ONCE:
        with suppress(CommitFailedException, ValueError):  # another process is removing them
            forget(table, forgotten)


def forget(table: IcebergTable, snapshots: list[int]) -> None:
    """Remove snapshots by id. Raises ValueError for one that does not exist, or has a name."""
    ExpireSnapshots(Replacement(table, autocommit=True)).by_ids(snapshots).commit()


def forgettable(snapshots: Iterable[Snapshot], kept: Set[int]) -> list[int]:
    """Return the ids of snapshots except the newest, the last of each clock hour, and `kept`.

    So a query can still read a table as it was at nine o'clock yesterday.
    """
    in_order = sorted(snapshots, key=lambda snapshot: snapshot.timestamp_ms)
    older = in_order[:-NEWEST_SNAPSHOTS]
    last_of_hours = {each.timestamp_ms // MS_PER_HOUR: each.snapshot_id for each in in_order}
    kept = kept | set(last_of_hours.values())
    return [each.snapshot_id for each in older if each.snapshot_id not in kept]


def load(lake: Lake, table: Table) -> LoadedTable:
    """Load the current state of a table."""
    return LoadedTable(table, lake.catalog.load_table(f"{lake.database}.{table.name}"))
