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

from clickstream.clean.arrivals import Arrived
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
        is_bot: npt.NDArray[np.bool_] = self._column("is_bot", slice(None))
        return is_bot

    def with_table(self, name: str, table: pd.DataFrame) -> Requests:
        """The same rows, with another table behind one of the pointers."""
        return replace(self, tables={**self.tables, name: table})

    def where(self, rows: npt.NDArray[np.int64]) -> Requests:
        """Some rows alone, with what they point to and nothing else."""
        columns = {name: column[rows] for name, column in self.columns.items()}
        tables = {}
        for name in POINTERS:
            codes, used = pd.factorize(columns[name])
            columns[name] = codes.astype(np.int32)
            tables[name] = _only(self.tables[name], used)
        return Requests(columns, tables)

    def balance(self) -> dict[str, int]:
        """How many requests are what, each counted once."""
        return balance(self._column("kind", slice(None)), self.is_bot)

    def frame(self, rows: Rows = slice(None), only: Sequence[str] | None = None) -> pd.DataFrame:
        """Some rows with all their columns, or `only` some columns, as `clean` describes them."""
        made: dict[str, Any] = {}
        for name in COLUMNS if only is None else only:
            made[name] = self._column(name, rows)
        return pd.DataFrame(made, copy=False)

    def _column(self, name: str, rows: Rows) -> Any:
        if name == "kind":
            return pd.Categorical.from_codes(self.columns["kind"][rows], dtype=KIND_TYPE)
        if name == "bytes":
            size = self.columns["size"][rows]
            return pd.arrays.IntegerArray(np.maximum(size, 0), size < 0)
        if name == "line_number":
            return self.columns[name][rows].astype(np.int64)
        if name not in _POINTED:
            return self.columns[name][rows]
        pointer = _POINTED[name]
        return self.tables[pointer][name].array.take(self.columns[pointer][rows])


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
    tables = {name: _stacked([piece.tables[name] for piece in pieces]) for name in POINTERS}
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


def _stacked(tables: Sequence[pd.DataFrame]) -> pd.DataFrame:
    columns = {}
    for name in tables[0]:
        parts = [table[name] for table in tables]
        is_text = isinstance(parts[0].dtype, pd.CategoricalDtype)
        stack = pd.api.types.union_categoricals if is_text else pd.concat
        columns[name] = stack(parts, **({} if is_text else {"ignore_index": True}))
    return pd.DataFrame(columns)
