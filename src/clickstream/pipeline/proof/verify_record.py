"""The findings that verifications left in the lake: `health/verify.json`.

A verification replaces the findings of its range. Findings of other hours remain until these hours
are verified again. `recorded_checks` writes the record; alerts and metrics read it.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Literal

from clickstream.errors import AwsUnavailable
from clickstream.hours import Hour
from clickstream.lake import Lake, aws_errors, objects
from clickstream.wording import quantity, shorten

KEY = "health/verify.json"
SWAP_ATTEMPTS = 20

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
            f"{quantity(len(found), nouns[kind], plurals[kind])} ({shorten(found)})"
            for kind, found in self.found.items()
            if found
        )

    def to_json(self) -> bytes:
        """Return the record as it is stored."""
        values = {"at": self.at.isoformat(), "first": self.first, "last": self.last}
        return json.dumps(values | {"found": dict(self.found)}).encode()

    @classmethod
    def from_json(cls, body: bytes) -> VerifyRecord:
        """Read a stored record."""
        stored = json.loads(body)
        found = {kind: tuple(some) for kind, some in stored["found"].items()}
        at = datetime.fromisoformat(stored["at"])
        return cls(at, stored["first"], stored["last"], found)


@aws_errors.translate_errors()
def read_verify_record(lake: Lake) -> VerifyRecord | None:
    """Return the record; None if nothing was verified yet."""
    stored = objects.get(lake, KEY)
    return VerifyRecord.from_json(stored.body) if stored else None


@aws_errors.translate_errors()
def record_verification(
    lake: Lake,
    kind: Verified,
    first: Hour | None,
    last: Hour | None,
    found: Iterable[object],
    now: datetime,
) -> None:
    """Record the hours, or the dates, with a finding in a verified range; None is an open end."""
    begin, end = _end(kind, first), _end(kind, last)
    new = {"" if one is None else str(one) for one in found}
    for _ in range(SWAP_ATTEMPTS):
        stored = objects.get(lake, KEY)
        before = VerifyRecord.from_json(stored.body).found if stored else {}
        kept = {one for one in before.get(kind, ()) if one and not _is_within(one, begin, end)}
        found_now = {**before, kind: tuple(sorted(new | kept))}
        record = VerifyRecord(now.astimezone(UTC), begin, end, found_now)
        if objects.swap(lake, KEY, record.to_json(), stored.etag if stored else None):
            return
    raise AwsUnavailable(
        f"{lake.uri(KEY)} was changed by other processes {SWAP_ATTEMPTS} times in a row. Nothing "
        "is lost: run the command again."
    )


def _end(kind: Verified, hour: Hour | None) -> str:
    """Return an end of the range in the form of what was found."""
    if hour is None:
        return ""
    return str(hour) if kind == "hours" else str(hour.event_date)


def _is_within(one: str, first: str, last: str) -> bool:
    return one >= first and (not last or one <= last)
