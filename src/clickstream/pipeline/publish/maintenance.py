"""Maintenance: compact data files, expire snapshots, and delete unused and expired files.

    compact_days ─▶ expire_snapshots ─▶ sweep_files

The DAG `clickstream_daily` and `clickstream maintain` call this. Each step can be killed and run
again at any point, also at the same time as builds, readers and other runs of the same step. With
`dry_run` a step reports what it would do, and changes nothing. All ages are counted from `now`, an
aware moment.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from itertools import groupby
from typing import Any

from clickstream.core.errors import StaleHour
from clickstream.core.hours import Hour
from clickstream.core.wording import quantity
from clickstream.lake import Lake, fact_files, hour_ledger, objects, raw, visitor_keys
from clickstream.lake.iceberg import iceberg_tables, table_maintenance
from clickstream.lake.iceberg.iceberg_tables import LoadedTable
from clickstream.lake.iceberg.table_maintenance import FileGroup
from clickstream.lake.objects import Listed
from clickstream.lake.publication import interrupted_hours
from clickstream.lake.raw_watermark import announce, read_watermark
from clickstream.lake.visitor_keys import KeyPeriod
from clickstream.pipeline.hosts.missing import complete_hours
from clickstream.pipeline.publish.late_lines import late_hours
from clickstream.tables import RAW_OBJECTS

# Retention of raw lines: which are deleted, and which hours keep theirs.
#
# `sweep_files` calls this once a day. An hour can be built only from its raw lines, so no hour
# before the raw watermark is built any more (`replay_window` refuses it). One sweep announces the
# watermark, and a later one, at least `grace_days` after, deletes. So a build that began before the
# announcement is over when its lines are deleted.

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
    past = {late_hour.hour for late_hour in late if late_hour.is_past_window}
    published = {late_hour.hour for late_hour in late if late_hour.is_published}
    periods = [KeyPeriod.named(opened.name) for opened in visitor_keys.open_periods(lake)]
    blocks = {Hour(period.start): NEW_IDS for period in periods if Hour(period.start) <= last}
    blocks |= dict.fromkeys(interrupted_hours(lake, None, last), BROKE_OFF)
    if first is None or first <= last:
        rows = hour_ledger.ledger_in_order(lake, first, last, ["hour_at", "published_at"])
        since = built_by.astimezone(UTC).replace(tzinfo=None)
        built_lately = (row["hour_at"] for row in rows.to_pylist() if row["published_at"] > since)
        blocks |= dict.fromkeys(map(Hour.at, built_lately), BUILT_LATELY)
    blocks |= dict.fromkeys(published - past, LATE_LINES)
    blocks |= dict.fromkeys(waiting - published - past, NEVER_BUILT)
    earliest = min(blocks, default=None)
    return HeldHour(earliest, blocks[earliest]) if earliest else None


def deletable_raw(lake: Lake, before: Hour) -> Iterator[Sequence[Listed]]:
    """Yield the raw objects that may be deleted, of hours before `before`, by UTC date.

    An hour keeps all raw objects while late lines wait, a host is missing, a publication was
    interrupted, or its key period gets new visitor ids. A raw object that no published hour was
    built from is never deleted.
    """
    kept_hours = _kept_hours(lake, before)
    listed = raw.listed_by_hour(lake, None, before.previous)
    for _, items in groupby(listed, lambda pair: pair[0].event_date):
        pairs = [(hour, item) for hour, item in items if hour not in kept_hours]
        if not pairs:
            continue
        first, last = pairs[0][0], pairs[-1][0]
        published = hour_ledger.published_hours(lake, first, last)
        rows = iceberg_tables.load(lake, RAW_OBJECTS).read(first, last, ["hour_at", "raw_object"])
        built = {
            row["raw_object"] for row in rows.to_pylist() if Hour.at(row["hour_at"]) in published
        }
        yield [item for _, item in pairs if item.key in built]


def _kept_hours(lake: Lake, before: Hour) -> set[Hour]:
    last = before.previous
    hours = {*raw.pending_by_hour(lake, None, last), *interrupted_hours(lake, None, last)}
    hours |= {*hour_ledger.incomplete_rows(lake, None, last.event_date)}
    for opened in visitor_keys.open_periods(lake):
        period = KeyPeriod.named(opened.name)
        length = int((period.end - period.start) / timedelta(hours=1))
        hours |= {Hour(period.start).plus(number) for number in range(length)}
    return hours


MOST_PASSES = 3
LONGEST_QUERY = timedelta(hours=1)
"""Time for which expired snapshots are still kept, for queries that began before.

Athena stops a query after 30 minutes.
"""

Progress = Callable[[str], None]


@dataclass(frozen=True)
class Compacted:
    """What became of the small files of past days. `left` names days that builds changed."""

    files_before: int
    files_after: int
    left: list[str]
    dry_run: bool

    def as_dict(self) -> dict[str, Any]:
        """The fields as plain values, for XCom."""
        return asdict(self)

    @property
    def sentence(self) -> str:
        """One line for the log."""
        verb = "would become" if self.dry_run else "became"
        small = f"{quantity(self.files_before, 'small data file')} {verb} {self.files_after:,}."
        if not self.left:
            return small
        days = ", ".join(self.left)
        return f"{small} Left for the next run, because builds changed them: {days}."


@dataclass(frozen=True)
class Expired:
    """How many snapshots of each table were removed."""

    snapshots: dict[str, int]
    horizon: str
    dry_run: bool

    def as_dict(self) -> dict[str, Any]:
        """The fields as plain values, for XCom."""
        return asdict(self)

    @property
    def sentence(self) -> str:
        """One line for the log."""
        verb = "would be removed" if self.dry_run else "removed"
        counts = ", ".join(f"{n:,} of {table}" for table, n in self.snapshots.items())
        return f"Snapshots replaced before {self.horizon} {verb}: {counts}."


@dataclass(frozen=True)
class Swept:
    """How many files of each kind were deleted, and their size in bytes.

    `raw_files` are raw objects whose retention is over, of `raw_bytes`; no other count includes
    them. `raw_before` is the watermark that is announced, if it moves, and `raw_kept` says which
    hour stops it. `keys` names the key periods whose visitor keys were destroyed here, because a
    build that should have destroyed them was killed.
    """

    files: dict[str, int]
    bytes: int
    dry_run: bool
    raw_files: int = 0
    raw_bytes: int = 0
    raw_before: str = ""
    raw_kept: str = ""
    keys: tuple[str, ...] = ()

    def as_dict(self) -> dict[str, Any]:
        """The fields as plain values, for XCom."""
        return asdict(self)

    @property
    def sentence(self) -> str:
        """One line for the log."""
        would = "would be " if self.dry_run else ""
        counts = ", ".join(f"{n:,} of {kind}" for kind, n in self.files.items())
        sentences = [f"Unneeded files {would}deleted, {self.bytes / 1e6:,.1f} MB: {counts}."]
        if self.raw_files:
            number = quantity(self.raw_files, "raw object")
            size = f"{self.raw_bytes / 1e6:,.1f} MB"
            sentences.append(f"{number} past [maintenance] raw_days {would}deleted, {size}.")
        if self.raw_before:
            sentences.append(
                f"Hours before {self.raw_before} {would or 'are '}closed to builds from now on; a "
                "later run deletes their raw lines."
            )
        if self.raw_kept:
            sentences.append(self.raw_kept)
        if self.keys:
            names = ", ".join(self.keys)
            sentences.append(f"Visitor keys past their replay window {would}destroyed: {names}.")
        return " ".join(sentences)


def compact_days(
    lake: Lake, now: datetime, dry_run: bool = False, progress: Progress = lambda _: None
) -> Compacted:
    """Replace the small data files of each table and past day by one file.

    A day in which an hour is published meanwhile is tried again, and after MOST_PASSES attempts
    left for the next run. Raises ChangedRows, with nothing replaced, if a new file does not hold
    the rows of the old ones.
    """
    before = (now - timedelta(hours=lake.settings.maintenance.compact_after_hours)).date()
    compacted: list[FileGroup] = []
    postponed: list[str] = []
    for table in lake.tables:
        for _ in range(MOST_PASSES):
            loaded = iceberg_tables.load(lake, table)
            due = table_maintenance.find_groups(loaded, before)
            stale = [] if dry_run else [g for g in due if not _compact(loaded, g, progress)]
            compacted += [group for group in due if group not in stale]
            if not stale:
                break
        postponed += [f"{table.name} of {group.day}" for group in stale]
    return Compacted(
        sum(len(group.tasks) for group in compacted), len(compacted), postponed, dry_run
    )


def _compact(loaded: LoadedTable, group: FileGroup, progress: Progress) -> bool:
    """Replace a group by one file; return False if another process changed its day meanwhile."""
    try:
        table_maintenance.compact(loaded, group)
    except StaleHour:
        return False
    rows = quantity(group.rows, "row")
    progress(
        f"{loaded.table.name} of {group.day}: {len(group.tasks)} files, {rows}, are one file now."
    )
    return True


def expire_snapshots(lake: Lake, now: datetime, dry_run: bool = False) -> Expired:
    """Remove the tables' snapshots that are older than queries of past states may reach."""
    horizon = now - timedelta(days=lake.settings.maintenance.snapshot_days) - LONGEST_QUERY
    gone = {
        table.name: len(table_maintenance.past(iceberg_tables.load(lake, table).iceberg, horizon))
        if dry_run
        else table_maintenance.expire(lake, table, horizon)
        for table in lake.tables
    }
    return Expired(gone, f"{horizon:%Y-%m-%d %H:%M} UTC", dry_run)


def sweep_files(
    lake: Lake, now: datetime, dry_run: bool = False, progress: Progress = lambda _: None
) -> Swept:
    """Delete old files without references: of tables, facts, staged rows and query results.

    Raw lines past their retention are deleted, too, if their deletion was announced at least
    `grace_days` ago; and visitor keys that a killed build left behind.
    """
    before = now - timedelta(days=lake.settings.maintenance.grace_days)
    files: dict[str, int] = {}
    size = 0
    for kind, unneeded in _unneeded(lake, before):
        if not dry_run:
            objects.delete(lake, [item.key for item in unneeded])
        files[kind] = len(unneeded)
        size += sum(item.size for item in unneeded)
        progress(f"{kind}: {quantity(len(unneeded), 'unneeded file')}.")
    plan = plan_retention(lake, now)
    if plan.announced and not dry_run:
        announce(lake, plan.announced, now, _announced_by(lake, now))
    raw_files, raw_bytes = _sweep_raw(lake, plan, dry_run, progress)
    announced = str(plan.announced) if plan.announced else ""
    keys = tuple(period.name for period in visitor_keys.destroy_left_behind(lake, now, dry_run))
    return Swept(files, size, dry_run, raw_files, raw_bytes, announced, plan.sentence, keys)


def _sweep_raw(
    lake: Lake, plan: RawRetention, dry_run: bool, progress: Progress
) -> tuple[int, int]:
    """Delete the raw objects whose retention is over; return their number and their bytes."""
    if plan.deletable is None:
        return 0, 0
    # Hosts that are pulled by now, or retired, keep no hour's lines.
    if not dry_run and (earliest := next(raw.all_raw(lake), None)):
        begin, before = Hour.parse(earliest.key.split("/")[1]), plan.deletable
        complete_hours(lake, before, look_back=before.start - min(begin, before).start)
    number = size = 0
    for expired in deletable_raw(lake, plan.deletable):
        if not dry_run:
            objects.delete(lake, [item.key for item in expired])
        number += len(expired)
        size += sum(item.size for item in expired)
        progress(f"raw: {quantity(number, 'object')} whose retention is over.")
    return number, size


def _unneeded(lake: Lake, before: datetime) -> Iterator[tuple[str, list[Listed]]]:
    for table in lake.tables:
        yield table.name, table_maintenance.unreferenced(lake, table, before)
    yield "staging", table_maintenance.staged(lake, before)
    yield "facts", fact_files.unreferenced(lake, before)
    yield "query results", table_maintenance.query_results(lake, before)
