"""Hours past their replay window are refused, changed on purpose only, and never lose a line."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from tests.support.access_log import append
from tests.support.faults import Killed
from tests.support.key_periods import (
    AFTER,
    BEFORE,
    FIRST,
    GUESTS,
    LAST,
    PERIOD,
    TABLET,
    destroy_key,
    parts,
    publications,
    rows,
    traffic,
    with_short_periods,
)
from tests.support.lakes import aws_session, beside, build_all, settings_of_a_lake
from tests.support.localaws_process import LocalAwsProcess
from tests.support.schedules import disturbed

from clickstream.core.errors import KeyDestroyed
from clickstream.core.hours import Hour, hour_range
from clickstream.lake import Lake, athena, hour_ledger, open_lake, visitor_keys
from clickstream.pipeline.backfill.backfill import Steps, rebuild
from clickstream.pipeline.backfill.new_visitor_ids import give_new_visitor_ids, plan_new_visitor_ids
from clickstream.pipeline.hour.build import (
    build_sessions,
    check_hour,
    clean_hits,
)
from clickstream.pipeline.hour.hour_states import (
    describe_build,
    describe_refused,
    hour_states,
    hours_to_rebuild,
)
from clickstream.pipeline.hour.replay_window import check_replay_window
from clickstream.pipeline.proof.freshness import lake_freshness
from clickstream.pipeline.proof.repair import repair
from clickstream.pipeline.proof.verify import verify
from clickstream.pipeline.publish.publish import build_hour, hours_to_build, register_tables
from clickstream.pipeline.pull.host import pull_source
from clickstream.settings import Settings

INSIDE = FIRST.plus(20)
NOON = datetime(2026, 11, 26, 12, tzinfo=UTC)


@pytest.fixture
def settings(lake_settings: Settings) -> Settings:
    return with_short_periods(lake_settings)


@pytest.fixture
def lake(settings: Settings, reopen: Callable[[], Lake], tmp_path: Path) -> Lake:
    """A key period and some hours around it, all published."""
    return publish_all(open_lake(settings, reopen().session), tmp_path / "logs")


def publish_all(lake: Lake, logs: Path) -> Lake:
    append(logs / "access.log.1", traffic(hour_range(BEFORE, AFTER)))
    pull_source(lake, lake.settings.sources[0])
    build_all(lake, BEFORE, AFTER, "first")
    assert verify(lake).is_proven
    return lake


def arrive_late(lake: Lake, tmp_path: Path, hour: Hour, number: int = 2) -> None:
    """Let a server bring some more lines of an hour, and pull them."""
    lines = [GUESTS[0].get(f"{hour}:{minute:02}:33", "/late") for minute in range(number)]
    append(tmp_path / "logs" / "access.log", lines)
    pull_source(lake, lake.settings.sources[0])


def build_staged(lake: Lake) -> Callable[[], object]:
    staged = check_hour(lake, build_sessions(lake, clean_hits(lake, INSIDE)))
    return lambda: register_tables(lake, staged, "again")


def sessions_of_staged(lake: Lake) -> Callable[[], object]:
    staged = clean_hits(lake, INSIDE)
    return lambda: build_sessions(lake, staged)


WAYS: dict[str, Callable[[Lake], Callable[[], object]]] = {
    "build": lambda lake: lambda: build_hour(lake, INSIDE, "again"),
    "range": lambda lake: lambda: build_all(lake, BEFORE, AFTER, "again"),
    "sessions of a range": lambda lake: (
        lambda: list(rebuild(lake, [INSIDE], "again", Steps.SESSIONS))
    ),
    "plan of a range": lambda lake: (
        lambda: hours_to_rebuild(hour_states(lake, BEFORE, AFTER), "again")
    ),
    "check of a range": lambda lake: lambda: check_replay_window(lake, BEFORE, AFTER),
    "cleared clean_hits": lambda lake: lambda: clean_hits(lake, INSIDE),
    "spark": lambda lake: lambda: clean_hits(lake, INSIDE, keep_staged=True),
    "cleared build_sessions": sessions_of_staged,
    "cleared register_tables": build_staged,
}


def refusal(way: Callable[[], object]) -> KeyDestroyed | None:
    try:
        way()
    except KeyDestroyed as error:
        return error
    return None


@dataclass(frozen=True)
class PastWindow:
    """A lake whose key was destroyed, with what it had before, and all ways to build an hour."""

    lake: Lake
    ways: Mapping[str, Callable[[], object]]
    published: object
    rows: object
    destroyed_at: datetime


@pytest.fixture(scope="module")
def past_window(local_aws: LocalAwsProcess, tmp_path_factory: pytest.TempPathFactory) -> PastWindow:
    """For tests that change nothing."""
    logs = tmp_path_factory.mktemp("past-window") / "logs"
    logs.mkdir()
    own = with_short_periods(settings_of_a_lake(local_aws.endpoint, logs))
    lake = publish_all(open_lake(own, aws_session()), logs)
    ways = {name: prepare(lake) for name, prepare in WAYS.items()}
    published, before = publications(lake), rows(lake, BEFORE, AFTER)
    return PastWindow(lake, ways, published, before, destroy_key(lake, INSIDE))


def test_an_hour_whose_key_is_destroyed_is_refused_in_every_way_and_nothing_changes(
    past_window: PastWindow,
) -> None:
    lake = past_window.lake
    for name, way in past_window.ways.items():
        refused = refusal(way)
        assert refused is not None, name
        assert refused.is_permanent
        assert f"was destroyed on {past_window.destroyed_at:%Y-%m-%d at %H:%M} UTC" in str(refused)
        assert "--new-visitor-ids" in str(refused)
    assert publications(lake) == past_window.published
    assert rows(lake, BEFORE, AFTER) == past_window.rows
    found = verify(lake)
    assert found.is_proven, found.failures
    assert (found.edges, found.late_past_window) == ((), ())


def test_outdated_hours_leave_out_those_past_their_window_and_say_so(
    past_window: PastWindow,
) -> None:
    lake = past_window.lake
    patient = with_short_periods(lake.settings, timeout_seconds=2400)
    other = open_lake(patient, lake.session)
    found = hour_states(other, BEFORE, AFTER)
    todo = hours_to_rebuild(found, "again", only_outdated=True)
    # The first hour after the period takes over sessions under the destroyed key.
    assert todo == [*hour_range(LAST.plus(2), AFTER)]
    assert "52 hours past their replay window" in describe_refused(found)
    assert describe_build(other, found, todo)[0] == (
        f"Would build 2 hours built by other settings or another version: {todo[0]} to {todo[1]} "
        "(2 hours)."
    )


def test_late_lines_of_an_hour_past_its_window_wait_and_are_counted(
    lake: Lake, tmp_path: Path
) -> None:
    destroy_key(lake, INSIDE)
    published, before = publications(lake), rows(lake, BEFORE, AFTER)
    arrive_late(lake, tmp_path, INSIDE, 3)
    arrive_late(lake, tmp_path, AFTER, 1)
    due = hours_to_build(lake, AFTER.next)
    assert due.hours == [AFTER, AFTER.next]
    [waiting] = due.past_window
    assert (waiting.hour, waiting.raw_objects, waiting.lines) == (INSIDE, 1, 3)
    row = hour_ledger.ledger_row(lake, INSIDE).values
    assert (row["waiting_lines"], row["waiting_objects"]) == (3, 1)
    assert publications(lake) == published
    assert rows(lake, BEFORE, AFTER) == before
    build_hour(lake, AFTER, "late")
    found = verify(lake)
    assert found.is_proven, found.failures
    assert found.late_past_window == (INSIDE,)
    fresh = lake_freshness(lake, NOON)
    assert ([*fresh.past_window], fresh.late, fresh.reopened) == ([waiting], (), ())


def only_the_period(lake: Lake, settings: Settings) -> Lake:
    """A lake in which no hour but the period's own was ever built."""
    alone = open_lake(beside(settings, "alone"), lake.session)
    pull_source(alone, settings.sources[0])
    build_all(alone, FIRST, LAST, "alone")
    return alone


@pytest.mark.lake
def test_new_visitor_ids_build_the_whole_period_and_nothing_outside(
    lake: Lake, settings: Settings, tmp_path: Path
) -> None:
    destroy_key(lake, INSIDE)
    arrive_late(lake, tmp_path, INSIDE)
    published = publications(lake)
    outside = rows(lake, BEFORE, FIRST.previous) + rows(lake, LAST.next, AFTER)
    plan = plan_new_visitor_ids(lake, INSIDE, INSIDE)
    assert [*plan.hours] == [*hour_range(FIRST, LAST)]
    assert (plan.published, plan.periods, plan.visitors) == (48, (PERIOD,), 4)
    built = {one.published.hour for one in give_new_visitor_ids(lake, plan, "renewal")}
    assert built == {*map(str, plan.hours)}
    after = publications(lake)
    assert {hour for hour in after if after[hour] != published[hour]} == {*plan.hours}
    assert rows(lake, BEFORE, FIRST.previous) + rows(lake, LAST.next, AFTER) == outside
    assert parts(lake, FIRST, LAST) == parts(only_the_period(lake, settings), FIRST, LAST)
    assert {one.values["visitor_key"] for one in ledger_rows(lake, FIRST, LAST)} == {
        hour_ledger.ledger_row(lake, INSIDE).values["visitor_key"]
    }
    found = verify(lake)
    assert found.is_proven, found.failures
    assert found.edges == (FIRST, LAST.next)
    assert visitor_keys.open_periods(lake) == []
    causes = athena.query(lake, "select distinct cause, root_cause from session_changes").rows
    assert causes == [("new visitor ids", "new visitor ids")]
    assert hours_to_build(lake, AFTER.next).past_window == []


def ledger_rows(lake: Lake, first: Hour, last: Hour) -> Iterator[hour_ledger.LedgerRow]:
    yield from hour_ledger.ledger_rows(lake, first, last).values()


DEEP = [pytest.param(writes, marks=pytest.mark.deep) for writes in (0, 46, *range(1, 60, 6))]


@pytest.mark.lake
@pytest.mark.parametrize("writes", [31, *DEEP])
def test_new_visitor_ids_that_are_killed_are_completed_by_mend_or_by_the_next_run(
    lake: Lake, settings: Settings, writes: int
) -> None:
    destroy_key(lake, INSIDE)
    plan = plan_new_visitor_ids(lake, INSIDE, INSIDE)

    def kill() -> None:
        raise Killed

    with pytest.raises(Killed):
        [*give_new_visitor_ids(disturbed(lake, writes, kill), plan, "killed")]
    found = verify(lake)
    assert writes == 0 or not found.is_proven
    if writes % 2 or not writes:
        again = plan_new_visitor_ids(lake, FIRST, FIRST)
        published = [*give_new_visitor_ids(lake, again, "again")]
        assert len(published) <= len(plan.hours) + 48
    else:
        repair(lake, found, "repair")
    found = verify(lake)
    assert found.is_proven, found.failures
    assert visitor_keys.open_periods(lake) == []
    assert parts(lake, FIRST, LAST) == parts(only_the_period(lake, settings), FIRST, LAST)


@pytest.mark.deep
def test_hours_never_published_are_built_beside_hours_past_their_window(
    settings: Settings, reopen: Callable[[], Lake], tmp_path: Path
) -> None:
    """Sessions end where they meet, no published hour changes, and later lines find their way."""
    lake = open_lake(settings, reopen().session)
    append(tmp_path / "logs" / "access.log.1", traffic(hour_range(BEFORE, AFTER)))
    pull_source(lake, settings.sources[0])
    missing = [*hour_range(INSIDE, INSIDE.plus(2)), *hour_range(LAST, LAST.plus(1))]
    first = [hour for hour in hour_range(BEFORE, AFTER) if hour not in missing]
    [*rebuild(lake, first, "first")]
    destroy_key(lake, INSIDE)
    published = publications(lake)
    for hour in (*missing[1:3], missing[0], *missing[:2:-1]):
        build_hour(lake, hour, "backfill")
    after = publications(lake)
    assert {hour for hour in published if after[hour] != published[hour]} <= {
        *hour_range(LAST.plus(2), AFTER)
    }
    found = verify(lake)
    assert found.is_proven, found.failures
    assert found.edges == (INSIDE, INSIDE.plus(3), LAST)
    arrive_late(lake, tmp_path, INSIDE)
    due = hours_to_build(lake, AFTER.next)
    assert (INSIDE in due.hours, due.past_window) == (True, [])
    assert build_hour(lake, INSIDE, "late")[0].hour == str(INSIDE)
    assert verify(lake).is_proven


@pytest.mark.deep
def test_a_chain_is_published_step_by_step(lake: Lake, tmp_path: Path) -> None:
    """A late line of the device that never falls silent reaches hours that are seen one by one."""
    append(tmp_path / "logs" / "access.log", [TABLET.get(f"{BEFORE}:00:10", "/menu")])
    pull_source(lake, lake.settings.sources[0])
    published = publications(lake)
    steps = rebuild(lake, [BEFORE], "late")
    assert next(steps).hour == str(BEFORE)
    changed = publications(lake)
    assert {hour for hour in changed if changed[hour] != published[hour]} == {BEFORE}
    left: list[Any] = [*steps]
    assert 0 < len(left) <= 48
    assert verify(lake).is_proven


@pytest.mark.deep
def test_another_length_of_key_periods_does_not_reach_from_hour_to_hour(
    lake: Lake, settings: Settings
) -> None:
    """The hour built by it has visitors that its neighbours do not recognize."""
    privacy = settings.privacy.model_copy(update={"key_days": 3})
    other = open_lake(settings.model_copy(update={"privacy": privacy}), lake.session)
    assert [one.hour for one in build_hour(other, INSIDE, "again")] == [str(INSIDE)]
    found = verify(lake)
    assert found.is_proven, found.failures
    assert found.edges == (INSIDE, INSIDE.next)
