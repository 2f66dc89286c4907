"""Whatever is broken in a lake, verify names its hour, and repair restores the lake."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pandas as pd
import pyarrow as pa
import pytest
from tests.clickstream.pipeline.builders import log_lines, write
from tests.clickstream.pipeline.test_any_order import contents
from tests.support.lakes import built, settings_of_a_lake
from tests.support.localaws_process import LocalAwsProcess
from tests.support.tiers import first_in_make_test

from clickstream.core.hours import Hour
from clickstream.lake import Lake, objects, raw
from clickstream.lake.iceberg import iceberg_tables
from clickstream.lake.publication import PUBLISHING, begin, hours_of
from clickstream.lake.raw import RawRange
from clickstream.pipeline.proof import athena_checks
from clickstream.pipeline.proof.repair import repair
from clickstream.pipeline.proof.verify import LINES_WAIT, verify
from clickstream.pipeline.publish.publish import build_hour
from clickstream.tables import HITS, HOUR_LEDGER, REJECTS, SESSION_PARTS, Table

FIRST, LAST = Hour.parse("2026-11-20T22"), Hour.parse("2026-11-21T00")
HOUR = FIRST.next


@pytest.fixture(scope="module")
def lake(local_aws: LocalAwsProcess, tmp_path_factory: pytest.TempPathFactory) -> Lake:
    """Three hours around a midnight, built; every test leaves it as it was."""
    logs = tmp_path_factory.mktemp("verify") / "logs"
    write(logs, log_lines(12, FIRST, LAST))
    return built(settings_of_a_lake(local_aws.endpoint, logs), FIRST, LAST)


CHANGED = (HITS, SESSION_PARTS, REJECTS, HOUR_LEDGER)


@pytest.fixture(scope="module")
def right(lake: Lake) -> dict[str, pa.Table]:
    """The hour's rows in every table, as they should be."""
    assert verify(lake).is_proven
    return {table.name: iceberg_tables.load(lake, table).read(HOUR, HOUR) for table in CHANGED}


def restore(lake: Lake, right: dict[str, pa.Table]) -> None:
    for table in CHANGED:
        iceberg_tables.load(lake, table).replace(HOUR, HOUR, right[table.name])
    raw.clear_pending(lake, raw.pending_by_hour(lake).get(HOUR, []))
    objects.delete(lake, [key for key, _ in objects.listing(lake, PUBLISHING)])


def rewrite(lake: Lake, table: Table, change: Callable[[list[dict[str, Any]]], Any]) -> None:
    """Change the rows of an hour behind the pipeline's back."""
    loaded = iceberg_tables.load(lake, table)
    rows = loaded.read(HOUR, HOUR).to_pylist()
    change(rows)
    loaded.replace(HOUR, HOUR, pa.Table.from_pylist(rows, table.arrow_schema()))


def changed(name: str, value: Any, row: int = 0) -> Callable[[list[dict[str, Any]]], Any]:
    return lambda rows: rows[row].update({name: value})


def stored_twice(lake: Lake) -> None:
    hits = iceberg_tables.load(lake, HITS)
    hits.iceberg.append(hits.read(HOUR, HOUR))


def late_line(lake: Lake) -> None:
    """A line that cannot be read, so that the tables' other rows are what they were."""
    raw.store(lake, HOUR, RawRange("web-9", "f" * 8, 0, 9, "combined"), b"cut in the mid\n")


def without_late_line(lake: Lake) -> None:
    objects.delete(lake, [raw.list_raw(lake, HOUR)[-1].key])
    build_hour(lake, HOUR, "tests")


def stray_mark(lake: Lake) -> None:
    objects.put(lake, f"pending/{HOUR}/web-1-gone-0-9.combined.gz", b"")


def mark_left_behind(lake: Lake) -> None:
    key = raw.list_raw(lake, HOUR)[0].key
    objects.put(lake, key.replace("raw/", "pending/"), b"")


def mark_of_a_killed_run(lake: Lake) -> None:
    begin(lake, hours_of([HOUR]), "killed", ["a version"])


FAULTS: dict[str, Callable[[Lake], None]] = {
    "a hit is gone": lambda lake: rewrite(lake, HITS, lambda rows: rows.pop()),
    "a hit is another visitor's": lambda lake: rewrite(lake, HITS, changed("visitor_id", "x")),
    "a hit is of another part": lambda lake: rewrite(lake, HITS, changed("part_id", "x")),
    "a hit is of another hour": lambda lake: rewrite(
        lake, HITS, changed("raw_object", f"raw/{FIRST}/x")
    ),
    "hits stand twice": stored_twice,
    "a line is a hit and a reject": lambda lake: rewrite(
        lake,
        REJECTS,
        lambda rows: rows[0].update(
            {
                n: iceberg_tables.load(lake, HITS).read(HOUR, HOUR).to_pylist()[0][n]
                for n in ("raw_object", "line_number")
            }
        ),
    ),
    "a reject is gone": lambda lake: rewrite(lake, REJECTS, lambda rows: rows.pop()),
    "a part is gone": lambda lake: rewrite(lake, SESSION_PARTS, lambda rows: rows.pop()),
    "a part says too much": lambda lake: rewrite(lake, SESSION_PARTS, changed("requests", 999)),
    "a session has no first part": lambda lake: rewrite(
        lake, SESSION_PARTS, changed("session_id", "x")
    ),
    "open sessions are others": lambda lake: rewrite(
        lake, SESSION_PARTS, lambda rows: [row.update(session_id=row["part_id"]) for row in rows]
    ),
    "the hour is not in the ledger": lambda lake: rewrite(
        lake, HOUR_LEDGER, lambda rows: rows.pop()
    ),
    "the hour is in the ledger twice": lambda lake: rewrite(
        lake, HOUR_LEDGER, lambda rows: rows.append(rows[0])
    ),
    "the balance does not close": lambda lake: rewrite(
        lake, HOUR_LEDGER, changed("page_requests", 999)
    ),
    "another carry was taken over": lambda lake: rewrite(
        lake, HOUR_LEDGER, changed("carry_in", "x")
    ),
    "another carry was handed on": lambda lake: rewrite(
        lake, HOUR_LEDGER, changed("carry_out", "x")
    ),
    "a mark means nothing": stray_mark,
    "a mark was left behind": mark_left_behind,
    "a publication was killed": mark_of_a_killed_run,
}


@pytest.mark.parametrize("fault", first_in_make_test(FAULTS))
def test_verify_names_the_hour_of_every_fault(
    lake: Lake, right: dict[str, pa.Table], fault: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By looking at the whole range, and at hour after hour."""
    FAULTS[fault](lake)
    report = verify(lake, FIRST, LAST)
    found = report.findings
    monkeypatch.setattr(athena_checks, "LINES_AT_ONCE", 1)
    assert verify(lake, FIRST, LAST) == report
    assert not report.is_proven
    assert HOUR in {finding.hour for finding in found}
    assert all("To repair it: clickstream repair" in finding.sentence for finding in found)
    restore(lake, right)


def test_a_raw_object_in_place_of_another_is_a_line_that_waits(lake: Lake) -> None:
    key = raw.list_raw(lake, HOUR)[0].key
    body, other = objects.get(lake, key).body, key.replace("/web-1-", "/web-7-")
    objects.put(lake, other, body)
    objects.delete(lake, [key])
    try:
        found = {one.hour: one.sentence for one in verify(lake, FIRST, LAST).findings}
    finally:
        objects.put(lake, key, body)
        objects.delete(lake, [other])
    assert LINES_WAIT in found[HOUR]
    assert verify(lake, FIRST, LAST).is_proven


def test_repair_builds_the_hours_that_verify_names(lake: Lake, right: dict[str, pa.Table]) -> None:
    before = contents(lake)
    for fault in ("a hit is gone", "hits stand twice", "a reject is gone", "a part says too much"):
        FAULTS[fault](lake)
    FAULTS["another carry was taken over"](lake)
    stray_mark(lake)
    mark_of_a_killed_run(lake)
    assert verify(lake, LAST).is_proven
    assert verify(lake, FIRST, FIRST).is_proven
    report = verify(lake)
    assert {finding.hour for finding in report.findings} == {HOUR}
    assert any("was interrupted" in finding.problem for finding in report.findings)
    assert repair(lake, report, "tests").is_proven
    for name, frame in contents(lake).items():
        pd.testing.assert_frame_equal(frame, before[name], obj=name)


def test_an_hour_that_can_not_be_built_does_not_stop_the_repair_of_others(lake: Lake) -> None:
    key = raw.list_raw(lake, FIRST)[0].key
    body = objects.get(lake, key).body
    sentences: list[str] = []
    objects.put(lake, key, body[:-5])
    FAULTS["a hit is gone"](lake)
    try:
        left = repair(lake, verify(lake), "tests", sentences.append)
    finally:
        objects.put(lake, key, body)
    assert {finding.hour for finding in left.findings} == {FIRST}
    assert sentences[0].startswith(f"Hour {FIRST} was not built: ")
    assert verify(lake).is_proven


@pytest.mark.lake
def test_an_hour_that_is_published_meanwhile_is_right(lake: Lake) -> None:
    """Its row in the ledger is read before another build, and its rows and lines after it."""
    late_line(lake)
    told: list[str] = []

    def publish(what: str) -> None:
        told.append(what)
        if told.count("Rows, parts and lines") == 1 == told.count(what):
            build_hour(lake, HOUR, "meanwhile")

    assert verify(lake, progress=publish).is_proven
    assert told.count("The ledger") == 2, "the first look should have met a changed hour"
    without_late_line(lake)


def test_late_lines_are_built_in(lake: Lake) -> None:
    late_line(lake)
    report = verify(lake)
    (found,) = report.findings
    assert (found.hour, found.problem) == (HOUR, "it does not contain its late lines yet")
    told: list[str] = []
    assert repair(lake, report, "tests", told.append).is_proven
    assert told[0].startswith(f"Hour {HOUR} published")
    without_late_line(lake)


@pytest.mark.lake
def test_an_hour_whose_raw_lines_are_gone_is_left_alone(lake: Lake) -> None:
    late_line(lake)
    build_hour(lake, HOUR, "tests")
    objects.delete(lake, [raw.list_raw(lake, HOUR)[-1].key])
    before = contents(lake)
    report = verify(lake)
    (found,) = report.findings
    assert "of which 1 still exist" in found.problem
    assert "clickstream repair" not in found.sentence
    assert repair(lake, report, "tests").findings == (found,)
    for name, frame in contents(lake).items():
        pd.testing.assert_frame_equal(frame, before[name], obj=name)
    build_hour(lake, HOUR, "tests")
