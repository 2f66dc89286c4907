"""Rows are replaced inside files that hold others, too: by hours, whatever was written before."""

from __future__ import annotations

import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from clickstream.errors import StaleHour
from clickstream.hours import Hour
from clickstream.lake import Lake, iceberg_tables
from clickstream.tables import SESSION_CHANGES

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
    values = {c.name: "text" for c in SESSION_CHANGES.columns if c.type == "string"}
    times = {c.name: hour.naive for c in SESSION_CHANGES.columns if c.type == "timestamp"}
    own = {"event_date": hour.event_date}
    found = [{**values, **times, **own, "new_session_id": text} for text in texts]
    return pa.Table.from_pylist(found, schema=SESSION_CHANGES.arrow_schema())


def replace(loaded: iceberg_tables.LoadedTable, change: Change) -> None:
    first, last, texts = change
    hours = [FIRST.plus(number) for number in range(first, last + 1)]
    loaded.replace(hours[0], hours[-1], *map(rows, hours, texts))


def stored(lake: Lake) -> dict[int, list[str | None]]:
    found: dict[int, list[str | None]] = {number: [] for number in range(6)}
    for row in iceberg_tables.load(lake, SESSION_CHANGES).read(FIRST, LAST).to_pylist():
        found[Hour.at(row["hour_at"]).number - FIRST.number].append(row["new_session_id"])
    return {number: sorted(texts, key=str) for number, texts in found.items()}


@settings(
    max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
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


def test_other_days_are_nobodys_conflict(lake: Lake) -> None:
    """Though one file is dropped and one written anew, in two snapshots of a commit."""
    replace(iceberg_tables.load(lake, SESSION_CHANGES), (0, 2, [["x"]] * 3))
    replace(iceberg_tables.load(lake, SESSION_CHANGES), (3, 5, [["x"]] * 3))
    one, other = (iceberg_tables.load(lake, SESSION_CHANGES) for _ in range(2))
    one.replace(FIRST.plus(24), FIRST.plus(24), rows(FIRST.plus(24), ["one"]))
    replace(other, (1, 5, [["other"]] * 5))
    assert stored(lake) == {n: ["x"] if n == 0 else ["other"] for n in range(6)}


def test_what_stays_of_a_file_is_one_file(lake: Lake) -> None:
    replace(iceberg_tables.load(lake, SESSION_CHANGES), (0, 5, [["x"] * 50] * 6))
    replace(iceberg_tables.load(lake, SESSION_CHANGES), (2, 2, [["one"]]))
    table = iceberg_tables.load(lake, SESSION_CHANGES).iceberg
    files = table.inspect.files().to_pylist()
    assert sorted(file["record_count"] for file in files) == [1, 250]
