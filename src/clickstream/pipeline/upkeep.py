"""Upkeep: keep the lake small and quick, without a reader or a build noticing.

    compact_days ─▶ expire_snapshots ─▶ sweep_files

Each may be killed and run again at any point, beside builds and beside itself. With `dry_run` it
says what it would do, and does nothing. `now` is an aware moment that all ages are counted from.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any

from clickstream.errors import StaleHour
from clickstream.lake import Lake, compaction, expiry, iceberg, objects, sweep
from clickstream.lake.compaction import SmallFiles
from clickstream.lake.iceberg import LoadedTable
from clickstream.lake.objects import Listed
from clickstream.tables import TABLES
from clickstream.wording import quantity

MOST_PASSES = 3
LONGEST_QUERY = timedelta(hours=1)
"""A query may have begun inside the retention and still be reading; Athena stops it after 30
minutes."""

Progress = Callable[[str], None]


def _quiet(_sentence: str) -> None:
    pass


@dataclass(frozen=True)
class Compacted:
    """What became of the small files of days that are over."""

    files_before: int
    files_after: int
    left: list[str]
    dry_run: bool

    def as_dict(self) -> dict[str, Any]:
        """The same as plain values, for XCom."""
        return asdict(self)

    @property
    def sentence(self) -> str:
        """One line for the log."""
        verb = "would become" if self.dry_run else "became"
        kept = f" Left for the next run, as builds changed them: {', '.join(self.left)}."
        return f"{quantity(self.files_before, 'small data file')} {verb} {self.files_after:,}." + (
            kept if self.left else ""
        )


@dataclass(frozen=True)
class Expired:
    """How many snapshots of each table are gone."""

    snapshots: dict[str, int]
    horizon: str
    dry_run: bool

    def as_dict(self) -> dict[str, Any]:
        """The same as plain values, for XCom."""
        return asdict(self)

    @property
    def sentence(self) -> str:
        """One line for the log."""
        verb = "would be forgotten" if self.dry_run else "forgotten"
        each = ", ".join(f"{n:,} of {table}" for table, n in self.snapshots.items())
        return f"Snapshots replaced before {self.horizon} {verb}: {each}."


@dataclass(frozen=True)
class Swept:
    """How many files of each kind are gone, and their size in bytes."""

    files: dict[str, int]
    bytes: int
    dry_run: bool

    def as_dict(self) -> dict[str, Any]:
        """The same as plain values, for XCom."""
        return asdict(self)

    @property
    def sentence(self) -> str:
        """One line for the log."""
        verb = "would be deleted" if self.dry_run else "deleted"
        each = ", ".join(f"{n:,} of {kind}" for kind, n in self.files.items())
        return f"Files that nothing needs {verb}, {self.bytes / 1e6:,.1f} MB: {each}."


def compact_days(
    lake: Lake, now: datetime, dry_run: bool = False, progress: Progress = _quiet
) -> Compacted:
    """Let one data file stand for the small ones of each table and day that is over.

    A day in which an hour is published meanwhile is tried again, and after that left as it is.
    Raises ChangedRows, with nothing replaced, if a new file does not hold the rows of the old.
    """
    before = (now - timedelta(hours=lake.settings.upkeep.compact_after_hours)).date()
    done: list[SmallFiles] = []
    left: list[str] = []
    for table in TABLES:
        for _ in range(MOST_PASSES):
            loaded = iceberg.load(lake, table)
            small = compaction.small_files(loaded, before)
            stale = [] if dry_run else [s for s in small if not _compact(loaded, s, progress)]
            done += [s for s in small if s not in stale]
            if not stale:
                break
        left += [f"{table.name} of {s.day}" for s in stale]
    return Compacted(sum(len(s.tasks) for s in done), len(done), left, dry_run)


def _compact(loaded: LoadedTable, small: SmallFiles, progress: Progress) -> bool:
    """Whether the files are one now; they are not if someone changed their day meanwhile."""
    try:
        compaction.compact(loaded, small)
    except StaleHour:
        return False
    progress(
        f"{loaded.table.name} of {small.day}: {len(small.tasks)} files, "
        f"{quantity(small.rows, 'row')}, are one file now."
    )
    return True


def expire_snapshots(lake: Lake, now: datetime, dry_run: bool = False) -> Expired:
    """Forget the tables' states that were replaced longer ago than queries can travel back."""
    horizon = now - timedelta(days=lake.settings.upkeep.snapshot_days) - LONGEST_QUERY
    gone = {
        table.name: len(expiry.past(iceberg.load(lake, table).iceberg, horizon))
        if dry_run
        else expiry.expire(lake, table, horizon)
        for table in TABLES
    }
    return Expired(gone, f"{horizon:%Y-%m-%d %H:%M} UTC", dry_run)


def sweep_files(
    lake: Lake, now: datetime, dry_run: bool = False, progress: Progress = _quiet
) -> Swept:
    """Delete old files that nothing refers to: of the tables, staged rows, answers of queries."""
    before = now - timedelta(days=lake.settings.upkeep.grace_days)
    files: dict[str, int] = {}
    size = 0
    for kind, found in _unneeded(lake, before):
        if not dry_run:
            objects.delete(lake, [item.key for item in found])
        files[kind] = len(found)
        size += sum(item.size for item in found)
        progress(f"{kind}: {quantity(len(found), 'file')} that nothing needs.")
    return Swept(files, size, dry_run)


def _unneeded(lake: Lake, before: datetime) -> Iterator[tuple[str, list[Listed]]]:
    for table in TABLES:
        yield table.name, sweep.unreferenced(lake, table, before)
    yield "staging", sweep.staged(lake, before)
    yield "query results", sweep.query_results(lake, before)
