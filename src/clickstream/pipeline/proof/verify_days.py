"""Verify the newest dates of a lake and record the findings, for the task `verify_days`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from clickstream.hours import Hour
from clickstream.lake import Lake
from clickstream.pipeline.proof.match_checks import verify_matches
from clickstream.pipeline.proof.sales_checks import verify_sales
from clickstream.pipeline.proof.verify import verify
from clickstream.pipeline.proof.verify_record import record_verification

DAYS = 3
"""Dates that are over which a daily run verifies; late lines seldom change earlier ones."""


@dataclass(frozen=True)
class VerifiedDays:
    """What was checked, and a sentence for each finding."""

    sentences: Sequence[str]
    failures: Sequence[str]


def verify_days(lake: Lake, now: datetime, days: int = DAYS) -> VerifiedDays:
    """Verify hours, sales and matches of the last dates up to the last hour that is over."""
    first, last = Hour.midnight((now - timedelta(days=days)).date()), Hour.of(now).previous
    hours = verify(lake, first, last)
    record_verification(lake, "hours", first, last, hours.wrong_hours, now)
    sentences, failures = [hours.sentence], [one.sentence for one in hours.findings]
    if lake.settings.sales:
        dates = first.event_date, last.event_date
        sales, matches = verify_sales(lake, *dates), verify_matches(lake, *dates)
        record_verification(lake, "sales", first, last, [one.day for one in sales.faults], now)
        record_verification(lake, "matches", first, last, [one.day for one in matches.faults], now)
        sentences += [sales.sentence, matches.sentence]
        failures += [*sales.failures, *matches.failures]
    return VerifiedDays(sentences, failures)
