"""The lake's Iceberg tables: made from `tables.py`, hours replaced as one, conflicts noticed."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence, Set
from contextlib import suppress
from dataclasses import dataclass
from functools import reduce
from itertools import count

import pyarrow as pa
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
from clickstream.tables import LAYOUT_VERSION, TABLES, Table, Type

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
    # A commit must not get slower with every hour that the table holds: few versions are kept, and
    # manifests have bounds of the columns that a table's `filtered_by` and `rarely_set` name, and
    # of no others.
    "write.metadata.delete-after-commit.enabled": "true",
    "write.metadata.previous-versions-max": "10",
    "write.metadata.metrics.default": "none",
    # Builders at once are the rule in a backfill; the one that was second tries again at once.
    "commit.retry.num-retries": "20",
    "commit.retry.min-wait-ms": "20",
    "commit.retry.max-wait-ms": "1000",
}
MS_PER_HOUR = 3_600_000
NEWEST_SNAPSHOTS = 20
"""Snapshots that are never thinned out: publications that are under way are based on them.

A publication loads its tables seconds before it commits, and makes at most three snapshots of each.
"""

FORGOTTEN_AT_ONCE = 20
"""Snapshots are thinned out when as many can be, because it takes a commit of its own."""


def iceberg_schema(table: Table) -> Schema:
    """A table's Iceberg schema; field ids follow the columns' order, comments their meaning."""
    nested_ids = count(len(table.columns) + 1)
    fields = (
        NestedField(
            n, column.name, _iceberg_type(column.type, nested_ids), column.required, column.meaning
        )
        for n, column in enumerate(table.columns, start=1)
    )
    return Schema(*fields)


def _iceberg_type(kind: Type, ids: Iterator[int]) -> IcebergType:
    """The Iceberg type of a column; keys, values and elements take their field ids from `ids`."""
    if kind == "map<string, long>":
        return MapType(next(ids), StringType(), next(ids), LongType(), value_required=True)
    if kind == "list<long>":
        return ListType(next(ids), LongType(), element_required=True)
    return ICEBERG[kind]


def properties(table: Table) -> dict[str, str]:
    """The properties that a table keeps: those of every table, and its columns with statistics."""
    counted = (*table.filtered_by, *table.rarely_set)
    metrics = {f"write.metadata.metrics.column.{name}": "full" for name in counted}
    return PROPERTIES | metrics


def check_tables(lake: Lake) -> bool:
    """Return whether the catalog holds every table with our properties; refuse another layout.

    Nearly always this is all that opening a lake takes, and each task opens it anew. So it is one
    request: pyiceberg repeats a table's properties in its entry in Glue. Raises OtherLayout.
    """
    entries = lake.catalog_entries(table.name for table in TABLES)
    stored = {t: entries[t.name].get("Parameters", {}) for t in TABLES if t.name in entries}
    for parameters in stored.values():
        _refuse_other_layout(lake, parameters)
    return len(stored) == len(TABLES) and all(
        properties(table).items() <= parameters.items() for table, parameters in stored.items()
    )


def _refuse_other_layout(lake: Lake, parameters: Mapping[str, str]) -> None:
    """Raise OtherLayout if a table, by its properties, is of another version than ours."""
    version = int(parameters.get(LAYOUT_PROPERTY, UNMARKED_VERSION))
    if version == LAYOUT_VERSION:
        return
    remedy = (
        "Run `make clean-demo` if it is the demo, or reprocess into a new database: "
        "docs/runbook.md, An older lake."
        if version < LAYOUT_VERSION
        else "Install the release that made the tables, or a newer one."
    )
    raise OtherLayout(
        f"The tables of database {lake.database} are of version {version}, and this release of "
        f"clickstream needs version {LAYOUT_VERSION}. {remedy}"
    )


def ensure_tables(lake: Lake) -> None:
    """Make the database and every table that does not exist yet; give the others our properties.

    Raises OtherLayout if another release has made a table meanwhile.
    """
    with suppress(NamespaceAlreadyExistsError):
        lake.catalog.create_namespace(lake.database)
    existing = {name for _, name in lake.catalog.list_tables(lake.database)}
    for table in TABLES:
        if table.name in existing:
            _update_properties(lake, table)
        else:
            _create(lake, table)


def _update_properties(lake: Lake, table: Table) -> None:
    """Give a table our properties: statistics of other columns, or how commits are made."""
    stored, ours = load(lake, table).iceberg, properties(table)
    _refuse_other_layout(lake, stored.properties)
    if not ours.items() <= stored.properties.items():
        with suppress(CommitFailedException):  # another process does it
            stored.transaction().set_properties(ours).commit_transaction()


def _create(lake: Lake, table: Table) -> None:
    schema = iceberg_schema(table)
    event_date = schema.find_field("event_date").field_id
    partition = PartitionField(event_date, 1000, IdentityTransform(), "event_date")
    with suppress(TableAlreadyExistsError):  # someone else made it meanwhile
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
    """The filter that selects the rows of a range of hours, both ends included; None is open.

    The date prunes partitions. A range, and not a set of hours, for then a file that lies within it
    is replaced without being read.
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
    """A table as it stood when it was loaded: writes made from it notice what came later."""

    table: Table
    iceberg: IcebergTable

    def read(self, first: Hour, last: Hour, columns: list[str] | None = None) -> pa.Table:
        """The rows of the hours from `first` to `last`."""
        return self.read_between(first, last, columns)

    def data_files(self, first: Hour | None, last: Hour | None) -> list[StoredFile]:
        """The data files with rows of the hours from `first` to `last`; None is an open end."""
        return table_scan.list_files(self.iceberg, between(first, last))

    def read_between(
        self, first: Hour | None, last: Hour | None, columns: list[str] | None = None
    ) -> pa.Table:
        """The rows of the hours from `first` to `last`; None is an open end."""
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

        The new rows may come in several tables, best one for each hour: a file has whole ones.
        With `only`, just those rows are replaced that have all values, by column, of one of them.
        Raises StaleHour if someone changed one of the hours since the load.
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
                f"{hours} of {self.table.name} was published by someone else meanwhile; "
                f"build it again. ({error})"
            ) from error


def _any_of(rows: Sequence[Mapping[str, str]]) -> BooleanExpression:
    """The filter that selects rows that have all values of one of `rows`, by column."""
    alternatives: list[BooleanExpression] = [
        And(AlwaysTrue(), *(EqualTo(term=name, value=value) for name, value in row.items()))
        for row in rows
    ]
    return Or(AlwaysFalse(), *alternatives)


def _thin_out(table: IcebergTable) -> None:
    """Forget the snapshots that can be, once there are some.

    A backfill makes thousands in a day, and each commit to come would read and write them all.
    """
    kept = {ref.snapshot_id for ref in table.refs().values()}
    forgotten = forgettable(table.snapshots(), kept)
    if len(forgotten) >= FORGOTTEN_AT_ONCE:
        with suppress(CommitFailedException, ValueError):  # someone else does it at this moment
            forget(table, forgotten)


def forget(table: IcebergTable, snapshots: list[int]) -> None:
    """Forget snapshots, by their ids. Raises ValueError for one that is gone, or has a name."""
    ExpireSnapshots(Replacement(table, autocommit=True)).by_ids(snapshots).commit()


def forgettable(snapshots: Iterable[Snapshot], kept: Set[int]) -> list[int]:
    """The ids of snapshots that are none of the newest, nor the last of a clock hour, nor `kept`.

    So what a table said at nine o'clock yesterday can still be asked.
    """
    in_order = sorted(snapshots, key=lambda snapshot: snapshot.timestamp_ms)
    older = in_order[:-NEWEST_SNAPSHOTS]
    last_of_hours = {each.timestamp_ms // MS_PER_HOUR: each.snapshot_id for each in in_order}
    kept = kept | set(last_of_hours.values())
    return [each.snapshot_id for each in older if each.snapshot_id not in kept]


def load(lake: Lake, table: Table) -> LoadedTable:
    """Load a table as it stands now."""
    return LoadedTable(table, lake.catalog.load_table(f"{lake.database}.{table.name}"))
