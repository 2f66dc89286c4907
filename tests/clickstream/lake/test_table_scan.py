"""Damage to a data file of a table is an error that names the file, and never other rows."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress

import pyarrow as pa
import pytest
from tests.clickstream.lake.builders import build_rows
from tests.support.damage import flips

from clickstream.core.errors import DamagedObject
from clickstream.core.hours import Hour
from clickstream.lake import Lake, hour_ledger, objects
from clickstream.lake.iceberg import iceberg_tables
from clickstream.tables import HITS, HOUR_LEDGER, Table

HOUR = Hour.parse("2026-11-20T05")
END_BYTES = 8
"""The length of the footer and the magic number (Parquet format, "File Format")."""


@pytest.fixture(params=[HITS, HOUR_LEDGER], ids=lambda table: table.name)
def table(request: pytest.FixtureRequest) -> Table:
    return request.param  # type: ignore[no-any-return]


@pytest.fixture
def published(lake: Lake, table: Table) -> pa.Table:
    """Some rows of an hour, in a table."""
    rows = pa.concat_tables([build_rows(table, HOUR, {}) for _ in range(300)])
    iceberg_tables.load(lake, table).replace(HOUR, HOUR, rows)
    return iceberg_tables.load(lake, table).read(HOUR, HOUR)


def data_file(lake: Lake, table: Table) -> tuple[str, bytes]:
    """Key and bytes of the only data file."""
    [task] = iceberg_tables.load(lake, table).iceberg.scan().plan_files()
    key = task.file.file_path.split("/", 3)[3]
    stored = objects.get(lake, key)
    assert stored is not None
    return key, stored.body


def wrong_pages(body: bytes) -> Iterator[bytes]:
    """The file with a flipped bit in its pages; the footer, which has no checksum, stays."""
    footer = int.from_bytes(body[-END_BYTES:-4], "little") + END_BYTES
    return (pages + body[-footer:] for pages in flips(body[:-footer], 25))


def test_no_flipped_byte_of_a_page_gives_other_rows(
    lake: Lake, table: Table, published: pa.Table
) -> None:
    key, right = data_file(lake, table)
    errors = []
    for wrong in wrong_pages(right):
        objects.put(lake, key, wrong)
        try:
            assert iceberg_tables.load(lake, table).read(HOUR, HOUR) == published
        except DamagedObject as error:
            errors.append(str(error))
    assert len(errors) > 15
    for said in errors:
        assert lake.uri(key) in said
        assert f"rows of {HOUR.event_date} of the table {table.name}" in said
        assert "clickstream verify --deep" in said


def test_damaged_rows_are_not_written_into_a_new_file(lake: Lake, table: Table) -> None:
    later = build_rows(table, HOUR.next, *[{}] * 300)
    loaded = iceberg_tables.load(lake, table)
    loaded.replace(HOUR, HOUR.next, build_rows(table, HOUR, *[{}] * 300), later)
    key, right = data_file(lake, table)
    for wrong in [*wrong_pages(right)][5:20:5]:
        objects.put(lake, key, wrong)
        with suppress(DamagedObject):  # else no page with rows has changed
            iceberg_tables.load(lake, table).replace(HOUR, HOUR, build_rows(table, HOUR, {}))
            assert iceberg_tables.load(lake, table).read(HOUR.next, HOUR.next) == later
            break


def test_readers_of_the_ledger_name_its_damaged_file(lake: Lake) -> None:
    rows = build_rows(HOUR_LEDGER, HOUR, {})
    iceberg_tables.load(lake, HOUR_LEDGER).replace(HOUR, HOUR, rows)
    right = hour_ledger.ledger_row(lake, HOUR)
    key, body = data_file(lake, HOUR_LEDGER)
    for wrong in wrong_pages(body):
        objects.put(lake, key, wrong)
        with suppress(DamagedObject):
            assert hour_ledger.ledger_row(lake, HOUR) == right
        with suppress(DamagedObject):
            assert hour_ledger.rows_of_hours(lake, [HOUR]) == {HOUR: right}
