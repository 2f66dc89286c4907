"""`status`, the pages, the mail, metrics and alerts say the same about a lake, in any state."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial
from io import StringIO
from itertools import product
from pathlib import Path

import pytest
from rich.console import Console
from tests.support.clones import cloned_cafe
from tests.support.finished_cafe import NOW

from clickstream.alerts.check import find_verdicts
from clickstream.alerts.incidents import Conditions, Rule
from clickstream.alerts.metrics import measure_metrics
from clickstream.alerts.observations import LakeObservations, Observations
from clickstream.alerts.store import CHECKS, LakeStore, describe_old_check
from clickstream.cli.status_output import exit_code, show_status, status_values
from clickstream.core.errors import InputError
from clickstream.dashboard.ask.view import View
from clickstream.dashboard.mail.content import describe_trust
from clickstream.dashboard.pages.trust.values import trust_values
from clickstream.dashboard.web.service import DashboardService
from clickstream.dashboard.widgets.trust_line import trust_line
from clickstream.lake import Lake, collection
from clickstream.pipeline.proof.freshness import Health, lake_freshness

SHOP = "shop"
TIMES = {"now": NOW, "a morning later": NOW + timedelta(hours=10)}
HOSTS = ("pulled", "refuses", "not pulled for hours", "never pulled", "retired", "vanished")
STATES = [*product(TIMES, HOSTS, (False, True), (False, True))]


@pytest.fixture(scope="module")
def cafe(finished_cafe: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lake]:
    """A clone of the finished café, whose records each test sets anew."""
    with cloned_cafe(finished_cafe, tmp_path_factory.mktemp("state") / "cafe") as lake:
        yield lake


@pytest.fixture(scope="module")
def dashboard(cafe: Lake) -> Iterator[DashboardService]:
    service = DashboardService(cafe.settings, lambda: NOW, lake=cafe)
    service.refresher.look()
    yield service
    service.stop()


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
        collection.update_pull_state(lake, name, lambda old, new=values: replace(old, **new))
    with suppress(InputError), collection.noting_failure(lake, SHOP, now):
        if shop_fails:
            raise InputError("The password is wrong.")
    # An incident of the same shop, about something else than its failed pull.
    open_now = {SHOP: "Sales of shop do not reconcile. (CS-713)"} if is_open else {}
    for moment in (now - timedelta(hours=1), now):  # an incident ends when it is over for a while
        verdicts = [Conditions(Rule.SALES_DIFFER, open_now)]
        LakeStore(lake).change(partial(_observe, verdicts, moment))


def _observe(verdicts: list[Conditions], moment: datetime, before):
    return before.observe(verdicts, moment, ()), None


@pytest.mark.parametrize(("time", "host", "shop_fails", "is_open"), STATES)
def test_all_places_say_the_same(
    cafe: Lake, dashboard: DashboardService, time: str, host: str, shop_fails: bool, is_open: bool
) -> None:
    now = TIMES[time]
    is_watched = (shop_fails + is_open + HOSTS.index(host)) % 2 == 0
    set_state(cafe, now, host, shop_fails, is_open, is_watched)
    old_check = describe_old_check(cafe, now)
    status, incidents = lake_freshness(cafe, now, is_brief=True), LakeStore(cafe).read()
    dashboard.clock = lambda: now
    dashboard._read_incidents()
    view = View(tab="trust").with_days(NOW.date() - timedelta(days=1), now.date())
    with dashboard.page(view) as page:
        line, rows, mail = trust_line(page), trust_values(page)["incidents"], describe_trust(page)

    # The facts of the state
    is_late = time != "now"
    is_silent = host in ("refuses", "not pulled for hours")
    sources = int(is_silent) + int(shop_fails)
    problems = sources + int(is_open)
    unknown = int(host in ("never pulled", "retired", "vanished"))
    is_bad = bool(is_late or problems)
    assert status.is_late == is_late
    assert bool(incidents.open) == is_open

    # `clickstream status`, on the screen, as JSON, and its exit code
    out = StringIO()
    show_status(status, incidents, Console(file=out, width=200), old_check)
    word = out.getvalue().split(" at ")[0]
    code = exit_code(status, incidents)
    assert (status.health == Health.LATE) == bool(is_late or sources)
    assert (code == 0) == (word == "Fresh")
    assert code == (1 if is_bad else 2 if unknown else 0)
    assert status_values(status, incidents)["exit_code"] == code
    assert ("incident open" in word) == is_open

    # The line at the top of every page and of the mail, and the Trust tab
    texts = [part.text for part in line.parts]
    assert line.state == ("bad" if is_bad else "doubt" if unknown or not is_watched else "good")
    named = f"{problems} open problem{'s' if problems > 1 else ''}"
    assert (named in texts) == (named in mail) == bool(problems)
    sentences = {sentence for _, sentence in rows}
    assert len(rows) == problems + unknown + int(not is_watched)
    assert ("alerts are not checked" in texts) == ("last checked 3 h" in out.getvalue())
    assert ("alerts are not checked" in mail) == (not is_watched)
    assert ("1 source not known" in texts) == bool(unknown)
    assert {*status.unknowns} <= sentences
    assert {problem for problem in status.problems if " pulled " in problem} <= sentences
    assert {incident.text for incident in incidents.open} <= sentences

    # Metrics and alerts
    metrics = measure_metrics(status, None).values
    assert metrics["SourcesUnreachable"] == int(host == "refuses")
    assert (metrics["HoursBehind"] > 3) == is_late
    verdicts = find_verdicts(Observations(now, LakeObservations(status)), cafe.settings.alerts)
    held = {verdict.rule for verdict in verdicts if verdict.holds}
    assert (Rule.HOURS_BEHIND in held) == is_late
