"""A lake of a version that gave columns other names: its rows are kept, and readers find them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pyarrow as pa
import pytest
from tests.clickstream.pipeline.builders import log_lines, write
from tests.support.lakes import built, contents
from tests.support.localaws_process import LocalAwsProcess

from clickstream import pipeline
from clickstream.hours import Hour
from clickstream.lake import Lake, athena, iceberg_tables
from clickstream.settings import Settings
from clickstream.tables import TABLES, Table

FIRST, LAST = Hour.parse("2026-11-20T22"), Hour.parse("2026-11-21T00")
RENAMED = [table for table in TABLES if any(column.former_name for column in table.columns)]


def former(table: Table) -> Table:
    """The table as the version before the renaming declared it."""
    columns = (replace(c, name=c.former_name or c.name) for c in table.columns)
    return replace(table, columns=tuple(columns))


def bring_back_former_names(lake: Lake) -> None:
    """Rewrite the tables' schemas and files as the former version would have written them."""
    for table in RENAMED:
        rows = iceberg_tables.load(lake, table).read(FIRST, LAST)
        with iceberg_tables.load(lake, table).iceberg.update_schema() as update:
            for column in table.columns:
                if column.former_name:
                    update.rename_column(column.name, column.former_name)
        for hour in (FIRST, FIRST.next, LAST):
            of_hour = rows.filter(pa.compute.equal(rows["hour_at"], hour.naive))
            of_hour = of_hour.rename_columns(former(table).column_names)
            iceberg_tables.load(lake, former(table)).replace(hour, hour, of_hour)


@pytest.fixture
def before(lake_settings: Settings, local_aws: LocalAwsProcess) -> list[object]:
    """What a lake holds before its tables are given their former names again."""
    write(lake_settings.resolve(lake_settings.sources[0].path), log_lines(12, FIRST, LAST))
    lake = built(lake_settings, FIRST, LAST)
    found = contents(lake)
    bring_back_former_names(lake)
    return found


def test_a_lake_of_the_former_version_is_read_rebuilt_and_proven(
    before: list[object], reopen: Callable[[], Lake]
) -> None:
    lake = reopen()
    assert contents(lake) == before
    assert pipeline.verify(lake).is_proven
    for table in RENAMED:
        stored = iceberg_tables.load(lake, table).iceberg.schema()
        assert set(stored.column_names) == set(table.column_names)
        assert [stored.find_field(c.name).doc for c in table.columns] == [
            column.meaning for column in table.columns
        ]
        new = [column.name for column in table.columns if column.former_name]
        sql = f"select {', '.join(f'sum({name})' for name in new)} from {table.name}"
        assert all(athena.query(lake, sql).rows[0])
    pipeline.build_hour(lake, FIRST.next, "again")
    assert contents(reopen()) == before
    assert pipeline.verify(lake).is_proven
