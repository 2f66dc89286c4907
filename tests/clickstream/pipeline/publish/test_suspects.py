"""Dates are searched for suspected machines, and again only if they change."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from itertools import islice
from pathlib import Path
from random import Random

import pytest
from benchmarks.people.lines import DAY, Line, combined
from benchmarks.people.machines import without_assets
from benchmarks.people.sites import SHOP, simulated_log
from tests.support.lakes import aws_session, build_all, settings_of_a_lake
from tests.support.localaws_process import LocalAwsProcess
from tests.support.tiers import first_in_make_test

from clickstream.core.hours import Hour
from clickstream.lake import Lake, open_lake
from clickstream.lake.iceberg import iceberg_tables
from clickstream.lake.views import views_of
from clickstream.pipeline.publish import suspects
from clickstream.pipeline.publish.facts import source_versions
from clickstream.pipeline.publish.suspects import find_suspects
from clickstream.pipeline.pull.host import pull_source
from clickstream.settings import SiteSettings
from clickstream.settings.labels import PeopleSettings
from clickstream.tables import OF_DATES, Table
from clickstream.tables.people import PEOPLE_ESTIMATES, SUSPECTED_COHORTS, SUSPECTED_VISITORS

DAYS, PEOPLE, MACHINES = 8, 60, 80
FIRST = date(2026, 11, 2)
LAST = FIRST + timedelta(days=DAYS - 1)
NOW = datetime(2026, 11, 10, 1, tzinfo=UTC)
OF_A_DAY = Hour(datetime(2026, 11, 2, tzinfo=UTC)), Hour(datetime(2026, 11, 9, 23, tzinfo=UTC))


def seconds_of(day: date) -> int:
    return int(datetime(day.year, day.month, day.day, tzinfo=UTC).timestamp())


def write_log(logs: Path) -> None:
    start, last = seconds_of(FIRST), seconds_of(LAST)
    fleet = combined(without_assets(Random(4), SHOP, last, MACHINES))
    people = b"".join(simulated_log(SHOP, 3, start + n * DAY, PEOPLE) for n in range(DAYS))
    (logs / "access.log").write_bytes(people + fleet)


@pytest.fixture(scope="module")
def lake(local_aws: LocalAwsProcess, tmp_path_factory: pytest.TempPathFactory) -> Lake:
    """Eight days of a shop, the last with a fleet, searched once."""
    logs = tmp_path_factory.mktemp("suspects")
    write_log(logs)
    chosen = settings_of_a_lake(local_aws.endpoint, logs)
    site = SiteSettings(name="shop", domains=(SHOP.domain,))
    lake = open_lake(chosen.model_copy(update={"site": site}), aws_session())
    pull_source(lake, lake.settings.sources[0])
    build_all(lake, *OF_A_DAY, "test")
    assert [*find_suspects(lake, now=NOW).dates] == [FIRST + timedelta(days=n) for n in range(DAYS)]
    return lake


Estimates = dict[date, dict[str, str]]


def rows(lake: Lake, table: Table, day: date = LAST) -> list[dict[str, object]]:
    hour = Hour(datetime(day.year, day.month, day.day, tzinfo=UTC))
    found: list[dict[str, object]] = iceberg_tables.load(lake, table).read(hour, hour).to_pylist()
    return found


def all_rows(lake: Lake) -> dict[str, list[str]]:
    return {
        table.name: sorted(map(str, iceberg_tables.load(lake, table).read(*OF_A_DAY).to_pylist()))
        for table in OF_DATES
    }


def visitors(lake: Lake) -> set[tuple[object, object]]:
    found = iceberg_tables.load(lake, SUSPECTED_VISITORS).read(*OF_A_DAY).to_pylist()
    return {(row["event_date"], row["visitor_id"]) for row in found}


def test_a_fleet_is_left_out_and_the_people_of_other_dates_are_not(lake: Lake) -> None:
    number = len(rows(lake, SUSPECTED_VISITORS))
    assert abs(number - MACHINES) <= 0.05 * PEOPLE
    (estimate,) = rows(lake, PEOPLE_ESTIMATES)
    assert estimate["suspected"] == number
    assert estimate["history_dates"] == DAYS - 1
    people = estimate["visitors"] - MACHINES
    assert estimate["lowest"] <= people <= estimate["highest"]
    assert sum(one["suspected"] for one in rows(lake, SUSPECTED_COHORTS)) == number
    before = [rows(lake, SUSPECTED_VISITORS, FIRST + timedelta(days=n)) for n in range(DAYS - 1)]
    assert sum(map(len, before)) == 0


def test_dates_that_have_not_changed_are_not_searched_again_and_no_row_is_read(
    lake: Lake, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = all_rows(lake)
    with monkeypatch.context() as patch:
        patch.delattr(iceberg_tables.LoadedTable, "read")
        assert find_suspects(lake, now=NOW).dates == {}
    assert all_rows(lake) == before


@pytest.mark.parametrize("dates", first_in_make_test([5, 1, DAYS], 1))
def test_a_search_that_is_killed_is_done_again(lake: Lake, dates: int) -> None:
    """With another setting, all dates are searched again; the run stops after some."""
    before = all_rows(lake)
    other = PeopleSettings(kept_cohorts=("none: agent=Another, System",))
    keeping = lake.settings.model_copy(update={"people": other})
    stopped = suspects.search_dates(Lake(keeping, lake.session), FIRST)
    assert len([*islice(stopped, dates)]) == dates
    stopped.close()
    find_suspects(lake, now=NOW)
    assert all_rows(lake) == before


def test_a_kept_cohort_counts_as_people(lake: Lake) -> None:
    label = str(rows(lake, SUSPECTED_COHORTS)[0]["cohort"])
    keeping = lake.settings.model_copy(update={"people": PeopleSettings(kept_cohorts=(label,))})
    before = all_rows(lake)
    find_suspects(Lake(keeping, lake.session), now=NOW)
    assert label not in {one["cohort"] for one in rows(lake, SUSPECTED_COHORTS)}
    find_suspects(lake, now=NOW)
    assert all_rows(lake) == before


def test_a_late_line_changes_facts_only_of_dates_with_another_result(lake: Lake) -> None:
    suspected = visitors(lake)
    day = FIRST + timedelta(days=3)
    late = combined([Line(seconds_of(day) + 40_000, "192.0.2.9", "/", 200, 900, "", AGENT)])
    with (Path(lake.settings.sources[0].path) / "access.log").open("ab") as log:
        log.write(late)
    pull_source(lake, lake.settings.sources[0])
    hour = Hour(datetime(day.year, day.month, day.day, 11, tzinfo=UTC))
    build_all(lake, hour, hour, "late")
    before, facts, snapshots = estimates_of(lake), versions_of_facts(lake), estimate_snapshots(lake)
    searched = [*find_suspects(lake, now=NOW).dates]
    assert searched[0] == day
    assert visitors(lake) == suspected
    assert estimate_snapshots(lake) == snapshots + 2
    after = estimates_of(lake)
    assert differing(before, after, "habit_version")
    assert not differing(before, after, "suspects_version")
    of_people = versions_of_facts(lake)
    assert {one for one in of_people if of_people[one] != facts[one]} == (
        differing(before, after, "numbers_version")
    )


def differing(before: Estimates, after: Estimates, column: str) -> set[date]:
    """The dates whose estimates differ in a column."""
    return {day for day in after if after[day][column] != before[day][column]}


def estimates_of(lake: Lake) -> Estimates:
    columns = ("habit_version", "numbers_version", "suspects_version")
    return iceberg_tables.texts_by_date(lake, PEOPLE_ESTIMATES, FIRST, columns)


def estimate_snapshots(lake: Lake) -> int:
    """How many snapshots the estimates ever had: each commit removes rows, and adds some."""
    return iceberg_tables.load(lake, PEOPLE_ESTIMATES).iceberg.metadata.last_sequence_number


def versions_of_facts(lake: Lake) -> dict[date, str]:
    views = views_of(lake.settings, Path("include/sql"))
    versions = source_versions(lake, views, FIRST)
    return {day: one.text for (view, day), one in versions.items() if view == "people_facts"}


AGENT = next(iter(SHOP.agents))
