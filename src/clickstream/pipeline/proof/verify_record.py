"""The findings that verifications left in the lake: `health/verify.json`.

A verification replaces the findings of its range. Findings of other hours remain until these hours
are verified again. `verify` writes the record; alerts and metrics read it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Literal

from clickstream.core.hours import Hour
from clickstream.core.wording import quantity, shorten
from clickstream.lake import Lake, aws_errors
from clickstream.lake.records import RecordStore

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
        outside = {
            subject
            for subject in former.get(kind, ())
            if subject and (subject < begin or (end and subject > end))
        }
        findings = {**former, kind: tuple(sorted(new | outside))}
        return VerifyRecord(now.astimezone(UTC), begin, end, findings)

    _RECORDS.update(lake, "verify", None, replace_range)


def _end(kind: Verified, hour: Hour | None) -> str:
    """Return an end of the range in the form of what was found."""
    if hour is None:
        return ""
    return str(hour) if kind == "hours" else str(hour.event_date)
