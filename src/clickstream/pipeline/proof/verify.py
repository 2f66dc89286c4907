"""Verify published hours: line balance, agreement with their rows, and the session chain.

Everything that can be computed again from rows, session parts and raw objects is computed again and
compared with the ledger. `clickstream verify` and `repair` check a range of their own, the task
`verify_days` the last dates; both record the findings, also those of sales and matches.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Literal

import pandas as pd

from clickstream.core.hours import Hour, HourSpan, hour_range
from clickstream.core.wording import quantity
from clickstream.lake import Lake, aws_errors, hour_ledger, raw
from clickstream.lake.publication import interrupted_hours
from clickstream.lake.raw import RawObject
from clickstream.pipeline.hour.chain import check_links, key_edges
from clickstream.pipeline.hour.hour_states import check_range, first_unfinished
from clickstream.pipeline.hour.replay_window import ReplayWindow, renewals
from clickstream.pipeline.proof.athena_checks import LONGEST_SESSION_DAYS, disagreeing
from clickstream.pipeline.proof.match_checks import MatchReport, verify_matches
from clickstream.pipeline.proof.report import Finding, VerifyReport
from clickstream.pipeline.proof.sales_checks import SalesReport, verify_sales
from clickstream.pipeline.proof.verify_record import record_verification
from clickstream.tables import BALANCE

LINES_WAIT = "it does not contain its late lines yet"
STILL_FORMER_IDS = "it still has its former visitor ids; its key period has been open for new ones"


@aws_errors.translate_errors()
def verify(
    lake: Lake,
    first: Hour | None = None,
    last: Hour | None = None,
    progress: Callable[[str], None] = lambda _: None,
    now: datetime | None = None,
) -> VerifyReport:
    """Check the published hours from `first` to `last`, and report the hours that are missing.

    None is an open end. For a range, only the partitions of its dates are read, and those of dates
    on which its sessions may have begun. Tables are read one after the other, and an hour may be
    published in between, so hours with findings are checked a second time. `progress` is called
    with the name of each check. An hour that is not over at `now`, by default the present, need not
    be published. Raises InputError if the range ends before it begins.
    """
    if first and last:
        check_range(first, last)
    checked = _run_checks(lake, first, last, progress)
    if seem_wrong := {finding.hour for finding in checked.findings}:
        again = _run_checks(lake, min(seem_wrong), max(seem_wrong), progress)
        checked.findings = [finding for finding in again.findings if finding.hour in seem_wrong]
        checked.published |= again.published
    return _report(lake, checked, first, last, first_unfinished(now))


@dataclass
class _CheckedRange:
    """The result of all checks of a range of hours.

    `published` maps each published hour to its number of lines. `with_raw_lines` are the hours that
    have raw lines.
    """

    published: dict[Hour, int]
    with_raw_lines: Set[Hour]
    findings: list[Finding]
    late_past_window: list[Hour]
    edges: list[Hour]
    raw_gone_before: Hour | None


def _report(
    lake: Lake, checked: _CheckedRange, first: Hour | None, last: Hour | None, running: Hour
) -> VerifyReport:
    """Sort the hours of the range into published, waiting, gaps and unfinished ones."""
    hours = {*checked.published, *checked.with_raw_lines}
    first, last = first or min(hours, default=None), last or max(hours, default=None)
    if first is None or last is None:
        return VerifyReport(None, findings=tuple(checked.findings))
    missing = [hour for hour in hour_range(first, last) if hour not in checked.published]
    over = [hour for hour in missing if hour < running]
    waiting = [hour for hour in over if hour in checked.with_raw_lines]
    if waiting:  # some may have been published since the ledger was read
        waiting = sorted({*waiting} - hour_ledger.rows_of_hours(lake, waiting).keys())
    lost = [hour for hour in waiting if ReplayWindow(lake).has_lost_raw(hour)]
    return VerifyReport(
        HourSpan(first, last),
        len(checked.published),
        sum(checked.published.values()),
        tuple(checked.findings),
        tuple(hour for hour in waiting if hour not in lost),
        tuple(hour for hour in over if hour not in checked.with_raw_lines),
        tuple(hour for hour in missing if hour >= running),
        tuple(sorted([*checked.late_past_window, *lost])),
        tuple(checked.edges),
        checked.raw_gone_before,
    )


def _run_checks(
    lake: Lake, first: Hour | None, last: Hour | None, progress: Callable[[str], None]
) -> _CheckedRange:
    """Run all checks of a range of hours once. Tables are read one after the other."""
    progress("The ledger")
    in_order = hour_ledger.ledger_in_order(lake, first, last)
    ledger = in_order.to_pandas()
    findings = [*_find_unbalanced(ledger)]
    findings += [
        Finding(hour, "a publication of it was interrupted, or is still running")
        for hour in interrupted_hours(lake, first, last)
    ]
    progress("Rows, parts and lines")
    cuts = key_edges(lake, first.minus(24 * LONGEST_SESSION_DAYS) if first else None, last)
    findings += disagreeing(lake, ledger, first, last, cuts)
    progress("Raw lines")
    stored = raw.raw_by_hour(lake, first, last)
    gone_before = ReplayWindow(lake).raw_before
    findings += _find_changed_lines(
        ledger, stored, raw.pending_by_hour(lake, first, last), gone_before
    )
    for link, follows, leads in check_links(lake, in_order, progress=progress):
        if not follows:
            problem = "its carry-in is not the carry-out of the hours before it"
            findings.append(Finding(link.hour, problem))
        if not leads:
            findings.append(Finding(link.hour, "its carry-out is not the one in the ledger"))
    findings += _find_former_ids(lake, first, last)
    published = zip(ledger["hour_at"], ledger["lines"], strict=True)
    lines = {Hour.at(hour_at): int(number) for hour_at, number in published}
    marked, late = _mark_past_window(lake, findings)
    return _CheckedRange(
        lines,
        {hour for hour, items in stored.items() if items},
        sorted(marked),
        late,
        [hour for hour in cuts if hour in lines],
        gone_before if gone_before and any(hour < gone_before for hour in lines) else None,
    )


def _mark_past_window(lake: Lake, findings: Sequence[Finding]) -> tuple[list[Finding], list[Hour]]:
    """Mark findings of hours past their replay window as not repairable.

    Late lines that wait for such an hour are not a fault: return those hours separately.
    """
    rows = hour_ledger.rows_of_hours(lake, {finding.hour for finding in findings})
    refused = dict(ReplayWindow(lake).refused(rows))
    marked, late = [], []
    for fault in findings:
        if fault.hour not in refused or fault.remedy != "build again":
            marked.append(fault)
        elif fault.problem == LINES_WAIT:
            late.append(fault.hour)
        else:
            problem = f"{fault.problem}. {refused[fault.hour]}"
            marked.append(Finding(fault.hour, problem, remedy="none"))
    return marked, late


def _find_former_ids(lake: Lake, first: Hour | None, last: Hour | None) -> Iterator[Finding]:
    """Yield a finding for each hour that should get new visitor ids and does not have them yet."""
    for renewal in renewals(lake):
        since = f"{renewal.opened.opened_at:%Y-%m-%d %H:%M} UTC"
        for hour in renewal.remaining:
            if (first or hour) <= hour <= (last or hour):
                yield Finding(hour, f"{STILL_FORMER_IDS} since {since}")
        begin = Hour(renewal.period.start)
        if not renewal.remaining and (first or begin) <= begin <= (last or begin):
            problem = (
                f"its key period has been open for new visitor ids since {since}, and all its "
                "hours have them"
            )
            yield Finding(begin, problem, remedy="close period")


def _find_unbalanced(ledger: pd.DataFrame) -> Iterator[Finding]:
    sums = ledger[[*BALANCE, "rejected", "other_hosts"]].sum(axis=1)
    for row in ledger[sums != ledger["lines"]].itertuples():
        problem = f"its line balance does not close: its counts do not sum to {row.lines:,} lines"
        yield Finding(Hour.at(row.hour_at), problem)
    for hour_at in ledger.loc[ledger["hour_at"].duplicated(), "hour_at"]:
        yield Finding(Hour.at(hour_at), "it has more than one row in the ledger")


def _find_changed_lines(
    ledger: pd.DataFrame,
    stored: Mapping[Hour, list[RawObject]],
    marks: Mapping[Hour, list[str]],
    gone_before: Hour | None,
) -> Iterator[Finding]:
    """Yield hours that were built from other lines than the raw store has, and stray markers.

    Of hours before the raw watermark, only late lines can be found: their raw lines are deleted.
    """
    columns = (ledger["hour_at"], ledger["raw_objects"], ledger["raw_digest"])
    for hour_at, number, digest in zip(*columns, strict=True):
        hour = Hour.at(hour_at)
        items = stored.get(hour, [])
        if gone_before and hour < gone_before:
            if hour in marks:
                yield Finding(hour, LINES_WAIT)
        elif len(items) < number:
            problem = (
                f"it was built from {quantity(number, 'raw object')}, of which {len(items):,} "
                "still exist. Restore the missing ones; a build without them would lose their lines"
            )
            yield Finding(hour, problem, remedy="none")
        elif raw.raw_digest(items) != digest:
            yield Finding(hour, LINES_WAIT)
        elif hour in marks:
            yield Finding(hour, "it contains all its lines, but it still has pending markers")
    for hour, stray in stray_marks(stored, marks).items():
        problem = f"{quantity(len(stray), 'pending marker')} without a raw object"
        yield Finding(hour, problem, remedy="drop marks")


def stray_marks(
    stored: Mapping[Hour, list[RawObject]], marks: Mapping[Hour, list[str]]
) -> dict[Hour, list[str]]:
    """Return the pending markers, by hour, whose raw object no longer exists."""
    existing = {item.key for items in stored.values() for item in items}
    stray = {hour: sorted(set(keys) - existing) for hour, keys in marks.items()}
    return {hour: keys for hour, keys in stray.items() if keys}


DAYS_VERIFIED = 3
"""Dates that are over which a daily run verifies; late lines seldom change earlier ones."""

Ends = tuple[Hour | None, Hour | None]
"""The first and the last hour of a range; None is an open end."""


@dataclass(frozen=True)
class VerifiedDays:
    """What was checked, and a sentence for each finding."""

    sentences: Sequence[str]
    failures: Sequence[str]


def check_hours(
    lake: Lake, ends: Ends, progress: Callable[[str], None] = lambda _: None
) -> VerifyReport:
    """Verify the hours of a range, and record those with a finding."""
    report = verify(lake, *ends, progress)
    record_verification(lake, "hours", *ends, report.wrong_hours, datetime.now(UTC))
    return report


def check_dates(
    lake: Lake, ends: Ends, kind: Literal["sales", "matches"]
) -> SalesReport | MatchReport:
    """Verify the sales or the matches of a range's dates, and record the dates with a fault."""
    first, last = (end.event_date if end else None for end in ends)
    verify_kind = verify_sales if kind == "sales" else verify_matches
    report = verify_kind(lake, first, last)
    days = [fault.day for fault in report.faults]
    record_verification(lake, kind, *ends, days, datetime.now(UTC))
    return report


def verify_days(lake: Lake, now: datetime, days: int = DAYS_VERIFIED) -> VerifiedDays:
    """Verify hours, sales and matches of the last dates up to the last hour that is over."""
    ends = (Hour.midnight((now - timedelta(days=days)).date()), Hour.of(now).previous)
    hours = check_hours(lake, ends)
    sentences, failures = [hours.sentence], [finding.sentence for finding in hours.findings]
    if lake.settings.sales:
        for report in (check_dates(lake, ends, "sales"), check_dates(lake, ends, "matches")):
            sentences.append(report.sentence)
            failures += report.failures
    return VerifiedDays(sentences, failures)
