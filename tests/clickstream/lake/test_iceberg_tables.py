"""Hours are replaced inside files that hold other hours, and old snapshots are dropped."""

from __future__ import annotations

from itertools import groupby

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pyiceberg.table.snapshots import Snapshot
from tests.clickstream.lake.builders import build_rows, store_rows

from clickstream.core.errors import StaleHour
from clickstream.core.hours import Hour
from clickstream.lake import Lake, iceberg_properties, objects
from clickstream.lake.iceberg import iceberg_tables
from clickstream.tables import REJECTS, SESSION_CHANGES

FIRST = Hour.parse("2026-11-20T00")
LAST = FIRST.plus(5)
TEXTS = st.none() | st.sampled_from(["a", "b", "café"])
Change = tuple[int, int, list[list[str | None]]]


@st.composite
def changes(draw: st.DrawFn) -> Change:
    """The first and the last hour that are replaced, and the new texts of each hour."""
    first = draw(st.integers(0, 5))
    last = draw(st.integers(first, 5))
    some = st.lists(TEXTS, max_size=3)
    return first, last, [draw(some) for _ in range(first, last + 1)]


def rows(hour: Hour, texts: list[str | None]) -> pa.Table:
    return build_rows(SESSION_CHANGES, hour, *({"new_session_id": text} for text in texts))


def replace(loaded: iceberg_tables.LoadedTable, change: Change) -> None:
    first, last, texts = change
    hours = [FIRST.plus(number) for number in range(first, last + 1)]
    loaded.replace(hours[0], hours[-1], *map(rows, hours, texts))


def stored(lake: Lake) -> dict[int, list[str | None]]:
    found: dict[int, list[str | None]] = {number: [] for number in range(6)}
    for row in iceberg_tables.load(lake, SESSION_CHANGES).read(FIRST, LAST).to_pylist():
        found[Hour.at(row["hour_at"]).number - FIRST.number].append(row["new_session_id"])
    return {number: sorted(texts, key=str) for number, texts in found.items()}


@given(st.lists(changes(), min_size=1, max_size=4))
def test_hours_hold_what_was_written_last(lake: Lake, some: list[Change]) -> None:
    replace(iceberg_tables.load(lake, SESSION_CHANGES), (0, 5, [["x", None]] * 6))
    expected: dict[int, list[str | None]] = {number: ["x", None] for number in range(6)}
    for change in some:
        replace(iceberg_tables.load(lake, SESSION_CHANGES), change)
        first, last, texts = change
        expected |= dict(zip(range(first, last + 1), texts, strict=True))
    assert stored(lake) == {n: sorted(texts, key=str) for n, texts in expected.items()}


@pytest.mark.parametrize("second", [2, 3])
def test_who_comes_second_to_a_file_starts_afresh(lake: Lake, second: int) -> None:
    """For the same hour, and for another one that lies in the same file."""
    replace(iceberg_tables.load(lake, SESSION_CHANGES), (0, 5, [["x"]] * 6))
    one, other = (iceberg_tables.load(lake, SESSION_CHANGES) for _ in range(2))
    replace(one, (2, 2, [["one"]]))
    with pytest.raises(StaleHour):
        replace(other, (second, second, [["other"]]))
    assert stored(lake) == {n: ["one"] if n == 2 else ["x"] for n in range(6)}


def test_rows_that_came_to_one_of_the_hours_meanwhile_are_noticed(lake: Lake) -> None:
    replace(
        iceberg_tables.load(lake, SESSION_CHANGES), (0, 5, [["x"], ["x"], [], ["x"], ["x"], ["x"]])
    )
    one, other = (iceberg_tables.load(lake, SESSION_CHANGES) for _ in range(2))
    replace(one, (2, 2, [["one"]]))
    with pytest.raises(StaleHour):
        replace(other, (1, 2, [["other"], ["other"]]))


def test_other_days_are_nobodys_conflict_and_the_log_has_nothing_of_it(
    lake: Lake, caplog: pytest.LogCaptureFixture
) -> None:
    """Though one file is dropped and one written anew, in two snapshots of a commit."""
    replace(iceberg_tables.load(lake, SESSION_CHANGES), (0, 2, [["x"]] * 3))
    replace(iceberg_tables.load(lake, SESSION_CHANGES), (3, 5, [["x"]] * 3))
    one, other = (iceberg_tables.load(lake, SESSION_CHANGES) for _ in range(2))
    one.replace(FIRST.plus(24), FIRST.plus(24), rows(FIRST.plus(24), ["one"]))
    replace(other, (1, 5, [["other"]] * 5))
    assert stored(lake) == {n: ["x"] if n == 0 else ["other"] for n in range(6)}
    assert caplog.messages == []


def test_what_stays_of_a_file_is_one_file(lake: Lake) -> None:
    replace(iceberg_tables.load(lake, SESSION_CHANGES), (0, 5, [["x"] * 50] * 6))
    replace(iceberg_tables.load(lake, SESSION_CHANGES), (2, 2, [["one"]]))
    table = iceberg_tables.load(lake, SESSION_CHANGES).iceberg
    files = table.inspect.files().to_pylist()
    assert sorted(file["record_count"] for file in files) == [1, 250]


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
    for _ in range(hours):
        store_rows(lake, REJECTS, hour, {})
        hour = hour.next
    table = iceberg_tables.load(lake, REJECTS).iceberg
    assert len(table.snapshots()) <= 4 + 3 + 2  # two hours of the clock, if one ends meanwhile
    assert table.scan().count() == hours
    assert len(table.inspect.manifests()) < hours
    keys = [key for key, _ in objects.listing(lake, "warehouse/")]
    described = [key for key in keys if f"{REJECTS.name}/metadata" in key and ".json" in key]
    assert len(described) <= 1 + int(
        iceberg_properties.PROPERTIES["write.metadata.previous-versions-max"]
    )
    assert not [key for key in keys if key.endswith("/")], "S3 has no directories to keep up"
