"""A publication: an hour replaced in every table, one commit after the other, the ledger last.

It may die between two commits, and nobody may come to finish it. So while it lasts, a mark under
`publishing/HOUR/` says so, named after the version that is replaced and the run. Beside it lie the
session parts that are replaced, written before the first commit by whoever comes first: a run that
tries again finds there what readers saw before, whatever the one before it had done already.

A publication takes the marks of all others away, dead or alive. One that is alive either finds its
mark gone, and starts afresh, or has loaded the tables before, and then each of its commits is
refused that comes after one of ours. So an hour is whole when no mark of it is left.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from io import BytesIO

import pyarrow as pa
import pyarrow.parquet as pq

from clickstream.errors import StaleHour
from clickstream.hours import Hour
from clickstream.lake import iceberg, objects
from clickstream.lake.client import Lake
from clickstream.lake.hour import UNPUBLISHED, LedgerRow, ledger_row, row_of
from clickstream.tables import (
    HITS,
    HOUR_LEDGER,
    RAW_OBJECTS,
    REJECTS,
    SESSION_CHANGES,
    SESSION_PARTS,
)

PUBLISHING = "publishing/"
_PARTS = "parts"


@dataclass(frozen=True)
class Replaced:
    """What a publication replaces: the ledger's row, session parts, and raw objects by key."""

    ledger: LedgerRow
    parts: pa.Table | None
    raw_objects: Mapping[str, Mapping[str, object]]


def publish(
    lake: Lake,
    hour: Hour,
    version: str,
    run_id: str,
    rows: Mapping[str, pa.Table],
    history: Callable[[Replaced], Mapping[str, pa.Table]],
) -> tuple[LedgerRow, LedgerRow]:
    """Replace an hour in every table, the ledger last; its rows there before and after.

    `rows` are those of hits, session_parts and rejects. `history` makes the rows of raw_objects,
    session_changes and hour_ledger from what is replaced.

    All tables are loaded first, then the hour's version is compared with the one that the build
    stood on: a publication before the loads shows in the version, one after them makes Iceberg
    refuse the overwrite. Either way StaleHour is raised, and the build starts afresh.
    """
    marks = _Marks(lake, hour, version, run_id)
    parts = marks.set()
    loaded = {
        table.name: iceberg.load(lake, table)
        for table in (HOUR_LEDGER, HITS, SESSION_PARTS, REJECTS, RAW_OBJECTS, SESSION_CHANGES)
    }
    before = row_of(loaded[HOUR_LEDGER.name], hour)
    if before.version != version or not marks.stand():
        raise StaleHour(f"Hour {hour} was published by someone else meanwhile; build it again.")
    for table in (HITS, SESSION_PARTS, REJECTS):
        loaded[table.name].replace_hour(hour, rows[table.name])
    known = {row["raw_object"]: row for row in loaded[RAW_OBJECTS.name].read(hour).to_pylist()}
    made = history(Replaced(before, parts, known))
    loaded[RAW_OBJECTS.name].replace_hour(hour, made[RAW_OBJECTS.name])
    _record_changes(loaded[SESSION_CHANGES.name], hour, before, made[SESSION_CHANGES.name])
    loaded[HOUR_LEDGER.name].replace_hour(hour, made[HOUR_LEDGER.name])
    marks.clear()
    return before, LedgerRow(made[HOUR_LEDGER.name].to_pylist()[0])


def _record_changes(
    table: iceberg.LoadedTable, hour: Hour, before: LedgerRow, rows: pa.Table
) -> None:
    """Replace what an attempt before has recorded of the same publication; most record nothing."""
    if not before.values:
        return
    replaced_at = before.values["published_at"]
    recorded = table.read(hour, ["replaced_at"]).column("replaced_at").to_pylist()
    if len(rows) or replaced_at in recorded:
        table.replace_hour(hour, rows, replaced_at=replaced_at.isoformat())


def broken_off(lake: Lake, first: Hour | None = None, last: Hour | None = None) -> set[Hour]:
    """The hours of a range whose publication has begun and is not done."""
    found = set()
    for key, _ in objects.listing(lake, PUBLISHING, f"{PUBLISHING}{first}" if first else ""):
        _, hour, name = key.split("/")
        if last and hour > str(last):
            break
        if not _is_done(ledger_row(lake, Hour.parse(hour)), *name.split("-")):
            found.add(Hour.parse(hour))
    return found


def _is_done(row: LedgerRow, version: str, run: str) -> bool:
    """Whether a mark was only left behind: the run it is of has replaced the version it is of."""
    if run == _PARTS:
        return True
    is_published = run == _short(str(row.values.get("published_by")))
    return is_published and version != _short(row.version)


@dataclass(frozen=True)
class _Marks:
    """The marks of one attempt to publish an hour."""

    lake: Lake
    hour: Hour
    version: str
    run_id: str

    def set(self) -> pa.Table | None:
        """Say that the attempt begins; the session parts it replaces, None for a new hour."""
        there = [key for key, _ in objects.listing(self.lake, f"{PUBLISHING}{self.hour}/")]
        objects.put(self.lake, self._mark, b"")
        objects.delete(self.lake, [key for key in there if key not in (self._mark, self._parts)])
        if self.version == UNPUBLISHED:
            return None
        file = BytesIO()
        parts = iceberg.load(self.lake, SESSION_PARTS).read(self.hour)
        pq.write_table(parts, file, compression="zstd")
        objects.swap(self.lake, self._parts, file.getvalue(), None)
        stored = objects.get(self.lake, self._parts)
        return pq.read_table(BytesIO(stored.body)) if stored else parts

    def stand(self) -> bool:
        """Whether nobody else has begun to publish the hour since."""
        return objects.get(self.lake, self._mark) is not None

    def clear(self) -> None:
        """Say that the attempt is done."""
        objects.delete(self.lake, [self._mark, self._parts])

    @property
    def _mark(self) -> str:
        return self._key(_short(self.run_id))

    @property
    def _parts(self) -> str:
        return self._key(_PARTS)

    def _key(self, name: str) -> str:
        return f"{PUBLISHING}{self.hour}/{_short(self.version)}-{name}"


def _short(text: str) -> str:
    return hashlib.blake2b(text.encode(), digest_size=8).hexdigest()
