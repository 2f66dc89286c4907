"""Columns that are added to the tables: by this release to an older lake, and by a newer one."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import date, datetime
from typing import Any

import pyarrow as pa
import pytest
from tests.support.lakes import aws_session

from clickstream.core.errors import NewerLake, OtherBucket
from clickstream.core.hours import Hour
from clickstream.lake import Lake, client, iceberg_properties, open_lake
from clickstream.lake.iceberg import iceberg_tables, table_schemas
from clickstream.lake.iceberg_properties import PROPERTIES
from clickstream.pipeline.hour.build import clean_hits
from clickstream.pipeline.hour.step_results import CleanedHour
from clickstream.settings import Settings
from clickstream.tables import HITS, REJECTS, TABLES, Column, Table

HOUR = Hour.parse("2026-11-20T22")


def make_lake(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, tables: tuple[Table, ...]
) -> Lake:
    """Make a lake as a release with these tables would."""
    with monkeypatch.context() as patch:
        patch.setattr(client, "TABLES", tables)
        return open_lake(settings, aws_session())


def stored_tables(lake: Lake) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = lake.glue.get_tables(DatabaseName=lake.database)["TableList"]
    return found


@pytest.mark.parametrize("place", [0, len(TABLES) - 1])
def test_a_table_with_columns_of_a_newer_release_is_refused_before_a_write(
    lake_settings: Settings, monkeypatch: pytest.MonkeyPatch, reopen: Callable[[], Lake], place: int
) -> None:
    newer = [*TABLES]
    columns = (*newer[place].columns, Column("new", "long", "New."))
    newer[place] = replace(newer[place], columns=columns)
    lake = make_lake(lake_settings, monkeypatch, tuple(newer))
    before = stored_tables(lake)
    with pytest.raises(NewerLake, match=f"{newer[place].name} .* does not know: new") as error:
        reopen()
    assert error.value.is_permanent
    assert stored_tables(lake) == before


def test_a_lake_is_not_opened_with_another_bucket(lake_settings: Settings) -> None:
    lake = open_lake(lake_settings, aws_session())
    other = lake_settings.lake.model_copy(update={"bucket": "another-bucket"})
    settings = lake_settings.model_copy(update={"lake": other})
    with pytest.raises(OtherBucket, match=f"bucket {lake.bucket}, .* bucket another-bucket"):
        open_lake(settings, aws_session())
    names = [bucket["Name"] for bucket in lake.s3.list_buckets()["Buckets"]]
    assert "another-bucket" not in names


def test_an_older_lake_gets_the_columns_and_tables_that_it_lacks(
    lake_settings: Settings, monkeypatch: pytest.MonkeyPatch, reopen: Callable[[], Lake]
) -> None:
    """In their places; rows that were stored before read null in them."""
    lacking = {HITS: ("host", "response_ms"), REJECTS: ("line_bytes",)}

    def older(table: Table) -> Table:
        names = lacking.get(table, ())
        return replace(table, columns=tuple(c for c in table.columns if c.name not in names))

    rejects = older(REJECTS)
    old = make_lake(lake_settings, monkeypatch, (older(HITS), rejects, *TABLES[3:5]))
    values = {
        "event_date": date(2026, 11, 20),
        "hour_at": datetime(2026, 11, 20, 22),
        "raw_object": "raw/a",
        "line_number": 1,
        "reason": "cut short",
        "line": "GET",
    }
    schema = iceberg_tables.load(old, rejects).iceberg.schema().as_arrow()
    row = {name: values.get(name) for name in rejects.column_names}
    iceberg_tables.load(old, rejects).iceberg.append(pa.Table.from_pylist([row], schema))
    lake = reopen()
    for table in TABLES:
        stored = iceberg_tables.load(lake, table).iceberg.schema()
        assert [field.name for field in stored.fields] == table.column_names
    [read] = iceberg_tables.load(lake, REJECTS).read(HOUR, HOUR).to_pylist()
    assert {**row, "line_bytes": None} == read


def test_staged_rows_of_other_columns_are_refused(lake: Lake) -> None:
    staged = clean_hits(lake, HOUR)
    values = staged.as_dict()
    assert CleanedHour.from_dict(values) == staged
    with pytest.raises(NewerLake, match="Clear the run's task clean_hits with Downstream"):
        CleanedHour.from_dict(values | {"schema": "0123456789ab"})


def test_other_statistics_are_set_and_change_no_column(
    lake_settings: Settings, monkeypatch: pytest.MonkeyPatch, reopen: Callable[[], Lake]
) -> None:
    with monkeypatch.context() as patch:
        for module in (iceberg_properties, table_schemas):
            patch.setattr(module, "properties_of", lambda _: PROPERTIES)
        make_lake(lake_settings, monkeypatch, TABLES)
    lake = reopen()
    for table in TABLES:
        stored = iceberg_tables.load(lake, table).iceberg.properties
        assert iceberg_properties.properties_of(table).items() <= stored.items()
