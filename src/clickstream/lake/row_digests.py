"""Digests of the rows of a date, by which `clickstream verify` finds any change of stored rows.

A publication of sales or matches writes the digest of its rows to the ledger.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from typing import Any

import pyarrow as pa

from clickstream.core.hours import Hour
from clickstream.lake.client import Lake
from clickstream.lake.iceberg import iceberg_tables
from clickstream.tables.table_type import Table

Sums = Counter[tuple[Any, ...]]
"""The sum of the hashes of rows, by the values of some of their columns."""


def of_rows(tables: Mapping[Table, pa.Table], chosen: Iterable[Table]) -> str:
    """Return the digest of the rows of the chosen tables; their order has no effect."""
    return _text(sum((_sums(table, tables[table], ()) for table in chosen), Sums())[()])


def of_stored(
    lake: Lake,
    tables: Iterable[Table],
    by: Sequence[str],
    first: date | None,
    last: date | None,
) -> Mapping[tuple[Any, ...], str]:
    """Return the digests of the stored rows of a range of dates, by the values of some columns."""
    sums, begin = Sums(), Hour.midnight(first) if first else None
    end = Hour.midnight(last).plus(23) if last else None
    for table in tables:
        sums += _sums(table, iceberg_tables.load(lake, table).read_between(begin, end), by)
    return {key: _text(number) for key, number in sums.items()}


def _sums(table: Table, rows: pa.Table, by: Sequence[str]) -> Sums:
    """Sum the hashes of the rows of a table.

    A sum and not XOR, because two equal rows cancel each other out in XOR. A null has no text, so
    a column that a newer release has added changes no digest.
    """
    texts = [
        ["" if value is None else f"{name}={value!r}" for value in rows[name].to_pylist()]
        for name in sorted(rows.column_names)
    ]
    keys = zip(*(rows[name].to_pylist() for name in by), strict=True) if by else [()] * len(rows)
    sums = Sums()
    for key, *row in zip(keys, *texts, strict=True):
        text = "\0".join([table.name, *filter(None, row)])
        sums[key] += int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest())
    return sums


def _text(number: int) -> str:
    return f"{number % 2**64:016x}"


WITHOUT_ROWS = _text(0)
"""The digest of a date without rows."""
