"""Late lines are counted once, with how late they came and which sessions they changed."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tests.support.access_log import Client, append
from tests.support.lakes import build_all

from clickstream.core.hours import Hour, hour_range
from clickstream.lake import Lake, athena, hour_ledger
from clickstream.pipeline.backfill.backfill import rebuild
from clickstream.pipeline.proof.verify import verify
from clickstream.pipeline.publish.publish import build_hour, hours_to_build
from clickstream.pipeline.pull.host import pull_source

FIRST = Hour.parse("2026-11-20T05")
ANA = Client("192.0.2.1")


def visit(hour: Hour, *minutes: int) -> list[str]:
    return [ANA.get(f"{hour}:{minute:02}:00", "/") for minute in minutes]


def arrive(lake: Lake, tmp_path: Path, lines: list[str], name: str) -> None:
    append(tmp_path / "logs" / name, lines)
    pull_source(lake, lake.settings.sources[0])


def changes(lake: Lake) -> list[tuple[Any, ...]]:
    """Hour, change, cause, and whether the session has another name since."""
    sql = (
        "select hour_at, change, cause, old_session_id <> new_session_id"
        " from session_changes order by 1, 2"
    )
    return athena.query(lake, sql).rows


def late_lines(lake: Lake) -> list[tuple[int, bool]]:
    ledger = hour_ledger.ledger(lake)
    return [*zip(ledger["late_lines"], ledger["late_by_seconds"].notna(), strict=True)]


@pytest.mark.lake
def test_a_late_line_of_an_always_on_device_is_followed_to_the_second_midnight_only(
    lake: Lake, make_lake: Callable[[str], Lake], tmp_path: Path
) -> None:
    """A device with a request every 10 minutes never falls silent, so every session is carried."""
    first = Hour.parse("2026-11-20T11")
    hours = [*hour_range(first, Hour.parse("2026-11-22T02"))]
    lines = [line for hour in hours for line in visit(hour, *range(5, 60, 10))]
    # From 12:05 on, the session is shorter than 12 hours at midnight; from 11:55 on, it is not.
    arrive(lake, tmp_path, lines[6:], "access.log.1")
    build_all(lake, first, hours[-1], "first")
    before = hour_ledger.ledger(lake).set_index("hour_at")["published_at"]
    arrive(lake, tmp_path, lines[5:6], "access.log")
    published = [*rebuild(lake, [first], "late")]
    second_midnight = Hour.parse("2026-11-22T00")
    assert [one.hour for one in published] == [
        str(hour) for hour in hours if hour.start < second_midnight.start
    ]
    after = hour_ledger.ledger(lake).set_index("hour_at")["published_at"]
    is_later = before.index >= second_midnight.naive
    assert (before[is_later] == after[is_later]).all()
    assert verify(lake).is_proven
    once = make_lake("once")
    pull_source(once, once.settings.sources[0])
    build_all(once, first, hours[-1], "once")
    assert session_parts(lake) == session_parts(once)


def session_parts(lake: Lake) -> list[tuple[Any, ...]]:
    columns = "hour_at, session_id, session_started_at, requests"
    return athena.query(lake, f"select {columns} from session_parts order by 1, 2").rows


def test_a_late_line_merges_sessions_and_is_followed_over_the_hour(
    lake: Lake, tmp_path: Path
) -> None:
    """Of three sessions one is left: a line joins two in its hour, another the next hour's."""
    lines = [*visit(FIRST, 10, 50), *visit(FIRST.next, 25)]
    arrive(lake, tmp_path, lines, "access.log.1")
    build_all(lake, FIRST, FIRST.next, "first")
    assert changes(lake) == []
    arrive(lake, tmp_path, visit(FIRST, 30, 59), "access.log")
    for hour in hours_to_build(lake, FIRST).hours:
        build_hour(lake, hour, "late")
    assert changes(lake) == [
        (FIRST.naive, "extended", "late lines", False),
        (FIRST.naive, "merged", "late lines", True),
        (FIRST.next.naive, "merged", "neighbour", True),
    ]
    assert late_lines(lake) == [(2, True), (0, False)]
    assert athena.query(lake, "select count(distinct session_id) from session_parts").rows == [(1,)]
    build_hour(lake, FIRST, "again")
    assert (len(changes(lake)), late_lines(lake)[0]) == (3, (2, True))
    assert verify(lake).is_proven


def test_hours_built_backwards_have_no_late_lines(lake: Lake, tmp_path: Path) -> None:
    arrive(lake, tmp_path, [*visit(FIRST, 50), *visit(FIRST.next, 5)], "access.log")
    build_hour(lake, FIRST.next, "backwards")
    build_hour(lake, FIRST, "backwards")
    assert changes(lake) == [(FIRST.next.naive, "merged", "neighbour", True)]
    assert late_lines(lake) == [(0, False), (0, False)]
