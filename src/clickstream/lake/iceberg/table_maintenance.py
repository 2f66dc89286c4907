"""Maintenance of tables: compaction, snapshot expiration and removal of orphan files.

*Compaction*: each publication adds a file to each table, and small files make queries slow. So the
files of a past day are read, sorted, and replaced by one file in a single commit. Iceberg refuses
that commit if the day changed since the table was loaded, and refuses a publication that was under
way meanwhile, which then starts again. A file without all statistics that its table has now is
rewritten as well.

*Snapshot expiration* removes snapshots that are older than queries of past states may reach.

*Orphan files* are files without a reference, such as those of expired snapshots or of killed
builds. A commit under way may still add a reference to a young file. So only files older than a
grace period are removed, which must be longer than any task and any query takes.

`pipeline.publish.maintenance` calls this.
"""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from datetime import date, datetime
from itertools import groupby

import pyarrow as pa
import pyarrow.parquet as pq
from more_itertools import constrained_batches
from pyiceberg.conversions import from_bytes
from pyiceberg.exceptions import CommitFailedException, ValidationException
from pyiceberg.expressions import EqualTo
from pyiceberg.manifest import ManifestFile
from pyiceberg.table import FileScanTask
from pyiceberg.table import Table as IcebergTable
from pyiceberg.types import TimestampType
from pyiceberg.utils.datetime import days_to_date

from clickstream.core.errors import ChangedRows, StaleHour
from clickstream.lake import objects
from clickstream.lake.client import Lake
from clickstream.lake.iceberg import data_files, iceberg_tables
from clickstream.lake.iceberg.iceberg_tables import LoadedTable
from clickstream.lake.iceberg.transactions import MonthlyOverwrite
from clickstream.lake.objects import Listed
from clickstream.settings.sections import QUERY_RESULTS
from clickstream.tables import Table


@dataclass(frozen=True)
class FileGroup:
    """Several small data files of one day that one file can replace."""

    day: date
    tasks: tuple[FileScanTask, ...]

    @property
    def rows(self) -> int:
        """Their number of rows, by the table's metadata."""
        return sum(map(_rows, self.tasks))


def find_groups(loaded: LoadedTable, before: date) -> list[FileGroup]:
    """Find the groups of small files in the days before a date, by day and hour."""
    # A filter in the scan costs more than reading all entries: pyiceberg binds it for each file.
    due = (task for task in loaded.iceberg.scan().plan_files() if _day(task) < before)
    tasks = sorted(due, key=lambda task: (_day(task), _first_hour(loaded, task)))
    limit = data_files.ROWS_PER_FILE
    return [
        FileGroup(day, pack)
        for day, of_day in groupby(tasks, key=_day)
        for pack in constrained_batches(of_day, limit, get_len=_rows, strict=False)
        if len(pack) > 1
    ]


def _rows(task: FileScanTask) -> int:
    return int(task.file.record_count)


def _day(task: FileScanTask) -> date:
    return days_to_date(task.file.partition[0])


def _first_hour(loaded: LoadedTable, task: FileScanTask) -> int:
    field = loaded.iceberg.schema().find_field("hour_at").field_id
    return int(from_bytes(TimestampType(), task.file.lower_bounds[field]))


def compact(loaded: LoadedTable, group: FileGroup) -> None:
    """Replace the files of a group by one file of the same rows.

    Raises StaleHour if another process changed the day since the table was loaded; load it again.
    Raises ChangedRows, and changes nothing, if the new file does not hold the same rows.
    """
    rows = data_files.read(loaded.iceberg, loaded.table, group.tasks)
    if rows.num_rows != group.rows:
        raise ChangedRows(
            f"{loaded.table.name} of {group.day} should have {group.rows:,} rows and has "
            f"{rows.num_rows:,}; it stays as it is. Run clickstream verify."
        )
    rows = rows.sort_by([(name, "ascending") for name in loaded.table.sort_by])
    new = data_files.write(loaded.iceberg, loaded.table, rows, group.day, "compacted")
    with loaded.iceberg.io.new_input(new.file_path).open() as source:
        _compare(rows, pq.ParquetFile(source, page_checksum_verification=True), new.file_path)
    note = {"clickstream.compacted-day": group.day.isoformat()}
    try:
        # One commit and one snapshot: time travel shows the day before or after the compaction.
        with (
            loaded.iceberg.transaction() as transaction,
            MonthlyOverwrite(transaction, note) as snapshot,
        ):
            # A change of the same day meanwhile is a conflict; changes of other days are not.
            snapshot.delete_by_predicate(EqualTo(term="event_date", value=group.day.isoformat()))
            for task in group.tasks:
                snapshot.delete_data_file(task.file)
            snapshot.append_data_file(new)
    except (ValidationException, CommitFailedException) as error:
        raise StaleHour(
            f"An hour of {group.day} was published in {loaded.table.name} during its compaction; "
            f"compact the day again. ({error})"
        ) from error


def _compare(rows: pa.Table, file: pq.ParquetFile, path: str) -> None:
    plain = pa.schema([field.remove_metadata() for field in file.schema_arrow])
    start = 0
    for group in range(file.num_row_groups):
        stored = file.read_row_group(group)
        meant = rows.slice(start, stored.num_rows)
        start += stored.num_rows
        if not stored.cast(plain).equals(meant.cast(plain)):
            break
    else:
        if start == rows.num_rows:
            return
    raise ChangedRows(f"{path} holds other rows than were written; no table has it.")


MOST_ATTEMPTS = 10


def past(table: IcebergTable, horizon: datetime) -> list[int]:
    """Return the ids of the snapshots that were replaced before `horizon`.

    `horizon` is the oldest moment whose state of the table queries may read. The snapshot that was
    current at that moment is kept, even if it is much older, and so are all later snapshots.
    """
    at_horizon = table.snapshot_as_of_timestamp(int(horizon.timestamp() * 1000))
    if at_horizon is None:
        return []
    order = [entry.snapshot_id for entry in table.history()]
    last_one = len(order) - 1 - order[::-1].index(at_horizon.snapshot_id)
    kept = {*order[last_one:], *(ref.snapshot_id for ref in table.refs().values())}
    return [snapshot_id for snapshot_id in order if snapshot_id not in kept]


def expire(lake: Lake, table: Table, horizon: datetime) -> int:
    """Remove a table's past snapshots; return their number. Their files stay until they are swept.

    A commit or an expiration by another process meanwhile does no harm: the removal is retried.
    """
    for _ in range(MOST_ATTEMPTS - 1):
        with suppress(CommitFailedException, ValueError):  # ValueError: one was removed already
            return _expire(lake, table, horizon)
    return _expire(lake, table, horizon)


def _expire(lake: Lake, table: Table, horizon: datetime) -> int:
    loaded = iceberg_tables.load(lake, table).iceberg
    ids = past(loaded, horizon)
    if ids:
        iceberg_tables.forget(loaded, ids)
    return len(ids)


STAGING = "staging/"
_READERS = 8


def unreferenced(lake: Lake, table: Table, before: datetime) -> list[Listed]:
    """Return objects of a table, last written before `before`, that no snapshot refers to.

    They are listed first and the table is loaded after that, so the references of a commit in
    between are known.
    """
    prefix = iceberg_tables.load(lake, table).iceberg.location().removeprefix(lake.uri("")) + "/"
    old = [item for item in objects.listed(lake, prefix) if item.modified_at < before]
    uris = set(referenced(iceberg_tables.load(lake, table).iceberg))
    return [item for item in old if lake.uri(item.key) not in uris]


def referenced(table: IcebergTable) -> Iterator[str]:
    """Yield the addresses of all files of a table: metadata, and files that its snapshots reach."""
    yield table.metadata_location
    yield from (entry.metadata_file for entry in table.metadata.metadata_log)
    yield from (file.statistics_path for file in table.metadata.statistics)
    yield from (file.statistics_path for file in table.metadata.partition_statistics)
    manifests: dict[str, ManifestFile] = {}
    for snapshot in table.snapshots():
        yield snapshot.manifest_list
        manifests |= {manifest.manifest_path: manifest for manifest in snapshot.manifests(table.io)}
    yield from manifests
    with ThreadPoolExecutor(_READERS) as pool:
        for entries in pool.map(lambda m: m.fetch_manifest_entry(table.io), manifests.values()):
            yield from (entry.data_file.file_path for entry in entries)


def staged(lake: Lake, before: datetime) -> list[Listed]:
    """Return the staged rows of hours that no build has written since `before`, by whole hours."""
    expired: list[Listed] = []
    listed = objects.listed(lake, STAGING)
    for _, of_hour in groupby(listed, key=lambda item: item.key.split("/")[1]):
        items = list(of_hour)
        if all(item.modified_at < before for item in items):
            expired += items
    return expired


def query_results(lake: Lake, before: datetime) -> list[Listed]:
    """Return the result files of Athena that are older than `before`."""
    listed = objects.listed(lake, QUERY_RESULTS)
    return [item for item in listed if item.modified_at < before]
