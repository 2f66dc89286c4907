"""Verifications whose findings are recorded in the lake: `health/verify.json`.

`clickstream verify` and `repair` check a range of their own, the task `verify_days` the last dates.
A verification replaces the findings of its range. Findings of other hours remain until these hours
are verified again. Alerts and metrics read the record.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Literal

from clickstream.core.hours import Hour
from clickstream.core.wording import quantity, shorten
from clickstream.lake import Lake, aws_errors
from clickstream.lake.records import RecordStore
from clickstream.pipeline.proof.match_checks import MatchReport, verify_matches
from clickstream.pipeline.proof.report import VerifyReport
from clickstream.pipeline.proof.sales_checks import SalesReport, verify_sales
from clickstream.pipeline.proof.verify import verify

Verified = Literal["hours", "sales", "matches"]
"""What a verification is about."""


@dataclass(frozen=True)
class VerifyRecord:
    """The last verification, when it ended (aware), and the findings that are known.

    `first` and `last` are the ends of its range as text, empty for an open end. `found` has the
    hours or dates with a finding, also of earlier verifications; an empty date is that of tables
    without dates.
    """

    at: datetime
    first: str = ""
    last: str = ""
    found: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    @property
    def findings(self) -> int:
        """The number of hours and dates with a finding."""
        return sum(map(len, self.found.values()))

    @property
    def named(self) -> str:
        """The hours and dates with a finding, as text."""
        nouns = {"hours": "hour", "sales": "date of sales", "matches": "date of matches"}
        plurals = {"hours": "", "sales": "dates of sales", "matches": "dates of matches"}
        return "; ".join(
            f"{quantity(len(subjects), nouns[kind], plurals[kind])} ({shorten(subjects)})"
            for kind, subjects in self.found.items()
            if subjects
        )


_RECORDS = RecordStore("health/", VerifyRecord)


@aws_errors.translate_errors()
def read_verify_record(lake: Lake) -> VerifyRecord | None:
    """Return the record; None if nothing was verified yet."""
    stored = _RECORDS.read(lake, "verify")
    return stored.value if stored else None


@aws_errors.translate_errors()
def record_verification(
    lake: Lake,
    kind: Verified,
    first: Hour | None,
    last: Hour | None,
    faulty: Iterable[object],
    now: datetime,
) -> None:
    """Record the hours, or the dates, with a finding in a verified range; None is an open end."""
    begin, end = _end(kind, first), _end(kind, last)
    new = {"" if subject is None else str(subject) for subject in faulty}

    def replace_range(before: VerifyRecord | None) -> VerifyRecord:
        former = before.found if before else {}
        kept = {
            subject
            for subject in former.get(kind, ())
            if subject and (subject < begin or (end and subject > end))
        }
        findings = {**former, kind: tuple(sorted(new | kept))}
        return VerifyRecord(now.astimezone(UTC), begin, end, findings)

    _RECORDS.update(lake, "verify", None, replace_range)


def _end(kind: Verified, hour: Hour | None) -> str:
    """Return an end of the range in the form of what was found."""
    if hour is None:
        return ""
    return str(hour) if kind == "hours" else str(hour.event_date)


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
    first, last = (end.event_date if end else None for end in ends)
    report = verify_sales(lake, first, last)
    days = [fault.day for fault in report.faults]
    record_verification(lake, "sales", *ends, days, datetime.now(UTC))
    return report


def check_matches(lake: Lake, ends: Ends) -> MatchReport:
    """Verify the matches of the dates of a range, and record the dates with a fault."""
    first, last = (end.event_date if end else None for end in ends)
    report = verify_matches(lake, first, last)
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
