"""Publication intents, and the session parts that are saved with them.

A publication may be killed between two commits, and possibly no process completes it. So while it
runs, each of its hours has an intent under `publishing/HOUR/`, named after the replaced version and
the run. If the new session parts differ from the old ones, the first attempt saves the old ones
next to the intent before its first commit, with the columns COMPARED. A retry reads them there,
because the first attempt may have replaced them in the table.

A publication removes the intents of all other publications of its hours. If another one is still
running, one of two things happens. Either it finds its intents removed, and starts again. Or it has
loaded the tables before, and Iceberg refuses each of its commits that comes after a commit of this
publication. So an hour without an intent is complete.
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

from clickstream.core.hours import Hour
from clickstream.lake import objects
from clickstream.lake.client import Lake
from clickstream.lake.hour_ledger import UNPUBLISHED, LedgerRow, ledger_row
from clickstream.lake.iceberg import iceberg_tables
from clickstream.lake.s3_get import ObjectBytes
from clickstream.tables import SESSION_PARTS
from clickstream.tables.sessions import COMPARED

PUBLISHING = "publishing/"
_PARTS = "parts"


def interrupted_hours(lake: Lake, first: Hour | None = None, last: Hour | None = None) -> set[Hour]:
    """Return the hours of a range whose publication has begun and is not complete."""
    return set(interrupted_since(lake, first, last))


def interrupted_since(
    lake: Lake, first: Hour | None = None, last: Hour | None = None
) -> dict[Hour, datetime]:
    """Return the start of each incomplete publication by hour; the times are aware."""
    begun: dict[Hour, datetime] = {}
    for hour, name, at in _list_intents(lake, first, last):
        if not _is_done(ledger_row(lake, hour), *name.split("-")):
            begun[hour] = min(at, begun.get(hour, at))
    return begun


def _is_done(row: LedgerRow, version: str, run: str) -> bool:
    """Return whether an intent is obsolete: its run has already replaced its version."""
    if run == _PARTS:
        return True
    is_published = run == _short_digest(str(row.values.get("published_by")))
    return is_published and version != _short_digest(row.version)


@dataclass(frozen=True)
class PublicationIntents:
    """The intents of one attempt to publish hours; `versions` are those that it replaces."""

    lake: Lake
    versions: Mapping[Hour, str]
    run_id: str

    def write(self) -> None:
        """Write the intents, and remove those of other attempts in these hours."""
        obsolete = self.list_keys() - {*self._keys, *self._parts_keys.values()}
        for key in self._keys:
            objects.put(self.lake, key, b"")
        objects.delete(self.lake, sorted(obsolete))

    def save_replaced_parts(self, new: Callable[[Hour], pa.Table]) -> dict[Hour, pa.Table]:
        """Save the session parts that the attempt replaces, and return them by hour.

        They have the columns COMPARED. Hours whose `new` parts are equal are left out.
        """
        if not self._parts_keys:
            return {}
        columns = ["hour_at", *COMPARED]
        stored = iceberg_tables.load(self.lake, SESSION_PARTS).read(*self._ends, columns)
        hour_at = stored["hour_at"].to_numpy()
        old = {
            hour: select_compared(stored.filter(pa.array(hour_at == np.datetime64(hour.naive))))
            for hour in self._parts_keys
        }
        changed = {
            hour: parts for hour, parts in old.items() if parts != select_compared(new(hour))
        }
        return {hour: self._save(self._parts_keys[hour], parts) for hour, parts in changed.items()}

    def saved_by_others(self, existing: Set[str], own: Set[Hour]) -> dict[Hour, pa.Table]:
        """Return the session parts that other attempts saved, of hours that are not in `own`.

        If the table already has the new parts, one of these attempts may have written them.
        """
        keys = self._parts_keys.items()
        saved = {hour: key for hour, key in keys if key in existing and hour not in own}
        stored = {hour: objects.get(self.lake, key) for hour, key in saved.items()}
        return {hour: _read(parts) for hour, parts in stored.items() if parts}

    def _save(self, key: str, parts: pa.Table) -> pa.Table:
        """Save parts unless another attempt has; return the saved ones."""
        file = BytesIO()
        pq.write_table(
            parts,
            file,
            compression="zstd",
            use_dictionary=False,
            write_statistics=False,
            write_page_checksum=True,
        )
        if objects.swap(self.lake, key, file.getvalue(), None):
            return parts
        stored = objects.get(self.lake, key)
        return _read(stored) if stored else parts

    def list_keys(self) -> Set[str]:
        """List the keys of all intents of the hours, and of the parts saved with them."""
        listed = _list_intents(self.lake, *self._ends)
        return {_key(hour, name) for hour, name, _ in listed}

    def overtaken_hours(self, existing: Set[str]) -> list[Hour]:
        """Return the hours that another process has begun to publish since."""
        keys = zip(self.versions, self._keys, strict=True)
        return [hour for hour, key in keys if key not in existing]

    def remove(self) -> None:
        """Remove the intents, because the publication is complete."""
        objects.delete(self.lake, [*self._keys, *self._parts_keys.values()])

    @property
    def _ends(self) -> tuple[Hour, Hour]:
        return min(self.versions), max(self.versions)

    @property
    def _keys(self) -> list[str]:
        run = _short_digest(self.run_id)
        return [_key(hour, f"{_short_digest(v)}-{run}") for hour, v in self.versions.items()]

    @property
    def _parts_keys(self) -> dict[Hour, str]:
        """The keys of the saved parts by hour."""
        return {
            hour: _key(hour, f"{_short_digest(version)}-{_PARTS}")
            for hour, version in self.versions.items()
            if version != UNPUBLISHED
        }


def _list_intents(
    lake: Lake, first: Hour | None, last: Hour | None
) -> Iterator[tuple[Hour, str, datetime]]:
    """Yield hour, name and time of each object under the intents of a range of hours."""
    for item in objects.listed(lake, PUBLISHING, f"{PUBLISHING}{first}" if first else ""):
        _, text, name = item.key.split("/")
        if last and text > str(last):
            return
        yield Hour.parse(text), name, item.modified_at


def select_compared(parts: pa.Table) -> pa.Table:
    """Select the columns of session parts that show whether a session has changed."""
    schema = SESSION_PARTS.arrow_schema()
    return parts.select(COMPARED).cast(pa.schema(map(schema.field, COMPARED)))


def _read(stored: ObjectBytes) -> pa.Table:
    return pq.read_table(BytesIO(stored.body), page_checksum_verification=True)


def _key(hour: Hour, name: str) -> str:
    return f"{PUBLISHING}{hour}/{name}"


def _short_digest(text: str) -> str:
    return hashlib.blake2b(text.encode(), digest_size=8).hexdigest()
