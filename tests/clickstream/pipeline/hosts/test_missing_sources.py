"""A published hour names the hosts that it lacks, until they are pulled or retired."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.clickstream.pipeline.builders import write
from tests.support import faults_children as children
from tests.support.examples import examples
from tests.support.faults_lakes import through
from tests.support.faults_proxy import Exchange, Fault, FaultsProxy, passes
from tests.support.lakes import aws_session, build_all, settings_of_a_lake
from tests.support.localaws_process import LocalAwsProcess

from clickstream.core.errors import InputError, StaleHour
from clickstream.core.hours import Hour
from clickstream.lake import Lake, hour_ledger, open_lake, pull_states
from clickstream.lake.iceberg import iceberg_tables
from clickstream.lake.pull_states import PullState
from clickstream.pipeline.hosts.missing import ExpectedHosts, complete_hours, expected_hosts
from clickstream.pipeline.proof.verify import verify
from clickstream.pipeline.publish.publish import Due, build_hour, hours_to_build
from clickstream.pipeline.pull.host import pull_source
from clickstream.settings import Settings, SourceSettings
from clickstream.settings.sources import InstanceSettings
from clickstream.tables import HOUR_LEDGER

FIRST = Hour.parse("2026-11-20T21")
HOURS = [FIRST, FIRST.next, FIRST.plus(2)]
DATES = 60
END = int(FIRST.end.timestamp())


def line_at(hour: Hour, visitor: int, minute: int = 10) -> str:
    at = f"{hour.start:%d/%b/%Y:%H}:{minute}:00 +0000"
    return f'192.0.2.{visitor} - - [{at}] "GET / HTTP/1.1" 200 5 "-" "Firefox/140.0"\n'


def two_sources(endpoint: str, directory: Path) -> Settings:
    """Settings of a lake whose source web-2 can't be listed until its directory is made."""
    made = settings_of_a_lake(endpoint, directory / "one")
    (directory / "one").mkdir(parents=True, exist_ok=True)
    second = SourceSettings(name="web-2", path=str(directory / "two"))
    return made.model_copy(update={"sources": (*made.sources, second)})


@pytest.fixture
def cafe(local_aws: LocalAwsProcess, tmp_path: Path) -> Lake:
    """A lake with two sources, of which the first one can be listed."""
    return open_lake(two_sources(local_aws.endpoint, tmp_path), aws_session())


def pull_all(lake: Lake) -> None:
    for source in lake.settings.sources:
        with suppress(InputError):
            pull_source(lake, source)


def missing(lake: Lake) -> list[str | None]:
    return hour_ledger.ledger_in_order(lake)["missing_sources"].to_pylist()


def set_state(lake: Lake, name: str, **changes: int | None) -> None:
    pull_states.update_pull_state(lake, name, lambda one: replace(one, **changes))


def run_hours(lake: Lake, last: Hour = HOURS[-1]) -> Due:
    """Do what a manual run of an hour does after its pulls."""
    due = hours_to_build(lake, last, catch_up=False)
    for hour in due.hours:
        build_hour(lake, hour, "run")
    return due


@pytest.mark.parametrize(
    ("pulled_at", "is_missing"), [(None, True), (END - 1, True), (END, False), (END + 9, False)]
)
def test_a_host_is_missing_if_it_was_not_pulled_since_the_hour_ended(
    pulled_at: int | None, is_missing: bool
) -> None:
    expected = ExpectedHosts({"web.b": pulled_at, "web.a": END})
    assert expected.missing(FIRST) == (["web.b"] if is_missing else [])


def test_the_ledger_names_missing_hosts_in_order_of_their_names() -> None:
    expected = ExpectedHosts({"web.i-0b": None, "web.a_2222": None})
    assert expected.missing_names(FIRST) == "web.a_2222, web.i-0b"
    assert ExpectedHosts({}).missing_names(FIRST) is None


def with_sources(lake: Lake, *sources: SourceSettings) -> Lake:
    return Lake(lake.settings.model_copy(update={"sources": sources}), lake.session)


def fleet(**fields: object) -> SourceSettings:
    remote = {"kind": "sftp", "path": "/var/log", "user": "u", "key_file": "k"}
    return SourceSettings.model_validate({"name": "web", **remote, **fields})


def test_instances_are_expected_once_they_have_a_state_and_until_they_are_retired(
    lake: Lake,
) -> None:
    for name in ("web", "web.i-0a", "web.i-0b", "web-2.i-0c"):
        set_state(lake, name, pulled_at=END)
    set_state(lake, "web.i-0b", retired_at=END)
    found = with_sources(lake, fleet(instances=InstanceSettings(tags={"Role": "web"})))
    assert expected_hosts(found).pulled_to == {"web.i-0a": END}


def test_hosts_by_name_are_expected_though_they_were_never_pulled(lake: Lake) -> None:
    found = with_sources(lake, fleet(hosts=("Shop-1.example", "10.0.0.7:2222")))
    assert expected_hosts(found).pulled_to == {
        "web.shop-1.example": None,
        "web.10.0.0.7_2222": None,
    }


def test_nothing_is_missing_without_a_source(lake: Lake) -> None:
    set_state(lake, "web.i-0a", pulled_at=None)
    assert expected_hosts(with_sources(lake)).missing(FIRST) == []


def test_an_hour_is_complete_when_its_host_is_back(
    cafe: Lake, local_aws: LocalAwsProcess, tmp_path: Path
) -> None:
    """web-2 has a line for the first hour only; the others lose its name without being built."""
    write(tmp_path / "one", [line_at(hour, 1) for hour in HOURS])
    pull_all(cafe)
    build_all(cafe, HOURS[0], HOURS[-1], "first")
    assert missing(cafe) == ["web-2"] * 3
    before = hour_ledger.ledger(cafe)["published_by"].tolist()

    write(tmp_path / "two", [line_at(FIRST, 2)])
    pull_all(cafe)
    due = run_hours(cafe)
    assert (due.hours, [one.hour for one in due.completed]) == ([HOURS[0], HOURS[2]], [HOURS[1]])
    assert due.completed[0].sentence == f"Hour {HOURS[1]} no longer lacks web-2; it is complete."
    assert missing(cafe) == [None] * 3
    assert before[1] == hour_ledger.ledger(cafe)["published_by"][1]
    assert verify(cafe).is_proven

    once = open_lake(two_sources(local_aws.endpoint, tmp_path), aws_session())
    pull_all(once)
    build_all(once, HOURS[0], HOURS[-1], "once")
    assert missing(once) == [None] * 3
    assert [row["lines"] for row in ledger_rows(once)] == [
        row["lines"] for row in ledger_rows(cafe)
    ]


def ledger_rows(lake: Lake) -> list[dict[str, object]]:
    return hour_ledger.ledger_in_order(lake).to_pylist()


def test_a_host_that_is_still_away_keeps_its_name_and_a_retired_one_loses_it(
    cafe: Lake, tmp_path: Path
) -> None:
    write(tmp_path / "one", [line_at(hour, 1) for hour in HOURS])
    pull_all(cafe)
    build_all(cafe, HOURS[0], HOURS[-1], "first")
    assert run_hours(cafe).completed == []
    set_state(cafe, "web-2", pulled_at=int(HOURS[1].end.timestamp()))
    assert [one.hour for one in complete_hours(cafe, HOURS[-1])] == HOURS[:2]
    assert missing(cafe) == [None, None, "web-2"]
    set_state(cafe, "web-2", retired_at=END)
    assert [one.hour for one in complete_hours(cafe, HOURS[-1])] == HOURS[2:]
    assert missing(cafe) == [None] * 3


def test_of_two_missing_hosts_the_one_that_is_back_loses_its_name(
    cafe: Lake, tmp_path: Path
) -> None:
    build_all(cafe, HOURS[0], HOURS[0], "first")
    assert missing(cafe) == ["web-1, web-2"]
    write(tmp_path / "one", [])
    pull_all(cafe)
    (done,) = complete_hours(cafe, FIRST)
    assert done.sentence == f"Hour {FIRST} no longer lacks web-1; it still lacks web-2."
    assert missing(cafe) == ["web-2"]


@pytest.mark.lake
def test_hours_further_back_than_35_days_keep_the_name(cafe: Lake) -> None:
    build_all(cafe, FIRST, FIRST, "first")
    Path(cafe.settings.sources[1].path).mkdir()
    pull_all(cafe)
    assert complete_hours(cafe, FIRST.plus(36 * 24)) == []
    assert [one.hour for one in complete_hours(cafe, FIRST.plus(34 * 24))] == [FIRST]


def test_a_publication_meanwhile_is_not_overwritten(
    cafe: Lake, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The other process publishes the hour between the read of its row and the commit."""
    build_all(cafe, FIRST, FIRST, "first")
    (tmp_path / "two").mkdir()
    pull_all(cafe)
    real, others = iceberg_tables.LoadedTable.read, []

    def publish_first(table: iceberg_tables.LoadedTable, *hours: Hour) -> pa.Table:
        found = real(table, *hours)
        if not others:
            others.append(True)
            set_state(cafe, "web-2", pulled_at=None)
            build_all(cafe, FIRST, FIRST, "other")
        return found

    with monkeypatch.context() as patch:
        patch.setattr(iceberg_tables.LoadedTable, "read", publish_first)
        assert complete_hours(cafe, FIRST) == []
    assert missing(cafe) == ["web-2"]
    assert hour_ledger.ledger(cafe)["published_by"].tolist() == ["other"]


def test_which_hours_lack_a_source_is_answered_from_metadata(
    lake: Lake, local_aws: LocalAwsProcess
) -> None:
    """Of 60 dates, one has an hour with a name: its file is the only one that is read."""
    build_all(lake, FIRST, FIRST, "first")
    (row,) = ledger_rows(lake)
    publish_dates(lake, row)
    read: Counter[str] = Counter()

    def note(exchange: Exchange) -> Fault:
        read[exchange.name] += 1
        return passes

    with FaultsProxy(local_aws.endpoint, note) as proxy:
        through_proxy = children.open_lake(through(lake.settings, proxy))
        found = hour_ledger.incomplete_rows(through_proxy, FIRST.minus(35 * 24).event_date)
        assert [*found] == [FIRST]
        files = read["GET hour_ledger data file"]
        hour_ledger.incomplete_rows(through_proxy, FIRST.next.plus(24).event_date)
        assert read["GET hour_ledger data file"] == files
        assert 0 < files <= 3, read  # of one file: its footer, and its rows
        ledger = hour_ledger.ledger(through_proxy)
        assert len(ledger) == DATES
        assert read["GET hour_ledger data file"] - files >= DATES


def publish_dates(lake: Lake, row: dict[str, object]) -> None:
    """Write a row of the ledger for an hour of each of the dates before, without a name."""
    schema = HOUR_LEDGER.arrow_schema()
    for days in range(1, DATES):
        hour = FIRST.minus(24 * days)
        own = {"event_date": hour.event_date, "hour_at": hour.naive, "missing_sources": None}
        rows = pa.Table.from_pylist([{**row, **own}], schema=schema)
        iceberg_tables.load(lake, HOUR_LEDGER).replace(hour, hour, rows)


STEPS = ("pull 1", "pull 2", "publish", "complete", "dies in complete")


@pytest.mark.lake
@examples(times=0.4)
@given(st.lists(st.sampled_from(STEPS), max_size=7), st.data())
def test_in_any_order_of_pulls_and_publications_the_ledger_ends_the_same(
    local_aws: LocalAwsProcess,
    tmp_path_factory: pytest.TempPathFactory,
    steps: Sequence[str],
    data: st.DataObject,
) -> None:
    directory = tmp_path_factory.mktemp("logs")
    lake = open_lake(two_sources(local_aws.endpoint, directory), aws_session())
    write(directory / "one", [line_at(hour, 1) for hour in HOURS])
    write(directory / "two", [line_at(HOURS[1], 2)])
    for step in steps:
        if step.startswith("pull"):
            pull_source(lake, lake.settings.sources[int(step[-1]) - 1])
        elif step == "publish":
            hour = data.draw(st.sampled_from(HOURS))
            build_hour(lake, hour, "some run")
        elif step == "complete":
            complete_hours(lake, HOURS[-1])
        else:
            die_in_complete(lake)
    pull_all(lake)
    run_hours(lake)
    build_all(lake, HOURS[0], HOURS[-1], "last")
    expected = open_lake(two_sources(local_aws.endpoint, directory), aws_session())
    pull_all(expected)
    build_all(expected, HOURS[0], HOURS[-1], "once")
    assert missing(lake) == missing(expected) == [None] * 3
    assert verify(lake).is_proven


def die_in_complete(lake: Lake) -> None:
    """Complete hours in a process that dies when it commits."""

    def refuse(*_: object, **__: object) -> None:
        raise StaleHour("killed")

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(iceberg_tables.LoadedTable, "replace", refuse)
        assert complete_hours(lake, HOURS[-1]) == []


def test_a_failure_is_kept_beside_what_the_last_successful_pull_observed(lake: Lake) -> None:
    set_state(lake, "web.i-0a", pulled_at=END, files=4)
    pull_states.record_failure(lake, "web.i-0a", "The host did not answer.")
    state = pull_states.pull_state(lake, "web.i-0a")
    assert (state.pulled_at, state.files, state.failure) == (END, 4, "The host did not answer.")
    assert state.failed_at
    assert PullState("web.i-0a").failed_at is None
