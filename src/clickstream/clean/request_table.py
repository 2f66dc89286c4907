"""Labelled requests as a star: rows of integers that point into tables of distinct values.

A row has what differs from request to request, about forty bytes of it; what a target, an arrival
or a visitor is like stands once in its table. A frame with every column is made of any rows when
it is wanted, so an hour of millions of requests needs little memory.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa

from clickstream import dictionary_encoding
from clickstream.clean.acquisition import Arrived
from clickstream.clean.request_kinds import KINDS, balance
from clickstream.clean.visitors import VISITOR_COLUMNS

POINTERS = ("raw_object", "method", "target", "arrival", "visitor")
"""The columns of rows that point into the table of the same name."""

_POINTED: dict[str, str] = {
    "raw_object": "raw_object",
    "method": "method",
    **dict.fromkeys(("path", "page", "query"), "target"),
    **dict.fromkeys(Arrived._fields, "arrival"),
    **dict.fromkeys(VISITOR_COLUMNS, "visitor"),
}
"""The columns that a table holds, and which."""

COLUMNS = (
    *("hit_at", "kind", "status", "bytes", "line_number"),
    *_POINTED,
)
"""The columns of a frame of labelled requests."""

Rows = npt.NDArray[np.int64] | slice
"""Some rows: their positions, in any order, or a slice."""


@dataclass(frozen=True)
class Requests:
    """Requests in the order of their place in the raw objects.

    `columns` has one entry for each row: hit_at (naive UTC, datetime64[us]), hour (its number,
    int32), status (int16), size (int64, -1 where none was logged), line_number (int32), kind
    (position in KINDS), has_referrer (bool), and the POINTERS. `tables` has a table for each
    pointer.
    """

    columns: Mapping[str, npt.NDArray[Any]]
    tables: Mapping[str, pa.RecordBatch]

    def __len__(self) -> int:
        return len(self.columns["hit_at"])

    @property
    def is_hit(self) -> npt.NDArray[np.bool_]:
        """Whether each row is more than a static asset."""
        is_hit: npt.NDArray[np.bool_] = self.columns["kind"] != KINDS.index("asset")
        return is_hit

    @property
    def is_bot(self) -> npt.NDArray[np.bool_]:
        """Whether each row is a machine's."""
        is_bot = self.tables["visitor"]["is_bot"].to_numpy(zero_copy_only=False)
        found: npt.NDArray[np.bool_] = is_bot[self.columns["visitor"]]
        return found

    def with_table(self, name: str, table: pa.RecordBatch) -> Requests:
        """The same rows, with another table behind one of the pointers."""
        return replace(self, tables={**self.tables, name: table})

    def balance(self, rows: slice = slice(None)) -> dict[str, int]:
        """How many of the requests, or of some, are what, each counted once."""
        return balance(self.columns["kind"][rows], self.is_bot[rows])

    def frame(self, rows: Rows = slice(None), only: Sequence[str] = COLUMNS) -> pd.DataFrame:
        """Some rows with all their columns, or `only` some columns, as `clean` describes them."""
        return dictionary_encoding.to_frame(self.arrow(rows, only))

    def arrow(self, rows: Rows = slice(None), only: Sequence[str] = COLUMNS) -> pa.Table:
        """The same as an Arrow table; texts are dictionaries, with texts no row has, too."""
        pointers = {_POINTED[name] for name in only if name in _POINTED}
        places = {pointer: pa.array(self.columns[pointer][rows]) for pointer in pointers}
        made = {
            name: _taken(self.tables[_POINTED[name]][name], places[_POINTED[name]])
            if name in _POINTED
            else self._own_column(name, rows)
            for name in only
        }
        return pa.table(made)

    def _own_column(self, name: str, rows: Rows) -> pa.Array:
        """A column that is not by way of a table."""
        column = self.columns["size" if name == "bytes" else name][rows]
        if name == "kind":
            return dictionary_encoding.from_codes(column, pa.array(KINDS))
        if name == "bytes":
            return pa.array(column, mask=column < 0)
        return pa.array(column.astype(np.int64) if name == "line_number" else column)


def joined(batches: Iterable[dict[str, npt.NDArray[Any]]]) -> dict[str, npt.NDArray[Any]]:
    """The rows of batches one after the other; the batches are emptied on the way."""
    batches = [*batches]
    return {name: np.concatenate([batch.pop(name) for batch in batches]) for name in [*batches[0]]}


def together(pieces: Sequence[Requests]) -> Requests:
    """The requests of several pieces, one after the other."""
    if len(pieces) == 1:
        return pieces[0]
    tables = {name: _below([piece.tables[name] for piece in pieces]) for name in POINTERS}
    columns = {}
    for name in pieces[0].columns:
        parts = [piece.columns[name] for piece in pieces]
        if name in POINTERS:
            lengths = [len(piece.tables[name]) for piece in pieces]
            before = np.cumsum([0, *lengths[:-1]]).astype(np.int32)
            parts = [part + first for part, first in zip(parts, before, strict=True)]
        columns[name] = np.concatenate(parts)
    return Requests(columns, tables)


def _below(tables: Sequence[pa.RecordBatch]) -> pa.RecordBatch:
    """Tables one below the other."""
    names = tables[0].schema.names
    return pa.record_batch(
        {
            name: dictionary_encoding.concat_columns([table[name] for table in tables])
            for name in names
        }
    )


def _taken(column: pa.Array, rows: pa.Array) -> pa.Array:
    """The values at some rows; many a column has none at all."""
    is_empty = column.null_count == len(column)
    return pa.nulls(len(rows), column.type) if is_empty else column.take(rows)
