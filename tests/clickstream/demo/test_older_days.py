"""The demo's older days: their files, what is remembered of them, and how they are built."""

from __future__ import annotations

import gzip
import subprocess
from datetime import date
from itertools import pairwise
from pathlib import Path

import pytest
from rich.console import Console
from tests.support.lakes import aws_session, build_all

from clickstream import pipeline
from clickstream.demo import older_days
from clickstream.demo.cafe import CafeRules, PersonSession, older_logs, simulate
from clickstream.demo.cafe_logs import CafeLogs
from clickstream.demo.demo import simulated_cafe
from clickstream.demo.older_days import OlderDays, split_into_runs
from clickstream.demo.stack import Layout
from clickstream.errors import InputError
from clickstream.hours import Hour, by_day, hour_range
from clickstream.lake import Lake, athena, open_lake
from clickstream.settings import Settings

ROOT = Path(__file__).parents[3]
LAST = Hour.parse("2026-11-05T03")
BEGIN = LAST.minus(7)
RULES = CafeRules(seed=3, visitors_per_hour=12, bots_per_hour=2)
LATE = tuple(hour_range(BEGIN.plus(2), BEGIN.plus(3)))


class SmallLogs(CafeLogs):
    """The logs of a café with few visitors and only a few older hours."""

    rules = RULES
    first = BEGIN.minus(50)


@pytest.fixture
def logs(tmp_path: Path) -> SmallLogs:
    return SmallLogs(tmp_path / "logs", date(2026, 10, 8), BEGIN, LATE)


def lines_in(directory: Path) -> list[bytes]:
    return sorted(
        line
        for path in directory.iterdir()
        for line in (
            gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
        ).splitlines(keepends=True)
    )


def test_all_files_together_hold_each_line_once(logs: SmallLogs) -> None:
    logs.write_newest(LAST)
    names = [path.name for path in logs.write_older()]
    assert names == [
        *(
            "access.log-20261102.gz",
            "access.log-20261103.gz",
            "access.log-20261104.gz",
            older_logs.SECOND_SERVER,
        ),
    ]
    expected = sorted(line.raw for line in simulate(logs.first, LAST, RULES).lines)
    assert lines_in(logs.directory) == expected


def test_lines_of_the_late_hours_come_in_two_files(logs: SmallLogs) -> None:
    truth = logs.write_newest(LAST)
    held_back = sum(truth.hours[hour].lines for hour in LATE)
    [*_, late] = logs.write_older()
    assert 0.05 < len(late.read_bytes().splitlines()) / held_back < 0.8


@pytest.mark.parametrize("files", [0, 1, 3])
def test_writing_continues_where_it_was_interrupted(logs: SmallLogs, files: int) -> None:
    logs.write_newest(LAST)
    for _, path in zip(range(files), logs.write_older(), strict=False):
        path.touch()
    (logs.directory / "writing.gz").write_bytes(b"half a file")  # what a kill leaves behind
    assert len(list(logs.write_older())) == 4 - files
    assert list(logs.write_older()) == []


def test_logs_are_continued_by_what_is_remembered_of_them(tmp_path: Path) -> None:
    layout = Layout(tmp_path)
    assert CafeLogs.load(layout.cafe_logs, layout.cafe_file) is None
    logs = CafeLogs.new(layout.cafe_logs, LAST.minus(47), LAST, has_history=True)
    logs.save(layout.cafe_file)
    assert CafeLogs.load(layout.cafe_logs, layout.cafe_file) is None  # nothing is written yet
    layout.cafe_logs.mkdir()
    (layout.cafe_logs / "access.log").touch()
    assert CafeLogs.load(layout.cafe_logs, layout.cafe_file) == logs
    assert logs.rules.story_begins == date(2026, 10, 8)
    assert logs.first == Hour.parse("2026-10-08T00")
    assert list(map(str, logs.late_hours)) == [f"2026-11-04T{hour}" for hour in (10, 11, 12, 13)]


def test_logs_of_an_earlier_version_are_refused(tmp_path: Path) -> None:
    layout = Layout(tmp_path)
    layout.cafe_logs.mkdir(parents=True)
    (layout.cafe_logs / "access.log").touch()
    with pytest.raises(InputError, match="make clean-demo"):
        CafeLogs.load(layout.cafe_logs, layout.cafe_file)


def test_without_a_history_no_line_is_held_back(tmp_path: Path) -> None:
    assert CafeLogs.new(tmp_path, BEGIN, LAST, has_history=False).late_hours == ()


def test_a_second_start_continues_the_cafe_of_the_first(tmp_path: Path) -> None:
    layout, console = Layout(tmp_path), Console(quiet=True)
    first = simulated_cafe(layout, console)
    written = lines_in(layout.cafe_logs)
    second = simulated_cafe(layout, console)
    assert lines_in(layout.cafe_logs) == written
    assert first.older is not None
    assert second.older == first.older
    assert str(first.older.story_begins) in second.processes["cafe"]
    assert simulated_cafe(layout, console, history=False).older is None


@pytest.mark.parametrize(("given", "is_off"), [("HISTORY=0", True), ("HISTORY=1", False)])
def test_make_demo_passes_on_whether_the_older_days_are_built(given: str, is_off: bool) -> None:
    command = ["make", "--dry-run", "demo", given]
    shown = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    assert ("--no-history" in shown) == is_off


def test_runs_are_short_at_first_and_have_no_gap() -> None:
    days = [*by_day(Hour.parse("2026-10-08T00"), Hour.parse("2026-11-03T19"))][::-1]
    runs = list(split_into_runs(days))
    assert list(map(len, runs)) == [1, 2, 4, 7, 7, 6]
    assert [day for run in runs for day in run] == days
    del days[5]
    runs = list(split_into_runs(days))
    assert list(map(len, runs))[:3] == [1, 2, 2]
    for run in runs:
        assert all(older[1].next == newer[0] for newer, older in pairwise(run))
    assert list(split_into_runs([])) == []


def visits(lake: Lake) -> list[tuple[object, ...]]:
    sql = "select started_at, ended_at, requests, landing_page from sessions order by 1, 2, 3, 4"
    return athena.query(lake, sql).rows


def expected(sessions: tuple[PersonSession, ...]) -> list[tuple[object, ...]]:
    return sorted(
        (s.started_at.replace(tzinfo=None), s.ended_at.replace(tzinfo=None), s.requests, page)
        for s in sessions
        if (page := s.landing_page)
    )


def test_newest_hours_then_late_lines_then_older_days_give_the_truth_of_all(
    lake_settings: Settings, logs: SmallLogs
) -> None:
    """The order of the demo, in hours around the turn of a visitor key, which is on 3 November."""
    source = lake_settings.sources[0].model_copy(
        update={"path": str(logs.directory), "pattern": "*access*log*"}
    )
    site = lake_settings.site.model_copy(update={"domains": RULES.domains})
    own = {"sources": (source,), "site": site}
    lake = open_lake(lake_settings.model_copy(update=own), aws_session())
    weeks = OlderDays(None, lake, logs, BEGIN.previous, Console(quiet=True))  # type: ignore[arg-type]
    logs.write_newest(LAST)
    pipeline.pull(lake, source)
    build_all(lake, BEGIN, LAST, "newest")
    assert len(weeks.unbuilt_days()) == 3
    list(logs.write_older())
    pipeline.pull(lake, source)
    late = pipeline.hours_to_build(lake, LAST, catch_up=False).hours
    assert late == [*LATE, LAST]
    for hour in late:
        pipeline.build_hour(lake, hour, "late")
    for run in split_into_runs(weeks.unbuilt_days()):
        hours = [*hour_range(run[-1][0], run[0][1])]
        list(pipeline.rebuild(lake, hours, "older"))
    assert weeks.unbuilt_days() == []
    pipeline.refresh_views(lake)
    truth = simulate(logs.first, LAST, RULES).truth
    assert not pipeline.verify(lake, logs.first, LAST).failures
    assert visits(lake) == expected(truth.sessions)


def test_a_condition_is_asked_for_only_every_some_seconds(monkeypatch: pytest.MonkeyPatch) -> None:
    now, asked = 0.0, []
    monkeypatch.setattr(older_days.time, "monotonic", lambda: now)
    condition = older_days._every(2.0, lambda: bool(asked.append(now)) or now > 3)
    for moment in (0.0, 0.5, 1.9, 2.0, 3.9):
        now = moment
        assert not condition()
    now = 4.0
    assert condition()
    assert asked == [0.0, 2.0, 4.0]
