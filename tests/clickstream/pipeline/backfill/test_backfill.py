"""A range is built again: only what has to be, on from where it stopped, to the same result."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.support.access_log import BOT, Client, append
from tests.support.faults import Killed
from tests.support.lakes import build_all, contents
from tests.support.tiers import first_in_make_test

from clickstream.core.errors import InputError
from clickstream.core.hours import Hour, hour_range
from clickstream.lake import Lake, hour_ledger, objects, open_lake, raw
from clickstream.pipeline.backfill.backfill import (
    Steps,
    left_to_the_run,
    outdated_views,
    plan_backfill,
    rebuild,
    track_progress,
)
from clickstream.pipeline.hour.build import clean_hits
from clickstream.pipeline.hour.hour_states import (
    check_range,
    describe,
    describe_other_settings,
    hour_states,
    hours_to_rebuild,
)
from clickstream.pipeline.hour.step_results import Published
from clickstream.pipeline.proof.verify import verify
from clickstream.pipeline.pull.host import pull_source

FIRST, LAST = Hour.parse("2026-11-20T23"), Hour.parse("2026-11-21T01")
HOURS = list(hour_range(FIRST, LAST))
ANA, CHO, ROBOT = Client("203.0.113.7"), Client("203.0.113.99"), Client("192.0.2.1", BOT)


def lines_of(hour: Hour) -> list[str]:
    """Ana is there all the time, so each hour stands on the one before it."""
    return [ANA.get(f"{hour}:{minute:02}:00", f"/menu?{minute}") for minute in range(0, 60, 20)] + [
        ROBOT.get(f"{hour}:30:00", "/robots.txt"),
        "cut in the mid",
    ]


@pytest.fixture
def built(lake: Lake, tmp_path: Path) -> Lake:
    """Three hours over midnight, published by a run called `first`."""
    for hour in HOURS:
        append(tmp_path / "logs" / "access.log", lines_of(hour))
    pull_source(lake, lake.settings.sources[0])
    build_all(lake, FIRST, LAST, "first")
    return lake


def publishers(lake: Lake) -> list[str]:
    return list(hour_ledger.ledger(lake)["published_by"])


def left_for(lake: Lake, run_id: str, only_outdated: bool = False) -> list[Hour]:
    found = hour_states(lake, FIRST, LAST)
    return hours_to_rebuild(found, run_id, only_outdated)


def outdated(lake: Lake) -> list[str]:
    return [one.outdated for one in hour_states(lake, FIRST, LAST)]


def run(lake: Lake, run_id: str, steps: Steps = Steps.ALL) -> list[str]:
    todo = left_for(lake, run_id)
    return [published.hour for published in rebuild(lake, todo, run_id, steps)]


def test_a_run_that_died_inside_a_publication_leaves_that_hour_to_do(
    built: Lake, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two hours are in the ledger; nobody has looked yet whether their neighbours still fit."""
    append(tmp_path / "logs" / "access.log", [ANA.get(f"{HOURS[1]}:55:00", "/late")])
    pull_source(built, built.settings.sources[0])

    def die(*_: object) -> None:
        raise Killed

    with monkeypatch.context() as patched:
        patched.setattr(raw, "clear_pending", die)
        with pytest.raises(Killed):
            list(rebuild(built, HOURS[1:], "again"))
    assert publishers(built)[1:] == ["again"] * 2
    assert left_for(built, "again") == HOURS[:2]
    run(built, "again")
    assert verify(built).is_proven
    assert outdated(built) == [""] * 3
    assert set(publishers(built)) == {"again"}


@pytest.mark.lake
def test_an_hour_built_along_with_the_one_before_is_not_built_twice(built: Lake) -> None:
    """A shorter gap cuts Ana's session, so the first hour pulls all the others along."""
    settings = built.settings
    shorter = settings.sessions.model_copy(update={"timeout_seconds": 600})
    lake = open_lake(settings.model_copy(update={"sessions": shorter}), built.session)
    assert outdated(lake) == ["built by other settings or another version"] * 3
    assert sorted(run(lake, "again")) == [*map(str, HOURS)]
    assert verify(lake).is_proven


def test_hours_beside_that_other_settings_built_are_named_with_the_settings(built: Lake) -> None:
    settings = built.settings
    sessions = settings.sessions.model_copy(update={"timeout_seconds": 600})
    bots = settings.bots.model_copy(update={"hosting": not settings.bots.hosting})
    lake = open_lake(
        settings.model_copy(update={"sessions": sessions, "bots": bots}), built.session
    )
    warning = describe_other_settings(lake, HOURS[1], HOURS[1])
    assert warning.startswith(f"2 published hours beside {HOURS[1]} to {HOURS[1]}")
    assert "(bots.hosting, sessions.timeout_seconds changed since)" in warning
    assert describe_other_settings(built, HOURS[1], HOURS[1]) == ""


def test_hosts_that_no_source_has_any_more_are_named_before_a_build(built: Lake) -> None:
    [source] = built.settings.sources
    moved = source.model_copy(update={"name": "web-2"})
    lake = open_lake(built.settings.model_copy(update={"sources": [moved]}), built.session)
    warning = describe_other_settings(lake, HOURS[0], HOURS[-1])
    assert warning.startswith(
        f"The sources of the settings lack hosts that were pulled before: {source.name}."
    )


def test_only_what_would_change_is_built(built: Lake, tmp_path: Path) -> None:
    assert left_for(built, "again", only_outdated=True) == []
    append(tmp_path / "logs" / "access.log", [CHO.get(f"{HOURS[1]}:10:00", "/late")])
    pull_source(built, built.settings.sources[0])
    assert outdated(built) == ["", "built from other raw lines", ""]
    todo = left_for(built, "again", only_outdated=True)
    list(rebuild(built, todo, "again"))
    assert publishers(built) == ["first", "again", "first"]
    assert outdated(built) == [""] * 3
    assert verify(built).is_proven


def test_hours_never_built_are_outdated(lake: Lake, tmp_path: Path) -> None:
    append(tmp_path / "logs" / "access.log", lines_of(FIRST))
    pull_source(lake, lake.settings.sources[0])
    found = hour_states(lake, FIRST, FIRST)
    assert describe(found).startswith(f"{FIRST} to {FIRST}: 1 hour, 1 not built yet; 0 ")
    assert found[0].raw_bytes > 0
    assert left_for(lake, "again", only_outdated=True) == HOURS
    assert plan_backfill(lake, FIRST, LAST, "again", only_known=True).todo == [FIRST]


@pytest.mark.lake
def test_sessions_are_stitched_again_without_reading_a_line(
    built: Lake, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where no cleaned rows are left in staging, they are made again."""
    before = contents(built)
    for hour in HOURS[:-1]:
        clean_hits(built, hour)
    read: list[str] = []

    def reading(lake: Lake, item: raw.RawObject) -> bytes:
        read.append(item.key)
        return really_read(lake, item)

    really_read = raw.read
    monkeypatch.setattr(raw, "read", reading)
    assert len(run(built, "again", Steps.SESSIONS)) == 3
    assert {key.split("/")[1] for key in read} == {str(LAST)}
    assert contents(built) == before


def test_looking_at_a_range_leaves_no_trace(built: Lake) -> None:
    def everything() -> list[object]:
        tables = built.glue.get_tables(DatabaseName=built.database)["TableList"]
        return [*objects.listing(built, ""), *(table["VersionId"] for table in tables)]

    before = everything()
    describe(hour_states(built, FIRST, LAST))
    left_for(built, "again")
    assert len(outdated_views(built)) > 0
    assert everything() == before


def test_a_range_that_ends_before_it_begins_is_refused() -> None:
    with pytest.raises(InputError, match="swap the two"):
        check_range(LAST, FIRST)
    assert check_range(FIRST, FIRST) == (FIRST, FIRST)


def test_progress_counts_each_hour_once(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = iter([100.0, 110.0, 120.0, 130.0])
    monkeypatch.setattr("time.monotonic", lambda: next(clock))

    def published(hour: Hour) -> Published:
        return Published(str(hour), 500, 0, 0, 0, "built")

    steps = [*track_progress(HOURS, map(published, [HOURS[0], HOURS[0], HOURS[1]]))]
    assert [step.sentence.partition(" Hour")[0] for step in steps] == [
        "1 of 3 hours done, 50 lines/s, 0:00:20 left.",
        "1 of 3 hours done, 50 lines/s, 0:00:40 left.",
        "2 of 3 hours done, 50 lines/s, 0:00:15 left.",
    ]


@pytest.mark.lake
@pytest.mark.parametrize("order", first_in_make_test([((1, 0),), ((0, 1),)], 1))
def test_a_day_leaves_the_next_one_to_the_run_that_builds_it_too(
    built: Lake, tmp_path: Path, order: tuple[int, int]
) -> None:
    """A late visitor of the first day is handed on to the second."""
    append(tmp_path / "logs" / "access.log", [CHO.get(f"{FIRST}:50:00", "/late")])
    pull_source(built, built.settings.sources[0])
    days = [HOURS[:1], HOURS[1:]]
    reasons = []
    for number in order:
        is_left = left_to_the_run(built, "again", days[number][-1], LAST)
        going = rebuild(built, days[number], "again", Steps.ALL, is_left)
        reasons.append([(one.hour, one.reason) for one in going])
    as_planned = [[(str(hour), "built") for hour in days[number]] for number in order]
    along = (str(HOURS[1]), "built again because its carry-in changed")
    assert [reasons[0], reasons[1][: len(as_planned[1])]] == as_planned
    assert reasons[1][len(as_planned[1]) :] == ([] if order == (0, 1) else [along])
    assert verify(built).is_proven
    assert set(publishers(built)) == {"again"}
