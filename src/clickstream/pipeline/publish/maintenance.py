"""Maintenance: compact data files, expire snapshots, and delete unused and expired files.

    compact_days ─▶ expire_snapshots ─▶ sweep_files

The DAG `clickstream_daily` and `clickstream maintain` call this. Each step can be killed and run
again at any point, also at the same time as builds, readers and other runs of the same step. With
`dry_run` a step reports what it would do, and changes nothing. All ages are counted from `now`, an
aware moment.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any

from clickstream.errors import StaleHour
from clickstream.lake import Lake, fact_files, objects, visitor_keys
from clickstream.lake.iceberg import iceberg_tables, table_maintenance
from clickstream.lake.iceberg.iceberg_tables import LoadedTable
from clickstream.lake.iceberg.table_maintenance import FileGroup
from clickstream.lake.objects import Listed
from clickstream.pipeline.publish.retention import (
    RawRetention,
    announce_watermark,
    complete_before,
    deletable_raw,
    plan_retention,
)
from clickstream.wording import quantity

MOST_PASSES = 3
LONGEST_QUERY = timedelta(hours=1)
"""Time for which expired snapshots are still kept, for queries that began before.

Athena stops a query after 30 minutes.
"""

Progress = Callable[[str], None]


def _quiet(_sentence: str) -> None:
    pass


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
        kept = f" Left for the next run, because builds changed them: {', '.join(self.left)}."
        return small + (kept if self.left else "")


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
        each = ", ".join(f"{n:,} of {table}" for table, n in self.snapshots.items())
        return f"Snapshots replaced before {self.horizon} {verb}: {each}."


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
        verb = "would be deleted" if self.dry_run else "deleted"
        each = ", ".join(f"{n:,} of {kind}" for kind, n in self.files.items())
        return (
            f"Unneeded files {verb}, {self.bytes / 1e6:,.1f} MB: {each}."
            f"{self._about_raw}{self._about_keys}"
        )

    @property
    def _about_keys(self) -> str:
        if not self.keys:
            return ""
        verb = "would be destroyed" if self.dry_run else "destroyed"
        return f" Visitor keys past their replay window {verb}: {', '.join(self.keys)}."

    @property
    def _about_raw(self) -> str:
        verb, will = ("would be deleted", "would be") if self.dry_run else ("deleted", "are")
        sentences = []
        if self.raw_files:
            number = quantity(self.raw_files, "raw object")
            sentences.append(
                f"{number} past [maintenance] raw_days {verb}, {self.raw_bytes / 1e6:,.1f} MB."
            )
        if self.raw_before:
            sentences.append(
                f"Hours before {self.raw_before} {will} closed to builds from now on; a later run "
                "deletes their raw lines."
            )
        return "".join(f" {one}" for one in [*sentences, self.raw_kept] if one)


def compact_days(
    lake: Lake, now: datetime, dry_run: bool = False, progress: Progress = _quiet
) -> Compacted:
    """Replace the small data files of each table and past day by one file.

    A day in which an hour is published meanwhile is tried again, and after MOST_PASSES attempts
    left for the next run. Raises ChangedRows, with nothing replaced, if a new file does not hold
    the rows of the old ones.
    """
    before = (now - timedelta(hours=lake.settings.maintenance.compact_after_hours)).date()
    done: list[FileGroup] = []
    left: list[str] = []
    for table in lake.tables:
        for _ in range(MOST_PASSES):
            loaded = iceberg_tables.load(lake, table)
            due = table_maintenance.find_groups(loaded, before)
            stale = [] if dry_run else [g for g in due if not _compact(loaded, g, progress)]
            done += [group for group in due if group not in stale]
            if not stale:
                break
        left += [f"{table.name} of {group.day}" for group in stale]
    return Compacted(sum(len(group.tasks) for group in done), len(done), left, dry_run)


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
    lake: Lake, now: datetime, dry_run: bool = False, progress: Progress = _quiet
) -> Swept:
    """Delete old files without references: of tables, facts, staged rows and query results.

    Raw lines past their retention are deleted, too, if their deletion was announced at least
    `grace_days` ago; and visitor keys that a killed build left behind.
    """
    before = now - timedelta(days=lake.settings.maintenance.grace_days)
    files: dict[str, int] = {}
    size = 0
    for kind, found in _unneeded(lake, before):
        if not dry_run:
            objects.delete(lake, [item.key for item in found])
        files[kind] = len(found)
        size += sum(item.size for item in found)
        progress(f"{kind}: {quantity(len(found), 'unneeded file')}.")
    plan = plan_retention(lake, now)
    if not dry_run:
        announce_watermark(lake, plan, now)
    raw_files, raw_bytes = _sweep_raw(lake, plan, dry_run, progress)
    announced = str(plan.announced) if plan.announced else ""
    keys = tuple(one.name for one in visitor_keys.destroy_left_behind(lake, now, dry_run))
    return Swept(files, size, dry_run, raw_files, raw_bytes, announced, plan.sentence, keys)


def _sweep_raw(
    lake: Lake, plan: RawRetention, dry_run: bool, progress: Progress
) -> tuple[int, int]:
    """Delete the raw objects whose retention is over; return their number and their bytes."""
    if plan.deletable is None:
        return 0, 0
    if not dry_run:
        complete_before(lake, plan.deletable)
    number = size = 0
    for found in deletable_raw(lake, plan.deletable):
        if not dry_run:
            objects.delete(lake, [item.key for item in found])
        number += len(found)
        size += sum(item.size for item in found)
        progress(f"raw: {quantity(number, 'object')} whose retention is over.")
    return number, size


def _unneeded(lake: Lake, before: datetime) -> Iterator[tuple[str, list[Listed]]]:
    for table in lake.tables:
        yield table.name, table_maintenance.unreferenced(lake, table, before)
    yield "staging", table_maintenance.staged(lake, before)
    yield "facts", fact_files.unreferenced(lake, before)
    yield "query results", table_maintenance.query_results(lake, before)
