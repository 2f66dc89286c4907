"""Maintenance makes the lake smaller and changes no answer, beside any run and if it is killed."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pytest
from tests.support.access_log import Client, append
from tests.support.faults import Killed
from tests.support.lakes import build_all, sortable_columns

from clickstream.core.errors import ChangedRows, QueryFailed
from clickstream.core.hours import Hour, hour_range
from clickstream.lake import Lake, athena, objects
from clickstream.lake.iceberg import data_files, iceberg_tables, table_maintenance
from clickstream.pipeline.hour.build import clean_hits
from clickstream.pipeline.proof.verify import verify
from clickstream.pipeline.publish.maintenance import (
    LONGEST_QUERY,
    compact_days,
    expire_snapshots,
    sweep_files,
)
from clickstream.pipeline.publish.publish import build_hour
from clickstream.pipeline.pull.host import pull_source
from clickstream.tables import HITS, OF_DATES, REJECTS, TABLES, Table

FIRST, LAST = Hour.parse("2026-11-20T22"), Hour.parse("2026-11-20T23")
DAY = LAST.event_date
SETTLED = datetime(2026, 11, 21, 2, tzinfo=UTC)
NEXT_WEEK = datetime.now(UTC) + timedelta(days=8)
LATE = Client("192.0.2.99").get("2026-11-20T22:30:00", "/late")


def log_lines() -> list[str]:
    """Six visitors that come every nine minutes, and in each hour a line that is none."""
    lines: list[str] = []
    for number in range(14):
        at = FIRST.start + timedelta(minutes=9 * number)
        client = Client(f"192.0.2.{number * 5 % 6}")
        lines.append(client.get(f"{at:%Y-%m-%dT%H:%M:%S}", f"/page-{number % 7}"))
        lines += ["this is no line"] if number in (1, 12) else []
    return lines


def pull(lake: Lake, lines: list[str]) -> None:
    source = lake.settings.sources[0]
    append(Path(source.path) / "access.log", lines)
    pull_source(lake, source)


@pytest.fixture
def built(lake: Lake) -> Lake:
    """The last two hours of a day, as the hourly runs publish them."""
    pull(lake, log_lines())
    for hour in hour_range(FIRST, LAST):
        build_hour(lake, hour, "test")
    return lake


def rows(lake: Lake, table: Table) -> pd.DataFrame:
    """A table's rows, in the order in which its files hold them."""
    return iceberg_tables.load(lake, table).iceberg.scan().to_arrow().to_pandas()


def contents(lake: Lake) -> dict[str, pd.DataFrame]:
    """Every row of every table, in one order whatever files they are in."""
    return {
        table.name: rows(lake, table).sort_values(sortable_columns(table), ignore_index=True)
        for table in TABLES
    }


def assert_same(left: dict[str, pd.DataFrame], right: dict[str, pd.DataFrame]) -> None:
    for name, frame in left.items():
        pd.testing.assert_frame_equal(frame, right[name], obj=name)


def files_of(lake: Lake, table: Table) -> int:
    return len(list(iceberg_tables.load(lake, table).iceberg.scan().plan_files()))


def keep_up(lake: Lake, now: datetime) -> None:
    compact_days(lake, now)
    expire_snapshots(lake, now)
    sweep_files(lake, now)


def test_a_day_that_is_over_becomes_one_file_of_the_same_rows(built: Lake) -> None:
    before = contents(built)
    reader = iceberg_tables.load(built, HITS).iceberg.scan()
    too_early = compact_days(built, SETTLED - timedelta(seconds=1))
    assert too_early.files_before == 0
    assert compact_days(built, SETTLED).sentence == "10 small data files became 5."
    for table in TABLES:
        assert files_of(built, table) == min(1, len(before[table.name]))
        held = rows(built, table)
        ordered = held.sort_values(list(table.sort_by), ignore_index=True, kind="stable")
        pd.testing.assert_frame_equal(held, ordered)
    assert_same(contents(built), before)
    assert verify(built).is_proven
    assert reader.to_arrow().num_rows == len(before["hits"])
    assert compact_days(built, SETTLED).files_before == 0


@pytest.mark.lake
def test_hours_that_were_published_as_one_are_one_file_already(built: Lake) -> None:
    before = contents(built)["hits"]
    build_all(built, FIRST, LAST, "again")
    assert compact_days(built, SETTLED).files_before == 0
    pd.testing.assert_frame_equal(contents(built)["hits"], before)


@pytest.mark.lake
def test_a_large_day_becomes_files_of_neighbouring_hours(
    built: Lake, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = contents(built)
    monkeypatch.setattr(data_files, "ROWS_PER_FILE", 10)
    assert compact_days(built, SETTLED).files_after == 3
    assert [files_of(built, table) for table in TABLES] == [2, 2, 1, 1, 0, 1, *[0] * len(OF_DATES)]
    assert compact_days(built, SETTLED).files_before == 0
    assert_same(contents(built), before)


def test_a_file_with_other_rows_is_never_taken(
    built: Lake, monkeypatch: pytest.MonkeyPatch
) -> None:
    before, compared = contents(built), table_maintenance._compare
    for places in (slice(1, None), slice(None, None, -1)):  # a row less, and as many others

        def compare(rows: pa.Table, *more: Any, places: slice = places) -> Any:
            return compared(rows.take([*range(len(rows))[places]]), *more)

        monkeypatch.setattr(table_maintenance, "_compare", compare)
        with pytest.raises(ChangedRows, match="no table has it"):
            compact_days(built, SETTLED)
        assert_same(contents(built), before)


@pytest.mark.lake
def test_builds_and_compactions_at_once_end_with_the_same_rows(
    built: Lake, reopen: Callable[[], Lake]
) -> None:
    pull(built, [LATE, Client("192.0.2.98").get("2026-11-20T23:59:00", "/late")])
    errors: list[BaseException] = []

    def work(job: Callable[[Lake], Any]) -> None:
        try:
            job(reopen())
        except BaseException as error:
            errors.append(error)

    jobs: list[Callable[[Lake], Any]] = [
        lambda lake: [compact_days(lake, SETTLED) for _ in range(3)],
        lambda lake: build_hour(lake, FIRST, "one"),
        lambda lake: build_hour(lake, LAST, "two"),
    ]
    threads = [threading.Thread(target=work, args=(job,)) for job in jobs]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []
    compact_days(built, SETTLED)
    assert files_of(built, HITS) == 1
    assert verify(built).is_proven
    assert (rows(built, HITS)["page"] == "/late").sum() == 2
    assert len(rows(built, HITS)) + len(rows(built, REJECTS)) == len(log_lines()) + 2


def count_as_of(lake: Lake, moment: datetime) -> int:
    then = moment.replace(tzinfo=None).isoformat(" ", "milliseconds")
    sql = f"select count(*) from hits for timestamp as of timestamp '{then} UTC'"
    return int(athena.query(lake, sql).rows[0][0])


@pytest.mark.lake
def test_queries_travel_back_as_far_as_snapshots_are_kept(built: Lake) -> None:
    """What counts is when a state was replaced: the first one is as old as the table."""
    yesterday = datetime.now(UTC)
    lines = len(rows(built, HITS))
    pull(built, [LATE])
    build_hour(built, FIRST, "late")
    compact_days(built, SETTLED)
    today = datetime.now(UTC)
    keep = timedelta(days=built.settings.maintenance.snapshot_days) + LONGEST_QUERY
    keep_up(built, yesterday + keep)
    assert count_as_of(built, yesterday) == lines
    assert count_as_of(built, today) == lines + 1
    keep_up(built, today + keep)
    assert count_as_of(built, today) == lines + 1
    with pytest.raises(QueryFailed, match="No version history"):
        count_as_of(built, yesterday)
    assert verify(built).is_proven


def referenced(lake: Lake) -> set[str]:
    """Keys of all files that the tables refer to."""
    tables = (iceberg_tables.load(lake, table).iceberg for table in TABLES)
    found = (address for table in tables for address in table_maintenance.referenced(table))
    return {address.removeprefix(lake.uri("")) for address in found}


def keys(lake: Lake, prefix: str) -> set[str]:
    return {key for key, _ in objects.listing(lake, prefix)}


def test_only_what_nothing_needs_is_swept(built: Lake) -> None:
    """Without an expiry every data file is needed; what a dead commit left is not, nor staging."""
    kept = {prefix: keys(built, prefix) for prefix in ("raw/", "bookmarks/", "warehouse/")}
    folder = iceberg_tables.load(built, HITS).iceberg.location().removeprefix(built.uri(""))
    left_over = f"{folder}/data/event_date={DAY}/left-over.parquet"
    objects.put(built, left_over, b"of a dead commit")
    sweep_files(built, datetime.now(UTC))
    assert left_over in keys(built, "warehouse/")
    assert len(keys(built, "staging/")) == 10
    sweep_files(built, NEXT_WEEK)
    assert keys(built, "warehouse/") == kept["warehouse/"] & referenced(built)
    assert all(keys(built, prefix) == kept[prefix] for prefix in ("raw/", "bookmarks/"))
    assert keys(built, "staging/") == keys(built, "athena-results/") == set()
    assert_time_travel_works(built)


def assert_time_travel_works(lake: Lake) -> None:
    """Every snapshot that is kept can be read, with all its files."""
    for table in TABLES:
        loaded = iceberg_tables.load(lake, table).iceberg
        for snapshot in loaded.snapshots():
            loaded.scan(snapshot_id=snapshot.snapshot_id).to_arrow()


@pytest.mark.lake
def test_staged_rows_of_an_hour_that_is_being_built_all_stay(built: Lake) -> None:
    time.sleep(1)  # S3 tells when an object was written to the second
    moment = datetime.now(UTC).replace(microsecond=0)
    clean_hits(built, FIRST)
    assert {item.key.split("/")[1] for item in table_maintenance.staged(built, moment)} == {
        str(LAST)
    }


def test_a_dry_run_says_what_the_next_one_does(built: Lake) -> None:
    before = keys(built, "")
    steps = (compact_days, expire_snapshots, sweep_files)
    said = [step(built, NEXT_WEEK, dry_run=True) for step in steps]
    assert keys(built, "") == before
    assert said[0].files_before == 10
    assert compact_days(built, NEXT_WEEK).files_before == 10
    for step in steps[1:]:
        said = step(built, NEXT_WEEK, dry_run=True).as_dict()
        assert step(built, NEXT_WEEK).as_dict() == said | {"dry_run": False}
        assert step(built, NEXT_WEEK).as_dict() != said | {"dry_run": False}


class _Dying:
    """A client that dies at a call of an operation, before it or after it."""

    def __init__(self, real: Any, operation: str, calls: int, after: bool) -> None:
        self._real, self._operation, self._left, self._after = real, operation, calls, after

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._real, name)
        return self._counted(found) if name == self._operation else found

    def _counted(self, call: Callable[..., Any]) -> Callable[..., Any]:
        def counted(**request: Any) -> Any:
            self._left -= 1
            if self._left < 0 and not self._after:
                raise Killed
            answer = call(**request)
            if self._left < 0:
                raise Killed
            return answer

        return counted


@pytest.mark.lake
def test_maintenance_killed_at_any_commit_or_deletion_is_repaired_by_the_next(built: Lake) -> None:
    """Lives in turn: one dies after its first commit or deletion, one before its second."""
    before = contents(built)
    fatal = {"glue": "update_table", "s3": "delete_objects"}
    deaths = 0
    for life in range(30):
        mortal = Lake(built.settings, built.session)
        for service, operation in fatal.items():
            dying = _Dying(getattr(built, service), operation, life % 2, after=life % 2 == 0)
            mortal.__dict__[service] = dying
        try:
            keep_up(mortal, NEXT_WEEK)
            break
        except Killed:
            deaths += 1
            assert_same(contents(built), before)
    assert deaths >= 10
    assert verify(built).is_proven
    assert keys(built, "warehouse/") <= referenced(built)
