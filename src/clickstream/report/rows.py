"""The requests of a whole log in compact form, and pieces of them for the rules of the pipeline.

A year of a busy site has millions of requests. `Tally` keeps all of them, because sessions and
verdicts are known only at the end. Full columns are built for one piece at a time.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from clickstream import dictionary_encoding
from clickstream.clean import Cleaner, RequestTable, joined

ROWS_AT_ONCE = 350_000
"""Number of requests in a piece, and in a batch of the cleaner, which labels it at once."""

_VERDICT = ("is_bot", "bot_class", "bot_reason")
_SHARED = (
    *("status", "kind", "method", "protocol", "header_fields", "has_referrer"),
    *("target", "arrival", "visitor"),
)
_HOUR = 3600
_HOURS = 24

Batch = dict[str, npt.NDArray[Any]]
"""Columns of some rows, by name."""

Positions = npt.NDArray[np.int64]
Numbers = npt.NDArray[np.int64]


class LogRows:
    """Rows of `clean.Requests` with only the columns that figures need.

    The hour of a row is stored with its visitor, and its time as the second of that hour. `more`
    names further columns to keep.
    """

    def __init__(self, more: Collection[str] = ()) -> None:
        self._names = (*_SHARED, *more)
        self._batches: list[Batch] = []

    def add(self, rows: Batch) -> None:
        """Add rows of the cleaner."""
        second = rows["hit_at"].astype("M8[s]").astype(np.int64) % _HOUR
        kept = {name: rows[name] for name in self._names}
        self._batches.append(
            {name: _narrow(one) for name, one in {**kept, "second": second}.items()}
        )

    def with_tables(self, tables: Mapping[str, pa.RecordBatch]) -> LogRequests:
        """Return the rows with the tables that they point into."""
        return LogRequests(self._batches, {**tables})


class LogRequests:
    """All requests of a log: `batches` of rows, and the `tables` that some columns point into.

    The batches are not joined, because this would need the same memory again.
    """

    def __init__(self, batches: Sequence[Batch], tables: dict[str, pa.RecordBatch]) -> None:
        self._batches, self._tables = batches, tables
        sizes = [len(batch["second"]) for batch in batches]
        self._starts = np.cumsum([0, *sizes])
        self._hour: Numbers = tables["visitor"]["visitor_hour"].to_numpy().astype(np.int64)

    def __len__(self) -> int:
        return int(self._starts[-1])

    def table(self, pointer: str) -> pa.RecordBatch:
        """Return the table that a column points into."""
        return self._tables[pointer]

    def replace_visitors(self, columns: Mapping[str, pa.Array]) -> None:
        """Replace columns of the table of visitors."""
        table = self._tables["visitor"]
        old = {name: table[name] for name in table.schema.names}
        self._tables["visitor"] = pa.record_batch({**old, **columns})

    def add_behaviour_verdicts(self, cleaner: Cleaner) -> None:
        """Add the verdicts by behaviour, some hours at a time; one applies to one hour only."""
        tables, places = [], [np.zeros(0, np.int64)]
        for rows in self.by_hour():
            piece, visitors = self.requests(rows)
            tables.append(cleaner.add_behaviour_verdicts(piece).tables["visitor"].select(_VERDICT))
            places.append(visitors)
        if tables:
            order = pa.array(np.argsort(np.concatenate(places)))
            columns = {
                name: dictionary_encoding.concat_columns([table[name] for table in tables])
                for name in _VERDICT
            }
            self.replace_visitors({name: column.take(order) for name, column in columns.items()})

    def slices(self) -> Iterator[tuple[slice, Batch]]:
        """Yield all rows in order, some at a time: their positions, and their columns."""
        for start, end, batch in zip(self._starts, self._starts[1:], self._batches, strict=False):
            yield slice(start, end), batch

    def is_bot(self, rows: Batch) -> npt.NDArray[np.bool_]:
        """Return a mask of the rows whose visitor has a bot verdict."""
        is_bot = self._tables["visitor"]["is_bot"].to_numpy(zero_copy_only=False)
        found: npt.NDArray[np.bool_] = is_bot[rows["visitor"]]
        return found

    def seconds(self, rows: Batch) -> Numbers:
        """Return the Unix time of some rows in seconds."""
        seconds: Numbers = self._hour[rows["visitor"]] * _HOUR + rows["second"]
        return seconds

    def count(self, pointer: str, where: npt.NDArray[np.bool_] | None = None) -> Numbers:
        """Count the rows that point to each row of a table, only those in the mask if given."""
        counts = np.zeros(len(self._tables[pointer]), np.int64)
        for some, rows in self.slices():
            codes = rows[pointer] if where is None else rows[pointer][where[some]]
            counts += np.bincount(codes, minlength=len(counts))
        return counts

    def count_texts(self, pointer: str, column: str, counts: Numbers) -> Counter[str]:
        """Sum the counts of a table's rows by the text in a column; null is left out."""
        coded = self._tables[pointer][column]
        sums = np.zeros(len(coded.dictionary) + 1, np.int64)
        np.add.at(sums, dictionary_encoding.codes_of(coded), counts)  # null is -1, the last sum
        named = zip(coded.dictionary.to_pylist(), sums.tolist(), strict=False)
        found: Counter[str] = Counter()
        for text, number in named:
            if number:
                found[text] += number
        return found

    def hours(self) -> Counter[int]:
        """Count the requests of each hour, by its Unix time in seconds."""
        hours, place = np.unique(self._hour, return_inverse=True)
        counts = np.zeros(len(hours), np.int64)
        np.add.at(counts, place, self.count("visitor"))
        return Counter(dict(zip((hours * _HOUR).tolist(), counts.tolist(), strict=True)))

    def by_hour(self) -> Iterator[Positions]:
        """Yield positions of rows, some at a time, all rows of an hour together."""
        return self._pieces(self._hour)

    def days(self) -> list[int]:
        """Return the numbers of the UTC dates with requests, since 1970, in order."""
        hours = self._hour[self.count("visitor") > 0]
        return [int(day) for day in np.unique(hours // _HOURS)]

    def by_visitor(self, since: int | None = None) -> Iterator[Positions]:
        """Yield positions of rows, some at a time, all rows of a visitor together.

        With `since`, a Unix time in seconds, only rows of its hour and later ones.
        """
        is_late = None if since is None else self._hour >= since // _HOUR
        ids = dictionary_encoding.codes_of(self._tables["visitor"]["visitor_id"])
        return self._pieces(ids, is_late)

    def _pieces(
        self, group: npt.NDArray[np.integer], chosen: npt.NDArray[np.bool_] | None = None
    ) -> Iterator[Positions]:
        """Yield positions in pieces of about ROWS_AT_ONCE rows, all rows of a group together.

        `group` has the group of each row of the table of visitors, `chosen` a mask of these rows.
        """
        _, place = np.unique(group, return_inverse=True)
        sizes = np.zeros(int(place.max(initial=-1)) + 1, np.int64)
        np.add.at(sizes, place, self.count("visitor"))
        piece = ((np.cumsum(sizes) - sizes) // ROWS_AT_ONCE).astype(np.int32)[place]
        for number in np.unique(piece).tolist():
            is_in = piece == number if chosen is None else (piece == number) & chosen
            found = [
                np.flatnonzero(is_in[rows["visitor"]]) + some.start for some, rows in self.slices()
            ]
            yield np.concatenate(found)
            pa.default_memory_pool().release_unused()  # otherwise all pieces take 100 MB

    def requests(self, rows: Positions) -> tuple[RequestTable, Positions]:
        """Return some rows as `RequestTable`, and the positions of their visitors.

        The tables contain only rows that these requests point to.
        """
        places = np.split(rows, np.searchsorted(rows, self._starts[1:-1]))
        columns = joined(
            {name: column[place - some.start] for name, column in batch.items()}
            for place, (some, batch) in zip(places, self.slices(), strict=True)
        )
        at = self.seconds(columns)
        columns |= {
            "hit_at": at.astype("M8[s]").astype("M8[us]"),
            "hour": (at // _HOUR).astype(np.int32),
        }
        del columns["second"]
        tables, visitors = {}, rows
        for pointer, table in self._tables.items():
            if pointer in columns:
                used, columns[pointer] = _used(columns[pointer], len(table))
                tables[pointer] = dictionary_encoding.take_rows(table, used)
                if pointer == "visitor":
                    visitors = used
        return RequestTable(columns, tables), visitors


def _narrow(numbers: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """Convert numbers to the smallest type that fits them."""
    if numbers.dtype == np.bool_ or not len(numbers) or numbers.min() < 0:
        return numbers
    return numbers.astype(np.min_scalar_type(numbers.max()))


def _used(codes: npt.NDArray[np.integer], size: int) -> tuple[Positions, npt.NDArray[np.int32]]:
    """Return the codes below `size` that are used, and the given codes as positions in them."""
    is_used = np.zeros(size, np.bool_)
    is_used[codes] = True
    place = np.cumsum(is_used, dtype=np.int32) - np.int32(1)
    return np.flatnonzero(is_used), place[codes]
