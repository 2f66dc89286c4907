"""The lake ends in the same state whatever order hours are built in, and however often."""

from __future__ import annotations

import random
from datetime import UTC, datetime
from pathlib import Path

import pandas as pd
import pytest
from tests.clickstream.pipeline.builders import AGENTS, FIRST, LAST, log_lines, write
from tests.support.lakes import build_all, sortable_columns

from clickstream.core.errors import UnbalancedHour
from clickstream.core.hours import hour_range
from clickstream.lake import Lake, hour_ledger, raw
from clickstream.lake.iceberg import iceberg_tables
from clickstream.lake.raw import RawRange
from clickstream.pipeline.hour.build import build_sessions, check_hour, clean_hits
from clickstream.pipeline.proof.verify import verify
from clickstream.pipeline.publish.publish import build_hour, hours_to_build, register_tables
from clickstream.pipeline.pull.host import pull_source
from clickstream.tables import HITS, HOUR_LEDGER, REJECTS, SESSION_PARTS, Table

BY_PUBLICATION = ["published_at", "published_by", "late_lines", "raw_objects", "raw_digest"]


def contents(lake: Lake) -> dict[str, pd.DataFrame]:
    """Every row of every table but what says when and from which objects it was published."""

    def rows(table: Table) -> pd.DataFrame:
        frame = iceberg_tables.load(lake, table).iceberg.scan().to_arrow().to_pandas()
        kept = [
            c for c in table.column_names if c not in (*BY_PUBLICATION, "raw_object", "line_number")
        ]
        by = [name for name in sortable_columns(table) if name in kept]
        return frame[kept].sort_values(by, ignore_index=True)

    return {table.name: rows(table) for table in (HITS, SESSION_PARTS, REJECTS, HOUR_LEDGER)}


def assert_same(left: Lake, right: Lake) -> None:
    assert verify(left).is_proven
    for name, frame in contents(right).items():
        pd.testing.assert_frame_equal(contents(left)[name], frame, obj=name)


@pytest.fixture
def in_order(make_lake, tmp_path: Path) -> Lake:
    """What every other order must come to: all lines there, hours built once, first to last."""
    lines = log_lines(1)
    write(tmp_path / "logs", lines)
    lake = make_lake("inorder")
    pull_source(lake, lake.settings.sources[0])
    build_all(lake, FIRST, LAST, "test")
    return lake


@pytest.mark.lake
def test_the_ledger_adds_up_to_the_lines(in_order: Lake) -> None:
    ledger = hour_ledger.ledger(in_order)
    assert ledger["lines"].sum() == len(log_lines(1))
    assert ledger["rejected"].sum() > 0
    assert len(ledger) == len(list(hour_range(FIRST, LAST)))


@pytest.mark.lake
def test_an_hour_is_published_once_though_the_one_before_came_meanwhile(
    make_lake, tmp_path: Path
) -> None:
    lake, second = make_lake("meanwhile"), FIRST.next
    write(tmp_path / "logs", log_lines(1))
    pull_source(lake, lake.settings.sources[0])
    staged = build_sessions(lake, clean_hits(lake, second))
    build_hour(lake, FIRST, "test")
    assert build_sessions(lake, staged).carry_in != staged.carry_in
    assert [one.reason for one in register_tables(lake, staged, "test")] == ["built"]
    assert verify(lake, FIRST, second).is_proven


@pytest.mark.lake
def test_late_lines_reopen_their_hours(in_order: Lake, make_lake, tmp_path: Path) -> None:
    late = make_lake("late")
    lines = log_lines(1)
    chosen = random.Random(2)
    kept = [line for line in lines if chosen.random() < 0.7]
    for line in kept:
        lines.remove(line)
    source = late.settings.sources[0].model_copy(update={"path": str(tmp_path / "partly")})
    write(tmp_path / "partly", kept, "access.log.1")
    pull_source(late, source)
    build_all(late, FIRST, LAST, "test")
    write(tmp_path / "partly", lines, "access.log")
    pull_source(late, source)
    for hour in hours_to_build(late, LAST.next).hours:
        build_hour(late, hour, "test")
    ledger = hour_ledger.ledger(late)
    assert ledger["late_lines"].sum() == len(lines)
    beyond = ledger[ledger["hour_at"] <= LAST.naive]
    assert beyond["lines"].sum() == len(log_lines(1))
    assert verify(late).is_proven
    assert session_facts(late) == session_facts(in_order)


def session_facts(lake: Lake) -> set[tuple]:
    parts = contents(lake)["session_parts"].groupby("session_id")
    facts = parts.agg({"first_hit_at": "min", "last_hit_at": "max", "requests": "sum"})
    return set(facts.itertuples(name=None))


def test_a_gap_of_hours_reaches_over_an_hour_that_nobody_built(lake: Lake, tmp_path: Path) -> None:
    """Backwards: the later hour is stitched to the earlier one when that comes, two hours on."""
    sessions = lake.settings.sessions.model_copy(update={"timeout_seconds": 7200})
    patient = Lake(lake.settings.model_copy(update={"sessions": sessions}), lake.session)
    stamps = (f"{FIRST.start:%d/%b/%Y:%H}:40:00", f"{FIRST.plus(2).start:%d/%b/%Y:%H}:39:59")
    request = f'"GET / HTTP/1.1" 200 1 "-" "{AGENTS[0]}"\n'
    write(tmp_path / "logs", [f"192.0.2.1 - - [{stamp} +0000] {request}" for stamp in stamps])
    pull_source(patient, patient.settings.sources[0])
    build_hour(patient, FIRST.plus(2), "test")
    build_hour(patient, FIRST, "test")
    assert [facts[-1] for facts in session_facts(patient)] == [2]
    assert verify(patient).is_proven


@pytest.mark.lake
def test_staged_files_of_two_builds_are_the_same_bytes(in_order: Lake) -> None:
    from clickstream.lake import objects

    def staged() -> dict[str, bytes]:
        return {
            key: objects.get(in_order, key).body
            for key, _ in objects.listing(in_order, f"staging/{FIRST.next}/")
        }

    build_sessions(in_order, clean_hits(in_order, FIRST.next))
    before = staged()
    build_sessions(in_order, clean_hits(in_order, FIRST.next))
    assert staged() == before
    assert len(before) == 5


def test_an_hour_that_does_not_add_up_is_not_published(in_order: Lake) -> None:
    from dataclasses import replace

    staged = build_sessions(in_order, clean_hits(in_order, FIRST))
    with pytest.raises(UnbalancedHour, match="does not close, so it stays unpublished"):
        check_hour(in_order, replace(staged, lines=staged.lines + 1))
    hits = sum(staged.balance.values()) - staged.balance["assets"]
    right = {"hits": hits, "parts": staged.session_parts, "rejects": staged.rejected}
    staged.check(**right, advice="")
    for name, said in (("hits", "hits ="), ("parts", "parts as"), ("rejects", "rejects =")):
        with pytest.raises(UnbalancedHour, match=said):
            staged.check(**right | {name: right[name] + 1}, advice="")


def test_lines_that_come_during_a_build_still_wait_after_it(in_order: Lake) -> None:
    hour = FIRST.next
    stitched = build_sessions(in_order, clean_hits(in_order, hour))
    staged = check_hour(in_order, stitched)
    raw.store(in_order, hour, RawRange("web-9", "f" * 8, 0, 9, "combined"), b"too late\n")
    register_tables(in_order, staged, "run")
    assert raw.pending_hours(in_order) == [hour]


def test_hours_are_utc_whatever_the_offset_in_the_log(make_lake, tmp_path: Path) -> None:
    at = datetime(2026, 11, 20, 21, 30, tzinfo=UTC)
    stamp = at.strftime("%d/%b/%Y:03:00:00 +0530").replace("20/Nov", "21/Nov")
    write(
        tmp_path / "logs", [f'192.0.2.1 - - [{stamp}] "GET / HTTP/1.1" 200 1 "-" "{AGENTS[0]}"\n']
    )
    lake = make_lake("offset")
    pulled = pull_source(lake, lake.settings.sources[0])
    assert pulled.hours == ["2026-11-20T21"]
