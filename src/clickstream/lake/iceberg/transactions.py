"""Transactions of Iceberg tables, with one month per manifest and cheaper overwrites.

A commit reads the manifests whose dates include those that it replaces, and rewrites some of them.
pyiceberg merges manifests in the order of the commits. When days are published in another order,
each manifest soon spans most of the lake's dates, and a commit reads all of them. Manifests of one
month keep the cost of a commit the same at any age of the lake and in any order.

An overwrite removes a file whose rows are all replaced without reading it, and rewrites a file that
also has other rows. This module keeps repeated texts dictionary-encoded in a rewrite. pyiceberg
would decode each text, which takes four times as long, and 300 MB for a busy day.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator

from pyiceberg.conversions import from_bytes
from pyiceberg.expressions import BooleanExpression
from pyiceberg.expressions.visitors import bind
from pyiceberg.io.pyarrow import _expression_to_complementary_pyarrow
from pyiceberg.manifest import DataFile, ManifestEntry, ManifestFile
from pyiceberg.table import Transaction
from pyiceberg.table.metadata import TableMetadata
from pyiceberg.table.refs import MAIN_BRANCH
from pyiceberg.table.snapshots import Operation
from pyiceberg.table.update.snapshot import (
    _FastAppendFiles,
    _ManifestMergeManager,
    _OverwriteFiles,
    _SnapshotProducer,
)
from pyiceberg.types import DateType
from pyiceberg.utils.datetime import days_to_date

from clickstream.lake.iceberg import data_files
from clickstream.tables import Table

MOST_OF_A_MONTH = 3
"""Number of manifests of a month at which they are merged; until then each commit adds one.

With a limit of eight, a table of a year kept fifty small manifests, and each commit reads and
writes the list of all manifests.
"""

LARGEST = 128 << 10
"""Limit of the bytes of a merged manifest: about 400 data files, several for a busy month."""

Month = tuple[int, int]


class MonthlyManifests(_SnapshotProducer["MonthlyManifests"]):
    """Base class of appends and overwrites: each manifest has data files of one month."""

    def _process_manifests(self, manifests: list[ManifestFile]) -> list[ManifestFile]:
        """Split the manifests that span months, and merge those of the months that change."""
        by_month: dict[Month, list[ManifestFile]] = defaultdict(list)
        for manifest in manifests:
            has_files = manifest.has_added_files() or manifest.has_existing_files()
            if not has_files and manifest.added_snapshot_id != self.snapshot_id:
                continue  # it has no data file, and lists nothing that this commit removes
            first, last = months_of(manifest)
            if first == last:
                by_month[first].append(manifest)
            else:
                for month, part in self._split(manifest):
                    by_month[month].append(part)
        merged: list[ManifestFile] = []
        for of_month in by_month.values():
            if any(manifest.added_snapshot_id == self.snapshot_id for manifest in of_month):
                manager = _ManifestMergeManager(LARGEST, MOST_OF_A_MONTH, True, self)
                merged += manager.merge_manifests(of_month)
            else:
                merged += of_month
        return merged

    def _split(self, manifest: ManifestFile) -> Iterator[tuple[Month, ManifestFile]]:
        """Split a manifest of several months by month."""
        by_month: dict[Month, list[ManifestEntry]] = defaultdict(list)
        for entry in self.fetch_manifest_entry(manifest):
            by_month[_month(entry.data_file.partition[0])].append(entry)
        for month, entries in by_month.items():
            with self.new_manifest_writer(self.spec(manifest.partition_spec_id)) as writer:
                for entry in entries:
                    writer.existing(entry)
            yield month, writer.to_manifest_file()


class MonthlyAppend(MonthlyManifests, _FastAppendFiles):
    """A snapshot that adds data files."""

    def __init__(self, transaction: Transaction) -> None:
        """Append to the table of a transaction."""
        super().__init__(Operation.APPEND, transaction, transaction._table.io)


class MonthlyOverwrite(MonthlyManifests, _OverwriteFiles):
    """A snapshot that replaces data files."""

    def __init__(self, transaction: Transaction, note: dict[str, str]) -> None:
        """Overwrite in the table of a transaction; `note` is kept in the snapshot's summary."""
        io = transaction._table.io
        super().__init__(Operation.OVERWRITE, transaction, io, snapshot_properties=note)


def months_of(manifest: ManifestFile) -> tuple[Month, Month]:
    """Return the months of the first and of the last date of a manifest's data files."""
    [dates] = manifest.partitions or []
    first, last = dates.lower_bound, dates.upper_bound
    if first is None or last is None:
        raise ValueError(f"{manifest.manifest_path} has no bounds of its dates.")
    return _month(int(from_bytes(DateType(), first))), _month(int(from_bytes(DateType(), last)))


def _month(days: int) -> Month:
    """Return the month of a date, which Iceberg stores as the days since 1970."""
    day = days_to_date(days)
    return day.year, day.month


class Replacement(Transaction):
    """A transaction that computes the table's metadata only when they change.

    pyiceberg's Transaction copies all metadata at each access, thirty times in a commit.
    """

    _computed_from: tuple[object, object] = (None, None)
    _computed: TableMetadata

    @property
    def table_metadata(self) -> TableMetadata:
        """The table's metadata with the changes so far."""
        metadata, updates = self._table.metadata, self._updates
        if metadata is not self._computed_from[0] or updates is not self._computed_from[1]:
            self._computed = super().table_metadata if updates else metadata
            self._computed_from = metadata, updates
        return self._computed

    def remove(self, table: Table, chosen: BooleanExpression) -> None:
        """Remove the chosen rows. The rows that replace them are added afterwards.

        A concurrent change of such rows makes the commit fail, as with pyiceberg's `delete`.
        """
        with self.update_snapshot().delete() as dropped:
            dropped.delete_by_predicate(chosen)
        rewritten = [*self._rewrite_files(table, chosen)] if dropped.rewrites_needed else []
        if not rewritten:
            return
        with self.update_snapshot().overwrite() as snapshot:
            snapshot.delete_by_predicate(chosen)
            for old, new in rewritten:
                snapshot.delete_data_file(old)
                if new:
                    snapshot.append_data_file(new)

    def _rewrite_files(
        self, table: Table, chosen: BooleanExpression
    ) -> Iterator[tuple[DataFile, DataFile | None]]:
        """Yield the files with chosen rows, each with a new file of its other rows, if any."""
        schema = self.table_metadata.schema()
        is_other = _expression_to_complementary_pyarrow(bind(schema, chosen, True), schema)
        for task in self._scan(row_filter=chosen).use_ref(MAIN_BRANCH).plan_files():
            rows = data_files.read(self._table, table, [task])
            other_rows = rows.filter(is_other)
            if not len(other_rows):
                yield task.file, None
            elif len(other_rows) < len(rows):
                day = days_to_date(task.file.partition[0])
                yield task.file, data_files.write(self._table, table, other_rows, day, "published")
