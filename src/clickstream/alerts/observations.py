"""What the rules of alerts are applied to: records of the lake, and of the machine that checks.

`observe_lake` reads the ledger's dates of the last days, small state objects, the names of the
visitor keys, and no query of Athena. It reads rows of `hits` only while the ledger counts more
failed requests than LEAST_ERRORS.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from clickstream.core.hours import Hour
from clickstream.lake import Lake, aws_errors, hour_ledger, visitor_keys
from clickstream.lake.iceberg import iceberg_tables
from clickstream.lake.visitor_keys import KeyPeriod
from clickstream.pipeline.proof.freshness import Freshness, lake_freshness
from clickstream.pipeline.proof.verify_record import VerifyRecord, read_verify_record
from clickstream.tables import HITS

DAYS = 7
"""Days of the ledger that a check reads. An older lake is late by more than any limit."""

RECENT_HOURS, RECENT_DAY = 3, 24
"""Number of newest published hours for shares of rejects and errors, and for that of bots."""

LEAST_ERRORS = 20
"""Fewest failed requests of an incident: a single one is no wave."""

_COLUMNS = ("hour_at", "lines", "rejected", "bots", "server_errors", "visitor_key")


@dataclass(frozen=True)
class HourCounts:
    """Lines of a published hour; `server_errors` are failed requests of people."""

    hour: Hour
    lines: int
    rejected: int
    bots: int
    server_errors: int


@dataclass(frozen=True)
class PageErrors:
    """Requests of people for a page in the newest hours, and those that the server failed."""

    page: str
    requests: int
    errors: int


@dataclass(frozen=True)
class FailedRequests:
    """Requests of people in the newest hours, and the pages that have failed ones."""

    requests: int = 0
    pages: Sequence[PageErrors] = ()

    @property
    def errors(self) -> int:
        """The number of failed requests."""
        return sum(page.errors for page in self.pages)


@dataclass(frozen=True)
class LakeObservations:
    """Records of the lake. `hours` are the newest published ones, in order.

    `keyless` are the periods of published hours whose visitor key is not stored.
    """

    freshness: Freshness
    hours: Sequence[HourCounts] = ()
    failed: FailedRequests = FailedRequests()
    verified: VerifyRecord | None = None
    keyless: Sequence[str] = ()


@dataclass(frozen=True)
class Expiry:
    """A certificate or a set of keys, and when it expires (aware)."""

    subject: str
    title: str
    at: datetime


@dataclass(frozen=True)
class MachineObservations:
    """What the machine that checks observes.

    `disk_percent` is the use of the disk with temporary files in `directory`. `expiries` has what
    could be read, `unread` the subjects that could not.
    """

    name: str
    directory: str
    disk_percent: float
    expiries: Sequence[Expiry] = ()
    unread: frozenset[str] = frozenset()


@dataclass(frozen=True)
class AirflowObservation:
    """Since when Airflow is silent (aware), None if it works, and what it answered."""

    silent_since: datetime | None = None
    reason: str = ""


@dataclass(frozen=True)
class Observations:
    """All that one check observes at `now`. What it did not look at is None.

    `settings_problem` is why the settings can't be used; empty if they can.
    """

    now: datetime
    lake: LakeObservations | None = None
    machine: MachineObservations | None = None
    airflow: AirflowObservation | None = None
    settings_problem: str | None = None


@aws_errors.translate_errors()
def observe_lake(lake: Lake, now: datetime) -> LakeObservations:
    """Read the records of the last DAYS."""
    since = Hour.midnight((now.astimezone(UTC) - timedelta(days=DAYS)).date())
    freshness = lake_freshness(lake, now, since, is_brief=True)
    rows: list[dict[str, Any]] = []
    if newest := freshness.newest:
        first = newest.minus(RECENT_DAY - 1)
        rows = hour_ledger.ledger_in_order(lake, first, newest, _COLUMNS).to_pylist()
    counts = [
        HourCounts(Hour.at(row["hour_at"]), *(row[name] for name in _COLUMNS[1:-1])) for row in rows
    ]
    return LakeObservations(
        freshness,
        counts,
        _failed_requests(lake, counts[-RECENT_HOURS:]),
        read_verify_record(lake),
        _keyless(lake, [row["visitor_key"] for row in rows], now),
    )


def _failed_requests(lake: Lake, hours: Sequence[HourCounts]) -> FailedRequests:
    """Count requests of people by page, if enough of them failed."""
    if sum(hour.server_errors for hour in hours) < LEAST_ERRORS:
        return FailedRequests()
    columns = ["page", "status", "is_bot"]
    hits = iceberg_tables.load(lake, HITS).read(hours[0].hour, hours[-1].hour, columns)
    people = hits.filter(pc.invert(hits["is_bot"]))
    failed = pc.cast(pc.greater_equal(people["status"], 500), pa.int64())
    by_page = people.append_column("failed", failed).group_by("page")
    pages = [
        PageErrors(row["page"] or "", row["status_count"], row["failed_sum"])
        for row in by_page.aggregate([("status", "count"), ("failed", "sum")]).to_pylist()
    ]
    with_errors = [page for page in pages if page.errors]
    return FailedRequests(sum(page.requests for page in pages), with_errors)


def _keyless(lake: Lake, key_ids: Sequence[str], now: datetime) -> list[str]:
    """Return the periods of these keys that have none, without those that have ended their use."""
    periods = {KeyPeriod.named(key_id.partition("/")[0]) for key_id in key_ids}
    limit = now - timedelta(days=lake.settings.privacy.replay_days)
    expected = {period for period in periods if period.end > limit}
    return (
        sorted(period.name for period in expected - {*visitor_keys.periods(lake)})
        if expected
        else []
    )
