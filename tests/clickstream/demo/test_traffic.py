"""The hours and the settings of the demo with the user's own logs."""

from __future__ import annotations

import io
import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from rich.console import Console
from tests.support.access_log import Client, append
from tests.support.cases import each_case
from tests.support.lakes import aws_session

from clickstream.core.errors import InputError
from clickstream.core.hours import Hour, HourSpan, hour_range
from clickstream.demo.progress import DemoSteps
from clickstream.demo.traffic import (
    HOURLY,
    LONGEST_GAP,
    Plan,
    own_logs,
    plan_own_hours,
    without_long_gaps,
)
from clickstream.lake import Lake, open_lake
from clickstream.pipeline.publish.publish import build_hour
from clickstream.settings import Settings, load
from clickstream.settings.loading import variables_for_logs

ROOT = Path(__file__).parents[3]


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project directory as it is checked out, beside a directory of logs."""
    shutil.copy(ROOT / "clickstream.toml", tmp_path)
    (tmp_path / "logs").mkdir()
    monkeypatch.chdir(tmp_path)
    return tmp_path


def settings_of(project: Path, **environment: str) -> Settings:
    """The settings that a demo of the logs runs with."""
    return load(environment={**environment, **own_logs(project / "logs").variables})


def test_own_logs_have_nothing_of_the_cafe(project: Path) -> None:
    chosen = settings_of(project)
    assert (chosen.site.title, chosen.site.domains) == ("My logs", ())
    assert (chosen.goals, chosen.funnel, chosen.sales) == ({}, (), ())
    assert [source.path for source in chosen.sources] == [str(project / "logs")]


def test_lines_of_hours_that_are_not_over_are_no_plan(lake: Lake, tmp_path: Path) -> None:
    running = Hour.of(datetime.now(UTC) + timedelta(hours=1))
    append(tmp_path / "logs" / "access.log", [Client("192.0.2.1").get(f"{running}:10:00", "/")])
    with pytest.raises(InputError, match="of hours that are not over yet"):
        plan_own_hours(lake, DemoSteps(Console(file=io.StringIO())))


OWN = [
    *('[site]\nname = "shop"\n', '[site]\nname = "cafe"\n', '[site]\ntitle = "Shop"\n'),
    *('[site]\ndomains = ["shop.example"]\n', '[site]\ntime_zone = "Europe/Berlin"\n'),
    *("[dashboard]\nkeep_days = 90\n", "[dashboard]\nitem_pages = '/menu/.+'\n"),
    "[goals.sale]\npage = '/thanks'\n",
]
ALL = 'site = { name = "shop", title = "Shop" }\ndashboard = { keep_days = 90 }\n' + OWN[-1]


@each_case("text", ["", *OWN, ALL])
def test_settings_of_the_file_apply_to_own_logs_whichever_are_set(
    text: str, tmp_path: Path
) -> None:
    """Also the name of the demo's café, and no name."""
    file = tmp_path / "clickstream.toml"
    file.write_text(text)
    by_file = load(file, {})
    for_logs = load(file, variables_for_logs(by_file))
    for section in ("site", "dashboard"):
        of_file, applied = getattr(by_file, section), getattr(for_logs, section)
        assert {key: getattr(applied, key) for key in of_file.model_fields_set} == {
            key: getattr(of_file, key) for key in of_file.model_fields_set
        }
    assert for_logs.goals == by_file.goals


def test_logs_of_two_places_never_share_a_state(project: Path) -> None:
    (project / "others").mkdir()
    (project / "logs" / "access.log").touch()
    paths = ("logs", "others", "logs/access.log", "others/../logs")
    states = [own_logs(project / path).state for path in paths]
    assert len(set(states)) == 3
    assert states[0] == states[3]


def test_all_hours_of_old_logs_are_built_the_newest_by_airflow(
    lake_settings: Settings, tmp_path: Path
) -> None:
    """Also at a second start, when hourly runs have published empty hours of today."""
    first, last = Hour.parse("2015-05-17T10"), Hour.parse("2015-05-20T05")
    ana = Client("192.0.2.1")
    lines = [ana.get(f"{hour}:10:00", "/") for hour in (first, last)]
    append(tmp_path / "logs" / "access.log", lines)
    (tmp_path / "logs" / "error.log").write_text("2015/05/17 10:00:00 [error] 1#1: failed\n")
    every_file = lake_settings.sources[0].model_copy(update={"pattern": "*"})
    lake = open_lake(lake_settings.model_copy(update={"sources": (every_file,)}), aws_session())
    out = io.StringIO()
    steps = DemoSteps(Console(file=out, width=200))
    plan = plan_own_hours(lake, steps)
    expected = Plan([HourSpan(first, last)])
    assert plan == expected
    assert plan.older() == [HourSpan(first, last.minus(HOURLY))]
    assert plan.hourly == HourSpan(last.minus(HOURLY - 1), last)
    assert "1 file set aside, not access logs: error.log." in out.getvalue()
    for hour in (last, Hour.parse("2026-11-26T17")):
        build_hour(lake, hour, "test")
    assert plan_own_hours(lake, steps) == expected


def test_missing_logs_are_named(project: Path) -> None:
    with pytest.raises(InputError, match="nowhere does not exist"):
        own_logs(project / "nowhere")


def test_only_short_gaps_between_lines_are_built() -> None:
    first, wrong_clock = Hour.parse("2026-11-20T05"), Hour.parse("1999-12-31T23")
    apart = first.plus(LONGEST_GAP)
    assert without_long_gaps([first, apart]) == [HourSpan(first, apart)]
    assert without_long_gaps([wrong_clock, first]) == [
        HourSpan(wrong_clock, wrong_clock),
        HourSpan(first, first),
    ]


@pytest.mark.parametrize("hours", [1, HOURLY, HOURLY + 1, 100])
@pytest.mark.parametrize("with_older_span", [False, True])
def test_each_hour_of_a_plan_is_built_either_before_or_by_airflow(
    hours: int, with_older_span: bool
) -> None:
    last = Hour.parse("2026-11-20T05")
    spans = [HourSpan(last.minus(900), last.minus(880))] if with_older_span else []
    plan = Plan([*spans, HourSpan(last.minus(hours - 1), last)])
    built = [
        hour for span in [*plan.older(), plan.hourly] for hour in hour_range(*vars(span).values())
    ]
    assert built == [h for span in plan.spans for h in hour_range(span.first, span.last)]
    assert len(plan.hourly) == min(hours, HOURLY)
    within = HourSpan(last.minus(890), last.minus(50))
    some = {h for span in plan.older(within) for h in hour_range(span.first, span.last)}
    assert some == {
        hour for hour in built[: -len(plan.hourly)] if within.first <= hour <= within.last
    }
