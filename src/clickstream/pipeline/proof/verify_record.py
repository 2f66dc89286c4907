"""The record of the last verification: `health/verify.json`, with the number of its findings."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime

from clickstream.lake import Lake, aws_errors, objects

KEY = "health/verify.json"


@dataclass(frozen=True)
class VerifyRecord:
    """A verification at `at` (aware) of the hours from `first` to `last`, and its findings."""

    findings: int
    at: datetime
    first: str
    last: str


@aws_errors.translate_errors()
def read_verify_record(lake: Lake) -> VerifyRecord | None:
    """Return the record of the last verification; None if none is stored."""
    found = objects.get(lake, KEY)
    if found is None:
        return None
    stored = json.loads(found.body)
    return VerifyRecord(**stored | {"at": datetime.fromisoformat(stored["at"])})
