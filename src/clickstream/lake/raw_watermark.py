"""The raw watermark: the hour before which raw lines are deleted, or will be soon.

`retention/raw.json` holds it. It moves only forward. It is announced days before anything is
deleted: from the announcement on no hour before it is built, and builds that began earlier are over
when the deletion begins.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, datetime

from clickstream.hours import Hour
from clickstream.lake import objects
from clickstream.lake.client import Lake

KEY = "retention/raw.json"


@dataclass(frozen=True)
class Announcement:
    """The hour of a watermark, and when it was announced (aware)."""

    before: Hour
    at: datetime


@dataclass(frozen=True)
class RawWatermark:
    """The announcements that still matter, the oldest first; empty while raw is never deleted."""

    announced: tuple[Announcement, ...] = ()
    etag: str | None = None

    @property
    def before(self) -> Hour | None:
        """The hour before which no hour is built any more."""
        return self.announced[-1].before if self.announced else None

    def deletable(self, announced_by: datetime) -> Hour | None:
        """Return the hour before which raw lines may be deleted: the newest announced by then."""
        old = [one.before for one in self.announced if one.at <= announced_by]
        return old[-1] if old else None


def read_watermark(lake: Lake) -> RawWatermark:
    """Read the watermark of a lake."""
    stored = objects.get(lake, KEY)
    if stored is None:
        return RawWatermark()
    listed = json.loads(stored.body)["announced"]
    return RawWatermark(
        tuple(
            Announcement(Hour.parse(one["before"]), datetime.fromisoformat(one["at"]))
            for one in listed
        ),
        stored.etag,
    )


def announce(
    lake: Lake, former: RawWatermark, before: Hour, now: datetime, keep_since: datetime
) -> bool:
    """Move the watermark forward from `former`; return False if another process did meanwhile.

    Of the announcements up to `keep_since`, only the newest still matters.
    """
    old = [one for one in former.announced if one.at <= keep_since][-1:]
    kept = [*old, *(one for one in former.announced if one.at > keep_since)]
    moved = [*kept, Announcement(before, now.astimezone(UTC))]
    listed = [{"before": str(one.before), "at": one.at.isoformat()} for one in moved]
    body = json.dumps({"announced": listed}).encode()
    return objects.swap(lake, KEY, body, former.etag) is not None
