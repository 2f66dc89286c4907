"""The raw watermark: the hour before which raw lines are deleted, or will be soon.

`retention/raw.json` holds it. It moves only forward. It is announced days before anything is
deleted: from the announcement on no hour before it is built, and builds that began earlier are over
when the deletion begins.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

from clickstream.core.hours import Hour
from clickstream.lake.client import Lake
from clickstream.lake.records import RecordStore


@dataclass(frozen=True)
class Announcement:
    """The hour of a watermark, and when it was announced (aware)."""

    before: Hour
    at: datetime


@dataclass(frozen=True)
class RawWatermark:
    """The announcements that still matter, the oldest first; empty while raw is never deleted."""

    announced: tuple[Announcement, ...] = ()

    @property
    def before(self) -> Hour | None:
        """The hour before which no hour is built any more."""
        return self.announced[-1].before if self.announced else None

    def deletable(self, announced_by: datetime) -> Hour | None:
        """Return the hour before which raw lines may be deleted: the newest announced by then."""
        old = [entry.before for entry in self.announced if entry.at <= announced_by]
        return old[-1] if old else None


_WATERMARKS = RecordStore("retention/", RawWatermark)


def read_watermark(lake: Lake) -> RawWatermark:
    """Read the watermark of a lake."""
    stored = _WATERMARKS.read(lake, "raw")
    return stored.value if stored else RawWatermark()


def announce(lake: Lake, before: Hour, now: datetime, keep_since: datetime) -> None:
    """Move the watermark forward, unless it is at `before` or later.

    Of the announcements up to `keep_since`, only the newest still matters.
    """

    def move(former: RawWatermark) -> RawWatermark:
        if former.before and former.before >= before:
            return former
        old = [entry for entry in former.announced if entry.at <= keep_since][-1:]
        newer = [entry for entry in former.announced if entry.at > keep_since]
        return RawWatermark((*old, *newer, Announcement(before, now.astimezone(UTC))))

    _WATERMARKS.update(lake, "raw", RawWatermark(), move)
