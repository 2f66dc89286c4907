"""Retention of raw lines: which are deleted, and which hours keep theirs.

`sweep_files` calls this once a day. An hour can be built only from its raw lines, so no hour before
the raw watermark is built any more (`replay_window` refuses it). One sweep announces the watermark,
and a later one, at least `grace_days` after, deletes. So a build that began before the announcement
is over when its lines are deleted.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import groupby

from clickstream.hours import Hour
from clickstream.lake import Lake, hour_ledger, raw, visitor_keys
from clickstream.lake.iceberg import iceberg_tables
from clickstream.lake.intents import interrupted_hours
from clickstream.lake.objects import Listed
from clickstream.lake.raw_watermark import announce, read_watermark
from clickstream.lake.visitor_keys import KeyPeriod
from clickstream.pipeline.hosts.missing import complete_hours
from clickstream.pipeline.publish.late_lines import late_hours
from clickstream.tables import RAW_OBJECTS

NEVER_BUILT = "its lines were never built"
LATE_LINES = "it does not contain its late lines yet"
BROKE_OFF = "a publication of it was interrupted, or is still running"
NEW_IDS = "its key period gets new visitor ids"
BUILT_LATELY = "it was built in the last days, and other hours of that build may still follow"
REMEDIES = {
    NEVER_BUILT: "To build it: clickstream build {hour} {hour}.",
    LATE_LINES: "The next hourly run builds it.",
    BROKE_OFF: "If this remains: clickstream repair {hour}.",
    NEW_IDS: "This ends when all hours of the period have them.",
    BUILT_LATELY: "This ends [maintenance] grace_days after that.",
}


@dataclass(frozen=True)
class HeldHour:
    """An hour that the watermark must not pass, and the reason."""

    hour: Hour
    why: str

    @property
    def sentence(self) -> str:
        """Why raw lines are kept, and what to do."""
        remedy = REMEDIES[self.why].format(hour=self.hour)
        return f"Raw lines are kept from hour {self.hour} on: {self.why}. {remedy}"


@dataclass(frozen=True)
class RawRetention:
    """What the retention does at a moment.

    Raw lines before `deletable` may be deleted now. `due` is the watermark by age, and `announced`
    the one that a sweep announces, if it moves; `block` is the hour that stops it.
    """

    deletable: Hour | None = None
    due: Hour | None = None
    announced: Hour | None = None
    block: HeldHour | None = None

    @property
    def sentence(self) -> str:
        """The hour that stops the watermark; empty if there is none."""
        return self.block.sentence if self.block else ""


def plan_retention(lake: Lake, now: datetime) -> RawRetention:
    """Decide what the retention does at `now`, if it is on; nothing is changed."""
    days = lake.settings.maintenance.raw_days
    if not days:
        return RawRetention()
    watermark = read_watermark(lake)
    due = Hour.first_of(f"{now - timedelta(days=days):%Y-%m-%d}")
    block = _find_block(lake, watermark.before, due, _announced_by(lake, now))
    target = min(due, block.hour) if block else due
    is_new = watermark.before is None or target > watermark.before
    deletable = watermark.deletable(_announced_by(lake, now))
    return RawRetention(deletable, due, target if is_new else None, block)


def _announced_by(lake: Lake, now: datetime) -> datetime:
    return now - timedelta(days=lake.settings.maintenance.grace_days)


def _find_block(lake: Lake, first: Hour | None, due: Hour, built_by: datetime) -> HeldHour | None:
    """Return the first hour before `due` that may still have to be built, if there is one.

    An hour from `first` on that was published after `built_by` is such an hour: the range that it
    was built with may not be complete, and sessions cross from hour to hour.
    """
    last = due.previous
    waiting = raw.pending_by_hour(lake, None, last).keys()
    late = late_hours(lake, waiting)
    past = {one.hour for one in late if one.is_past_window}
    published = {one.hour for one in late if one.is_published}
    blocks = {hour: NEW_IDS for hour in _first_hours_of_open_periods(lake) if hour <= last}
    blocks |= dict.fromkeys(interrupted_hours(lake, None, last), BROKE_OFF)
    blocks |= dict.fromkeys(_built_since(lake, first, last, built_by), BUILT_LATELY)
    blocks |= dict.fromkeys(published - past, LATE_LINES)
    blocks |= dict.fromkeys(waiting - published - past, NEVER_BUILT)
    earliest = min(blocks, default=None)
    return HeldHour(earliest, blocks[earliest]) if earliest else None


def _built_since(lake: Lake, first: Hour | None, last: Hour, moment: datetime) -> set[Hour]:
    """Return the hours of a range that were published after a moment."""
    if first and first > last:
        return set()
    rows = hour_ledger.ledger_in_order(lake, first, last, ["hour_at", "published_at"])
    since = moment.astimezone(UTC).replace(tzinfo=None)
    return {Hour.at(row["hour_at"]) for row in rows.to_pylist() if row["published_at"] > since}


def _first_hours_of_open_periods(lake: Lake) -> list[Hour]:
    return [Hour(KeyPeriod.named(one.name).start) for one in visitor_keys.open_periods(lake)]


def announce_watermark(lake: Lake, plan: RawRetention, now: datetime) -> None:
    """Announce the watermark of a plan, if it moves."""
    if plan.announced:
        announce(lake, plan.announced, now, _announced_by(lake, now))


def complete_before(lake: Lake, before: Hour) -> None:
    """Remove hosts that are pulled by now, or retired, from the hours whose raw lines may go."""
    first = next(raw.all_raw(lake), None)
    if first:
        begin = Hour.parse(first.key.split("/")[1])
        complete_hours(lake, before, look_back=before.start - min(begin, before).start)


def deletable_raw(lake: Lake, before: Hour) -> Iterator[Sequence[Listed]]:
    """Yield the raw objects that may be deleted, of hours before `before`, by UTC date.

    An hour keeps all raw objects while late lines wait, a host is missing, a publication was
    interrupted, or its key period gets new visitor ids. A raw object that no published hour was
    built from is never deleted.
    """
    kept = _kept_hours(lake, before)
    listed = raw.listed_by_hour(lake, None, before.previous)
    for _, items in groupby(listed, lambda pair: pair[0].event_date):
        pairs = [(hour, item) for hour, item in items if hour not in kept]
        if pairs:
            built = _built_in(lake, pairs[0][0], pairs[-1][0])
            yield [item for _, item in pairs if item.key in built]


def _kept_hours(lake: Lake, before: Hour) -> set[Hour]:
    last = before.previous
    kept = {*raw.pending_by_hour(lake, None, last), *interrupted_hours(lake, None, last)}
    kept |= {*hour_ledger.incomplete_rows(lake, None, last.event_date)}
    for one in visitor_keys.open_periods(lake):
        period = KeyPeriod.named(one.name)
        hours = int((period.end - period.start) / timedelta(hours=1))
        kept |= {Hour(period.start).plus(number) for number in range(hours)}
    return kept


def _built_in(lake: Lake, first: Hour, last: Hour) -> set[str]:
    """Return the keys of the raw objects that the published hours of a range were built from."""
    published = hour_ledger.published_hours(lake, first, last)
    rows = iceberg_tables.load(lake, RAW_OBJECTS).read(first, last, ["hour_at", "raw_object"])
    return {row["raw_object"] for row in rows.to_pylist() if Hour.at(row["hour_at"]) in published}
