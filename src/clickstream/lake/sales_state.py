"""Which version of a source's dates the lake has: `sales/SOURCE/2026-11.json`.

The ledger of sales has the same for readers. `sales/SOURCE.json` says since when a source can't
be read. A run that finds nothing new reads these small objects
only, one for each month. A publication records a unique mark before its first commit, and the
version after the last one, if this mark is still recorded. So a publication that is killed, or that
another one overtakes, is repeated, also if the source has no rows of the date any more.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, datetime

from clickstream.errors import ClickstreamError
from clickstream.lake.client import Lake
from clickstream.lake.records import RecordStore

_VERSIONS = RecordStore("sales/", dict[date, str])
"""The versions of a source's dates by month, such as `web/2026-11`."""

_FAILURES = RecordStore("sales/", tuple[datetime, str])
"""Since when a source can't be read (aware), and the last error."""

_MARK = "unfinished "
"""How the mark of a publication begins, instead of a version."""


def versions(
    lake: Lake, source: str, first: date | None = None, last: date | None = None
) -> dict[date, str]:
    """Return the version of each date that the lake has of a source, from `first` to `last`."""
    first, last = first or date.min, last or date.max
    since, until = _month(source, first), _month(source, last)
    names = [name for name in _VERSIONS.names(lake, f"{source}/") if since <= name <= until]
    return {
        day: version
        for month in _VERSIONS.read_all(lake, names)
        if month
        for day, version in month.items()
        if first <= day <= last
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
    stored = _FAILURES.read(lake, source)
    return stored.value if stored else None


@contextmanager
def noting_failure(lake: Lake, source: str, now: datetime) -> Iterator[None]:
    """Record that the block could not read a source; a block that could removes the record."""
    before = unreadable_since(lake, source)
    try:
        yield
    except ClickstreamError as error:
        since = before[0] if before else now
        if before != (since, error.printed):
            _FAILURES.put(lake, source, (since, error.printed))
        raise
    if before:
        _FAILURES.delete(lake, source)


def _record(lake: Lake, source: str, day: date, version: str, only_after: str = "") -> None:
    """Record a version; with `only_after`, only in place of that one."""

    def change(before: dict[date, str]) -> dict[date, str]:
        if only_after and before.get(day) != only_after:
            return before
        return {**before, day: version}

    _VERSIONS.update(lake, _month(source, day), {}, change)


def _month(source: str, day: date) -> str:
    return f"{source}/{day:%Y-%m}"
