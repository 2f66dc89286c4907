"""Compaction: the data files of a day that is over become one, without a reader noticing.

Every publication adds a file to each table. Small files make queries slow, so those of a day
are read, sorted as the table wants it, and written as one file that takes their place in a single
commit. Iceberg refuses that commit if anybody changed the day since the table was loaded, and
refuses an hour's publication that was under way meanwhile: whoever comes second starts afresh.

A file of an older version, without the statistics that its table has now, is rewritten the same
way, even if it is the only one of its day. Its Parquet has no statistics of those columns either,
so changing the table's metadata alone is not enough.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date
from itertools import groupby

import pyarrow as pa
import pyarrow.parquet as pq
from more_itertools import constrained_batches
from pyiceberg.conversions import from_bytes
from pyiceberg.exceptions import CommitFailedException, ValidationException
from pyiceberg.expressions import EqualTo, LessThan
from pyiceberg.manifest import DataFile
from pyiceberg.table import FileScanTask
from pyiceberg.types import TimestampType
from pyiceberg.utils.datetime import days_to_date

from clickstream.errors import ChangedRows, StaleHour
from clickstream.lake import data_files
from clickstream.lake.iceberg_tables import LoadedTable
from clickstream.lake.transactions import MonthlyOverwrite


@dataclass(frozen=True)
class FileGroup:
    """Data files of one day that one file can replace.

    These are several small files, or one file without the statistics of all columns that readers
    filter by.
    """

    day: date
    tasks: tuple[FileScanTask, ...]

    @property
    def rows(self) -> int:
        """How many rows they have, as the table's metadata says."""
        return sum(map(_rows, self.tasks))

    @property
    def is_small_files(self) -> bool:
        """Whether these are small files, and not one file without statistics."""
        return len(self.tasks) > 1


def find_groups(loaded: LoadedTable, before: date) -> list[FileGroup]:
    """Find what there is to rewrite in the days before a date, by day and hour."""
    scan = loaded.iceberg.scan(row_filter=LessThan(term="event_date", value=before.isoformat()))
    tasks = sorted(scan.plan_files(), key=lambda task: (_day(task), _first_hour(loaded, task)))
    groups = (
        FileGroup(day, pack) for day, of_day in groupby(tasks, key=_day) for pack in _packed(of_day)
    )
    return [found for found in groups if found.is_small_files or _lacks_statistics(loaded, found)]


def _lacks_statistics(loaded: LoadedTable, group: FileGroup) -> bool:
    return not all(
        data_files.has_statistics(loaded.iceberg, loaded.table, task.file) for task in group.tasks
    )


def _packed(tasks: Iterable[FileScanTask]) -> Iterator[tuple[FileScanTask, ...]]:
    """Neighbours together, as many as one file may have the rows of."""
    return constrained_batches(tasks, data_files.ROWS_PER_FILE, get_len=_rows, strict=False)


def _rows(task: FileScanTask) -> int:
    return int(task.file.record_count)


def _day(task: FileScanTask) -> date:
    return days_to_date(task.file.partition[0])


def _first_hour(loaded: LoadedTable, task: FileScanTask) -> int:
    field = loaded.iceberg.schema().find_field("hour_at").field_id
    return int(from_bytes(TimestampType(), task.file.lower_bounds[field]))


def compact(loaded: LoadedTable, group: FileGroup) -> None:
    """Replace the files of a group by one file of the same rows.

    Raises StaleHour if someone changed the day since the table was loaded; load it again. Raises
    ChangedRows, and changes nothing, if the new file does not hold the same rows.
    """
    rows = _sorted_rows(loaded, group)
    new = _written(loaded, rows, group)
    try:
        _swap(loaded, group, new)
    except (ValidationException, CommitFailedException) as error:
        raise StaleHour(
            f"An hour of {group.day} was published in {loaded.table.name} during its compaction; "
            f"compact the day again. ({error})"
        ) from error


def _sorted_rows(loaded: LoadedTable, group: FileGroup) -> pa.Table:
    """The files' rows as the table wants them sorted; texts that repeat stay dictionaries."""
    rows = data_files.read(loaded.iceberg, loaded.table, group.tasks)
    if rows.num_rows != group.rows:
        raise ChangedRows(
            f"{loaded.table.name} of {group.day} should have {group.rows:,} rows and has "
            f"{rows.num_rows:,}; it stays as it is. Run clickstream verify."
        )
    return rows.sort_by([(name, "ascending") for name in loaded.table.sort_by])


def _written(loaded: LoadedTable, rows: pa.Table, group: FileGroup) -> DataFile:
    """Write rows as a data file that no snapshot has yet, and compare what a reader gets."""
    file = data_files.write(loaded.iceberg, loaded.table, rows, group.day, "compacted")
    with loaded.iceberg.io.new_input(file.file_path).open() as source:
        _compare(rows, pq.ParquetFile(source), file.file_path)
    return file


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


def _swap(loaded: LoadedTable, group: FileGroup, new: DataFile) -> None:
    """One commit, and one snapshot: whoever travels in time sees the day before or after it."""
    note = {"clickstream.compacted-day": group.day.isoformat()}
    with (
        loaded.iceberg.transaction() as transaction,
        MonthlyOverwrite(transaction, note) as snapshot,
    ):
        # Anything added to the day, or taken from it, is a conflict; other days are not.
        snapshot.delete_by_predicate(EqualTo(term="event_date", value=group.day.isoformat()))
        for task in group.tasks:
            snapshot.delete_data_file(task.file)
        snapshot.append_data_file(new)
