"""Process an hour's requests in groups of visitors, so that memory does not grow with the hour.

Visitors are grouped by the beginning of their ids, so the order of groups is the order of ids. Most
hours are one group. The requests of a larger hour are labelled in batches, split into groups and
written to the local disk; at the end each group is read as a whole. `build` calls this.
"""

from __future__ import annotations

import pickle
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from clickstream import clean
from clickstream.core import dictionary_encoding
from clickstream.core.hours import Hour

ROWS_AT_ONCE = 350_000
"""Requests that are labelled in one batch of a large hour; a group has about as many."""

_BYTES_PER_ROW = 24
"""Approximate compressed size of a raw line in bytes; in most logs it is slightly more."""

Positions = npt.NDArray[np.int64]
Batch = tuple[pa.Table, str, Hour]
"""A table of parsed requests, their raw object, and their hour."""


def groups_for(compressed_bytes: int) -> int:
    """Return the number of groups to split the requests of raw objects of this size into."""
    return 1 + compressed_bytes // (_BYTES_PER_ROW * ROWS_AT_ONCE)


def grouped(
    batches: Iterable[Batch], cleaner: clean.Cleaner, groups: int
) -> Iterator[clean.RequestTable]:
    """Yield the labelled requests, group after group; each visitor is in one group, complete."""
    if groups == 1:
        for batch in batches:
            cleaner.add(*batch)
        yield cleaner.requests()
        return
    with TemporaryDirectory(prefix="clickstream-") as directory:
        store = _Store(Path(directory), groups)
        for batch in batches:
            cleaner.add(*batch)
            if len(cleaner) >= ROWS_AT_ONCE:
                store.put(cleaner)
        store.put(cleaner)
        store.put_tables(cleaner)
        yield from map(cleaner.add_behaviour_verdicts, store.groups())


class _Store:
    """Files with the rows of each group and, in other files, the tables that the rows point into.

    All rows that were labelled while the cleaner kept its tables share one set of them: an *age*.
    Of visitors, each group has its own.
    """

    def __init__(self, directory: Path, groups: int) -> None:
        self._directory, self._groups = directory, groups
        self._pieces_of: defaultdict[tuple[int, int], list[str]] = defaultdict(list)
        self._group_of_visitor = np.empty(0, np.uint16)
        self._age = 0

    def put(self, cleaner: clean.Cleaner) -> None:
        """Label the requests that the cleaner has, and write them to disk."""
        if not len(cleaner) and self._pieces_of:
            return
        columns = cleaner.rows()
        group = self._group_of(cleaner.visitor_ids())[columns["visitor"]]
        for number, rows in self._by_group(group):
            pieces = self._pieces_of[number, self._age]
            pieces.append(f"rows-{number}-{self._age}-{len(pieces)}")
            self._write(pieces[-1], {name: column[rows] for name, column in columns.items()})
        if cleaner.is_full:
            self.put_tables(cleaner)

    def put_tables(self, cleaner: clean.Cleaner) -> None:
        """Write the cleaner's tables to disk; later rows point into new ones."""
        tables = cleaner.tables()
        cleaner.forget()
        visitors = tables.pop("visitor")
        for number, codes in self._by_group(self._group_of_visitor):
            self._write(
                f"visitors-{number}-{self._age}",
                (codes, dictionary_encoding.take_rows(visitors, codes)),
            )
        self._write(f"tables-{self._age}", tables)
        self._group_of_visitor = self._group_of_visitor[:0]
        self._age += 1

    def groups(self) -> Iterator[clean.RequestTable]:
        """Yield the requests on disk, group after group."""
        for number in range(self._groups):
            tables = [*filter(None, (self._requests_of(number, age) for age in range(self._age)))]
            if tables:
                yield clean.together(tables)
                tables.clear()  # free this group before the next one is read

    def _requests_of(self, number: int, age: int) -> clean.RequestTable | None:
        """Return a group's rows of an age; None if there are none."""
        pieces = self._pieces_of[number, age]
        if not pieces:
            return None
        rows = clean.joined(map(self._read, pieces))
        codes, visitors = self._read(f"visitors-{number}-{age}")
        new_codes = np.empty(int(codes.max(initial=-1)) + 1, np.int32)
        new_codes[codes] = np.arange(len(codes), dtype=np.int32)
        rows["visitor"] = new_codes[rows["visitor"]]
        return clean.RequestTable(rows, {**self._read(f"tables-{age}"), "visitor": visitors})

    def _by_group(self, group: npt.NDArray[np.uint16]) -> Iterator[tuple[int, Positions]]:
        """Yield the positions of each group's rows, in order; one empty group without rows."""
        order = np.argsort(group, kind="stable")
        edges = np.searchsorted(group[order], np.arange(self._groups + 1))
        edges[-1] = max(edges[-1], 1)
        for number in np.flatnonzero(np.diff(edges)).tolist():
            yield number, order[edges[number] : edges[number + 1]]

    def _group_of(self, visitor_ids: Sequence[str]) -> npt.NDArray[np.uint16]:
        """Return each visitor's group: the first 16 bits of the id, scaled to the groups."""
        before = self._group_of_visitor
        begins = np.array([int(text[:4], 16) for text in visitor_ids[len(before) :]], np.int64)
        new = (begins * self._groups >> 16).astype(np.uint16)  # few bits sort fastest
        self._group_of_visitor = np.concatenate([before, new])
        return self._group_of_visitor

    def _write(self, name: str, value: Any) -> None:
        with (self._directory / name).open("wb") as file:
            pickle.dump(value, file, protocol=5)

    def _read(self, name: str) -> Any:
        with (self._directory / name).open("rb") as file:
            return pickle.load(file)  # noqa: S301 - ours
