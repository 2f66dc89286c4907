"""Labelled requests as a star schema: rows of integers that point to rows of other tables.

A row has the values that differ from request to request, about 50 bytes. The attributes of a
target, an arrival or a visitor are stored once, in its table. `Requests.arrow` and
`Requests.frame` build full columns for chosen rows only, so an hour of millions of requests needs
little memory.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from clickstream.clean.acquisition import Arrived
from clickstream.clean.header_fields import SENT
from clickstream.clean.orders import can_confirm
from clickstream.clean.protocols import PROTOCOLS
from clickstream.clean.request_kinds import KINDS, balance, balance_by_group
from clickstream.clean.visitors import VISITOR_COLUMNS
from clickstream.core import dictionary_encoding
from clickstream.core.hours import Hour

POINTERS = ("raw_object", "method", "host", "target", "arrival", "visitor")
"""The columns of rows that contain positions in the table of the same name."""

OF_ORDERS = ("order_number", "shown_cents")
"""The columns of targets that only requests have that can confirm an order."""

_POINTED: dict[str, str] = {
    "raw_object": "raw_object",
    "method": "method",
    "host": "host",
    **dict.fromkeys(("path", "page", "query", *OF_ORDERS), "target"),
    **dict.fromkeys(Arrived._fields, "arrival"),
    **dict.fromkeys(VISITOR_COLUMNS, "visitor"),
}
"""The table that each column is stored in, for the columns that are stored in a table."""

COLUMNS = (
    "hit_at",
    "kind",
    "status",
    "bytes",
    "response_ms",
    "line_number",
    "protocol",
    "header_fields",
    *_POINTED,
)
"""The columns of a frame of labelled requests."""

_CODED = {"kind": KINDS, "protocol": PROTOCOLS, "header_fields": SENT}
"""The texts of the columns that contain positions in them."""

Rows = npt.NDArray[np.int64] | slice
"""A choice of rows: positions, in any order, or a slice."""


@dataclass(frozen=True)
class RequestTable:
    """Labelled requests, in the order of their lines in the raw objects.

    `columns` has arrays with one value per row: hit_at (naive UTC, datetime64[us]), hour (its
    number, int32), status (int16), size (int64), response_ms (int32), line_number (int32), kind
    (position in KINDS), protocol (position in PROTOCOLS), header_fields (position in SENT),
    has_referrer (bool), and the POINTERS. A number that was not logged is -1.
    `tables` has a table for each pointer.
    """

    columns: Mapping[str, npt.NDArray[Any]]
    tables: Mapping[str, pa.RecordBatch]

    def __len__(self) -> int:
        return len(self.columns["hit_at"])

    @property
    def is_hit(self) -> npt.NDArray[np.bool_]:
        """Mask of the rows that are hits: all but requests for static assets."""
        is_hit: npt.NDArray[np.bool_] = self.columns["kind"] != KINDS.index("asset")
        return is_hit

    @property
    def is_bot(self) -> npt.NDArray[np.bool_]:
        """Mask of the rows whose visitor has a bot verdict."""
        is_bot = self.tables["visitor"]["is_bot"].to_numpy(zero_copy_only=False)
        of_rows: npt.NDArray[np.bool_] = is_bot[self.columns["visitor"]]
        return of_rows

    def with_table(self, name: str, table: pa.RecordBatch) -> RequestTable:
        """Return the same rows with another table for one of the pointers."""
        return replace(self, tables={**self.tables, name: table})

    def balance(self) -> dict[str, int]:
        """Count the requests by the terms of the line balance, each request once."""
        return balance(self.columns["kind"], self.is_bot)

    def balance_by_hour(self, hours: Sequence[Hour]) -> dict[str, npt.NDArray[np.int64]]:
        """Count the requests of consecutive hours by the terms of the line balance."""
        since = self.columns["hour"].astype(np.int64) - hours[0].number
        return balance_by_group(self.columns["kind"], self.is_bot, since, len(hours))

    def frame(self, rows: Rows = slice(None), only: Sequence[str] = COLUMNS) -> pd.DataFrame:
        """Return rows as a DataFrame, with all COLUMNS or `only` some of them."""
        return dictionary_encoding.to_frame(self.arrow(rows, only))

    def arrow(self, rows: Rows = slice(None), only: Sequence[str] = COLUMNS) -> pa.Table:
        """Return rows as an Arrow table, with all COLUMNS or `only` some of them.

        Texts are dictionary-encoded; a dictionary may contain texts that no row has.
        """
        pointers = {_POINTED[name] for name in only if name in _POINTED}
        row_codes = {pointer: pa.array(self.columns[pointer][rows]) for pointer in pointers}
        made = {
            name: _take_values(self.tables[_POINTED[name]][name], row_codes[_POINTED[name]])
            if name in _POINTED and name not in OF_ORDERS
            else self._own_column(name, rows)
            for name in only
        }
        return pa.table(made)

    def _of_order(self, name: str, rows: Rows) -> pa.Array:
        """Build a column of orders, null for requests that can't confirm one, such as POST."""
        values = self.tables["target"][name]
        targets = self.columns["target"][rows]
        if values.null_count == len(values):
            return pa.nulls(len(targets), values.type)
        methods = self.tables["method"]["method"]
        get = pc.equal(methods.cast(pa.string()), "GET").fill_null(False)
        is_get = get.to_numpy(zero_copy_only=False)[self.columns["method"][rows]]
        is_confirmation = can_confirm(self.columns["kind"][rows], is_get)
        return values.take(pa.array(targets, mask=~is_confirmation))

    def _own_column(self, name: str, rows: Rows) -> pa.Array:
        """Build a column that is not stored in a table, or only partly."""
        if name in OF_ORDERS:
            return self._of_order(name, rows)
        column = self.columns["size" if name == "bytes" else name][rows]
        if name in _CODED:
            return dictionary_encoding.from_codes(column, pa.array(_CODED[name]))
        if name == "line_number":
            column = column.astype(np.int64)
        is_number = column.dtype.kind == "i"  # no number is negative: -1 stands for none
        return pa.array(column, mask=column < 0 if is_number else None)


def joined(batches: Iterable[dict[str, npt.NDArray[Any]]]) -> dict[str, npt.NDArray[Any]]:
    """Concatenate the rows of batches. Empties the batches, to limit memory."""
    batches = [*batches]
    return {name: np.concatenate([batch.pop(name) for batch in batches]) for name in [*batches[0]]}


def together(pieces: Sequence[RequestTable]) -> RequestTable:
    """Concatenate requests: their rows and their tables."""
    if len(pieces) == 1:
        return pieces[0]
    tables = {name: _concat_tables([piece.tables[name] for piece in pieces]) for name in POINTERS}
    columns = {}
    for name in pieces[0].columns:
        parts = [piece.columns[name] for piece in pieces]
        if name in POINTERS:
            lengths = [len(piece.tables[name]) for piece in pieces]
            before = np.cumsum([0, *lengths[:-1]]).astype(np.int32)
            parts = [part + first for part, first in zip(parts, before, strict=True)]
        columns[name] = np.concatenate(parts)
    return RequestTable(columns, tables)


def _concat_tables(tables: Sequence[pa.RecordBatch]) -> pa.RecordBatch:
    """Concatenate tables."""
    names = tables[0].schema.names
    return pa.record_batch(
        {
            name: dictionary_encoding.concat_columns([table[name] for table in tables])
            for name in names
        }
    )


def _take_values(column: pa.Array, rows: pa.Array) -> pa.Array:
    """Return the values at some rows. Many columns are null throughout, so check that first."""
    is_empty = column.null_count == len(column)
    return pa.nulls(len(rows), column.type) if is_empty else column.take(rows)
