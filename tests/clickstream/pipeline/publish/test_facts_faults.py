"""Facts end as one clean refresh makes them, whatever is killed, fails or runs beside it."""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta
from itertools import product
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.clickstream.pipeline.builders import log_lines, write
from tests.support.examples import examples
from tests.support.facts import (
    NOW,
    at_call,
    hooked,
    manifest,
    refresh,
    rows_of_facts,
    rows_of_views,
)
from tests.support.faults import Killed, dying
from tests.support.lakes import aws_session, build_all, settings_of_a_lake
from tests.support.localaws_process import LocalAwsProcess
from tests.support.tiers import first_in_make_test

from clickstream.core.errors import QueryFailed
from clickstream.core.hours import Hour
from clickstream.lake import Lake, fact_files, objects, open_lake
from clickstream.pipeline.backfill.backfill import rebuild
from clickstream.pipeline.publish.facts import refresh_facts
from clickstream.pipeline.publish.maintenance import compact_days
from clickstream.pipeline.pull.host import pull_source
from clickstream.settings import GoalSettings

HOURS = [Hour.parse(f"2026-11-{hour}") for hour in ("19T23", "20T00", "20T23", "21T00")]
GOALS = {"menu": GoalSettings(page="/menu")}
MOST_CALLS = 30
"""A refresh of all dates puts 25 objects and asks 8 queries."""


@pytest.fixture(scope="module")
def shared(local_aws: LocalAwsProcess, tmp_path_factory: pytest.TempPathFactory) -> Lake:
    """Four hours of three dates, around two midnights that sessions cross."""
    logs = tmp_path_factory.mktemp("faults") / "logs"
    for seed in (0, 2):
        write(logs, log_lines(seed, *HOURS[seed : seed + 2]))
    chosen = settings_of_a_lake(local_aws.endpoint, logs).model_copy(update={"goals": GOALS})
    lake = open_lake(chosen, aws_session())
    pull_source(lake, lake.settings.sources[0])
    for _ in rebuild(lake, HOURS, "test"):
        pass
    return lake


def other_process(lake: Lake) -> Lake:
    return Lake(lake.settings, aws_session())


def assert_as_computed_at_once(lake: Lake) -> None:
    """The facts are the views' rows, and computing all of them anew changes nothing."""
    assert rows_of_facts(lake) == rows_of_views(lake)
    assert refresh(lake).computed == {}
    assert refresh(lake, everything=True).changed == {}


@pytest.mark.parametrize(
    ("writes", "after"),
    first_in_make_test(product((12, 0, 1, 23, 24), (True, False)), 1),
)
@pytest.mark.lake
def test_a_refresh_that_is_killed_at_a_write_is_made_up_for_by_the_next(
    shared: Lake, writes: int, after: bool
) -> None:
    objects.delete(shared, [fact_files.MANIFEST_KEY])
    with suppress(Killed):
        refresh(dying(shared, writes, after))
    if fact_files.read_manifest(shared):
        assert rows_of_facts(shared) == rows_of_views(shared)
    refresh(shared)
    assert_as_computed_at_once(shared)


@pytest.mark.deep
def test_two_refreshes_at_once_end_in_one_manifest(shared: Lake) -> None:
    objects.delete(shared, [fact_files.MANIFEST_KEY])
    failures: list[BaseException] = []

    def run() -> None:
        try:
            refresh(other_process(shared))
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=run) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    assert_as_computed_at_once(shared)


@pytest.mark.lake
def test_the_slower_of_two_refreshes_keeps_what_it_has_computed(shared: Lake) -> None:
    """Another process replaces the manifest while this one computes; nothing is asked twice."""
    refresh(shared)
    build_all(shared, HOURS[0], HOURS[0], "again")
    told: list[str] = []

    def replace() -> None:
        short = shared.settings.dashboard.model_copy(update={"keep_days": 1})
        other = shared.settings.model_copy(update={"dashboard": short})
        refresh(Lake(other, aws_session()))

    lake = hooked(shared, "athena", "start_query_execution", at_call(4, replace))
    found = refresh_facts(lake, told.append, now=NOW)
    assert "Another process replaced the manifest of facts; continuing from its files." in told
    assert "2026-11-19" in found.computed["hour_facts"]
    assert_as_computed_at_once(shared)


@pytest.mark.lake
def test_an_hour_published_while_a_refresh_asks_is_found_by_the_next(shared: Lake) -> None:
    refresh(shared)
    build_all(shared, HOURS[2], HOURS[2], "again")

    def publish() -> None:
        build_all(other_process(shared), HOURS[2], HOURS[2], "meanwhile")

    refresh(hooked(shared, "athena", "start_query_execution", at_call(2, publish)))
    found = refresh(shared)
    assert found.computed["hour_facts"] == ["2026-11-20"]
    assert_as_computed_at_once(shared)


@pytest.mark.lake
def test_the_manifest_is_never_older_than_the_files_of_a_reader(shared: Lake) -> None:
    """Each file that any manifest ever named is still there, and the same."""
    refresh(shared)
    before = manifest(shared)
    build_all(shared, HOURS[3], HOURS[3], "again")
    refresh(shared)
    for days in before.files.values():
        for file in days.values():
            rows = fact_files.read_file(shared, file)
            assert rows is not None
            assert len(rows) == file.rows


class Breaks(Exception):
    """A failure of a request that no code of ours expects."""


def fail() -> None:
    raise Breaks


def ask_badly() -> None:
    raise QueryFailed("Athena: query failed: as the test wants it")


events = st.one_of(
    st.tuples(st.just("publish"), st.sampled_from(HOURS)),
    st.tuples(st.just("late"), st.sampled_from(HOURS)),
    st.tuples(st.just("compact"), st.just(0)),
    st.tuples(st.just("refresh"), st.just(0)),
    st.tuples(st.just("killed"), st.integers(0, MOST_CALLS)),
    st.tuples(st.just("put fails"), st.integers(1, MOST_CALLS)),
    st.tuples(st.just("query fails"), st.integers(1, 9)),
    st.tuples(st.just("read fails"), st.integers(1, MOST_CALLS)),
    st.tuples(st.just("published meanwhile"), st.integers(1, 9)),
    st.tuples(st.just("refreshed meanwhile"), st.integers(1, 9)),
    st.tuples(st.just("lost"), st.just(0)),
)


def happen(lake: Lake, event: tuple[str, object], number: int) -> None:
    match event:
        case ("publish", Hour() as hour):
            build_all(lake, hour, hour, f"run {number}")
        case ("late", Hour() as hour):
            logs = Path(lake.settings.sources[0].path)
            name = f"late-{len([*logs.iterdir()])}-access.log"
            write(logs, log_lines(100 + number, hour, hour), name)
            pull_source(lake, lake.settings.sources[0])
            build_all(lake, hour, hour, f"late {number}")
        case ("compact", _):
            compact_days(lake, NOW + timedelta(days=2))
        case ("lost", _):
            objects.delete(lake, [fact_files.MANIFEST_KEY])
        case (name, int() as call):
            with suppress(Killed, Breaks, QueryFailed):
                refresh(disturbed(lake, name, call, number))


def disturbed(lake: Lake, name: str, call: int, number: int) -> Lake:
    """The lake of a process to which something happens at its n-th call."""

    def publish() -> None:
        build_all(other_process(lake), HOURS[1], HOURS[1], f"meanwhile {number}")

    happens: dict[str, tuple[str, str, Callable[[], object]]] = {
        "put fails": ("s3", "put_object", fail),
        "read fails": ("s3", "get_object", fail),
        "query fails": ("athena", "start_query_execution", ask_badly),
        "published meanwhile": ("athena", "start_query_execution", publish),
        "refreshed meanwhile": (
            *("athena", "start_query_execution"),
            lambda: refresh(other_process(lake)),
        ),
    }
    if name == "killed":
        return dying(lake, call, after=call % 2 == 0)
    if name == "refresh":
        return lake
    service, method, action = happens[name]
    return hooked(lake, service, method, at_call(call, action))


schedules = st.lists(events, min_size=2, max_size=6)


@pytest.mark.lake
@examples(times=0.3)
@given(schedules)
def test_after_any_order_of_publications_refreshes_and_faults_facts_are_those_of_the_views(
    shared: Lake, schedule: list[tuple[str, object]]
) -> None:
    check(shared, schedule)


@pytest.mark.deep
@pytest.mark.timeout(3600)
@examples(times=10)
@given(schedules)
def test_after_many_orders_of_publications_refreshes_and_faults_facts_are_those_of_the_views(
    shared: Lake, schedule: list[tuple[str, object]]
) -> None:
    check(shared, schedule)


def check(lake: Lake, schedule: list[tuple[str, object]]) -> None:
    for number, event in enumerate(schedule):
        happen(lake, event, number)
        if fact_files.read_manifest(lake):
            rows_of_facts(lake)  # every file that readers are told of is there
    refresh(lake)
    assert_as_computed_at_once(lake)
