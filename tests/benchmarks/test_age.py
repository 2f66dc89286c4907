"""The benchmark of a lake's age, on lakes of three and sixty days.

Budgets are counts and bytes: what a change publishes again, what a question about a day reads.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from benchmarks.age.__main__ import main
from benchmarks.age.build import published_alone
from benchmarks.age.plan import Plan, key_days, replay_days
from benchmarks.age.traffic import ALWAYS_ON, SECOND_DEVICE, Traffic
from tests.support.cases import each_case

from clickstream import parse
from clickstream.core.hours import Hour, by_day
from clickstream.lake.visitor_keys import KeyPeriod

MOST_HOURS_AGAIN = 48
LINES = 40

Figures = dict[str, Any]


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    return tmp_path_factory.mktemp("age")


@pytest.fixture(scope="module")
def three_days(kept: Path) -> Figures:
    return measured(kept, 3, LINES, "late-line", "old-hour", "views")


@pytest.fixture(scope="module")
def sixty_days(tmp_path_factory: pytest.TempPathFactory) -> Figures:
    return measured(tmp_path_factory.mktemp("sixty"), 60, 400)


LAKES = [
    pytest.param("three_days", id="3 days", marks=pytest.mark.lake),
    pytest.param("sixty_days", id="60 days", marks=[pytest.mark.deep, pytest.mark.timeout(3600)]),
]


@pytest.fixture(params=LAKES)
def figures(request: pytest.FixtureRequest) -> Figures:
    found: Figures = request.getfixturevalue(request.param)
    return found


def measured(directory: Path, days: int, lines: int, *names: str) -> Figures:
    """What the tool writes as JSON about a lake; without names, all that it measures."""
    path = directory / "figures.json"
    options = ["--days", str(days), "--lines-per-hour", str(lines), "--json", str(path)]
    main([*options, "--keep", str(directory), *(("--only", *names) if names else ())])
    found: Figures = json.loads(path.read_text())
    return found


def command(figures: Figures, name: str) -> dict[str, Any]:
    [found] = [one for one in figures["measures"] if one["name"] == name]
    return found


def test_all_days_are_built_and_their_files_compacted(figures: Figures) -> None:
    days = figures["plan"]["days"]
    built = figures["built"]
    alone = {when: len(costs) for when, costs in built["publications"].items()}
    assert alone.keys() == {"start", "end"}
    assert sum(one["hours"] for one in built["stretches"]) + sum(alone.values()) == days * 24
    files = {one["table"]: one for one in figures["files"]}
    assert days <= files["hits"]["data_files"] <= days + 1 + 6  # the running day is not compacted


def test_a_late_line_publishes_at_most_two_days_again(figures: Figures) -> None:
    late = command(figures, "late-line")
    assert late["exit_code"] == 0, late["last_line"]
    assert 1 < late["hours_again"] <= MOST_HOURS_AGAIN
    assert late["is_proven"]


def test_an_old_hour_is_refused_and_nothing_changes(figures: Figures) -> None:
    old = command(figures, "old-hour")
    assert old["exit_code"] == 1, old["last_line"]
    assert (old["hours_again"], old["tables_changed"], old["keys_made"]) == (0, [], [])
    assert old["is_proven"]


def test_every_view_answers_a_question_about_one_day(figures: Figures) -> None:
    assert len(figures["views"]) >= 12
    assert [one for one in figures["views"] if one["error"] or one["bytes"] is None] == []


@pytest.mark.deep
@pytest.mark.timeout(3600)
def test_commands_that_only_read_change_nothing(sixty_days: Figures) -> None:
    for name in ("verify", "status", "dry-run"):
        one = command(sixty_days, name)
        assert one["exit_code"] == 0, one["last_line"]
        assert (one["hours_again"], one["tables_changed"], one["keys_made"]) == (0, [], [])


@pytest.mark.deep
@pytest.mark.timeout(3600)
def test_a_publication_makes_no_more_requests_in_an_older_lake(sixty_days: Figures) -> None:
    start, end = (
        sorted(cost["requests"] for cost in sixty_days["built"]["publications"][when])
        for when in ("start", "end")
    )
    assert end[len(end) // 2] <= 1.2 * start[len(start) // 2]


VIEWS_OF_ONE_SCAN = ("sessions", "funnel", "traffic_sources")
"""Views that read `session_parts` only. A day's sessions lie on two dates, and a file on one."""


@pytest.mark.deep
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("view", VIEWS_OF_ONE_SCAN)
def test_a_question_about_a_day_reads_days(sixty_days: Figures, view: str) -> None:
    shares = [one["share"] for one in sixty_days["views"] if one["view"] == view]
    assert max(shares) <= 3 / 60 * 1.5  # days differ in size


@pytest.mark.deep
def test_a_kept_lake_is_measured_again_without_a_build(
    three_days: Figures, kept: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    again = measured(kept, 3, LINES, "status")
    assert again["built"] == three_days["built"]
    assert again["files"] == three_days["files"]
    assert command(again, "status")["exit_code"] == 0
    assert "is built; it ends at" in capsys.readouterr().err
    with pytest.raises(SystemExit, match=f"Give `--days 3 --lines-per-hour {LINES}`"):
        measured(kept, 4, LINES, "status")


@pytest.mark.deep
@pytest.mark.parametrize("url", ["http://127.0.0.1:9", "http://192.0.2.1:8080"])
def test_a_trino_that_does_not_answer_is_refused_before_the_build(url: str, kept: Path) -> None:
    new = kept / "not-built"
    with pytest.raises(SystemExit, match=r"Trino answers|not on this machine"):
        main(["--trino", url, "--aws-port", "4566", "--keep", str(new)])
    assert not new.exists()


PLAN = Plan.up_to(Hour.parse("2026-11-20T05"), 20, 200)


@pytest.mark.deep
def test_the_lines_of_an_hour_lie_in_it_when_the_traffic_repeats() -> None:
    traffic = Traffic(PLAN)
    for hour in (PLAN.first_hour, PLAN.first_hour.plus(14 * 24 + 5), PLAN.last_hour):
        at = parse.parse(traffic.lines(hour), "combined").requests["at"]
        assert at.between(hour.naive, hour.next.naive, inclusive="left").all()


@pytest.mark.deep
def test_the_devices_send_a_request_every_ten_minutes() -> None:
    traffic = Traffic(PLAN)
    before, first = traffic.lines(PLAN.device_first.previous), traffic.lines(PLAN.device_first)
    assert (before.count(ALWAYS_ON.encode()), before.count(SECOND_DEVICE.encode())) == (6, 0)
    assert (first.count(ALWAYS_ON.encode()), first.count(SECOND_DEVICE.encode())) == (6, 4)
    assert traffic.lines(PLAN.last_hour).count(SECOND_DEVICE.encode()) == 6


@each_case("days", [3, 10, 60, 120, 365, 800])
@each_case("place", range(0, 24 * 31, 17))
def test_some_keys_are_destroyed_and_that_of_the_device_is_not(days: int, place: int) -> None:
    """Whatever part of a period is over when the lake ends."""
    plan = Plan.up_to(Hour.parse("2026-10-01T00").plus(place), days, 100)
    window = replay_days(plan.days) * 86_400

    def is_destroyed(hour: Hour) -> bool:
        end = KeyPeriod.of(hour, key_days(plan.days)).end
        return end.timestamp() + window < plan.last_hour.end.timestamp()

    assert is_destroyed(plan.first_hour.plus(12))
    assert not is_destroyed(plan.device_first)
    assert plan.first_hour < plan.device_first
    touched = [*by_day(plan.first_hour, plan.last_hour)]
    alone = [published_alone(number, len(touched)) for number in range(len(touched))]
    assert [one for one in alone if one] == ["start", "end"]
