"""Reads of Iceberg data files that verify page checksums, and name a file that is damaged.

The checksum of a Parquet page is the CRC32 of its compressed bytes (Parquet format, "Data Pages").
The footer of a file, which describes its pages, has no checksum; `verify --deep` compares its
numbers of rows with the table's metadata.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pyiceberg.io.pyarrow as pyiceberg_arrow
from botocore.exceptions import ClientError
from pyiceberg.conversions import from_bytes
from pyiceberg.expressions import BooleanExpression
from pyiceberg.io import FileIO
from pyiceberg.table import DataScan, FileScanTask
from pyiceberg.table import Table as IcebergTable
from pyiceberg.types import TimestampType
from pyiceberg.utils.datetime import days_to_date, micros_to_timestamp

from clickstream.core.errors import DamagedObject
from clickstream.core.hours import Hour, HourSpan
from clickstream.lake import aws_errors
from clickstream.lake.iceberg.file_io import LakeFiles

# pyiceberg passes no options to Arrow's reader, and no property of a table or catalog sets this
# one. So the function that creates its Parquet readers gets it, for all scans of the process.
setattr(  # noqa: B010  # for mypy, a partial function is no cached one
    pyiceberg_arrow,
    "_get_file_format",
    partial(pyiceberg_arrow._get_file_format, page_checksum_verification=True),
)

READ_ERRORS = (OSError, pa.ArrowException, EOFError)
_OF_REQUESTS = "AWS Error "
_CODES_OF_DAMAGE = ("INTERNAL_FAILURE", "NO_SUCH_KEY", "HTTP status 404", "HTTP status 409")


def read(scan: DataScan) -> pa.Table:
    """Return the rows of a scan. Raises DamagedObject if a file's bytes are damaged."""
    tasks = [*scan.plan_files()]
    with naming_damage(scan.io, tasks):
        return pyiceberg_arrow.ArrowScan(
            scan.table_metadata,
            scan.io,
            scan.projection(),
            scan.row_filter,
            case_sensitive=scan.case_sensitive,
            limit=scan.limit,
        ).to_table(tasks)


def read_any_of(scan: DataScan, column: str, values: Iterable[str]) -> pa.Table:
    """Return the rows of a scan that have one of some texts in a column.

    pyiceberg binds a filter of values to each file: 2,000 values and 100 files take 8 s of CPU
    time. Arrow filters each batch in milliseconds.
    """
    tasks, texts = [*scan.plan_files()], pa.array(sorted(values), pa.string())
    with naming_damage(scan.io, tasks):
        scanned = pyiceberg_arrow.ArrowScan(
            scan.table_metadata,
            scan.io,
            scan.projection(),
            scan.row_filter,
            case_sensitive=scan.case_sensitive,
        )
        batches = [
            batch.filter(pc.is_in(batch[column].cast(pa.string()), texts))
            for batch in scanned.to_record_batches(tasks)
        ]
    schema = pyiceberg_arrow.schema_to_pyarrow(scan.projection(), include_field_ids=False)
    tables = [pa.Table.from_batches([batch]) for batch in batches]
    return pa.concat_tables([schema.empty_table(), *tables], promote_options="permissive")


@contextmanager
def naming_damage(io: FileIO, tasks: Sequence[FileScanTask]) -> Iterator[None]:
    """Convert an error of reading data files to DamagedObject, if one of them is damaged.

    Arrow's errors name no file, and omit S3's message. So the files are read again.
    """
    try:
        yield
    except READ_ERRORS as error:
        text = str(error)
        if _OF_REQUESTS in text and not any(code in text for code in _CODES_OF_DAMAGE):
            raise
        for task in tasks:
            if reason := find_damage(io, task):
                raise damaged(task, reason) from None
        raise


def find_damage(io: FileIO, task: FileScanTask) -> str:
    """Read all bytes of a data file; return what is wrong with them, or an empty text.

    Raises ClientError if S3 can't read the object.
    """
    body = io.read_whole(task.file.file_path) if isinstance(io, LakeFiles) else None
    if body is None:
        return "the object is gone"
    try:
        file = pq.ParquetFile(pa.BufferReader(body), page_checksum_verification=True)
        rows = sum(len(file.read_row_group(number)) for number in range(file.num_row_groups))
    except READ_ERRORS as error:
        return " ".join(str(error).split()).rstrip(".")
    if rows != task.file.record_count:
        return f"it has {rows:,} rows, and the table's metadata say {task.file.record_count:,}"
    return ""


@dataclass(frozen=True)
class StoredFile:
    """A data file of a table, and the hours of its rows by the table's metadata."""

    io: FileIO
    task: FileScanTask
    span: HourSpan

    @property
    def path(self) -> str:
        """The s3:// address."""
        return self.task.file.file_path

    @property
    def size(self) -> int:
        """The size in bytes."""
        return self.task.file.file_size_in_bytes

    @property
    def rows(self) -> int:
        """The number of rows, by the table's metadata."""
        return self.task.file.record_count

    def find_damage(self) -> str:
        """Read all its bytes; return what is wrong with them, or an empty text.

        It also returns damage that the local S3 reports.
        """
        try:
            return find_damage(self.io, self.task)
        except ClientError as error:
            if damage := aws_errors.reported_damage(error):
                return damage.partition(": ")[2].partition(". Restore")[0]
            raise


def list_files(table: IcebergTable, chosen: BooleanExpression) -> list[StoredFile]:
    """Return the data files with chosen rows, in the order of their addresses."""
    tasks = sorted(table.scan(row_filter=chosen).plan_files(), key=lambda task: task.file.file_path)
    return [StoredFile(table.io, task, _hours_of(table, task)) for task in tasks]


def _hours_of(table: IcebergTable, task: FileScanTask) -> HourSpan:
    field_id = table.schema().find_field("hour_at").field_id
    lower, upper = task.file.lower_bounds or {}, task.file.upper_bounds or {}
    if field_id not in lower or field_id not in upper:
        return HourSpan.parse(str(days_to_date(task.file.partition[0])))
    return HourSpan(_hour_of(lower[field_id]), _hour_of(upper[field_id]))


def _hour_of(bound: bytes) -> Hour:
    return Hour.at(micros_to_timestamp(int(from_bytes(TimestampType(), bound))))


def damaged(task: FileScanTask, reason: str) -> DamagedObject:
    """Return the error for a damaged data file."""
    day = days_to_date(task.file.partition[0])
    table = task.file.file_path.split("/data/")[0].rpartition("/")[2]
    return DamagedObject(
        f"The stored bytes of {task.file.file_path} are damaged ({reason}). They hold rows of "
        f"{day} of the table {table}. Restore the object from an earlier S3 version or a backup. "
        "To find every damaged object and the hours that it concerns, run: clickstream verify "
        f"--deep {day}"
    )
