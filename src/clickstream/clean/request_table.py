"""Labelled requests as a star schema: rows of integers that point to rows of other tables.

A row has the values that differ from request to request, about 50 bytes. The attributes of a
target, an arrival or a visitor are stored once, in its table. `RequestTable.arrow`
and `RequestTable.frame` build full columns for chosen rows only, so an hour of millions of requests
needs little memory.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import compress, product
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from clickstream.clean.acquisition import Arrived
from clickstream.clean.orders import can_confirm
from clickstream.clean.request_kinds import KINDS, balance, balance_by_group
from clickstream.clean.visitors import VISITOR_COLUMNS
from clickstream.core import dictionary_encoding
from clickstream.core.hours import Hour

POINTERS = ("raw_object", "method", "host", "target", "arrival", "visitor")
"""The columns of rows that contain positions in the table of the same name."""

OF_ORDERS = ("order_number", "shown_cents")
"""The columns of targets that only requests have that can confirm an order."""

PROTOCOLS = ("HTTP/0.9", "HTTP/1.0", "HTTP/1.1", "HTTP/2", "HTTP/3")
"""HTTP versions (RFC 9110, 2.5), as session parts store them."""

_VERSION = re.compile(r"(?:HTTP/)?(\d)(?:\.(\d))?", re.IGNORECASE)

_HEADER_FIELDS = {"Accept": "text/html", "Accept-Language": "", "Sec-Fetch-Mode": ""}
"""Header fields that browsers send with each page, and a text that each then contains.

Browsers name `text/html` in `Accept` (Fetch Standard, 2.2.5), send the languages of their user in
`Accept-Language` and, in encrypted connections, `Sec-Fetch-Mode` (Fetch Metadata, 2.2). Few
machines that copy a browser's user agent also copy these.
"""

SENT = tuple(
    ", ".join(compress(_HEADER_FIELDS, chosen[::-1]))
    for chosen in product((0, 1), repeat=len(_HEADER_FIELDS))
)[1:]
"""The names of the header fields that were sent, as session parts store them."""

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
        columns: dict[str, pa.Array] = {}
        codes_of: dict[str, pa.Array] = {}
        for name in only:
            if name in OF_ORDERS:
                columns[name] = self._of_order(name, rows)
            elif name not in _POINTED:
                columns[name] = self._own_column(name, rows)
            else:
                pointer = _POINTED[name]
                if pointer not in codes_of:
                    codes_of[pointer] = pa.array(self.columns[pointer][rows])
                values, codes = self.tables[pointer][name], codes_of[pointer]
                # Many columns are null throughout, so check that first.
                is_null = values.null_count == len(values)
                columns[name] = pa.nulls(len(codes), values.type) if is_null else values.take(codes)
        return pa.table(columns)

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
        """Build a column that is not stored in a table."""
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
    tables = {}
    for pointer in POINTERS:
        parts_of_table = [piece.tables[pointer] for piece in pieces]
        tables[pointer] = pa.record_batch(
            {
                name: dictionary_encoding.concat_columns([part[name] for part in parts_of_table])
                for name in parts_of_table[0].schema.names
            }
        )
    columns = {}
    for name in pieces[0].columns:
        parts = [piece.columns[name] for piece in pieces]
        if name in POINTERS:
            lengths = [len(piece.tables[name]) for piece in pieces]
            before = np.cumsum([0, *lengths[:-1]]).astype(np.int32)
            parts = [part + first for part, first in zip(parts, before, strict=True)]
        columns[name] = np.concatenate(parts)
    return RequestTable(columns, tables)


def protocol_codes(logged: pa.ChunkedArray) -> npt.NDArray[np.int8]:
    """Return the position in PROTOCOLS of each logged version, -1 if it is unknown or null.

    Logs have `HTTP/2.0`, `HTTP/2` and `2` for the same version.
    """
    column = dictionary_encoding.combine_chunks(logged.dictionary_encode())
    positions = [*map(_protocol_position, column.dictionary.to_pylist()), -1]
    return np.array(positions, np.int8)[dictionary_encoding.codes_of(column)]


def _protocol_position(text: str) -> int:
    match = _VERSION.fullmatch(text)
    if not match:
        return -1
    major, minor = match.groups()
    name = f"HTTP/{major}" if major >= "2" else f"HTTP/{major}.{minor or 0}"
    return PROTOCOLS.index(name) if name in PROTOCOLS else -1


def sent_codes(parsed: pa.Table) -> npt.NDArray[np.int8]:
    """Return the position in SENT for each request, -1 if it has none of the fields.

    `parsed` has those columns of BROWSER_FIELDS that the log has.
    """
    codes = np.full(len(parsed), -1, np.int8)
    for bit, (name, text) in enumerate(_HEADER_FIELDS.items()):
        column_name = name.lower().replace("-", "_")
        if column_name in parsed.column_names:
            column = dictionary_encoding.combine_chunks(parsed[column_name].dictionary_encode())
            values = column.dictionary.cast(pa.string())
            has_text = pc.match_substring(values, text, ignore_case=True)
            is_sent = pc.and_(has_text, pc.greater(pc.utf8_length(values), 0)).fill_null(False)
            of_codes = np.append(is_sent.to_numpy(zero_copy_only=False), False)  # null has code -1
            codes += of_codes[dictionary_encoding.codes_of(column)].astype(np.int8) << bit
    return codes
