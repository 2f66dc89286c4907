"""The rules of alerts on observations: what holds, about which subject, and what stays open."""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable
from dataclasses import replace
from datetime import date, timedelta
from io import StringIO
from typing import Any

import pytest
from rich.console import Console
from tests.clickstream.pipeline.proof.test_freshness import (
    FRESH,
    NOW,
    SINCE,
    measured,
    seconds,
    with_source,
)
from tests.support.cases import each_case

from clickstream.alerts.check import find_verdicts
from clickstream.alerts.incidents import Incidents, Rule
from clickstream.alerts.observations import (
    AirflowObservation,
    Expiry,
    FailedRequests,
    HourCounts,
    LakeObservations,
    MachineObservations,
    Observations,
    PageErrors,
)
from clickstream.alerts.texts import build_alert, rule_texts
from clickstream.cli.alerts_output import show_incidents
from clickstream.core.hours import Hour
from clickstream.pipeline.proof.freshness import SalesFreshness
from clickstream.pipeline.proof.verify_record import VerifyRecord
from clickstream.settings import AlertSettings, Settings

LIMITS = AlertSettings()
UNKNOWN = "clickstream.toml, line 3: there is no setting allerts. (CS-101)"
DAY = timedelta(days=1)
QUIET = [HourCounts(Hour.of(NOW).minus(n), 1000, 10, 400, 0) for n in range(24, 0, -1)]
SALES = SalesFreshness("till", 3, date(2026, 11, 26), NOW, "tests", 0, 0, ())
GOOD = Observations(
    NOW,
    LakeObservations(
        measured(replace(FRESH, sales=[SALES])), QUIET, verified=VerifyRecord(NOW, "", "")
    ),
    MachineObservations("host", "/tmp", 50, [Expiry("cafe.example", "It", NOW + 90 * DAY)]),
    AirflowObservation(),
    settings_problem="",
)


def lake(**more: Any) -> Observations:
    assert GOOD.lake is not None
    return replace(GOOD, lake=replace(GOOD.lake, **more))


def machine(**more: Any) -> Observations:
    assert GOOD.machine is not None
    return replace(GOOD, machine=replace(GOOD.machine, **more))


def pages(requests: int, **errors: int) -> Observations:
    """Failed requests by page; each of these pages has 100 requests."""
    found = [PageErrors(f"/{name}", 100, number) for name, number in errors.items()]
    return lake(failed=FailedRequests(requests, found))


def newest(count: int, **more: int) -> Observations:
    """The newest hours have other counts."""
    return lake(hours=[*QUIET[:-count], *(replace(one, **more) for one in QUIET[-count:])])


def fresh(**records: Any) -> Observations:
    return lake(freshness=measured(replace(FRESH, **records)))


def late(hours: int) -> Observations:
    kept = {hour: row for hour, row in FRESH.published.items() if hour < Hour.of(NOW).minus(hours)}
    return fresh(published=kept)


def backlog(age: timedelta) -> Observations:
    """All lines of the newest days have arrived together."""
    waiting = dict.fromkeys(FRESH.published, NOW - age)
    return fresh(published={}, begins_before=True, waiting_since=waiting)


def failed(**state: Any) -> Observations:
    more = {"failure": "It does not answer. (CS-202)", "failed_at": seconds(NOW), **state}
    return lake(freshness=measured(with_source(**more)))


def expiring(days: int) -> Observations:
    return machine(expiries=[Expiry("cafe.example", "It", NOW + days * DAY)])


def airflow(silent_for: timedelta) -> Observations:
    return replace(GOOD, airflow=AirflowObservation(NOW - silent_for, "no answer"))


NOTHING: frozenset[str] = frozenset()
HOURS_AGO = seconds(NOW - timedelta(hours=2))
FOUND = VerifyRecord(NOW, "", "", {"hours": (str(SINCE),)})
MANY = {f"p{number}": 60 for number in range(4)}
MINUTE = timedelta(minutes=1)
CASES = [
    ("nothing is wrong", GOOD, NOTHING),
    ("two hours behind", late(2), NOTHING),
    ("three hours behind", late(3), {"hours_behind lake"}),
    ("no hour of a week", fresh(published={}, begins_before=True), {"hours_behind lake"}),
    ("a lake that begins", fresh(published={}), NOTHING),
    ("a backlog that is being built", backlog(59 * MINUTE), NOTHING),
    ("a backlog that is not built", backlog(61 * MINUTE), {"hours_behind lake"}),
    ("one failed pull", failed(), NOTHING),
    ("a host that is down", failed(pulled_at=HOURS_AGO), {"host_unreachable web-1"}),
    ("a host that never was up", failed(pulled_at=None), {"host_unreachable web-1"}),
    ("rejects of an hour", newest(1, rejected=140), {"reject_share lake"}),
    ("few lines of a night", newest(3, lines=20, rejected=10), NOTHING),
    ("bots of an hour", newest(1, bots=990), NOTHING),
    ("bots of a day", newest(24, bots=950), {"bot_share lake"}),
    ("one failed request", pages(3, menu=1), NOTHING),
    ("few failures of many", pages(10_000, menu=4, order=3), NOTHING),
    ("a page that fails", pages(5000, order=60), {"error_share /order"}),
    ("a page with most requests", pages(110, order=100), {"error_share lake"}),
    ("two pages", pages(5000, a=60, b=30), {"error_share /a", "error_share /b"}),
    ("many pages that fail", pages(5000, **MANY), {"error_share lake"}),
    ("a site that fails", pages(300, a=30, b=29, c=31), {"error_share lake"}),
    ("findings", lake(verified=FOUND), {"verify_findings lake"}),
    ("rejected sales", fresh(sales=[replace(SALES, rejected=1)]), {"sales_differ till"}),
    ("a full disk", machine(disk_percent=90), {"disk host"}),
    ("a certificate of 15 days", expiring(15), NOTHING),
    ("a certificate of 14 days", expiring(14), {"expiry cafe.example"}),
    ("an old certificate", expiring(-1), {"expiry cafe.example"}),
    ("a lost visitor key", lake(keyless=["2026-11-03-30d"]), {"expiry lake"}),
    ("a restart of Airflow", airflow(9 * MINUTE), NOTHING),
    ("a dead scheduler", airflow(10 * MINUTE), {"airflow_silent lake"}),
    ("a bad setting", replace(GOOD, settings_problem=UNKNOWN), {"settings clickstream.toml"}),
]


@each_case("name, seen, expected", CASES)
def test_a_rule_holds_for_its_subjects_only(
    name: str, seen: Observations, expected: frozenset[str]
) -> None:
    opened = Incidents().observe(find_verdicts(seen, LIMITS), NOW, ())
    assert {f"{one.rule} {one.subject}" for one in opened.open} == expected, name
    for one in opened.open:
        assert re.search(r"\. \(CS-\d{3}\)$", one.text), name
        assert "What to do" in build_alert(Settings(), one, "alert", NOW).text


def test_no_log_line_leaves_the_lake_in_an_alert() -> None:
    text = "No known format; the first one reads '192.0.2.1 \"GET /\" it\\'s'. (CS-208)"
    verdicts = find_verdicts(failed(failure=text, pulled_at=None), LIMITS)
    (one,) = Incidents().observe(verdicts, NOW, ()).open
    assert one.text.endswith("; the first one reads …. (CS-208)")


@each_case(
    "change",
    [
        lambda seen: replace(seen, lake=None),
        lambda seen: replace(seen, machine=None),
        lambda seen: replace(seen, airflow=None),
        lambda seen: replace(seen, settings_problem=None),
        lambda seen: replace(seen, machine=replace(GOOD.machine, name="other")),
        lambda seen: replace(
            seen, machine=replace(GOOD.machine, expiries=[], unread=frozenset({"cafe.example"}))
        ),
    ],
)
def test_what_a_check_does_not_see_stays_open(
    change: Callable[[Observations], Observations],
) -> None:
    """Another process sees it. After a day without a check that sees it, it is closed."""
    expiries = [Expiry("cafe.example", "It", NOW)]
    bad = replace(machine(disk_percent=99, expiries=expiries), lake=late(9).lake)
    bad = replace(bad, airflow=AirflowObservation(NOW - DAY, "No"), settings_problem=UNKNOWN)
    opened = Incidents().observe(find_verdicts(bad, LIMITS), NOW, ())
    assert len(opened.open) == 5
    seen = opened
    for hours in (1, 2):
        verdicts = find_verdicts(change(GOOD), LIMITS)
        seen = seen.observe(verdicts, NOW + timedelta(hours=hours), ())
    left = {one.rule for one in seen.open}
    assert left
    assert {one.rule for one in opened.open} - left
    assert seen.observe([], NOW + 2 * DAY, ()).open == ()


@pytest.mark.parametrize(("is_host", "is_removed"), [*itertools.product([True, False], repeat=2)])
def test_an_incident_is_over_only_if_a_check_found_its_subject_good(
    is_host: bool, is_removed: bool
) -> None:
    """A host or a shop that has left the settings is not good, but no longer watched."""
    bad = failed(pulled_at=HOURS_AGO) if is_host else fresh(sales=[replace(SALES, rejected=1)])
    seen = Incidents().observe(find_verdicts(bad, LIMITS), NOW, ("mail",))
    gone = fresh(**({"sources": []} if is_host else {"sales": []})) if is_removed else GOOD
    for minutes in (1, 12):
        later = NOW + timedelta(minutes=minutes)
        seen = seen.observe(find_verdicts(gone, LIMITS), later, ("mail",))
    (incident,) = seen.closed
    assert incident.is_unwatched == is_removed
    recovery = build_alert(Settings(), incident, "recovery", later)
    assert ("over" in recovery.text, "No check looks at" in recovery.text) == (
        not is_removed,
        is_removed,
    )
    shown = Console(file=StringIO(), width=500)
    show_incidents(seen, later, shown, closed=1)
    assert ("No longer watched: " in shown.file.getvalue()) == is_removed


def test_every_rule_has_texts() -> None:
    assert {*rule_texts()} == {*Rule}
    keys = {"title", "lost", "by_itself", "to_do"}
    assert all({*texts} == keys for texts in rule_texts().values())
