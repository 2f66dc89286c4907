"""The staging area: an hour's rows between two tasks, as Parquet that no reader of the tables sees.

Two builds of the same input write the same bytes to the same keys, so builds may overlap, and a
process that takes all steps of some hours caches what it has just written.

A step returns the digest of each object that it stages, and the next steps compare it with the
bytes that they read. A JSON object holds its own digest. Bytes that differ raise DamagedObject.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from tempfile import TemporaryFile
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from clickstream.core.errors import DamagedObject, DamagedStagedRows, MissingStagedRows
from clickstream.core.hours import Hour
from clickstream.lake import objects
from clickstream.lake.client import Lake
from clickstream.parquet import RowsWriter
from clickstream.tables import Table

OF_SALES = "staging/sales/"
"""Prefix of the staged rows of sales."""


@dataclass(frozen=True)
class Staged:
    """A staged object: its key, and the digest of its bytes."""

    key: str
    digest: str


@dataclass
class Digests:
    """The digests of the objects that a step has staged, by the last part of their keys."""

    by_name: dict[str, str] = field(default_factory=dict)

    def add(self, staged: Staged) -> None:
        """Record an object."""
        self.by_name[name_of(staged.key)] = staged.digest


def name_of(key: str) -> str:
    """Return the last part of a key."""
    return key.rpartition("/")[2]


@contextmanager
def writing(
    lake: Lake, key: str, table: Table, hour: Hour, digests: Digests
) -> Iterator[RowsWriter]:
    """Write an hour's rows of a table as one object, which is stored when the block ends.

    Its digest is added to `digests`.
    """
    with TemporaryFile() as file:
        with RowsWriter(file, table, hour) as writer:
            yield writer
        file.seek(0)
        digests.add(put(lake, key, file.read()))


def put(lake: Lake, key: str, body: bytes) -> Staged:
    """Write a staged object."""
    objects.put(lake, key, body)
    lake.staged_objects.put(key, body)
    return Staged(key, _digest(body))


def put_json(lake: Lake, key: str, value: dict[str, Any]) -> None:
    """Write a JSON object with its own digest."""
    put(lake, key, json.dumps({**value, "digest": _digest_of_json(value)}).encode())


def _digest(body: bytes) -> str:
    return hashlib.blake2b(body, digest_size=16).hexdigest()


def _digest_of_json(value: dict[str, Any]) -> str:
    return _digest(json.dumps(value, sort_keys=True).encode())


def get(lake: Lake, key: str) -> bytes | None:
    """Return a staged object's bytes, or None if it does not exist."""
    body = lake.staged_objects.get(key)
    if body is None and (stored := objects.get(lake, key)):
        body = stored.body
        lake.staged_objects.put(key, body)
    return body


def check(lake: Lake, staged: Staged) -> None:
    """Raise DamagedObject if the bytes of a staged object are not those that were written."""
    _get_checked_body(lake, staged)


def read(lake: Lake, staged: Staged, columns: list[str] | None = None) -> pa.Table:
    """Return the rows of a staged object, with all columns or some."""
    return _open(lake, staged).read(columns)


def read_coded(lake: Lake, staged: Staged, table: Table) -> pa.Table:
    """Return the rows of a staged object of a table; texts are dictionary-encoded."""
    return _open_coded(lake, staged, table).read()


def read_pieces(lake: Lake, staged: Staged, table: Table) -> Iterator[pa.Table]:
    """Yield the rows of a staged object like `read_coded`, in the pieces that were written."""
    file = _open_coded(lake, staged, table)
    for number in range(file.num_row_groups):
        yield file.read_row_group(number)


def _open_coded(lake: Lake, staged: Staged, table: Table) -> pq.ParquetFile:
    """Open a staged object so that its texts are read as dictionaries."""
    texts = [column.name for column in table.columns if column.type == "string"]
    return pq.ParquetFile(pa.BufferReader(_get_checked_body(lake, staged)), read_dictionary=texts)


def count(lake: Lake, staged: Staged) -> int:
    """Return the number of rows of a staged object."""
    rows: int = _open(lake, staged).metadata.num_rows
    return rows


def read_json(lake: Lake, key: str) -> dict[str, Any]:
    """Return the values of a staged JSON object. Raises DamagedObject if its digest differs."""
    try:
        value = json.loads(_body(lake, key))
        digest = value.pop("digest")
    except (ValueError, LookupError, TypeError, AttributeError):
        raise _damage_error(lake, key) from None
    if digest != _digest_of_json(value):
        raise _damage_error(lake, key)
    return dict(value)


def _open(lake: Lake, staged: Staged) -> pq.ParquetFile:
    return pq.ParquetFile(pa.BufferReader(_get_checked_body(lake, staged)))


def _get_checked_body(lake: Lake, staged: Staged) -> bytes:
    body = _body(lake, staged.key)
    if _digest(body) != staged.digest:
        raise _damage_error(lake, staged.key)
    return body


def _damage_error(lake: Lake, key: str) -> DamagedObject:
    if key.startswith(OF_SALES):
        _, _, source, day, *_ = key.split("/")
        owner = f"{day} of {source}"
        remedy = f"run: clickstream sales pull {source} --from {day} --to {day}"
    else:
        hour = key.split("/")[1]
        owner = f"hour {hour}"
        task = f"clear the task clean_hits of hour {hour} with Downstream"
        remedy = f"{task}, or run: clickstream build {hour} {hour}"
    return DamagedStagedRows(
        f"The stored bytes of {lake.uri(key)} are damaged: they are not those that were staged for "
        f"{owner}. Nothing is published from them. To stage them again, {remedy}"
    )


def _body(lake: Lake, key: str) -> bytes:
    body = get(lake, key)
    if body is None:
        raise MissingStagedRows(f"{lake.uri(key)} is gone; clear the hour's first task to rebuild.")
    return body
