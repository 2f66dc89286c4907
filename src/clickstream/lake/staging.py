"""The staging area: an hour's rows on their way, as Parquet that no reader of the tables sees.

Two builds of the same input write the same bytes to the same keys, so builds may overlap freely,
and a process that takes all steps of some hours need not ask S3 for what it has just put there.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from tempfile import TemporaryFile
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from clickstream.hours import Hour
from clickstream.lake import objects
from clickstream.lake.client import Lake
from clickstream.parquet import RowsWriter
from clickstream.tables import Table


@contextmanager
def writing(lake: Lake, key: str, table: Table, hour: Hour) -> Iterator[RowsWriter]:
    """Writes an hour's rows of a table as one object, which is there once all are written."""
    with TemporaryFile() as file:
        with RowsWriter(file, table, hour) as writer:
            yield writer
        file.seek(0)
        put(lake, key, file.read())


def put(lake: Lake, key: str, body: bytes) -> None:
    """Write a staged object, whole."""
    objects.put(lake, key, body)
    lake.staged_objects.put(key, body)


def get(lake: Lake, key: str) -> bytes | None:
    """A staged object's bytes, or None if there is none."""
    body = lake.staged_objects.get(key)
    if body is None and (stored := objects.get(lake, key)):
        body = stored.body
        lake.staged_objects.put(key, body)
    return body


def read(lake: Lake, key: str, columns: list[str] | None = None) -> pa.Table:
    """The rows of a staged object, with all columns or some."""
    return _opened(lake, key).read(columns)


def read_coded(lake: Lake, key: str, table: Table) -> pa.Table:
    """The rows of a staged object of a table, as they were shaped: texts are dictionaries."""
    return _opened(lake, key, read_dictionary=_texts_of(table)).read()


def read_pieces(lake: Lake, key: str, table: Table) -> Iterator[pa.Table]:
    """The same in the pieces that were written."""
    file = _opened(lake, key, read_dictionary=_texts_of(table))
    for number in range(file.num_row_groups):
        yield file.read_row_group(number)


def _texts_of(table: Table) -> list[str]:
    return [column.name for column in table.columns if column.type == "string"]


def count(lake: Lake, key: str) -> int:
    """How many rows a staged object has."""
    rows: int = _opened(lake, key).metadata.num_rows
    return rows


def read_json(lake: Lake, key: str) -> Any:
    """What a staged object in JSON says."""
    return json.loads(_body(lake, key))


def _opened(lake: Lake, key: str, **how: Any) -> pq.ParquetFile:
    return pq.ParquetFile(pa.BufferReader(_body(lake, key)), **how)


def _body(lake: Lake, key: str) -> bytes:
    body = get(lake, key)
    if body is None:
        raise FileNotFoundError(f"{lake.uri(key)} is gone; clear the hour's first task to rebuild.")
    return body
