"""The marks that stand while hours are published, and the session parts kept beside them.

A publication may die between two commits, and nobody may come to finish it. So while it lasts, a
mark under `publishing/HOUR/` says so for each of its hours, named after the version that is
replaced and the run. Where session parts are replaced by others, the old ones lie beside it, as far
as they tell what changes, written before the first commit by whoever comes first: a run that tries
again finds there what readers saw before, whatever the one before it had done already.

A publication takes the marks of all others in its hours away, dead or alive. One that is alive
either finds its marks gone, and starts afresh, or has loaded the tables before, and then each of
its commits is refused that comes after one of ours. So an hour is whole when no mark of it is left.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping, Set
from dataclasses import dataclass
from datetime import datetime
from io import BytesIO

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from clickstream.hours import Hour
from clickstream.lake import iceberg_tables, objects
from clickstream.lake.client import Lake
from clickstream.lake.hour_ledger import UNPUBLISHED, LedgerRow, ledger_row
from clickstream.lake.s3_get import Stored
from clickstream.tables import COMPARED, SESSION_PARTS

PUBLISHING = "publishing/"
_PARTS = "parts"


def broken_off(lake: Lake, first: Hour | None = None, last: Hour | None = None) -> set[Hour]:
    """The hours of a range whose publication has begun and is not done."""
    return set(begun_at(lake, first, last))


def begun_at(
    lake: Lake, first: Hour | None = None, last: Hour | None = None
) -> dict[Hour, datetime]:
    """When the publications that are not done have begun, by hour; the times are aware."""
    begun: dict[Hour, datetime] = {}
    for hour, name, at in _marks(lake, first, last):
        if not _is_done(ledger_row(lake, hour), *name.split("-")):
            begun[hour] = min(at, begun.get(hour, at))
    return begun


def _is_done(row: LedgerRow, version: str, run: str) -> bool:
    """Whether a mark was only left behind: the run it is of has replaced the version it is of."""
    if run == _PARTS:
        return True
    is_published = run == _short(str(row.values.get("published_by")))
    return is_published and version != _short(row.version)


@dataclass(frozen=True)
class Marks:
    """The marks of one attempt to publish hours, in order, of which it replaces the versions."""

    lake: Lake
    versions: Mapping[Hour, str]
    run_id: str

    def set(self) -> None:
        """Say that the attempt begins."""
        there = self.standing()
        for mark in self._marks:
            objects.put(self.lake, mark, b"")
        objects.delete(self.lake, sorted(there - {*self._marks, *self._parts.values()}))

    def replaced(self, new: Callable[[Hour], pa.Table]) -> dict[Hour, pa.Table]:
        """The session parts that the attempt replaces, of hours whose `new` ones are not the same.

        Of their columns those that are COMPARED. Others must be able to find them: they are kept.
        """
        if not self._parts:
            return {}
        stored = iceberg_tables.load(self.lake, SESSION_PARTS).read(
            *self._ends, ["hour_at", *COMPARED]
        )
        hour_at = stored["hour_at"].to_numpy()
        old = {
            hour: compared(stored.filter(pa.array(hour_at == np.datetime64(hour.naive))))
            for hour in self._parts
        }
        changed = {hour: of for hour, of in old.items() if not of.equals(compared(new(hour)))}
        return {hour: self._kept(self._parts[hour], parts) for hour, parts in changed.items()}

    def kept_by_others(self, standing: Set[str], known: Set[Hour]) -> dict[Hour, pa.Table]:
        """The session parts that other attempts have kept, of hours of which none are `known`.

        Whoever finds the same parts in the table as the new ones may find those of such an attempt.
        """
        kept = [hour for hour, key in self._parts.items() if key in standing and hour not in known]
        stored = {hour: objects.get(self.lake, self._parts[hour]) for hour in kept}
        return {hour: _read(one) for hour, one in stored.items() if one}

    def _kept(self, key: str, parts: pa.Table) -> pa.Table:
        """The parts that lie under the key: these, if nobody has kept others for that version."""
        file = BytesIO()
        pq.write_table(
            parts, file, compression="zstd", use_dictionary=False, write_statistics=False
        )
        if objects.swap(self.lake, key, file.getvalue(), None):
            return parts
        stored = objects.get(self.lake, key)
        return _read(stored) if stored else parts

    def standing(self) -> Set[str]:
        """The keys of all marks of the hours, of this attempt and of others, and of parts kept."""
        return {_key(hour, name) for hour, name in _names(self.lake, *self._ends)}

    def fallen(self, standing: Set[str]) -> list[Hour]:
        """The hours that someone else has begun to publish since."""
        marks = zip(self.versions, self._marks, strict=True)
        return [hour for hour, mark in marks if mark not in standing]

    def clear(self) -> None:
        """Say that the attempt is done."""
        objects.delete(self.lake, [*self._marks, *self._parts.values()])

    @property
    def _ends(self) -> tuple[Hour, Hour]:
        return min(self.versions), max(self.versions)

    @property
    def _marks(self) -> list[str]:
        return [
            _key(hour, f"{_short(v)}-{_short(self.run_id)}") for hour, v in self.versions.items()
        ]

    @property
    def _parts(self) -> dict[Hour, str]:
        """Where the replaced parts lie, by hour."""
        return {
            hour: _key(hour, f"{_short(version)}-{_PARTS}")
            for hour, version in self.versions.items()
            if version != UNPUBLISHED
        }


def _names(lake: Lake, first: Hour | None, last: Hour | None) -> Iterator[tuple[Hour, str]]:
    """The hour and the name of all that lies under the marks of a range of hours."""
    return ((hour, name) for hour, name, _ in _marks(lake, first, last))


def _marks(
    lake: Lake, first: Hour | None, last: Hour | None
) -> Iterator[tuple[Hour, str, datetime]]:
    """The same with the time at which each was put there."""
    for item in objects.listed(lake, PUBLISHING, f"{PUBLISHING}{first}" if first else ""):
        _, text, name = item.key.split("/")
        if last and text > str(last):
            return
        yield Hour.parse(text), name, item.modified_at


def compared(parts: pa.Table) -> pa.Table:
    """What of session parts tells whether a session has changed: the columns COMPARED."""
    schema = SESSION_PARTS.arrow_schema()
    return parts.select(COMPARED).cast(pa.schema(map(schema.field, COMPARED)))


def _read(stored: Stored) -> pa.Table:
    return pq.read_table(BytesIO(stored.body))


def _key(hour: Hour, name: str) -> str:
    return f"{PUBLISHING}{hour}/{name}"


def _short(text: str) -> str:
    return hashlib.blake2b(text.encode(), digest_size=8).hexdigest()
