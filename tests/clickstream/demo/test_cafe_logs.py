"""The log files of the demo's café: the newest hours, the days before, the late lines."""

from __future__ import annotations

import gzip
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from tests.support.lakes import aws_session, build_all

from clickstream.core.errors import InputError
from clickstream.core.hours import Hour, HourSpan, hour_range
from clickstream.core.terminal import SafeConsole
from clickstream.demo.cafe import CafeRules, PersonSession, log_files, simulate, story
from clickstream.demo.cafe_logs import CafeLogs
from clickstream.demo.demo import OlderHours
from clickstream.demo.progress import DemoStep, DemoSteps
from clickstream.demo.stack import StackLayout
from clickstream.demo.traffic import BESIDE_BACKFILL, CAFE_SETTINGS, Plan, cafe_of, simulated_cafe
from clickstream.lake import Lake, athena, hour_ledger, open_lake
from clickstream.pipeline.proof.verify import verify
from clickstream.pipeline.publish.publish import refresh_views
from clickstream.pipeline.pull.host import pull_source
from clickstream.pipeline.sales.check import check_source
from clickstream.settings import Settings, load

ROOT = Path(__file__).parents[3]
LAST = Hour.parse("2026-11-05T03")
BEGIN = LAST.minus(7)
RULES = CafeRules(seed=3, visitors_per_hour=12, bots_per_hour=2)
LATE = tuple(hour_range(BEGIN.minus(6), BEGIN.minus(5)))
QUIET = SafeConsole(quiet=True)


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
    assert names == [f"access.log-202611{day}.gz" for day in ("02", "03", "04")]
    assert not logs.has_late_lines
    assert logs.has_held_back_lines
    logs.release_late_lines()
    assert logs.has_late_lines
    assert not logs.has_held_back_lines
    assert list(logs.write_older()) == []
    assert not logs.has_held_back_lines
    expected = sorted(line.raw for line in simulate(logs.first, LAST, RULES).lines)
    assert lines_in(logs.directory) == expected


def test_some_lines_of_the_late_hours_come_late(logs: SmallLogs) -> None:
    logs.write_newest(LAST)
    list(logs.write_older())
    logs.release_late_lines()
    truth = simulate(logs.first, LAST, RULES).truth
    late = (logs.directory / log_files.SECOND_SERVER).read_bytes().splitlines()
    assert 0.05 < len(late) / sum(truth.hours[hour].lines for hour in LATE) < 0.8


@pytest.mark.parametrize("files", [0, 1, 3])
def test_writing_continues_where_it_was_interrupted(logs: SmallLogs, files: int) -> None:
    logs.write_newest(LAST)
    for _, path in zip(range(files), logs.write_older(), strict=False):
        path.touch()
    (logs.directory / "writing.gz").write_bytes(b"half a file")  # what a kill leaves behind
    assert len(list(logs.write_older())) == 3 - files
    assert list(logs.write_older()) == []


def test_hours_are_complete_up_to_the_first_missing_day(logs: SmallLogs) -> None:
    logs.write_newest(LAST)
    assert logs.complete_to() == logs.first.previous
    ends = [logs.complete_to() for _ in logs.write_older()]
    assert list(map(str, ends[:2])) == ["2026-11-02T23", "2026-11-03T23"]
    # access.log may still grow, so its hour is not complete before it is rotated.
    assert ends[2] == LAST.previous


def test_logs_are_continued_by_what_is_remembered_of_them(tmp_path: Path) -> None:
    layout = StackLayout(tmp_path)
    assert CafeLogs.load(layout.cafe_logs, layout.cafe_file) is None
    logs = CafeLogs.new(layout.cafe_logs, LAST.minus(11), LAST, days=3)
    logs.save(layout.cafe_file)
    assert CafeLogs.load(layout.cafe_logs, layout.cafe_file) is None  # nothing is written yet
    layout.cafe_logs.mkdir()
    (layout.cafe_logs / "access.log").touch()
    assert CafeLogs.load(layout.cafe_logs, layout.cafe_file) == logs
    assert logs.rules.story_begins == date(2026, 10, 8)
    assert logs.first == Hour.parse("2026-11-02T00")
    assert CafeLogs.new(layout.cafe_logs, BEGIN, LAST).first == Hour.parse("2026-10-08T00")
    assert list(map(str, logs.late_hours)) == [f"2026-11-04T{hour}" for hour in (10, 11, 12, 13)]


def test_logs_without_their_story_are_refused(tmp_path: Path) -> None:
    layout = StackLayout(tmp_path)
    layout.cafe_logs.mkdir(parents=True)
    (layout.cafe_logs / "access.log").touch()
    with pytest.raises(InputError, match="make clean-demo"):
        CafeLogs.load(layout.cafe_logs, layout.cafe_file)


def test_a_second_start_continues_the_cafe_of_the_first(tmp_path: Path) -> None:
    layout, steps = StackLayout(tmp_path), DemoSteps(QUIET)
    first = simulated_cafe(layout, steps)
    written = lines_in(layout.cafe_logs)
    second = simulated_cafe(layout, steps)
    assert lines_in(layout.cafe_logs) == written
    assert second.processes == first.processes
    assert str(layout.cafe_file) in second.processes["cafe"]
    processes, variables = cafe_of(layout)  # those of `make up`
    assert (processes, {**variables, **BESIDE_BACKFILL}) == (first.processes, first.variables)
    (tmp_path / "src").symlink_to(ROOT / "src")
    shutil.copy(ROOT / CAFE_SETTINGS, tmp_path)
    settings = load(environment=first.variables)
    shop, advertising, expansion = settings.sales
    assert (shop.kind, shop.currency) == ("sql", advertising.currency)
    costs, listings = (
        check_source(settings, one, 400, datetime(2027, 1, 1)) for one in (advertising, expansion)
    )
    assert len(costs.read) >= story.DAYS
    assert listings.listings.keys() == {"stores", "demographics"}
    assert not costs.has_problems
    assert not listings.has_problems


def test_the_process_writes_live_traffic_and_the_days_before(tmp_path: Path) -> None:
    last = Hour.of(datetime.now(UTC)).previous
    first = Hour.first_of(str(last.minus(2).event_date))
    logs = CafeLogs(tmp_path / "logs", first.event_date, last.minus(1), ())
    state = tmp_path / "cafe.json"
    logs.save(state)
    logs.write_newest(last)
    command = [sys.executable, "-m", "clickstream.demo.live_cafe", str(logs.directory), str(state)]
    with subprocess.Popen(command) as process:
        while process.poll() is None and logs.complete_to() < last:
            time.sleep(0.1)
        process.terminate()
        assert process.wait() == 0
    assert logs.complete_to() >= last
    expected = [line.raw for line in simulate(first, last, logs.rules).lines]
    assert {*expected} <= {*lines_in(logs.directory)}


def visits(lake: Lake) -> list[tuple[object, ...]]:
    sql = "select started_at, ended_at, requests, landing_page from sessions order by 1, 2, 3, 4"
    return athena.query(lake, sql).rows


def expected(sessions: tuple[PersonSession, ...]) -> list[tuple[object, ...]]:
    return sorted(
        (s.started_at.replace(tzinfo=None), s.ended_at.replace(tzinfo=None), s.requests, page)
        for s in sessions
        if (page := s.landing_page)
    )


@pytest.mark.lake
def test_older_hours_then_late_lines_then_the_newest_give_the_truth_of_all(
    lake_settings: Settings, logs: SmallLogs
) -> None:
    """The order of the demo, in hours around the turn of a visitor key, which is on 3 November."""
    source = lake_settings.sources[0].model_copy(
        update={"path": str(logs.directory), "pattern": "*access*log*"}
    )
    site = lake_settings.site.model_copy(update={"domains": RULES.domains})
    own = {"sources": (source,), "site": site}
    lake = open_lake(lake_settings.model_copy(update=own), aws_session())
    plan = Plan([HourSpan(logs.first, LAST)])
    first_answers = []
    older = OlderHours(lake, plan, DemoStep(QUIET, "Older hours"))
    logs.write_newest(LAST)

    def pulled() -> Iterator[HourSpan]:
        built = logs.first.previous
        for _ in logs.write_older():
            pull_source(lake, source)
            yield HourSpan(built.next, built := logs.complete_to())
        logs.release_late_lines()
        pull_source(lake, source)
        yield HourSpan(LATE[0], LATE[-1])

    older.build(pulled(), lambda: first_answers.append(len(older.built)))
    assert len(first_answers) == 1
    of_older = [*hour_range(logs.first, plan.hourly.first.previous)]
    assert hour_ledger.published_hours(lake, logs.first, LAST) == {*of_older}
    rows = hour_ledger.ledger_in_order(lake, columns=["hour_at", "late_lines"]).to_pylist()
    assert {Hour.at(row["hour_at"]) for row in rows if row["late_lines"]} == {*LATE}
    build_all(lake, plan.hourly.first, LAST, "newest")
    refresh_views(lake)
    truth = simulate(logs.first, LAST, RULES).truth
    assert not verify(lake, logs.first, LAST).failures
    assert visits(lake) == expected(truth.sessions)
    again = OlderHours(lake, plan, DemoStep(QUIET, "Older hours"))
    again.build(iter([plan.all]), lambda: first_answers.append(0))
    assert again.built == {}
    assert len(first_answers) == 1
