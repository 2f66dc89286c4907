"""`status`, the pages, the mail, metrics and alerts say the same about a lake, in any state."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import replace
from datetime import date, datetime, timedelta
from io import StringIO
from itertools import product
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
import time_machine
from rich.console import Console
from tests.support.clones import cloned_cafe
from tests.support.finished_cafe import FIRST, LAST, NOW
from tests.support.lakes import aws_session
from typer.testing import CliRunner

from clickstream.alerts.check import find_verdicts
from clickstream.alerts.incidents import Conditions, Incidents, Rule
from clickstream.alerts.lake_state import Health, LakeState, read_lake_state, read_state_to_show
from clickstream.alerts.metrics import lake_metrics, measure_metrics
from clickstream.alerts.observations import LakeObservations, Observations
from clickstream.alerts.runs import report_failed_task, report_run_succeeded
from clickstream.alerts.store import CHECKS, LakeStore
from clickstream.cli import alerts
from clickstream.cli.status_output import show_status, status_values
from clickstream.core.errors import OtherBucket, ShopRefused
from clickstream.core.hours import Hour
from clickstream.dashboard.ask.view import View
from clickstream.dashboard.mail.content import describe_trust
from clickstream.dashboard.pages.trust.values import trust_values
from clickstream.dashboard.web.service import STATE_KEPT, DashboardService
from clickstream.dashboard.widgets.trust_line import trust_line
from clickstream.lake import Lake, hour_ledger, objects, pull_states
from clickstream.lake.compared_dates import record_older, record_recent
from clickstream.lake.fact_files import MANIFEST_KEY
from clickstream.lake.iceberg import iceberg_tables
from clickstream.lake.publication import begin, hours_of, matches_of, sales_of
from clickstream.tables import HOUR_LEDGER
from clickstream.tables.sales import SALES_LEDGER

SHOP = "shop"
HOST = "web-1"
MATCHES_KEY = "sales/order_matches/2026-11.json"
EARLIER = NOW - timedelta(hours=6)
SOLD = EARLIER.replace(tzinfo=None)
"""When all sales were published."""

TIMES = {"now": NOW, "a morning later": NOW + timedelta(hours=10)}
HOSTS = ("pulled", "refuses", "not pulled for hours", "never pulled", "retired", "vanished")
STATES = [*product(TIMES, HOSTS, (False, True), (False, True))]


def published_at(row: dict[str, Any]) -> datetime:
    """Return when a row of a ledger was published: soon after an hour, or after all sales."""
    return Hour.at(row["hour_at"]).end.replace(tzinfo=None) if "lines" in row else SOLD


@pytest.fixture(scope="module")
def cafe(finished_cafe: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lake]:
    """A clone of the finished café, in which all was published at the time of the story.

    Each test sets its records anew.
    """
    with cloned_cafe(finished_cafe, tmp_path_factory.mktemp("state") / "cafe") as lake:
        for midnight in (FIRST, FIRST.plus(24)):
            day = midnight, midnight.plus(23)
            for table in (HOUR_LEDGER, SALES_LEDGER):
                ledger = iceberg_tables.load(lake, table)
                stored = ledger.read(*day)
                rows = [row | {"published_at": published_at(row)} for row in stored.to_pylist()]
                ledger.replace(*day, pa.Table.from_pylist(rows, stored.schema))
        for key in (MANIFEST_KEY, MATCHES_KEY):
            put_again(lake, key, NOW)
        yield lake


@pytest.fixture(scope="module")
def dashboard(cafe: Lake) -> Iterator[DashboardService]:
    service = DashboardService(cafe.settings, lambda: NOW, lake=cafe)
    service.refresher.look()
    yield service
    service.stop()


def put_again(lake: Lake, key: str, at: datetime) -> None:
    """Write an object again with the same bytes, at another time."""
    stored = objects.get(lake, key)
    assert stored
    with time_machine.travel(at, tick=False):
        objects.put(lake, key, stored.body)


def set_state(
    lake: Lake, now: datetime, host: str, shop_fails: bool, is_open: bool, is_watched: bool
) -> None:
    """Store what pulls, the shop and a check observed until `now`."""
    CHECKS.put(lake, "checked", now if is_watched else now - timedelta(hours=3))
    seconds = int(now.timestamp())
    pulled: dict[str, object] = {"pulled_at": seconds - 600, "newest_line_at": seconds - 900}
    pulled |= {"failed_at": None, "failure": "", "retired_at": None}
    changed = {
        "pulled": pulled,
        "refuses": pulled | {"failed_at": seconds - 60, "failure": "Login refused. (CS-205)"},
        "not pulled for hours": pulled | {"pulled_at": seconds - 5 * 3600},
        "never pulled": pulled | {"pulled_at": None, "newest_line_at": None},
        "retired": pulled | {"retired_at": seconds - 60},
        "vanished": pulled,
    }[host]
    of_other_source = pulled | {"retired_at": None if host == "vanished" else seconds}
    for name, values in ((lake.settings.sources[0].name, changed), ("till", of_other_source)):
        pull_states.update_pull_state(lake, name, lambda old, new=values: replace(old, **new))
    with suppress(ShopRefused), pull_states.noting_failure(lake, SHOP, now - timedelta(minutes=20)):
        if shop_fails:
            raise ShopRefused("The password is wrong.")
    # An incident of the same shop, about something else than its failed pull.
    set_incidents(lake, now, Rule.SALES_DIFFER, [SHOP] if is_open else [])


def set_incidents(lake: Lake, now: datetime, rule: Rule, subjects: list[str]) -> None:
    """Store the incidents that a check opens if these conditions of a rule hold, and no others."""
    verdict = Conditions(rule, dict.fromkeys(subjects, "It is wrong. (CS-901)"))
    LakeStore(lake).change(lambda _: (Incidents().observe([verdict], now, ()), None))


def check_that_all_say(
    lake: Lake, dashboard: DashboardService, now: datetime, problems: int, doubts: int
) -> LakeState:
    """Compare what all places show with the number of open problems, and of those not known."""
    state = read_lake_state(lake, now)
    code = 1 if problems else 2 if doubts else 0
    assert (state.open, len(state.doubts), state.exit_code) == (problems, doubts, code)
    number = f"{problems} open problem{'s' if problems > 1 else ''}"
    assert (number in state.summary) == bool(problems)
    assert len(state.sentences) == len({*state.sentences}) == problems + doubts

    # `clickstream status`, on the screen, as JSON
    out = StringIO()
    show_status(state, Console(file=out, width=300))
    first, screen = out.getvalue().split("\n", 1)
    assert first.startswith(f"{state.verdict} at ")
    assert (first.split(" at ")[0] == "Fresh") == (code == 0)
    in_table = {problem.sentence for problem in state.problems if problem.kind.endswith("hour")}
    in_table |= {problem.sentence for problem in state.problems if problem.kind == "hours"}
    named = [sentence[-7:-1] if sentence in in_table else sentence for sentence in state.sentences]
    assert all(text in screen for text in named)
    values = status_values(state)
    assert (values["exit_code"], values["health"]) == (code, str(state.health))
    assert len(values["problems"]) + len(values["incidents"]) == problems

    # The Trust page, the line at the top of every page, and the mail
    dashboard.clock = lambda: now
    dashboard._read_at = None
    dashboard._read_state()
    view = View(tab="trust").with_days(NOW.date() - timedelta(days=1), now.date())
    with dashboard.page(view) as page:
        line, rows, mail = trust_line(page), trust_values(page)["incidents"], describe_trust(page)
    assert line.state == {0: "good", 1: "bad", 2: "doubt"}[code]
    assert [part.text for part in line.parts if part.anchor == "incidents"] == state.summary
    assert {*state.summary} <= {*mail}
    assert Counter(sentence for _, sentence in rows) == Counter(state.sentences)

    # Metrics and alerts
    metrics = measure_metrics(state, None).values
    assert (metrics["OpenProblems"], metrics["NotKnown"]) == (problems, doubts)
    freshness = state.freshness
    assert freshness
    verdicts = find_verdicts(Observations(now, LakeObservations(freshness)), lake.settings.alerts)
    texts = {verdict.rule: {*verdict.holds.values()} for verdict in verdicts}
    told = {problem.kind: problem.sentence for problem in freshness.problems}
    assert bool(texts[Rule.HOURS_BEHIND]) == ("newest hour" in told) == (metrics["HoursBehind"] > 3)
    assert texts[Rule.SHOP_UNREADABLE] == {shop.problem for shop in freshness.sales if shop.problem}
    return state


@pytest.mark.parametrize(("time", "host", "shop_fails", "is_open"), STATES)
def test_all_places_say_the_same_about_sources(
    cafe: Lake, dashboard: DashboardService, time: str, host: str, shop_fails: bool, is_open: bool
) -> None:
    now = TIMES[time]
    is_watched = (shop_fails + is_open + HOSTS.index(host)) % 2 == 0
    set_state(cafe, now, host, shop_fails, is_open, is_watched)
    is_late = time != "now"  # the newest hour is old, and later hours are missing
    is_silent = host in ("refuses", "not pulled for hours")
    is_unknown = host in ("never pulled", "retired", "vanished")
    problems = 2 * is_late + is_silent + shop_fails + is_open
    state = check_that_all_say(cafe, dashboard, now, problems, is_unknown + (not is_watched))
    is_bad = is_late or is_silent or shop_fails
    good = Health.UNKNOWN if is_unknown or not is_watched else Health.FRESH
    assert state.health == (Health.LATE if is_bad else good)
    assert ("1 source not known" in state.summary) == is_unknown
    assert ("alerts are not checked" in state.summary) == (not is_watched)


def lines_wait(lake: Lake) -> Iterator[None]:
    key = f"pending/{LAST}/{HOST}-0-0-1.combined.gz"
    with time_machine.travel(EARLIER, tick=False):
        objects.put(lake, key, b"")
    yield
    objects.delete(lake, [key])


def publication_is_interrupted(lake: Lake) -> Iterator[None]:
    with time_machine.travel(EARLIER, tick=False):
        begin(lake, hours_of([LAST]), "killed", ["other"])
    yield
    objects.delete(lake, [f"publishing/hours/{LAST.event_date}.json"])


def hours_lack_a_host(lake: Lake) -> Iterator[None]:
    for name in ("web-9", ""):
        hour_ledger.rewrite_rows(
            lake, LAST, LAST, lambda row, name=name: {**row, "missing_sources": name}
        )
        if name:
            yield


def sales_are_interrupted(lake: Lake) -> Iterator[None]:
    yield from interrupted(lake, f"sales/{SHOP}/2026-11.json", sales_of(SHOP, LAST.event_date))


def matches_are_interrupted(lake: Lake) -> Iterator[None]:
    """The date's matches were to be removed: its orders have none, and the record has a mark."""
    yield from interrupted(lake, MATCHES_KEY, matches_of(date(2026, 11, 30)))


def interrupted(lake: Lake, key: str, subject) -> Iterator[None]:
    stored = objects.get(lake, key)
    assert stored
    with time_machine.travel(NOW - timedelta(hours=1), tick=False):
        begin(lake, subject, "killed")
    yield
    with time_machine.travel(NOW, tick=False):
        objects.put(lake, key, stored.body)


def sales_wait_for_matches(lake: Lake) -> Iterator[None]:
    put_again(lake, MATCHES_KEY, EARLIER - timedelta(hours=1))
    yield
    put_again(lake, MATCHES_KEY, NOW)


def facts_are_old(lake: Lake) -> Iterator[None]:
    put_again(lake, MANIFEST_KEY, EARLIER)
    yield
    put_again(lake, MANIFEST_KEY, NOW)


def sales_have_changed(lake: Lake) -> Iterator[None]:
    """A date before the horizon has rows at the shop now, and the lake has none of them."""
    key = f"sales/compared_dates/{SHOP}.json"
    stored, old = objects.get(lake, key), NOW.date() - timedelta(days=500)
    assert stored
    record_recent(lake, SHOP, (NOW.date() - timedelta(days=400), None), {}, [], NOW)
    for dates in ((), (old,)):
        record_older(lake, SHOP, old, {}, dates, (), NOW)
    yield
    objects.put(lake, key, stored.body)


DAMAGES = {
    lines_wait: "CS-702",
    publication_is_interrupted: "CS-704",
    hours_lack_a_host: "CS-705",
    sales_are_interrupted: "CS-704",
    matches_are_interrupted: "CS-704",
    sales_wait_for_matches: "CS-717",
    facts_are_old: "CS-718",
    sales_have_changed: "CS-719",
}


@pytest.mark.parametrize("damage", DAMAGES)
@pytest.mark.parametrize("is_watched", [True, False])
def test_all_places_say_the_same_about_hours_sales_matches_and_facts(
    cafe: Lake, dashboard: DashboardService, damage, is_watched: bool
) -> None:
    set_state(cafe, NOW, "pulled", False, False, is_watched)
    during: AbstractContextManager[None] = contextmanager(damage)(cafe)
    with during:
        state = check_that_all_say(cafe, dashboard, NOW, 1, int(not is_watched))
        assert state.health == Health.LATE
        [problem] = state.problems
        assert problem.sentence.endswith(f"({DAMAGES[damage]})")
    check_that_all_say(cafe, dashboard, NOW, 0, int(not is_watched))


@pytest.mark.parametrize(
    ("rule", "subject", "host"),
    [
        (Rule.HOST_UNREACHABLE, HOST, "refuses"),
        (Rule.SHOP_UNREADABLE, SHOP, "pulled"),
        (Rule.HOURS_BEHIND, "lake", "pulled"),
    ],
)
def test_a_problem_and_its_incident_are_one(
    cafe: Lake, dashboard: DashboardService, rule: Rule, subject: str, host: str
) -> None:
    is_late = rule is Rule.HOURS_BEHIND
    now = TIMES["a morning later" if is_late else "now"]
    set_state(cafe, now, host, rule is Rule.SHOP_UNREADABLE, False, True)
    for subjects in ([subject], []):
        set_incidents(cafe, now, rule, subjects)
        check_that_all_say(cafe, dashboard, now, 1 + is_late, 0)


@pytest.mark.parametrize("shop_fails", [True, False])
def test_a_run_that_failed_because_of_a_shop_is_no_second_incident(
    cafe: Lake, shop_fails: bool
) -> None:
    set_state(cafe, NOW, "pulled", shop_fails, False, True)
    failure = "The password is wrong. (CS-802)"
    report_failed_task(cafe, NOW, "clickstream_sales", "scheduled", NOW, failure)
    opened = [incident.rule for incident in LakeStore(cafe).read().open]
    report_run_succeeded(cafe, NOW, "clickstream_sales", NOW)
    assert opened == ([] if shop_fails else [Rule.FAILED_RUN])


def test_a_state_that_can_t_be_read_is_not_known(cafe: Lake, dashboard: DashboardService) -> None:
    set_state(cafe, NOW, "pulled", False, False, True)
    stored = objects.get(cafe, "alerts/incidents.json")
    assert stored
    objects.put(cafe, "alerts/incidents.json", b"{}x")
    state = read_state_to_show(cafe, NOW)
    objects.put(cafe, "alerts/incidents.json", stored.body)
    assert (state.exit_code, state.health, len(state.doubts)) == (2, Health.UNKNOWN, 1)
    dashboard.clock, dashboard.lake_state = lambda: NOW, state
    with dashboard.page(View(tab="trust").with_days(NOW.date(), NOW.date())) as page:
        line, rows = trust_line(page), trust_values(page)["incidents"]
    assert "open problems are not known" in [part.text for part in line.parts]
    assert rows == [("not known", state.unread)]


@pytest.mark.parametrize("is_watched", [True, False])
def test_the_list_of_incidents_also_says_that_alerts_are_not_checked(
    cafe: Lake, monkeypatch: pytest.MonkeyPatch, is_watched: bool
) -> None:
    set_state(cafe, NOW, "pulled", False, False, is_watched)
    monkeypatch.setattr("clickstream.cli.alerts.open_lake", lambda: cafe)
    with time_machine.travel(NOW, tick=False):
        listed = CliRunner().invoke(alerts.app, ["list"]).output
    is_told = "Alerts were last checked 3 hours ago" in listed
    assert (is_told, "No incident is open." in listed) == (not is_watched, is_watched)


def test_a_dashboard_of_another_bucket_shows_nothing_of_the_lake(
    cafe: Lake, tmp_path: Path
) -> None:
    settings = cafe.settings.model_copy(
        update={
            "lake": cafe.settings.lake.model_copy(update={"bucket": "another-bucket"}),
            "dashboard": cafe.settings.dashboard.model_copy(update={"directory": str(tmp_path)}),
        }
    )
    service = DashboardService(settings, lambda: NOW, replace(cafe, settings=settings))
    service.refresher.look()
    problem = service.refresher.problem
    service.stop()
    assert f"is in the bucket {cafe.bucket}, " in problem
    assert "the bucket another-bucket. Nothing was changed." in problem
    with pytest.raises(OtherBucket):
        lake_metrics(service.lake, NOW)


def test_the_dashboard_reads_the_state_once_a_minute(
    cafe: Lake, dashboard: DashboardService
) -> None:
    set_state(cafe, NOW, "pulled", False, False, True)
    dashboard.clock, dashboard._read_at = lambda: NOW, None
    dashboard._read_state()
    before = dashboard.lake_state
    dashboard.clock = lambda: NOW + STATE_KEPT / 2
    dashboard._read_state()
    assert dashboard.lake_state is before
    dashboard.clock = lambda: NOW + STATE_KEPT
    dashboard._read_state()
    assert dashboard.lake_state is not before


def test_the_cost_does_not_grow_with_the_age_of_the_lake(cafe: Lake) -> None:
    set_state(cafe, NOW, "pulled", False, False, True)
    new = count_requests(cafe)
    for month in range(1, 13):
        for source in (SHOP, "order_matches"):
            objects.put(cafe, f"sales/{source}/2025-{month:02}.json", b"{}")
        objects.put(cafe, f"facts/hour_facts/2025-{month:02}-01-0.parquet", b"")
        objects.put(cafe, f"raw/2025-{month:02}-01T00/{HOST}-0-0-1.combined.gz", b"")
    assert count_requests(cafe) == new
    assert new.total() <= 31


def count_requests(lake: Lake) -> Counter[str]:
    """Count the requests of one answer by operation."""
    counts: Counter[str] = Counter()
    counted = replace(lake, session=aws_session())
    counted.session.events.register("before-call", lambda model, **_: counts.update([model.name]))
    read_lake_state(counted, NOW)
    return counts
