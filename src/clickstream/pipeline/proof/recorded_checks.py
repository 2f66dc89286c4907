"""Verifications whose findings are recorded in the lake, for alerts and metrics.

`clickstream verify` and `repair` check a range of their own, the task `verify_days` the last dates.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

from clickstream.core.hours import Hour
from clickstream.lake import Lake
from clickstream.pipeline.proof.match_checks import MatchReport, verify_matches
from clickstream.pipeline.proof.report import VerifyReport
from clickstream.pipeline.proof.sales_checks import SalesReport, verify_sales
from clickstream.pipeline.proof.verify import verify
from clickstream.pipeline.proof.verify_record import record_verification

DAYS = 3
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


def check_sales(lake: Lake, ends: Ends) -> SalesReport:
    """Verify the sales of the dates of a range, and record the dates with a fault."""
    report = verify_sales(lake, *_dates(ends))
    days = [fault.day for fault in report.faults]
    record_verification(lake, "sales", *ends, days, datetime.now(UTC))
    return report


def check_matches(lake: Lake, ends: Ends) -> MatchReport:
    """Verify the matches of the dates of a range, and record the dates with a fault."""
    report = verify_matches(lake, *_dates(ends))
    days = [fault.day for fault in report.faults]
    record_verification(lake, "matches", *ends, days, datetime.now(UTC))
    return report


def verify_days(lake: Lake, now: datetime, days: int = DAYS) -> VerifiedDays:
    """Verify hours, sales and matches of the last dates up to the last hour that is over."""
    ends = (Hour.midnight((now - timedelta(days=days)).date()), Hour.of(now).previous)
    hours = check_hours(lake, ends)
    sentences, failures = [hours.sentence], [finding.sentence for finding in hours.findings]
    if lake.settings.sales:
        for report in (check_sales(lake, ends), check_matches(lake, ends)):
            sentences.append(report.sentence)
            failures += report.failures
    return VerifiedDays(sentences, failures)


def _dates(ends: Ends) -> tuple[date | None, date | None]:
    first, last = (end.event_date if end else None for end in ends)
    return first, last
