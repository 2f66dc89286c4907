"""The lake's Iceberg tables: read hours, replace them in one commit, detect conflicts."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence, Set
from contextlib import suppress
from dataclasses import dataclass
from datetime import date, timedelta
from functools import reduce

import pyarrow as pa
from more_itertools import split_when
from pyiceberg.conversions import from_bytes
from pyiceberg.exceptions import (
    CommitFailedException,
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
from pyiceberg.manifest import DataFile
from pyiceberg.table import Table as IcebergTable
from pyiceberg.table.snapshots import Snapshot
from pyiceberg.table.update.snapshot import ExpireSnapshots
from pyiceberg.types import StringType
from pyiceberg.utils.datetime import days_to_date

from clickstream.core.errors import StaleHour
from clickstream.core.hours import Hour
from clickstream.lake.client import Lake
from clickstream.lake.iceberg import data_files, table_scan
from clickstream.lake.iceberg.table_scan import StoredFile
from clickstream.lake.iceberg.transactions import MonthlyAppend, Replacement
from clickstream.tables import Table

MS_PER_HOUR = 3_600_000
NEWEST_SNAPSHOTS = 20
"""Snapshots that are never removed here: publications under way are based on them.

A publication loads its tables seconds before it commits. It creates up to three snapshots of each.
"""

FORGOTTEN_AT_ONCE = 20
"""Number of removable snapshots at which they are removed, because that takes a commit."""


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
        hours = f"Hour {first}" if first == last else f"One of the hours {first} to {last}"
        self._replace(chosen, {first.event_date: rows}, hours)

    def replace_dates(
        self, rows: Mapping[date, pa.Table], only: Mapping[str, str] | None = None
    ) -> None:
        """Replace the rows of some dates in one commit; a date's table may be empty.

        With `only`, only rows are replaced that have all its values by column. Raises StaleHour if
        another process changed one of the dates since the load.
        """
        days = sorted(rows)
        runs = split_when(days, lambda day, after: after - day > timedelta(days=1))
        # A filter of ranges is evaluated for each file faster than one of 31 dates.
        ranges = [_dates_between(run[0], run[-1]) for run in runs]
        chosen = And(Or(AlwaysFalse(), *ranges), _any_of([only]) if only else AlwaysTrue())
        self._replace(chosen, {day: [rows[day]] for day in days}, "One of the dates")

    def _replace(
        self,
        chosen: BooleanExpression,
        rows: Mapping[date, Iterable[pa.Table]],
        described: str,
    ) -> None:
        """Replace the chosen rows by those of each date. Raises StaleHour, which says of what."""
        try:
            with (replacement := Replacement(self.iceberg)):
                replacement.remove(self.table, chosen)
                with MonthlyAppend(replacement) as added:
                    for day, of_day in rows.items():
                        for batch in data_files.packed(of_day):
                            file = data_files.write(
                                self.iceberg, self.table, batch, day, "published"
                            )
                            added.append_data_file(file)
            # A backfill adds thousands of snapshots in a day, and each later commit would read and
            # write them all: remove those that can be removed, if there are enough of them.
            named = {ref.snapshot_id for ref in self.iceberg.refs().values()}
            forgotten = forgettable(self.iceberg.snapshots(), named)
            if len(forgotten) >= FORGOTTEN_AT_ONCE:
                with suppress(CommitFailedException, ValueError):  # another process removes them
                    forget(self.iceberg, forgotten)
        except (ValidationException, CommitFailedException) as error:
            raise StaleHour(
                f"{described} of {self.table.name} was published by another process meanwhile; "
                f"build it again. ({error})"
            ) from error


def _dates_between(first: date, last: date) -> BooleanExpression:
    return And(
        GreaterThanOrEqual(term="event_date", value=first.isoformat()),
        LessThanOrEqual(term="event_date", value=last.isoformat()),
    )


def _any_of(rows: Sequence[Mapping[str, str]]) -> BooleanExpression:
    """Return the filter for rows that have all values of one of `rows`, by column."""
    alternatives: list[BooleanExpression] = [
        And(AlwaysTrue(), *(EqualTo(term=name, value=value) for name, value in row.items()))
        for row in rows
    ]
    return Or(AlwaysFalse(), *alternatives)


def forget(table: IcebergTable, snapshots: list[int]) -> None:
    """Remove snapshots by id. Raises ValueError for one that does not exist, or has a name."""
    ExpireSnapshots(Replacement(table, autocommit=True)).by_ids(snapshots).commit()


def forgettable(snapshots: Iterable[Snapshot], kept: Set[int]) -> list[int]:
    """Return the ids of snapshots except the newest, the last of each clock hour, and `kept`.

    So a query can still read a table as it was at nine o'clock yesterday.
    """
    in_order = sorted(snapshots, key=lambda snapshot: snapshot.timestamp_ms)
    older = in_order[:-NEWEST_SNAPSHOTS]
    last_of_hours = {
        snapshot.timestamp_ms // MS_PER_HOUR: snapshot.snapshot_id for snapshot in in_order
    }
    kept = kept | set(last_of_hours.values())
    return [snapshot.snapshot_id for snapshot in older if snapshot.snapshot_id not in kept]


def load(lake: Lake, table: Table) -> LoadedTable:
    """Load the current state of a table."""
    return LoadedTable(table, lake.catalog.load_table(f"{lake.database}.{table.name}"))


def files_by_date(lake: Lake, table: Table, first: date) -> dict[date, list[str]]:
    """Return a table's data files of each UTC date from `first` on, sorted; no row is read.

    Every change of a row of the date changes them, and so does compaction.
    """
    paths_by_date: dict[date, list[str]] = defaultdict(list)
    for day, file in _files_since(load(lake, table).iceberg, first):
        paths_by_date[day].append(file.file_path)
    return {day: sorted(paths) for day, paths in paths_by_date.items()}


def texts_by_date(
    lake: Lake, table: Table, first: date, columns: Sequence[str]
) -> dict[date, dict[str, str]]:
    """Return text columns of a table with one row for a date, from `first` on; no row is read.

    The columns are among those with bounds in the metadata (`filtered_by`).
    """
    iceberg = load(lake, table).iceberg
    fields = {name: iceberg.schema().find_field(name).field_id for name in columns}
    return {
        day: {
            name: str(from_bytes(StringType(), (file.lower_bounds or {})[field]))
            for name, field in fields.items()
        }
        for day, file in _files_since(iceberg, first)
    }


def _files_since(table: IcebergTable, first: date) -> Iterator[tuple[date, DataFile]]:
    chosen = GreaterThanOrEqual(term="event_date", value=first.isoformat())
    for task in table.scan(chosen).plan_files():
        yield days_to_date(task.file.partition[0]), task.file
