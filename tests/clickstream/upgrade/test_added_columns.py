"""A table gets optional columns of any type, while writers of both releases use it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import date, datetime
from typing import Any, get_args

import pyarrow as pa
import pytest
from tests.support.engines import Engine
from tests.support.lakes import aws_session

from clickstream.errors import StaleHour
from clickstream.hours import Hour
from clickstream.lake import Lake, client, hour_ledger, open_lake
from clickstream.lake.iceberg import iceberg_tables, table_maintenance
from clickstream.lake.iceberg.iceberg_tables import LoadedTable
from clickstream.settings import Settings
from clickstream.tables import COLUMNS_VERSION, HOUR_LEDGER, REJECTS, Column, Table
from clickstream.tables.table_type import Type

HOURS = [Hour.parse(f"2026-11-20T2{hour}") for hour in range(3)]
VALUES: dict[Type, Any] = {
    "string": "café",
    "int": 7,
    "long": 2**40,
    "double": 0.5,
    "boolean": True,
    "timestamp": datetime(2026, 11, 20, 21, 30),  # as tables store it
    "date": date(2026, 11, 20),
    "map<string, long>": [("order", 2)],
    "list<long>": [1, 0],
}
NEW = {f"new_{kind.split('<')[0]}": kind for kind in VALUES}
ADDED = tuple(
    Column(name, kind, "Added later.", since=COLUMNS_VERSION + 1) for name, kind in NEW.items()
)
EXTENDED = replace(REJECTS, columns=(*REJECTS.columns[:3], *ADDED, *REJECTS.columns[3:]))
"""The table as a later release has it: new columns of every type, in the middle."""


def row(hour: Hour, table: Table, **values: Any) -> pa.Table:
    """Return a row of an hour."""
    known = {"event_date": hour.event_date, "hour_at": hour.naive, "reason": "cut"}
    of_line = {"raw_object": f"raw/{hour}/one", "line_number": 1, "line": "x", "line_bytes": 1}
    return pa.Table.from_pylist([{**known, **of_line, **values}], table.arrow_schema())


def new_values(lake: Lake, hour: Hour) -> list[dict[str, Any]]:
    """Return the values of the new columns of an hour's rows."""
    rows = iceberg_tables.load(lake, EXTENDED).read(hour, hour).select([*NEW]).to_pylist()
    return [{NEW[name]: value for name, value in one.items()} for one in rows]


def publish(table: LoadedTable, hour: Hour, **values: Any) -> None:
    table.replace(hour, hour, row(hour, table.table, **values))


@pytest.fixture
def extend(lake_settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Callable[[], Lake]:
    """Opens the lake as the later release does."""

    def open_by_later_release() -> Lake:
        with monkeypatch.context() as patch:
            patch.setattr(client, "TABLES", (EXTENDED,))
            return open_lake(lake_settings, aws_session())

    return open_by_later_release


def test_every_type_has_a_value_here() -> None:
    assert [*VALUES] == [*get_args(Type)]


def test_old_files_read_null_and_stay_so_through_rewrites_and_compaction(
    lake: Lake, extend: Callable[[], Lake], engine: Engine
) -> None:
    empty, filled = [dict.fromkeys(VALUES)], [VALUES]
    publish(iceberg_tables.load(lake, REJECTS), HOURS[0])
    before = iceberg_tables.load(lake, REJECTS).iceberg.schema()
    later = extend()
    publish(iceberg_tables.load(later, EXTENDED), HOURS[1], **by_name(VALUES))
    assert [new_values(later, hour) for hour in HOURS[:2]] == [empty, filled]

    after = iceberg_tables.load(later, EXTENDED).iceberg.schema()
    assert [field.name for field in after.fields] == EXTENDED.column_names
    for field in before.fields:
        assert after.find_field(field.name).field_id == field.field_id

    loaded = iceberg_tables.load(later, EXTENDED)
    [group] = table_maintenance.find_groups(loaded, date(2026, 11, 21))
    table_maintenance.compact(loaded, group)
    assert [new_values(later, hour) for hour in HOURS[:2]] == [empty, filled]

    older = iceberg_tables.load(lake, REJECTS)  # of a process that does not know the columns
    older.replace(HOURS[0], HOURS[0], row(HOURS[0], REJECTS, line="y"))
    publish(iceberg_tables.load(lake, REJECTS), HOURS[2])
    assert [new_values(later, hour) for hour in HOURS] == [empty, filled, empty]
    found = engine.query(
        lake, "select hour_at, line, new_long, cardinality(new_map) from rejects order by 1"
    )
    expected = [("y", None, None), ("x", 2**40, 1), ("x", None, None)]
    assert [one[1:] for one in found.rows] == expected


def by_name(values: dict[Type, Any]) -> dict[str, Any]:
    return {name: values[kind] for name, kind in NEW.items()}


def test_a_writer_that_loaded_the_table_before_the_columns_were_added_can_commit(
    lake: Lake, extend: Callable[[], Lake]
) -> None:
    older = iceberg_tables.load(lake, REJECTS)
    later = extend()
    publish(older, HOURS[0])
    publish(iceberg_tables.load(later, EXTENDED), HOURS[1], **by_name(VALUES))
    assert [new_values(later, hour) for hour in HOURS[:2]] == [[dict.fromkeys(VALUES)], [VALUES]]
    with pytest.raises(StaleHour):
        publish(older, HOURS[1])


def test_rows_with_a_column_that_the_table_lacks_are_refused(lake: Lake) -> None:
    with pytest.raises(ValueError, match="columns that the table lacks"):
        publish(LoadedTable(EXTENDED, iceberg_tables.load(lake, REJECTS).iceberg), HOURS[0])


def test_a_change_of_ledger_rows_keeps_columns_of_a_newer_release(
    lake_settings: Settings, lake: Lake, monkeypatch: pytest.MonkeyPatch
) -> None:
    added = Column("new", "string", "Added later.", since=COLUMNS_VERSION + 1)
    extended = replace(HOUR_LEDGER, columns=(*HOUR_LEDGER.columns, added))
    with monkeypatch.context() as patch:
        patch.setattr(client, "TABLES", (extended,))
        later = open_lake(lake_settings, aws_session())
    [hour, *_] = HOURS
    of_hour = {"event_date": hour.event_date, "hour_at": hour.naive, "new": "kept"}
    values = {c.name: of_hour.get(c.name, plain_value(c.type)) for c in extended.columns}
    rows = pa.Table.from_pylist([values], extended.arrow_schema())
    iceberg_tables.load(later, extended).replace(hour, hour, rows)
    assert hour_ledger.rewrite_rows(lake, hour, hour, lambda one: {**one, "waiting_lines": 3})
    changed = hour_ledger.ledger_row(later, hour).values
    assert (changed["new"], changed["waiting_lines"]) == ("kept", 3)


def plain_value(kind: Type) -> Any:
    """Return any value of a required column of the ledger."""
    values: dict[Type, Any] = {"timestamp": HOURS[0].naive, "string": "text", "boolean": True}
    return values.get(kind, 1)
