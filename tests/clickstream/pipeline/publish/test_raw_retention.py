"""Raw lines are deleted by age, and no published row ever loses one."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.clickstream.pipeline.builders import write
from tests.support.examples import examples
from tests.support.lakes import aws_session, build_all, contents, settings_of_a_lake
from tests.support.localaws_process import LocalAwsProcess

from clickstream import parse
from clickstream.core.errors import KeyDestroyed, PastWindow, RawDeleted
from clickstream.core.hours import Hour, hour_range
from clickstream.lake import Lake, hour_ledger, objects, open_lake, pull_states, raw, visitor_keys
from clickstream.lake.iceberg import iceberg_tables
from clickstream.lake.raw_watermark import read_watermark
from clickstream.pipeline.backfill.backfill import plan_backfill
from clickstream.pipeline.backfill.new_visitor_ids import plan_new_visitor_ids
from clickstream.pipeline.hour.build import build_sessions, clean_hits
from clickstream.pipeline.hour.replay_window import check_replay_window
from clickstream.pipeline.proof.freshness import lake_freshness
from clickstream.pipeline.proof.repair import repair
from clickstream.pipeline.proof.verify import verify
from clickstream.pipeline.publish import maintenance
from clickstream.pipeline.publish.maintenance import sweep_files
from clickstream.pipeline.publish.publish import build_hour, hours_to_build, register_tables
from clickstream.pipeline.pull.host import pull_source
from clickstream.settings import MaintenanceSettings, Settings
from clickstream.tables import RAW_OBJECTS

FIRST, LAST = Hour.parse("2026-11-20T22"), Hour.parse("2026-11-21T01")
HOURS = [*hour_range(FIRST, LAST)]
GRACE = timedelta(days=3)
MUCH_LATER = datetime.now(UTC) + timedelta(days=60)
"""All hours of the tests are past their retention then, and were built long ago."""


def keeping(settings_: Settings, days: int = 35) -> Settings:
    return settings_.model_copy(update={"maintenance": MaintenanceSettings(raw_days=days)})


@pytest.fixture
def cafe(lake_settings: Settings) -> Lake:
    """A lake that keeps raw lines for 35 days, with four hours built."""
    lake = open_lake(keeping(lake_settings), aws_session())
    pull_lines(lake, [line_at(hour, visitor) for hour in HOURS for visitor in range(2)])
    build_all(lake, FIRST, LAST, "first")
    return lake


def line_at(hour: Hour, visitor: int, minute: int = 10) -> str:
    at = f"{hour.start:%d/%b/%Y:%H}:{minute:02}:00 +0000"
    return f'192.0.2.{visitor} - - [{at}] "GET / HTTP/1.1" 200 5 "-" "Firefox/140.0"\n'


def pull_lines(lake: Lake, lines: list[str]) -> None:
    source = lake.settings.sources[0]
    write(Path(source.path), lines)
    pull_source(lake, source)


def raw_hours(lake: Lake) -> list[Hour]:
    return sorted(raw.raw_by_hour(lake))


def sweep_twice(lake: Lake, now: datetime = MUCH_LATER) -> None:
    """Announce the watermark, and delete when the grace is over."""
    sweep_files(lake, now)
    sweep_files(lake, now + GRACE)


@pytest.mark.parametrize("days", [1, 34])
def test_fewer_days_than_hours_may_be_built_in_are_refused(days: int) -> None:
    with pytest.raises(ValueError, match="set 0, or 35 or more"):
        MaintenanceSettings(raw_days=days)


def test_raw_lines_are_kept_for_good_unless_the_settings_say_otherwise(
    cafe: Lake, reopen: Callable[[], Lake]
) -> None:
    kept = reopen()
    sweep_twice(kept)
    assert raw_hours(kept) == HOURS
    assert read_watermark(kept).before is None


def test_raw_lines_go_the_grace_after_their_hours_are_closed(cafe: Lake) -> None:
    before = contents(cafe)
    first = sweep_files(cafe, MUCH_LATER)
    due = Hour.first_of(f"{MUCH_LATER - timedelta(days=35):%Y-%m-%d}")
    assert (first.raw_files, first.raw_before, first.raw_kept) == (0, str(due), "")
    assert f"Hours before {due} are closed to builds from now on" in first.sentence
    early = sweep_files(cafe, MUCH_LATER + GRACE - timedelta(seconds=1))
    assert (early.raw_files, raw_hours(cafe)) == (0, HOURS)
    second = sweep_files(cafe, MUCH_LATER + GRACE)
    assert second.raw_files == 4
    assert "4 raw objects past [maintenance] raw_days deleted" in second.sentence
    assert raw_hours(cafe) == []
    assert contents(cafe) == before


@pytest.mark.lake
def test_hours_that_are_young_keep_their_raw_lines(cafe: Lake) -> None:
    days = (MUCH_LATER.date() - LAST.event_date).days
    younger = Lake(keeping(cafe.settings, days), cafe.session)
    sweep_files(younger, MUCH_LATER)
    build_hour(younger, HOURS[2], "again")
    sweep_files(younger, MUCH_LATER + GRACE)
    assert raw_hours(younger) == HOURS[2:]
    assert verify(younger).is_proven


def test_a_dry_run_says_what_would_go_and_changes_nothing(cafe: Lake) -> None:
    planned = sweep_files(cafe, MUCH_LATER, dry_run=True)
    assert "would be closed to builds from now on" in planned.sentence
    assert read_watermark(cafe).before is None
    sweep_files(cafe, MUCH_LATER)
    planned = sweep_files(cafe, MUCH_LATER + GRACE, dry_run=True)
    assert (planned.raw_files, planned.raw_bytes > 0) == (4, True)
    assert "4 raw objects past [maintenance] raw_days would be deleted" in planned.sentence
    assert raw_hours(cafe) == HOURS


def ways_to_build(lake: Lake, hour: Hour) -> dict[str, Callable[[], object]]:
    return {
        "build_hour": lambda: build_hour(lake, hour, "again"),
        "clean_hits": lambda: clean_hits(lake, hour),
        "rebuild": lambda: build_all(lake, FIRST, LAST, "again"),
        "plan_backfill": lambda: plan_backfill(lake, FIRST, LAST, "again"),
        "check_replay_window": lambda: check_replay_window(lake, FIRST, LAST),
    }


def test_every_way_to_build_a_closed_hour_is_refused_from_the_announcement_on(cafe: Lake) -> None:
    staged = build_sessions(cafe, clean_hits(cafe, FIRST))
    sweep_files(cafe, MUCH_LATER)
    for name, way in ways_to_build(cafe, FIRST).items():
        with pytest.raises(RawDeleted, match="a build would lose lines") as refused:
            way()
        assert refused.value.is_permanent, name
        assert isinstance(refused.value, PastWindow)
    with pytest.raises(RawDeleted):
        register_tables(cafe, staged, "again")
    outdated = plan_backfill(cafe, FIRST, LAST, "again", only_outdated=True)
    assert outdated.todo == []
    assert "4 hours past their replay window stay as they are" in outdated.refused


@pytest.mark.lake
def test_new_visitor_ids_are_refused_for_periods_without_raw_lines(cafe: Lake) -> None:
    destroy_keys(cafe)
    assert plan_new_visitor_ids(cafe, FIRST, LAST).hours
    sweep_files(cafe, MUCH_LATER)
    with pytest.raises(RawDeleted):
        plan_new_visitor_ids(cafe, FIRST, LAST)


def destroy_keys(lake: Lake) -> None:
    visitor_keys.destroy_expired(lake, datetime.now(UTC) + timedelta(days=400))
    with pytest.raises(KeyDestroyed):
        check_replay_window(lake, FIRST, LAST)


@pytest.mark.lake
def test_verify_says_that_raw_lines_are_gone_and_finds_no_damage(cafe: Lake) -> None:
    sweep_twice(cafe)
    report = verify(cafe)
    assert report.is_proven, report.failures
    gone = read_watermark(cafe).before
    assert (
        f"Raw lines before {gone} are deleted ([maintenance] raw_days), so the hours before it "
        "were not compared with them."
    ) in report.notes
    assert repair(cafe, report, "repair") == report


@pytest.mark.lake
def test_a_missing_raw_object_of_a_kept_hour_is_still_damage(cafe: Lake) -> None:
    objects.delete(cafe, [raw.list_raw(cafe, FIRST)[0].key])
    assert "of which 0 still exist" in verify(cafe).failures[0]


@pytest.mark.lake
def test_lines_of_a_closed_hour_that_was_never_built_wait_in_raw_for_good(cafe: Lake) -> None:
    sweep_twice(cafe)
    unbuilt = FIRST.minus(3)
    pull_lines(cafe, [line_at(unbuilt, 9)])
    due = hours_to_build(cafe, FIRST.minus(2))
    assert [one.hour for one in due.past_window] == [unbuilt]
    with pytest.raises(RawDeleted):
        build_hour(cafe, unbuilt, "late")
    sweep_twice(cafe, MUCH_LATER + timedelta(days=99))
    assert raw_hours(cafe) == [unbuilt]
    assert verify(cafe).late_past_window == (unbuilt,)
    assert lake_freshness(cafe, MUCH_LATER, FIRST).late == ()
    raw.clear_pending(cafe, raw.pending_by_hour(cafe)[unbuilt])  # as if a pull had broken off
    sweep_twice(cafe, MUCH_LATER + timedelta(days=199))
    assert raw_hours(cafe) == [unbuilt]


@pytest.mark.parametrize(
    ("hour", "why"),
    [(HOURS[2], "it does not contain its late lines yet"), (FIRST.minus(3), "were never built")],
)
def test_lines_that_can_still_be_built_hold_the_watermark_back(
    cafe: Lake, hour: Hour, why: str
) -> None:
    pull_lines(cafe, [line_at(hour, 9)])
    sweep_twice(cafe)
    swept = sweep_files(cafe, MUCH_LATER + GRACE)
    assert f"Raw lines are kept from hour {hour} on: " in swept.raw_kept
    assert why in swept.raw_kept
    assert raw_hours(cafe) == sorted({hour, *(one for one in HOURS if one >= hour)})
    build_hour(cafe, hour, "late")
    assert hour_ledger.ledger(cafe)["lines"].sum() == 9
    sweep_twice(cafe, MUCH_LATER + timedelta(days=9))
    assert raw_hours(cafe) == []


@pytest.mark.lake
def test_hours_that_lack_a_host_keep_their_raw_lines_until_it_is_back_or_retired(
    cafe: Lake,
) -> None:
    set_state(cafe, pulled_at=int(HOURS[1].end.timestamp()))
    build_all(cafe, FIRST, LAST, "again")
    assert hour_ledger.ledger(cafe)["missing_sources"].notna().tolist() == [
        False,
        False,
        True,
        True,
    ]
    sweep_twice(cafe)
    assert raw_hours(cafe) == HOURS[2:]
    set_state(cafe, retired_at=1)
    sweep_files(cafe, MUCH_LATER + GRACE)
    assert raw_hours(cafe) == []
    assert hour_ledger.ledger(cafe)["missing_sources"].isna().all()


def set_state(lake: Lake, **changes: int) -> None:
    host = lake.settings.sources[0].name
    pull_states.update_pull_state(lake, host, lambda one: replace(one, **changes))


@pytest.mark.lake
def test_a_sweep_that_is_killed_is_completed_by_the_next(
    cafe: Lake, monkeypatch: pytest.MonkeyPatch
) -> None:
    sweep_files(cafe, MUCH_LATER)
    real = objects.delete

    def die(lake: Lake, keys: list[str]) -> None:
        if keys and keys[0].startswith("raw/"):
            real(lake, keys[:1])
            raise KeyboardInterrupt
        real(lake, keys)

    with monkeypatch.context() as patch:
        patch.setattr(maintenance.objects, "delete", die)
        with pytest.raises(KeyboardInterrupt):
            sweep_files(cafe, MUCH_LATER + GRACE)
    assert len(raw_hours(cafe)) == 3
    assert verify(cafe).is_proven
    sweep_files(cafe, MUCH_LATER + GRACE)
    assert raw_hours(cafe) == []


def test_the_watermark_never_moves_back(cafe: Lake) -> None:
    sweep_files(cafe, MUCH_LATER)
    before = read_watermark(cafe).before
    sweep_files(cafe, MUCH_LATER - timedelta(days=5))
    assert read_watermark(cafe).before == before
    longer = Lake(keeping(cafe.settings, 90), cafe.session)
    sweep_files(longer, MUCH_LATER)
    assert read_watermark(cafe).before == before
    for days in range(1, 9):
        sweep_files(cafe, MUCH_LATER + timedelta(days=days))
    assert len(read_watermark(cafe).announced) <= 5


STEPS = st.lists(
    st.tuples(
        st.sampled_from(("log", "pull", "build", "run", "sweep", "later")),
        st.sampled_from(HOURS),
    ),
    min_size=4,
    max_size=14,
)


@pytest.mark.lake
@examples(times=0.4)
@given(steps=STEPS)
def test_in_any_order_of_pulls_builds_and_sweeps_published_rows_never_lose_a_line(
    local_aws: LocalAwsProcess,
    tmp_path_factory: pytest.TempPathFactory,
    steps: Sequence[tuple[str, Hour]],
) -> None:
    logs = tmp_path_factory.mktemp("logs")
    lake = open_lake(keeping(settings_of_a_lake(local_aws.endpoint, logs)), aws_session())
    logged: Counter[Hour] = Counter()
    published: dict[Hour, int] = {}
    now = MUCH_LATER
    for number, (step, hour) in enumerate(steps):
        if step == "log":
            write(logs, [line_at(hour, number, number)])
            logged[hour] += 1
        elif step == "pull":
            pull_source(lake, lake.settings.sources[0])
        elif step == "build":
            with suppress(PastWindow):
                build_hour(lake, hour, f"run {number}")
        elif step == "run":
            run_hours(lake, hour, f"run {number}")
        elif step == "sweep":
            sweep_files(lake, now)
        else:
            now += GRACE
        published = check_no_line_lost(lake, published)
    pull_source(lake, lake.settings.sources[0])
    run_hours(lake, LAST, "last")
    check_no_line_lost(lake, published)
    in_tables = check_no_line_lost(lake, {})
    waiting = {hour: count_waiting(lake, hour) for hour in HOURS}
    assert {h: in_tables.get(h, 0) + waiting[h] for h in HOURS} == {h: logged[h] for h in HOURS}
    assert not verify(lake).findings


def run_hours(lake: Lake, hour: Hour, run_id: str) -> None:
    for due in hours_to_build(lake, hour).hours:
        with suppress(PastWindow):
            build_hour(lake, due, run_id)


def check_no_line_lost(lake: Lake, before: dict[Hour, int]) -> dict[Hour, int]:
    """The lines of each published hour, which are as many as before or more."""
    ledger = hour_ledger.ledger_in_order(lake, columns=["hour_at", "lines"]).to_pylist()
    lines = {Hour.at(row["hour_at"]): int(row["lines"]) for row in ledger}
    assert all(lines.get(hour, -1) >= number for hour, number in before.items())
    return lines


def count_waiting(lake: Lake, hour: Hour) -> int:
    """The lines of an hour that lie in raw and in no table."""
    rows = iceberg_tables.load(lake, RAW_OBJECTS).read(hour, hour, ["raw_object"])
    built = set(rows["raw_object"].to_pylist())
    there = [one for one in raw.list_raw(lake, hour) if one.key not in built]
    return sum(parse.parse(raw.read(lake, one), "combined").lines for one in there)
