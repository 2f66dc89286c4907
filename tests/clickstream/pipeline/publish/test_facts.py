"""Fact files have the rows of the views, are computed when they change, and only then."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from tests.clickstream.pipeline.builders import log_lines, write
from tests.support.facts import (
    NOW,
    hooked,
    manifest,
    refresh,
    rows_of_facts,
    rows_of_views,
)
from tests.support.lakes import aws_session, build_all, settings_of_a_lake
from tests.support.localaws_process import LocalAwsProcess

from clickstream.core.errors import InputError, QueryFailed
from clickstream.core.hours import Hour
from clickstream.lake import Lake, fact_files, objects, open_lake
from clickstream.lake.fact_files import FACT_VIEWS, FactFile
from clickstream.lake.iceberg import iceberg_tables
from clickstream.pipeline.backfill.backfill import rebuild
from clickstream.pipeline.publish.facts import refresh_facts
from clickstream.pipeline.publish.maintenance import compact_days, sweep_files
from clickstream.pipeline.pull.host import pull_source
from clickstream.settings import DashboardSettings, GoalSettings, SiteSettings
from clickstream.tables import HOUR_LEDGER

HOURS = [Hour.parse(f"2026-11-{hour}") for hour in ("18T23", "19T00", "19T23", "20T00", "21T00")]
MIDDLE = HOURS[3]
DAYS = [date(2026, 11, day) for day in (18, 19, 20, 21)]
OF_SESSIONS = {
    *("session_facts", "page_view_facts", "goal_facts", "session_error_facts", "agent_facts"),
}


@pytest.fixture(scope="module")
def shared(local_aws: LocalAwsProcess, tmp_path_factory: pytest.TempPathFactory) -> Lake:
    """A few hours of four dates; sessions cross two of the midnights."""
    logs = tmp_path_factory.mktemp("facts") / "logs"
    for seed, (first, last) in enumerate((HOURS[:2], HOURS[2:4], HOURS[4:] * 2)):
        write(logs, log_lines(seed, first, last))
    goals = {"menu": GoalSettings(page="/menu")}
    chosen = settings_of_a_lake(local_aws.endpoint, logs).model_copy(update={"goals": goals})
    lake = open_lake(chosen, aws_session())
    pull_source(lake, lake.settings.sources[0])
    for _ in rebuild(lake, HOURS, "test"):
        pass
    return lake


@pytest.fixture
def built(shared: Lake) -> Lake:
    """The lake with its facts up to date, whatever the tests before did to it."""
    refresh(shared)
    return shared


def other_settings(lake: Lake, **sections: object) -> Lake:
    return Lake(lake.settings.model_copy(update=sections), lake.session)


WITHOUT_ROWS = {"agent_facts", "people_facts", "cohort_facts"}
"""No signed agent comes, and no date is searched for suspected machines."""


def test_facts_are_the_rows_of_the_views(built: Lake) -> None:
    facts = rows_of_facts(built)
    assert facts == rows_of_views(built)
    assert {view for view, rows in facts.items() if not rows} == WITHOUT_ROWS
    assert {view: [*files] for view, files in manifest(built).files.items()} == dict.fromkeys(
        FACT_VIEWS, DAYS
    )


def test_a_refresh_without_changes_asks_nothing_and_writes_nothing(built: Lake) -> None:
    before = fact_files.read_manifest(built)

    def refuse() -> None:
        raise AssertionError("asked or written")

    for service, method in (("athena", "start_query_execution"), ("s3", "put_object")):
        found = refresh(hooked(built, service, method, refuse))
        assert (found.computed, found.changed, found.removed, found.queries) == ({}, {}, {}, 0)
        assert found.sentence == f"Facts are up to date: version {manifest(built).version:,}."
    assert fact_files.read_manifest(built) == before


@pytest.mark.lake
def test_a_refresh_with_something_to_do_leaves_time_for_more_and_then_does_all(
    built: Lake,
) -> None:
    waited: list[float] = []

    def publish_meanwhile(seconds: float) -> None:
        waited.append(seconds)
        build_all(built, HOURS[4], HOURS[4], "meanwhile")

    build_all(built, MIDDLE, MIDDLE, "first")
    age = datetime.now(UTC) - manifest(built).changed_at
    apart = age + timedelta(minutes=10)
    found = refresh_facts(built, now=NOW, apart=apart, sleep=publish_meanwhile)
    assert 0 < waited[0] <= 600
    assert {str(MIDDLE.event_date), str(HOURS[4].event_date)} <= set(found.computed["hour_facts"])


@pytest.mark.deep
def test_a_refresh_without_changes_or_after_a_while_does_not_wait(built: Lake) -> None:
    waited: list[float] = []
    refresh_facts(built, now=NOW, apart=timedelta(days=1), sleep=waited.append)
    build_all(built, MIDDLE, MIDDLE, "again")
    refresh_facts(built, now=NOW, apart=timedelta(microseconds=1), sleep=waited.append)
    assert waited == [0, 0]


def test_an_empty_lake_gets_no_manifest(lake: Lake) -> None:
    assert refresh(lake).sentence == "Facts are up to date: version 0."
    assert fact_files.read_manifest(lake) is None


def test_an_hour_that_is_published_again_has_two_dates_computed_by_a_query_a_view(
    built: Lake,
) -> None:
    version = manifest(built).version
    build_all(built, MIDDLE, MIDDLE, "again")
    found = refresh(built)
    day, before = str(MIDDLE.event_date), str(MIDDLE.event_date - timedelta(1))
    assert found.computed == {
        view: [before, day] if view in OF_SESSIONS else [day] for view in FACT_VIEWS
    }
    assert found.changed == {"hour_facts": [day]}  # who published it, and when
    assert found.queries == len(FACT_VIEWS)
    assert found.version == version + 1
    assert rows_of_facts(built) == rows_of_views(built)


@pytest.mark.lake
def test_late_lines_change_their_date_and_the_one_before(built: Lake) -> None:
    logs = Path(built.settings.sources[0].path)
    write(logs, log_lines(5, MIDDLE, MIDDLE), "late-access.log")
    before = manifest(built).files
    pull_source(built, built.settings.sources[0])
    build_all(built, MIDDLE, MIDDLE, "late")
    found = refresh(built)
    assert {day for days in found.computed.values() for day in days} == {"2026-11-19", "2026-11-20"}
    assert found.changed["session_facts"][-1] == found.changed["source_facts"][0] == "2026-11-20"
    after = manifest(built).files
    for view in FACT_VIEWS:
        for day in (DAYS[0], DAYS[3]):
            assert after[view][day] == before[view][day]
    assert rows_of_facts(built) == rows_of_views(built)


@pytest.mark.deep
def test_another_time_zone_has_every_date_computed(built: Lake) -> None:
    before = rows_of_facts(built)
    moved = other_settings(built, site=SiteSettings(name="cafe", time_zone="Asia/Kolkata"))
    found = refresh(moved)
    of_zone = [view for view in FACT_VIEWS if view not in ("people_facts", "cohort_facts")]
    assert {view: [*map(date.fromisoformat, days)] for view, days in found.computed.items()} == (
        dict.fromkeys(of_zone, DAYS)
    )
    assert manifest(moved).time_zone == "Asia/Kolkata"
    assert rows_of_facts(moved) == rows_of_views(moved) != before


@pytest.mark.lake
def test_rows_of_another_time_zone_leave_the_manifest_with_the_first_batch(
    built: Lake, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("clickstream.pipeline.publish.facts.DATES_AT_ONCE", 2)
    seen = []
    moved = other_settings(built, site=SiteSettings(name="cafe", time_zone="Asia/Kolkata"))
    refresh_facts(moved, lambda _: seen.append(manifest(built)), now=NOW)
    assert [found.time_zone for found in seen] == ["UTC", "Asia/Kolkata"]
    assert [[*found.files["hour_facts"]] for found in seen] == [DAYS, DAYS[2:]]


@pytest.mark.lake
def test_the_newest_dates_come_first_and_readers_see_each_batch(
    built: Lake, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("clickstream.pipeline.publish.facts.DATES_AT_ONCE", 1)
    objects.delete(built, [fact_files.MANIFEST_KEY])
    seen: list[int] = []

    def progress(_: str) -> None:
        stored = fact_files.read_manifest(built)
        seen.append(len(stored.value.files["hour_facts"]) if stored else 0)

    found = refresh_facts(built, progress, now=NOW)
    assert seen == [0, 1, 2, 3]
    assert found.version == len(DAYS)
    assert rows_of_facts(built) == rows_of_views(built)


def test_dates_that_are_too_old_leave_the_manifest(built: Lake) -> None:
    short = other_settings(built, dashboard=DashboardSettings(keep_days=2))
    found = refresh(short)
    assert found.removed == {view: ["2026-11-18", "2026-11-19"] for view in FACT_VIEWS}
    assert found.queries == 0
    assert [*manifest(short).files["session_facts"]] == DAYS[2:]


@pytest.mark.deep
def test_a_date_whose_hours_are_gone_leaves_the_manifest(built: Lake) -> None:
    iceberg_tables.load(built, HOUR_LEDGER).iceberg.delete("event_date = '2026-11-21'")
    found = refresh(built)
    assert {day for days in found.removed.values() for day in days} == {"2026-11-21"}
    assert [*manifest(built).files["hour_facts"]] == DAYS[:3]
    build_all(built, HOURS[-1], HOURS[-1], "again")
    assert refresh(built).changed["hour_facts"] == ["2026-11-21"]


@pytest.mark.deep
def test_everything_can_be_computed_again_to_the_same_files(built: Lake) -> None:
    before = manifest(built)
    found = refresh(built, everything=True)
    assert {view: len(days) for view, days in found.computed.items()} == dict.fromkeys(
        FACT_VIEWS, len(DAYS)
    )
    assert found.changed == {}
    assert manifest(built) == before


def test_a_dry_run_says_what_would_be_computed_and_does_nothing(built: Lake) -> None:
    before = fact_files.read_manifest(built)
    build_all(built, MIDDLE, MIDDLE, "again")
    planned = refresh(built, dry_run=True)
    assert fact_files.read_manifest(built) == before
    assert planned.sentence == (
        f"Facts of 2026-11-20, 2026-11-19 would be computed by {len(FACT_VIEWS)} queries; "
        "0 dates would be removed."
    )
    found = refresh(built)
    assert (found.computed, found.queries) == (planned.computed, planned.queries)


@pytest.mark.deep
def test_a_compacted_day_is_computed_once_more_to_the_same_files(built: Lake) -> None:
    build_all(built, MIDDLE, MIDDLE, "again")
    refresh(built)
    compact_days(built, NOW + timedelta(days=1))
    found = refresh(built)
    assert found.computed
    assert found.changed == {}
    assert refresh(built).computed == {}


@pytest.mark.lake
def test_a_query_that_fails_leaves_the_manifest(built: Lake) -> None:
    before = fact_files.read_manifest(built)
    build_all(built, MIDDLE, MIDDLE, "again")
    queries = iter(range(100))

    def fail_at_third() -> None:
        if next(queries) == 2:
            raise QueryFailed("Athena: query failed: no reason given")

    with pytest.raises(QueryFailed):
        refresh(hooked(built, "athena", "start_query_execution", fail_at_third))
    assert fact_files.read_manifest(built) == before
    refresh(built)
    assert rows_of_facts(built) == rows_of_views(built)


def test_a_directory_without_a_fact_view_is_named(built: Lake, tmp_path: Path) -> None:
    (tmp_path / "one.sql").write_text("select 1 as n\n")
    (tmp_path / "one.yml").write_text("reads: []\n")
    build = built.settings.build.model_copy(update={"sql_directory": str(tmp_path)})
    with pytest.raises(InputError, match=r"lack session_facts.*include/sql"):
        refresh(other_settings(built, build=build))


@pytest.mark.lake
def test_maintenance_deletes_old_files_that_the_manifest_does_not_name(built: Lake) -> None:
    replaced = manifest(built).files["hour_facts"][MIDDLE.event_date].key
    build_all(built, MIDDLE, MIDDLE, "again")
    refresh(built)
    now = datetime.now(UTC)
    assert sweep_files(built, now).files["facts"] == 0
    assert replaced in {key for key, _ in objects.listing(built, "facts/")}
    assert sweep_files(built, now + timedelta(days=4)).files["facts"] >= 1
    assert replaced not in {key for key, _ in objects.listing(built, "facts/")}
    assert rows_of_facts(built) == rows_of_views(built)


def test_files_without_a_manifest_are_old_files_too(built: Lake) -> None:
    objects.delete(built, [fact_files.MANIFEST_KEY])
    later = datetime.now(UTC) + timedelta(days=4)
    assert sweep_files(built, later).files["facts"] >= len(FACT_VIEWS) * len(DAYS)
    assert [*objects.listing(built, "facts/")] == []


@pytest.mark.lake
def test_equal_rows_in_another_order_are_one_file(built: Lake) -> None:
    view, day = "session_facts", DAYS[2]
    file = manifest(built).files[view][day]
    rows = fact_files.read_file(built, file)
    assert rows is not None
    again = fact_files.write_file(built, view, day, rows.take([*reversed(range(len(rows)))]), "v")
    assert again == replace(file, source_version="v") == FactFile(file.key, len(rows), "v")


def test_values_for_xcom_are_counts(built: Lake) -> None:
    values = refresh(built, everything=True).as_dict()
    assert values["computed"] == dict.fromkeys(sorted(FACT_VIEWS), len(DAYS))
    assert {name for name, value in values.items() if not isinstance(value, dict)} == {
        *("queries", "scanned_bytes", "version", "dry_run")
    }
