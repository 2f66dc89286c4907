"""Which version of a source's dates the lake has: `sales/SOURCE/2026-11.json`.

The ledger of sales has the same for readers. A run that finds nothing new reads these small objects
only, one for each month. A publication records UNKNOWN before its first commit, and the version
after the last one. So a publication that is killed is repeated, also if the source has no rows of
the date any more.
"""

from __future__ import annotations

import json
from datetime import date

from clickstream.errors import StaleHour
from clickstream.lake import objects
from clickstream.lake.client import Lake

PREFIX = "sales/"
UNKNOWN = ""
"""The version of a date that is being published."""

_ATTEMPTS = 50


def versions(
    lake: Lake, source: str, first: date | None = None, last: date | None = None
) -> dict[date, str]:
    """Return the version of each date that the lake has of a source, from `first` to `last`."""
    after = _key(source, first.replace(day=1))[:-1] if first else ""
    found: dict[date, str] = {}
    for key, _ in objects.listing(lake, f"{PREFIX}{source}/", after):
        if last and key > _key(source, last):
            break
        if stored := objects.get(lake, key):
            entries = json.loads(stored.body).items()
            found |= {date.fromisoformat(day): version for day, version in entries}
    return {
        day: version for day, version in found.items() if (first or day) <= day <= (last or day)
    }


def record(lake: Lake, source: str, day: date, version: str) -> None:
    """Record the version of a date in the lake, by compare-and-swap."""
    key = _key(source, day)
    for _ in range(_ATTEMPTS):
        stored = objects.get(lake, key)
        before: dict[str, str] = json.loads(stored.body) if stored else {}
        after = {**before, str(day): version}
        body = json.dumps(after, sort_keys=True).encode()
        if after == before or objects.swap(lake, key, body, stored.etag if stored else None):
            return
    raise StaleHour(f"{lake.uri(key)} is changed by other processes all the time; try again.")


def _key(source: str, day: date) -> str:
    return f"{PREFIX}{source}/{day:%Y-%m}.json"
