"""Labelled requests as a star: rows of integers that point into tables of distinct values.

A row has what differs from request to request, about forty bytes of it; what a target, an arrival
or a visitor is like stands once in its table. A frame with every column is made of any rows when
it is wanted, so an hour of millions of requests needs little memory.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa

from clickstream.clean.arrivals import Arrived
from clickstream.clean.columns import stacked
from clickstream.clean.kinds import KIND_TYPE, KINDS, balance
from clickstream.clean.visitors import VISITOR_COLUMNS

POINTERS = ("raw_object", "method", "target", "arrival", "visitor")
"""The columns of rows that point into the table of the same name."""

Rows = npt.NDArray[np.int64] | slice
"""Some rows: their positions, in any order, or a slice."""


@dataclass(frozen=True)
class Requests:
    """Requests in the order of their place in the raw objects.

    `columns` has one entry for each row: hit_at (naive UTC, datetime64[us]), status (int16), size
    (int64, -1 where none was logged), line_number (int32), kind (position in KINDS),
    has_referrer (bool), and the POINTERS. `tables` has a frame for each pointer.
    """

    columns: Mapping[str, npt.NDArray[Any]]
    tables: Mapping[str, pd.DataFrame]

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
        is_bot: npt.NDArray[np.bool_] = self.frame(only=["is_bot"])["is_bot"].to_numpy()
        return is_bot

    def with_table(self, name: str, table: pd.DataFrame) -> Requests:
        """The same rows, with another table behind one of the pointers."""
        return replace(self, tables={**self.tables, name: table})

    def with_only_used(self, name: str) -> Requests:
        """The same rows, with nothing in one of the tables that no row points to."""
        codes, used = pd.factorize(self.columns[name])
        columns = {**self.columns, name: codes.astype(np.int32)}
        return replace(self, columns=columns).with_table(name, _only(self.tables[name], used))

    def balance(self) -> dict[str, int]:
        """How many requests are what, each counted once."""
        return balance(self._own_column("kind", slice(None)), self.is_bot)

    def frame(self, rows: Rows = slice(None), only: Sequence[str] | None = None) -> pd.DataFrame:
        """Some rows with all their columns, or `only` some columns, as `clean` describes them."""
        wanted = COLUMNS if only is None else only
        pointers = {_POINTED[name] for name in wanted if name in _POINTED}
        places = {pointer: self.columns[pointer][rows] for pointer in pointers}
        made = {
            name: self.tables[_POINTED[name]][name].array.take(places[_POINTED[name]])
            if name in _POINTED
            else self._own_column(name, rows)
            for name in wanted
        }
        return pd.DataFrame(made, copy=False)

    def arrow(self, rows: Rows = slice(None)) -> pa.Table:
        """Some rows with all their columns as an Arrow table; texts are dictionaries.

        The same as `frame`, for those who only write them down: Arrow follows the pointers of
        thirty columns at half the cost.
        """
        places = {pointer: pa.array(self.columns[pointer][rows]) for pointer in POINTERS}
        made = {
            name: pa.array(self.tables[_POINTED[name]][name]).take(places[_POINTED[name]])
            if name in _POINTED
            else pa.array(self._own_column(name, rows))
            for name in COLUMNS
        }
        return pa.table(made)

    def _own_column(self, name: str, rows: Rows) -> Any:
        """A column that is not by way of a table."""
        column = self.columns["size" if name == "bytes" else name][rows]
        if name == "kind":
            return pd.Categorical.from_codes(column, dtype=KIND_TYPE, validate=False)
        if name == "bytes":
            return pd.arrays.IntegerArray(np.maximum(column, 0), column < 0)
        return column.astype(np.int64) if name == "line_number" else column


_POINTED: dict[str, str] = {
    "raw_object": "raw_object",
    "method": "method",
    **dict.fromkeys(("path", "page", "query"), "target"),
    **dict.fromkeys((field.name for field in fields(Arrived)), "arrival"),
    **dict.fromkeys(VISITOR_COLUMNS, "visitor"),
}
"""The columns that a table holds, and which."""

COLUMNS = (
    *("hit_at", "kind", "status", "bytes", "line_number"),
    *_POINTED,
)
"""The columns of a frame of labelled requests."""


def joined(batches: Iterable[dict[str, npt.NDArray[Any]]]) -> dict[str, npt.NDArray[Any]]:
    """The rows of batches one after the other; the batches are emptied on the way."""
    batches = [*batches]
    return {name: np.concatenate([batch.pop(name) for batch in batches]) for name in [*batches[0]]}


def together(pieces: Sequence[Requests]) -> Requests:
    """The requests of several pieces, one after the other."""
    if len(pieces) == 1:
        return pieces[0]
    tables = {name: stacked([piece.tables[name] for piece in pieces]) for name in POINTERS}
    columns = {}
    for name in pieces[0].columns:
        parts = [piece.columns[name] for piece in pieces]
        if name in POINTERS:
            lengths = [len(piece.tables[name]) for piece in pieces]
            before = np.cumsum([0, *lengths[:-1]]).astype(np.int32)
            parts = [part + first for part, first in zip(parts, before, strict=True)]
        columns[name] = np.concatenate(parts)
    return Requests(columns, tables)


def _only(table: pd.DataFrame, rows: npt.NDArray[np.int64]) -> pd.DataFrame:
    """Some rows of a table, and only the categories that they have."""
    chosen = {}
    for name in table:
        column = table[name].array.take(rows)
        is_text = isinstance(column, pd.Categorical)
        chosen[name] = column.remove_unused_categories() if is_text else column
    return pd.DataFrame(chosen)
