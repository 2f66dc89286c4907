"""Data files carry bounds of the columns that readers filter by."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pytest
from pyiceberg.conversions import from_bytes
from pyiceberg.expressions import EqualTo, GreaterThanOrEqual
from tests.support.access_log import Client, append
from tests.support.lakes import build_all

from clickstream.core.hours import Hour
from clickstream.lake import Lake
from clickstream.lake.iceberg import iceberg_tables
from clickstream.pipeline.publish.maintenance import compact_days
from clickstream.pipeline.publish.publish import build_hour
from clickstream.pipeline.publish.suspects import find_suspects
from clickstream.pipeline.pull.host import pull_source
from clickstream.tables import HITS, SESSION_PARTS, TABLES, Table

FIRST, LAST = Hour.parse("2026-11-18T00"), Hour.parse("2026-11-20T23")
BUSY = Hour.parse("2026-11-20T21")
LATER = datetime(2026, 11, 22, 12, tzinfo=UTC)
DAYS = 3


def lines_of_three_days() -> list[str]:
    """A visitor every three hours, and one whose session crosses each midnight."""
    lines = []
    for number in range(0, DAYS * 24, 3):
        at = FIRST.start + timedelta(hours=number, minutes=10)
        lines.append(Client(f"192.0.2.{number}").get(f"{at:%Y-%m-%dT%H:%M:%S}", "/"))
    for day in range(DAYS - 1):
        midnight = FIRST.start + timedelta(days=day + 1)
        for minutes in (-10, 10):
            at = midnight + timedelta(minutes=minutes)
            lines.append(Client("192.0.2.200").get(f"{at:%Y-%m-%dT%H:%M:%S}", "/night"))
    return lines


@pytest.fixture
def of_three_days(lake: Lake) -> Lake:
    """A lake of three days."""
    source = lake.settings.sources[0]
    append(Path(source.path) / "access.log", lines_of_three_days())
    pull_source(lake, source)
    build_all(lake, FIRST, LAST, "first")
    return lake


def without_statistics(lake: Lake) -> dict[str, int]:
    """How many data files lack bounds that are those of their rows."""
    return {t.name: n for t in TABLES if (n := _lacking(iceberg_tables.load(lake, t)))}


def _lacking(loaded: iceberg_tables.LoadedTable) -> int:
    tasks = loaded.iceberg.scan().plan_files()
    return sum(not _has_true_bounds(loaded, task) for task in tasks)


def _has_true_bounds(loaded: iceberg_tables.LoadedTable, task: Any) -> bool:
    schema = loaded.iceberg.schema()
    day = EqualTo(term="event_date", value=_day(task).isoformat())
    held = loaded.iceberg.scan(row_filter=day).to_arrow()
    told_nulls, rarely_set = task.file.null_value_counts, loaded.table.rarely_set
    for name in loaded.table.filtered_by:
        field = schema.find_field(name)
        bounds = task.file.lower_bounds, task.file.upper_bounds
        if not all(field.field_id in each for each in bounds):
            return False
        if any(told_nulls.get(schema.find_field(n).field_id) is None for n in rarely_set):
            return False
        told = tuple(from_bytes(field.field_type, each[field.field_id]) for each in bounds)
        true = tuple(pc.cast(end, told_type(held[name])).as_py() for end in _ends(held[name]))
        assert told == true, (loaded.table.name, name)
    return True


def told_type(column: pa.ChunkedArray) -> pa.DataType:
    """Iceberg's bounds are texts, or days or microseconds since 1970."""
    if pa.types.is_string(column.type) or pa.types.is_large_string(column.type):
        return pa.string()
    return pa.int32() if pa.types.is_date(column.type) else pa.int64()


def _ends(column: pa.ChunkedArray) -> tuple[pa.Scalar, pa.Scalar]:
    ends = pc.min_max(column)
    return ends["min"], ends["max"]


def _day(task: Any) -> date:
    return date(1970, 1, 1) + timedelta(days=task.file.partition[0])


def days_read(lake: Lake, table: Table, column: str, day: date) -> int:
    """The days whose files a filter of one day of a column reads."""
    since = GreaterThanOrEqual(term=column, value=f"{day.isoformat()}T00:00:00")
    scan = iceberg_tables.load(lake, table).iceberg.scan(row_filter=since)
    return len({_day(task) for task in scan.plan_files()})


def test_every_column_that_readers_filter_by_is_a_required_column_of_its_table() -> None:
    """A column that may be null in all rows of a file would have no bounds, and never get any."""
    for table in TABLES:
        required = {column.name for column in table.columns if column.required}
        assert required.issuperset(table.filtered_by), table.name


def test_published_and_compacted_files_have_the_bounds_of_their_rows(of_three_days: Lake) -> None:
    build_hour(of_three_days, BUSY, "alone")
    find_suspects(of_three_days, now=LATER)
    compact_days(of_three_days, LATER)
    assert without_statistics(of_three_days) == {}
    assert days_read(of_three_days, SESSION_PARTS, "session_started_at", LAST.event_date) == 1
    assert days_read(of_three_days, HITS, "hit_at", LAST.event_date) == 1
