"""Which snapshots of a table are forgotten, and that a commit gets no slower for their number."""

from __future__ import annotations

from itertools import groupby

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pyiceberg.table.snapshots import Snapshot

from clickstream.hours import Hour
from clickstream.lake import Lake, iceberg_tables, objects
from clickstream.tables import REJECTS

moments = st.lists(st.integers(0, 5 * iceberg_tables.MS_PER_HOUR), max_size=200)


@given(moments, st.sets(st.integers(0, 199)))
def test_the_newest_and_the_last_of_each_hour_stay(times: list[int], tagged: set[int]) -> None:
    snapshots = [
        Snapshot(snapshot_id=number, timestamp_ms=at, manifest_list="")
        for number, at in enumerate(sorted(times))
    ]
    forgotten = iceberg_tables.forgettable(snapshots, tagged)
    newest = [each.snapshot_id for each in snapshots[-iceberg_tables.NEWEST_SNAPSHOTS :]]
    hours = groupby(snapshots, lambda each: each.timestamp_ms // iceberg_tables.MS_PER_HOUR)
    last_of_hours = [list(of_hour)[-1].snapshot_id for _, of_hour in hours]
    stay = {*newest, *last_of_hours, *tagged}
    assert set(forgotten) == {each.snapshot_id for each in snapshots} - stay


def test_a_table_remembers_few_snapshots_and_all_its_rows(
    lake: Lake, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(iceberg_tables, "NEWEST_SNAPSHOTS", 4)
    monkeypatch.setattr(iceberg_tables, "FORGOTTEN_AT_ONCE", 3)
    hour, hours = Hour.parse("2026-11-20T00"), 15
    row = dict.fromkeys(REJECTS.column_names, None)
    row |= {c.name: "text" for c in REJECTS.columns if c.required and c.type == "string"}
    row |= {c.name: 1 for c in REJECTS.columns if c.required and c.type in ("int", "long")}
    for _ in range(hours):
        row |= {"event_date": hour.event_date, "hour_at": hour.naive}
        rows = pa.Table.from_pylist([row], schema=REJECTS.arrow_schema())
        iceberg_tables.load(lake, REJECTS).replace(hour, hour, rows)
        hour = hour.next
    table = iceberg_tables.load(lake, REJECTS).iceberg
    assert len(table.snapshots()) <= 4 + 3 + 2  # two hours of the clock, if one ends meanwhile
    assert table.scan().count() == hours
    assert len(table.inspect.manifests()) < hours
    keys = [key for key, _ in objects.listing(lake, "warehouse/")]
    described = [key for key in keys if f"{REJECTS.name}/metadata" in key and ".json" in key]
    assert len(described) <= 1 + int(
        iceberg_tables.PROPERTIES["write.metadata.previous-versions-max"]
    )
    assert not [key for key in keys if key.endswith("/")], "S3 has no directories to keep up"
