"""The lake of an older release is extended and read by the present one, with tasks in flight."""

from __future__ import annotations

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from tests.clickstream.upgrade.stored_lake import restore, settings_of_the_lake
from tests.clickstream.upgrade.write_lake import (
    CLEANED,
    FIRST,
    LAST,
    LONG_LINE_BYTES,
    STITCHED,
    lines_of_hour,
)
from tests.support.engines import Engine
from tests.support.lakes import aws_session, build_all
from tests.support.localaws_process import LocalAwsProcess
from tests.support.trino_client import give_views_an_owner

from clickstream.dashboard.questions.fact_copy import FactCopy
from clickstream.errors import OutdatedStagedRows
from clickstream.hours import Hour
from clickstream.lake import Lake, athena, fact_files, hour_ledger, open_lake, table_properties
from clickstream.lake.athena import QueryResult
from clickstream.lake.fact_files import Manifest
from clickstream.lake.iceberg import iceberg_tables
from clickstream.pipeline.backfill.backfill import plan_backfill
from clickstream.pipeline.hour.build import build_sessions, check_hour
from clickstream.pipeline.hour.states import CleanedHour, StitchedHour
from clickstream.pipeline.proof.report import Finding
from clickstream.pipeline.proof.verify import verify
from clickstream.pipeline.publish.facts import FactsRefreshed, refresh_facts
from clickstream.pipeline.publish.publish import refresh_views, register_tables
from clickstream.pipeline.pull.host import pull_source
from clickstream.tables import COLUMNS_VERSION, TABLES

ARCHIVE = Path(__file__).with_name("layout-3.tar.xz")
NEW = CLEANED.next
PROCESSES = 4


@dataclass(frozen=True)
class Opened:
    """The lake after its first opening by this release, and what was known of it before."""

    lake: Lake
    tasks: Mapping[str, Any]
    before: Mapping[str, QueryResult]
    findings: tuple[Finding, ...]
    facts: FactsRefreshed
    manifest: Manifest


def ask_all(lake: Lake) -> dict[str, QueryResult]:
    """Return all rows of each table and view of the older release."""
    listed = lake.glue.get_tables(DatabaseName=lake.database)["TableList"]
    return {one["Name"]: athena.query(lake, f"select * from {one['Name']}") for one in listed}


@pytest.fixture(scope="session")
def opened(local_aws: LocalAwsProcess, tmp_path_factory: pytest.TempPathFactory) -> Opened:
    """Open the lake by several processes at once, and refresh its views.

    Once for the session, as pytest may run tests of other modules between those of an engine and
    the others, and the names of the lake are those of the archive.
    """
    settings = settings_of_the_lake(local_aws.endpoint, tmp_path_factory.mktemp("logs"))
    unopened, tasks = restore(ARCHIVE, settings)
    before = ask_all(unopened)
    with ThreadPoolExecutor(PROCESSES) as pool:
        lakes = [*pool.map(lambda _: open_lake(settings, aws_session()), range(PROCESSES))]
    lake = lakes[0]
    findings = verify(lake).findings
    refresh_views(lake)
    give_views_an_owner(lake)
    facts = refresh_facts(lake, now=NEW.end)
    return Opened(lake, tasks, before, findings, facts, manifest_of(lake))


def manifest_of(lake: Lake) -> Manifest:
    stored = fact_files.read_manifest(lake)
    assert stored is not None
    return stored.manifest


def test_each_table_is_extended_by_one_commit_and_then_takes_no_request(opened: Opened) -> None:
    for table in TABLES:
        stored = iceberg_tables.load(opened.lake, table).iceberg
        assert [field.name for field in stored.schema().fields] == table.column_names
        assert len(stored.schemas()) == 1 + any(c.since > 1 for c in table.columns)
        ids = {field.field_id for schema in stored.schemas().values() for field in schema.fields}
        assert len(ids) == len(table.columns)
    assert table_properties.check_tables(opened.lake)


def test_tables_and_views_answer_as_before(opened: Opened, engine: Engine) -> None:
    assert not opened.findings
    assert {"hits", "sessions", "reject_facts", "hour_ledger"} <= opened.before.keys()
    for name, before in opened.before.items():
        columns = ", ".join(before.columns)
        now = engine.query(opened.lake, f"select {columns} from {name}")
        assert sorted(map(str, now.rows)) == sorted(map(str, before.rows)), name


def test_facts_of_unchanged_hours_are_not_computed_again(opened: Opened) -> None:
    """Only the facts of views that the stored release does not have are computed, once."""
    added = {"bot_page_facts", "people_facts", "cohort_facts", "agent_facts"}
    assert opened.facts.computed.keys() == added
    assert opened.facts.queries == len(added)


@pytest.fixture(scope="session")
def upgraded(opened: Opened) -> Lake:
    """Publish the hours in flight and a new one, and build an old one again."""
    lake, tasks = opened.lake, opened.tasks
    register_tables(lake, StitchedHour.from_dict(tasks["check_hour"]), "resumed")
    stitched = build_sessions(lake, CleanedHour.from_dict(tasks["clean_hits"]))
    register_tables(lake, check_hour(lake, stitched), "resumed")
    log = Path(lake.settings.sources[0].path) / "access.log"
    log.write_text("".join(lines_of_hour(NEW)), encoding="utf-8")
    pull_source(lake, lake.settings.sources[0])
    build_all(lake, NEW, NEW, "new")
    build_all(lake, FIRST, FIRST, "again")
    return lake


def test_the_ledger_has_the_columns_version_of_the_release_that_cleaned_the_hour(
    upgraded: Lake,
) -> None:
    rows = hour_ledger.ledger_rows(upgraded, FIRST, NEW)
    older = dict.fromkeys((LAST, STITCHED, CLEANED), 1)
    expected = {FIRST: COLUMNS_VERSION, **older, NEW: COLUMNS_VERSION}
    assert {hour: row.columns_version for hour, row in rows.items()} == expected
    assert verify(upgraded).is_proven


def test_hours_of_the_older_release_read_null(upgraded: Lake, engine: Engine) -> None:
    found = engine.query(
        upgraded, "select hour_at, line_bytes from rejects order by hour_at, line_number"
    )
    cut = len("cut in the mid")
    expected = {FIRST: [LONG_LINE_BYTES, cut], LAST: [None], STITCHED: [None], CLEANED: [None]}
    assert by_hour(found.rows) == {**expected, NEW: [cut]}


def by_hour(rows: Any) -> dict[Hour, list[Any]]:
    """Return the values of rows by the hour in front."""
    found: dict[Hour, list[Any]] = {}
    for hour_at, *values in rows:
        found.setdefault(Hour.at(hour_at), []).extend(values)
    return found


def test_only_hours_without_added_columns_are_outdated(upgraded: Lake) -> None:
    plan = plan_backfill(upgraded, FIRST, NEW, "other", only_outdated=True)
    assert plan.todo == [LAST, STITCHED, CLEANED]


def test_the_dashboard_reads_facts_of_both_releases(
    opened: Opened, upgraded: Lake, tmp_path: Path
) -> None:
    copy = FactCopy(tmp_path, lambda file: fact_files.read_file(upgraded, file))
    assert copy.update(opened.manifest)
    assert longest_lines(copy) == {FIRST: [None, None], LAST: [None]}
    refresh_facts(upgraded, now=NEW.end)
    assert copy.update(manifest_of(upgraded))
    cut = len("cut in the mid")
    expected = {FIRST: [cut, LONG_LINE_BYTES], LAST: [None], STITCHED: [None], CLEANED: [None]}
    assert longest_lines(copy) == {**expected, NEW: [cut]}


def longest_lines(copy: FactCopy) -> dict[Hour, list[Any]]:
    sql = "select hour_at, longest_line_bytes from reject_facts order by all"
    with copy.snapshot() as snapshot:
        return by_hour(snapshot.cursor.execute(sql).fetchall())


def test_staged_rows_of_a_newer_release_are_refused(opened: Opened) -> None:
    newer = {**opened.tasks["clean_hits"], "columns_version": COLUMNS_VERSION + 1}
    with pytest.raises(OutdatedStagedRows, match="Clear the run's task clean_hits"):
        CleanedHour.from_dict(newer)
