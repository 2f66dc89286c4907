"""What formats that are read line by line share: lines, and coded rows made of plain records."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from clickstream.parse.rows import Coded, Refused, Rows

MAX_BYTES_DIGITS = 18
"""Digits of the largest logged size that is read: what surely fits 64 bits."""


class Record(NamedTuple):
    """One usable line: its index, Unix seconds, status, size (-1: none logged) and its texts.

    A text is None where the line has no place for it.
    """

    line: int
    seconds: int
    status: int
    size: int
    client: bytes
    method: bytes | None
    target: bytes
    protocol: bytes | None
    referrer: bytes | None
    user_agent: bytes | None


TEXTS = Record._fields[4:]


def lines_of(data: bytes) -> list[bytes]:
    r"""The lines without their ends, `\n` or `\r\n`; the last one may lack its own."""
    lines = data.split(b"\n")
    if not lines[-1]:
        lines.pop()
    return [line.removesuffix(b"\r") for line in lines] if b"\r" in data else lines


def rows_of(records: Sequence[Record], refused: list[Refused], lines: int) -> Rows:
    """The records, in file order, as rows."""
    columns = [*zip(*records, strict=True)] or [()] * len(Record._fields)
    line, seconds, status, size, *texts = columns
    return Rows(
        np.array(line, np.int64),
        np.array(seconds, np.int64),
        np.array(status, np.int16),
        np.array(size, np.int64),
        {name: coded(column) for name, column in zip(TEXTS, texts, strict=True)},
        refused,
        lines,
    )


def coded(values: Sequence[Any]) -> Coded:
    """A column of byte strings as codes into its distinct values; None is coded as -1."""
    return uncoded(pa.array(values, pa.binary()).dictionary_encode())


def uncoded(whole: pa.DictionaryArray) -> Coded:
    """The same of an Arrow dictionary array, whose nulls are coded as -1."""
    codes: npt.NDArray[np.int32] = whole.indices.fill_null(-1).to_numpy(zero_copy_only=False)
    return Coded(codes, whole.dictionary)
