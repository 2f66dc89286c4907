"""What later dates need of a date of log files, stored so that the date is not computed again."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime
from hashlib import blake2b
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from clickstream import people, sessions
from clickstream.log_facts.lines_by_date import date_of
from clickstream.people.history import REACH

_PLACES = ["raw_object", "line_number"]
_COLUMNS = [name for name in people.COUNT_COLUMNS if name != "event_date"]


@dataclass(frozen=True)
class DateCarry:
    """The carry of a date.

    `open_sessions` are those at its end (the columns CARRY_COLUMNS). `reached` is the number of the
    hour after its last one. `counts` are those of its people, as `people.count_kinds` returns them.
    `continued` is the digest of what the facts of the date before depend on: see
    `digest_continued_sessions`.
    """

    open_sessions: pa.Table
    reached: int
    counts: people.Counts
    continued: str

    def to_json(self) -> bytes:
        """Return the carry as JSON; numbers keep all their digits."""
        times = self.open_sessions.schema.types
        stored = {
            "sessions": [
                column.cast(pa.int64()).to_pylist() if pa.types.is_timestamp(kind) else
                column.to_pylist()
                for column, kind in zip(self.open_sessions.columns, times, strict=True)
            ],
            "reached": self.reached,
            "continued": self.continued,
            "counts": self.counts.frame()[_COLUMNS].to_numpy(object).tolist(),
        }  # fmt: skip
        return json.dumps(stored).encode()

    @classmethod
    def from_json(cls, day: int, body: bytes) -> DateCarry:
        """Read a stored carry of a date. Raises ValueError, KeyError or TypeError if damaged."""
        stored, schema = json.loads(body), sessions.no_carry().schema
        columns = [
            pa.array(values, field.type)
            for values, field in zip(stored["sessions"], schema, strict=True)
        ]
        counts = pd.DataFrame(stored["counts"], columns=_COLUMNS)
        counts.insert(0, "event_date", pd.Series([date_of(day)] * len(counts)))
        carry = pa.table(columns, schema=schema)
        return cls(
            carry, int(stored["reached"]), people.Counts.of(counts), str(stored["continued"])
        )


def digest_continued_sessions(parts: pa.Table, hits: pa.Table, midnight: datetime) -> str:
    """Return the digest of the parts and hits of a date whose sessions began before its midnight.

    Nothing else of a date is in the facts of the date before. Places of lines are left out: they
    depend on the files that were read.
    """
    some = parts.filter(pc.less(parts["session_started_at"], pa.scalar(midnight)))
    if not len(some):
        return ""
    part_ids = some["part_id"].cast(pa.string()).combine_chunks()
    is_of_part = pc.is_in(hits["part_id"].cast(pa.string()), part_ids)
    return _digest(_bytes_of(some) + _bytes_of(hits.drop_columns(_PLACES).filter(is_of_part)))


def _bytes_of(rows: pa.Table) -> bytes:
    """Return rows as bytes that do not depend on chunks and dictionaries."""
    plain = pa.table(
        {
            name: column.cast(column.type.value_type)
            if pa.types.is_dictionary(column.type)
            else column
            for name, column in zip(rows.column_names, rows.columns, strict=True)
        }
    ).combine_chunks()
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, plain.schema) as stream:
        stream.write_table(plain)
    return bytes(sink.getvalue().to_pybytes())


class StoredCarries:
    """The carries of dates in a directory, one file each.

    `names` has the name of the file of each date, which includes the digest of its content. Files
    that no stored state names are removed by `clean`.
    """

    def __init__(self, directory: Path, names: dict[int, str] | None = None) -> None:
        self._directory, self.names = directory, names or {}

    def write(self, day: int, carry: DateCarry) -> None:
        """Store the carry of a date, readable by the owner only."""
        body = carry.to_json()
        self._directory.mkdir(parents=True, exist_ok=True, mode=0o700)
        name = f"{day}-{_digest(body)}.json"
        path = self._directory / name
        path.touch(0o600)
        path.write_bytes(body)
        self.names[day] = name

    def before(self, day: int) -> dict[int, DateCarry] | None:
        """Return the carries that a date needs; None if one is damaged, or if there are none."""
        earlier = [one for one in self.names if one < day]
        needed = {one for one in earlier if day - one <= REACH.days} | {*sorted(earlier)[-1:]}
        try:
            return {one: self._read(one) for one in sorted(needed)} or None
        except (OSError, ValueError, KeyError, TypeError):
            return None

    def continued(self, day: int) -> str | None:
        """Return the digest of the continued sessions of a date; None if it is not stored."""
        try:
            return self._read(day).continued
        except (OSError, ValueError, KeyError, TypeError):
            return None

    def _read(self, day: int) -> DateCarry:
        body = (self._directory / self.names[day]).read_bytes()
        if self.names[day] != f"{day}-{_digest(body)}.json":
            raise ValueError(f"The carry of date {day} is damaged.")
        return DateCarry.from_json(day, body)

    def forget(self, first: int) -> None:
        """Forget the dates from `first` on; their files stay until `clean`."""
        self.names = {day: name for day, name in self.names.items() if day < first}

    def clean(self) -> None:
        """Remove the files of other carries than the current ones."""
        current = {*self.names.values()}
        for path in self._directory.glob("*.json"):
            if path.name not in current:
                path.unlink()


def _digest(body: bytes) -> str:
    return blake2b(body, digest_size=16).hexdigest()
