"""The rows of fact views by date, on disk until the dashboard's copy takes them.

So memory does not grow with the number of dates.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from tempfile import TemporaryDirectory

import pyarrow as pa

from clickstream.lake.fact_files import FACT_VIEWS
from clickstream.log_facts.fact_queries import FactRows


@dataclass(frozen=True)
class StoredDate:
    """The rows of a fact view and a date: their file and place in it, number, and digest."""

    path: Path
    place: int
    number: int
    digest: str

    def read(self) -> pa.Table:
        """Return the rows."""
        with pa.OSFile(str(self.path)) as file:
            stored = pa.ipc.open_file(file)
            return pa.Table.from_batches([stored.get_batch(self.place)], stored.schema)


class StoredRows:
    """Takes the rows of dates, and writes them to a temporary directory."""

    def __init__(self) -> None:
        self._directory: TemporaryDirectory[str] | None = None
        self._dates: dict[str, dict[date, StoredDate]] = {view: {} for view in FACT_VIEWS}

    def add(self, rows: FactRows) -> None:
        """Write the rows of some dates; each date is added once."""
        self._directory = self._directory or TemporaryDirectory(prefix="clickstream-")
        for view, by_date in rows.items():
            number = len(self._dates[view])
            path = Path(self._directory.name, f"{view}-{number}.arrow")
            self._dates[view].update(_write(path, by_date))

    def by_view(self) -> Iterator[tuple[str, dict[date, StoredDate]]]:
        """Yield each fact view, and its rows by date."""
        yield from self._dates.items()

    def close(self) -> None:
        """Remove the rows."""
        if self._directory:
            self._directory.cleanup()


def _write(path: Path, by_date: Mapping[date, pa.Table]) -> Iterator[tuple[date, StoredDate]]:
    """Write the rows of dates as one file, with a record batch for each date."""
    schema = next(iter(by_date.values())).schema
    with pa.OSFile(str(path), "wb") as sink, pa.ipc.new_file(sink, schema) as file:
        for place, (day, rows) in enumerate(by_date.items()):
            batch = _one_batch(rows)
            file.write_batch(batch)
            yield day, StoredDate(path, place, len(rows), _digest(batch))


def _one_batch(rows: pa.Table) -> pa.RecordBatch:
    batches = rows.combine_chunks().to_batches()
    return batches[0] if batches else pa.RecordBatch.from_pylist([], schema=rows.schema)


def _digest(batch: pa.RecordBatch) -> str:
    digest = hashlib.blake2b(digest_size=16)
    for column in batch.columns:
        for buffer in column.buffers():
            digest.update(buffer or b"")
    return digest.hexdigest()
