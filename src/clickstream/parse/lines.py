"""What formats that are read with care share: coded columns, and parts of a log joined into one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from clickstream import dictionary_encoding
from clickstream.parse.rows import Coded, Rows

MAX_BYTES_DIGITS = 18
"""Digits of the largest logged size that is read: what surely fits 64 bits."""

_NONE = np.zeros(0, np.int64)
NO_ROWS = Rows(_NONE, _NONE, _NONE.astype(np.int16), _NONE, {}, [], 0)
"""What there is in no lines."""


def coded(values: Sequence[Any]) -> Coded:
    """A column of byte strings as codes into its distinct values; None is coded as -1."""
    return coded_column(pa.array(values, pa.binary()).dictionary_encode())


def coded_column(column: pa.ChunkedArray | pa.DictionaryArray) -> Coded:
    """The same of an encoded Arrow column, whose nulls are coded as -1."""
    whole = dictionary_encoding.whole(column)
    return Coded(dictionary_encoding.codes_of(whole), whole.dictionary)


def joined(parts: Sequence[Rows]) -> Rows:
    """The parts of one log as one, in file order; lines without a text that others have: -1."""
    line = np.concatenate([part.line for part in parts])
    order = np.argsort(line, kind="stable")
    names = dict.fromkeys(name for part in parts for name in part.texts)
    return Rows(
        line[order],
        np.concatenate([part.seconds for part in parts])[order],
        np.concatenate([part.status for part in parts])[order],
        np.concatenate([part.size for part in parts])[order],
        {name: _stacked(name, parts, order) for name in names},
        sorted(refusal for part in parts for refusal in part.refused),
        sum(part.lines for part in parts),
        np.concatenate([part.directives for part in parts]),
    )


def moved(rows: Rows, by: int) -> Rows:
    """The rows of lines that come behind so many others."""
    refused = [(index + by, reason, line) for index, reason, line in rows.refused]
    return replace(rows, line=rows.line + by, refused=refused, directives=rows.directives + by)


def _stacked(name: str, parts: Sequence[Rows], order: npt.NDArray[np.int64]) -> Coded:
    chunks = []
    for part in parts:
        column = part.texts.get(name) or coded([None] * len(part.line))
        codes = pa.array(column.codes, pa.int32(), mask=column.codes < 0)
        chunks.append(pa.DictionaryArray.from_arrays(codes, column.values))
    one = coded_column(pa.chunked_array(chunks).unify_dictionaries())
    return Coded(one.codes[order], one.values)
