"""One check: observe, compare with the open incidents, store the change, and send what is due."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta

from clickstream.alerts.deliver import Notified, change_and_send
from clickstream.alerts.incidents import LAKE, Conditions, Incidents, Rule
from clickstream.alerts.machine import observe_machine
from clickstream.alerts.observations import (
    LEAST_ERRORS,
    RECENT_HOURS,
    AirflowObservation,
    FailedRequests,
    HourCounts,
    LakeObservations,
    MachineObservations,
    Observations,
    PageErrors,
    observe_lake,
)
from clickstream.alerts.senders import channels_of
from clickstream.alerts.store import LakeStore, note_check
from clickstream.alerts.texts import without_lines
from clickstream.core.errors import StateCode, with_code
from clickstream.core.wording import describe_duration, quantity, shorten, shown_name
from clickstream.lake import Lake
from clickstream.pipeline.proof.freshness import Freshness
from clickstream.settings import FILE_NAME, AlertSettings

# The rules of alerts: pure functions from what a check observed to the conditions that hold.

LEAST_LINES = 100
"""Fewest lines of which a share is an incident: a quiet night has large shares by chance."""

FAR_ABOVE = 3
MOST_PAGES = 3
"""With more failing pages, the incident is one of the site."""

BACKLOG_GRACE = timedelta(hours=1)
"""Time in which lines that have arrived together, such as those of a new lake, are built."""

HOST_GRACE = timedelta(minutes=70)
"""Age of a host's last pull at which a failed pull is an incident: it outlasts the retries of an
hourly run, so that one lost connection sends nothing."""


SHOP_GRACE = timedelta(minutes=10)
"""Time for which a shop can't be read until this is an incident: it outlasts the retries of a run,
so that one lost connection sends nothing."""


def find_verdicts(observations: Observations, limits: AlertSettings) -> list[Conditions]:
    """Apply the rules to what was observed; rules about anything else have no verdict."""
    verdicts: list[Conditions] = []
    if observations.lake:
        verdicts += _of_lake(observations.lake, limits)
    if observations.machine:
        verdicts += _of_machine(observations.machine, observations, limits)
    if observations.airflow:
        verdicts.append(_airflow(observations.airflow, observations.now, limits))
    if observations.settings_problem is not None:
        verdicts.append(_of_subject(Rule.SETTINGS, FILE_NAME, observations.settings_problem))
    return verdicts


def _of_lake(lake: LakeObservations, limits: AlertSettings) -> Iterator[Conditions]:
    recent = lake.hours[-RECENT_HOURS:]
    yield _of_subject(Rule.HOURS_BEHIND, LAKE, _behind(lake.freshness, limits.hours_behind))
    yield Conditions(
        Rule.HOST_UNREACHABLE,
        dict(_hosts(lake.freshness)),
        watched=frozenset(host.name for host in lake.freshness.sources if host.is_known),
    )
    yield Conditions(
        Rule.SHOP_UNREADABLE,
        dict(_shops(lake.freshness)),
        watched=frozenset(shop.name for shop in lake.freshness.sales),
    )
    yield _of_subject(Rule.REJECT_SHARE, LAKE, _rejects(recent, limits.reject_share))
    yield _errors(lake.failed, limits.error_share)
    yield _of_subject(Rule.BOT_SHARE, LAKE, _bots(lake.hours, limits.bot_share))
    yield _of_subject(Rule.VERIFY_FINDINGS, LAKE, _findings(lake))
    yield Conditions(
        Rule.SALES_DIFFER,
        dict(_sales(lake.freshness)),
        watched=frozenset(sales.name for sales in lake.freshness.sales),
    )


def _of_subject(rule: Rule, subject: str, text: str) -> Conditions:
    """Return the verdict on one subject; an empty text means that the condition does not hold."""
    return Conditions(rule, {subject: text} if text else {})


def _behind(freshness: Freshness, hours: int) -> str:
    limit = timedelta(hours=hours)
    if freshness.waiting_since and freshness.now - freshness.waiting_since < BACKLOG_GRACE:
        return ""
    if freshness.newest is not None and freshness.lag is not None:
        if freshness.lag < limit:
            return ""
        return with_code(
            f"The newest published hour is {freshness.newest}, which ended "
            f"{describe_duration(freshness.lag)} ago; the limit is {quantity(hours, 'hour')}.",
            StateCode.NO_RECENT_HOUR,
        )
    pulled = [host.pulled_at for host in freshness.sources if host.pulled_at]
    was_pulled_long_ago = bool(pulled) and freshness.now - max(pulled) >= limit
    if not (
        freshness.late or freshness.missing or was_pulled_long_ago
    ):  # a lake that begins just now
        return ""
    return with_code(f"No hour since {freshness.since} is published.", StateCode.NO_RECENT_HOUR)


def _hosts(freshness: Freshness) -> Iterator[tuple[str, str]]:
    for host in freshness.sources:
        is_recent = host.pulled_at is not None and freshness.now - host.pulled_at < HOST_GRACE
        if host.failure and not is_recent:
            yield host.name, without_lines(host.problem)


def _shops(freshness: Freshness) -> Iterator[tuple[str, str]]:
    for shop in freshness.sales:
        if shop.failing and freshness.now - shop.failing[0] >= SHOP_GRACE:
            yield shop.name, shop.problem


def _rejects(hours: Sequence[HourCounts], limit: float) -> str:
    lines, rejected = sum(hour.lines for hour in hours), sum(hour.rejected for hour in hours)
    if not _is_large(rejected, lines, limit):
        return ""
    return with_code(
        f"{rejected:,} of {quantity(lines, 'line')} of the newest hours, {rejected / lines:.0%}, "
        "can't be read.",
        StateCode.REJECTS,
    )


def _is_large(number: int, lines: int, limit: float) -> bool:
    """Whether a share of lines is an incident."""
    return lines >= LEAST_LINES and number >= limit * lines


def _errors(failed: FailedRequests, limit: float) -> Conditions:
    """Name the pages that fail. If they do not explain the failures, the whole site fails.

    A page fails by itself if its share is far above that of the site: otherwise each page would be
    an incident. While the site fails, incidents of pages stay as they are.
    """
    errors, site_share = failed.errors, failed.errors / max(failed.requests, 1)
    failing = [
        page
        for page in failed.pages
        if page.errors >= LEAST_ERRORS
        and page.errors >= max(limit, FAR_ABOVE * site_share) * page.requests
    ]
    explained = sum(page.errors for page in failing)
    is_wide = errors >= LEAST_ERRORS and site_share >= limit
    if len(failing) > MOST_PAGES or (is_wide and explained < errors / 2):
        worst = sorted(failed.pages, key=lambda page: -page.errors)
        named = shorten(shown_name(page.page) for page in worst)
        text = (
            f"{errors:,} of {quantity(failed.requests, 'request')} of people failed in the newest "
            f"hours, {site_share:.0%}: {named}."
        )
        site = {LAKE: with_code(text, StateCode.SERVER_ERRORS)}
        return Conditions(Rule.ERROR_SHARE, site, frozenset((LAKE,)))
    return Conditions(Rule.ERROR_SHARE, {page.page: _page(page) for page in failing})


def _page(page: PageErrors) -> str:
    return with_code(
        f"{page.errors:,} of {quantity(page.requests, 'request')} for {shown_name(page.page)} "
        f"failed in the newest hours, {page.errors / page.requests:.0%}.",
        StateCode.SERVER_ERRORS,
    )


def _bots(hours: Sequence[HourCounts], limit: float) -> str:
    lines, bots = sum(hour.lines for hour in hours), sum(hour.bots for hour in hours)
    if not _is_large(bots, lines, limit):
        return ""
    return with_code(
        f"{bots / lines:.0%} of the {lines:,} lines of the newest {quantity(len(hours), 'hour')} "
        "are requests of bots.",
        StateCode.BOTS,
    )


def _findings(lake: LakeObservations) -> str:
    verified = lake.verified
    if verified is None or not verified.findings:
        return ""
    text = (
        f"clickstream verify has findings in {verified.named}; last run "
        f"{verified.at:%Y-%m-%d %H:%M} UTC."
    )
    return with_code(text, StateCode.FINDINGS)


def _sales(freshness: Freshness) -> Iterator[tuple[str, str]]:
    for sales in freshness.sales:
        if sales.rejected or sales.differing:
            text = f"Sales of {sales.name} do not reconcile: {sales.sentence(freshness.now)}."
            yield sales.name, with_code(text, StateCode.NOT_RECONCILED)


def _of_machine(
    machine: MachineObservations, observations: Observations, limits: AlertSettings
) -> Iterator[Conditions]:
    name, percent = machine.name, machine.disk_percent
    full: Mapping[str, str] = {}
    if percent >= limits.disk_percent:
        text = f"The disk of {machine.directory} on {name} is {percent:.0f} % full."
        full = {name: with_code(text, StateCode.DISK_FILLS)}
    yield Conditions(Rule.DISK, full, frozenset((name,)))
    yield _expiry(machine, observations, limits)


def _expiry(
    machine: MachineObservations, observations: Observations, limits: AlertSettings
) -> Conditions:
    holds, checked = dict[str, str](), {LAKE} if observations.lake else set[str]()
    for expiry in machine.expiries:
        checked.add(expiry.subject)
        if expiry.at - observations.now <= timedelta(days=limits.expiry_days):
            verb = "expires" if expiry.at > observations.now else "expired"
            text = f"{expiry.title} {verb} at {expiry.at:%Y-%m-%d %H:%M} UTC."
            holds[expiry.subject] = with_code(text, StateCode.EXPIRES)
    if observations.lake and observations.lake.keyless:
        named = shorten(observations.lake.keyless)
        text = f"The visitor key of published hours is missing (period {named})."
        holds[LAKE] = with_code(text, StateCode.EXPIRES)
    return Conditions(Rule.EXPIRY, holds, frozenset(checked - machine.unread))


def _airflow(observed: AirflowObservation, now: datetime, limits: AlertSettings) -> Conditions:
    since = observed.silent_since
    if since is None or now - since < timedelta(minutes=limits.outage_minutes):
        return Conditions(Rule.AIRFLOW_SILENT, {})
    text = f"Airflow is silent since {since:%Y-%m-%d %H:%M} UTC: {observed.reason}."
    return _of_subject(Rule.AIRFLOW_SILENT, LAKE, with_code(text, StateCode.AIRFLOW_SILENT))


def check_alerts(
    lake: Lake,
    now: datetime,
    airflow: AirflowObservation | None = None,
    settings_problem: str | None = None,
) -> Notified:
    """Open and close the incidents of a lake as of `now`, an aware time, and send what is due.

    Without `airflow`, incidents about Airflow stay as they are, and without `settings_problem`
    those about settings; it is empty if the settings can be used. Several processes may check at
    the same time; one of them sends. Raises the errors of the lake.
    """
    began = time.monotonic()
    machine = observe_machine(lake.settings)
    observations = Observations(now, observe_lake(lake, now), machine, airflow, settings_problem)
    verdicts = find_verdicts(observations, lake.settings.alerts)

    channels = channels_of(lake)

    def observe(before: Incidents) -> Incidents:
        return before.observe(verdicts, now, channels)

    note_check(lake, now)
    sent_at = now + timedelta(seconds=time.monotonic() - began)
    return change_and_send(lake.settings, LakeStore(lake), channels, observe, sent_at)
