"""State of the lake's tables at a time, and the hours that are published again until another."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from clickstream.core.hours import Hour
from clickstream.lake import Lake, hour_ledger, visitor_keys
from clickstream.lake.iceberg import iceberg_tables
from clickstream.tables import TABLES


@dataclass(frozen=True)
class State:
    """The publication of each hour, the current snapshot of each table, the names of the keys."""

    publications: Mapping[Hour, str]
    snapshots: Mapping[str, int]
    keys: frozenset[str]

    @classmethod
    def of(cls, lake: Lake) -> State:
        """Read the state of a lake."""
        rows = hour_ledger.by_hour(hour_ledger.ledger_in_order(lake))
        snapshots = {}
        for table in TABLES:
            current = iceberg_tables.load(lake, table).iceberg.current_snapshot()
            snapshots[table.name] = current.snapshot_id if current else 0
        return cls(
            {hour: row.version for hour, row in rows.items()},
            snapshots,
            frozenset(period.name for period in visitor_keys.periods(lake)),
        )

    def published_again(self, after: State) -> list[Hour]:
        """The hours that have another publication in a later state, in order."""
        return sorted(
            hour
            for hour, version in after.publications.items()
            if self.publications.get(hour) != version
        )


@dataclass(frozen=True)
class TableFiles:
    """The files of a table's current snapshot, their bytes, its manifests; and its snapshots."""

    table: str
    data_files: int
    bytes: int
    manifests: int
    snapshots: int


def table_files(lake: Lake) -> list[TableFiles]:
    """Count the files of each table."""
    return [_files_of(lake, table.name) for table in TABLES]


def _files_of(lake: Lake, name: str) -> TableFiles:
    table = lake.catalog.load_table(f"{lake.database}.{name}")
    sizes = {
        task.file.file_path: task.file.file_size_in_bytes for task in table.scan().plan_files()
    }
    current = table.current_snapshot()
    manifests = len(current.manifests(table.io)) if current else 0
    return TableFiles(name, len(sizes), sum(sizes.values()), manifests, len(table.snapshots()))
