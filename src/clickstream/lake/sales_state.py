"""Which version of a source's dates the lake has: `sales/SOURCE/2026-11.json`.

The ledger of sales has the same for readers. `sales/SOURCE.json` says since when a source can't
be read. A run that finds nothing new reads these small objects
only, one for each month. A publication records a unique mark before its first commit, and the
version after the last one, if this mark is still recorded. So a publication that is killed, or that
another one overtakes, is repeated, also if the source has no rows of the date any more.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, datetime

from clickstream.errors import ClickstreamError, StaleHour
from clickstream.lake import objects
from clickstream.lake.client import Lake

PREFIX = "sales/"
_MARK = "unfinished "
"""How the mark of a publication begins, instead of a version."""

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


def is_unfinished(version: str) -> bool:
    """Whether a recorded version is the mark of a publication that has not ended."""
    return version.startswith(_MARK)


def begin(lake: Lake, source: str, day: date) -> str:
    """Record that a publication of a date begins, and return its mark for `end`."""
    mark = f"{_MARK}{secrets.token_hex(8)}"
    _record(lake, source, day, mark)
    return mark


def end(lake: Lake, source: str, day: date, version: str, mark: str) -> None:
    """Record the published version, unless another publication of the date has begun since.

    `mark` is that of `begin`, or the recorded version of a date whose rows need no publication.
    """
    _record(lake, source, day, version, mark)


def unreadable_since(lake: Lake, source: str) -> tuple[datetime, str] | None:
    """Return since when a source can't be read (aware), and the last error; None if it can."""
    stored = objects.get(lake, _failure_key(source))
    if stored is None:
        return None
    failure = json.loads(stored.body)
    return datetime.fromisoformat(failure["since"]), failure["error"]


@contextmanager
def noting_failure(lake: Lake, source: str, now: datetime) -> Iterator[None]:
    """Record that the block could not read a source; a block that could removes the record."""
    before = unreadable_since(lake, source)
    try:
        yield
    except ClickstreamError as error:
        since = before[0] if before else now
        if before != (since, error.printed):
            body = json.dumps({"since": since.isoformat(), "error": error.printed})
            objects.put(lake, _failure_key(source), body.encode())
        raise
    if before:
        objects.delete(lake, [_failure_key(source)])


def _failure_key(source: str) -> str:
    return f"{PREFIX}{source}.json"


def _record(lake: Lake, source: str, day: date, version: str, only_after: str = "") -> None:
    """Record a version by compare-and-swap; with `only_after`, only in place of that one."""
    key = _key(source, day)
    for _ in range(_ATTEMPTS):
        stored = objects.get(lake, key)
        before: dict[str, str] = json.loads(stored.body) if stored else {}
        if only_after and before.get(str(day)) != only_after:
            return
        body = json.dumps({**before, str(day): version}, sort_keys=True).encode()
        if objects.swap(lake, key, body, stored.etag if stored else None):
            return
    raise StaleHour(f"{lake.uri(key)} is changed by other processes all the time; try again.")


def _key(source: str, day: date) -> str:
    return f"{PREFIX}{source}/{day:%Y-%m}.json"
