"""Work on distinct values: a function is called once for each, not for each row.

An hour has millions of requests and some ten thousand different targets, agents and addresses. So
every request is a row of integers that point into tables of distinct values.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import fields
from typing import Any, Generic, TypeVar

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa

from clickstream.clean.bots import Verdict

Codes = npt.NDArray[np.int32]
"""For each row the position of its value in a table."""

Value = TypeVar("Value")
Made = TypeVar("Made")


class Distinct(dict[Value, int], Generic[Value, Made]):
    """Codes of values in the order they were first met, and what a function makes of each.

    `ordered[code]` is the value with that code, `made[code]` what the function made of it. Values
    may come in any number of batches; each is worked out once. Without a function nothing is made.
    """

    def __init__(self, make: Callable[[Value], Made] | None = None) -> None:
        super().__init__()
        self._make = make
        self.ordered: list[Value] = []
        self.made: list[Made] = []

    def __missing__(self, value: Value) -> int:
        """A new value gets the next code."""
        if self._make:
            self.made.append(self._make(value))
        self[value] = code = len(self.ordered)
        self.ordered.append(value)
        return code

    def codes(self, values: Iterable[Value]) -> Codes:
        """The code of each value."""
        values = [*values]
        new = [*dict.fromkeys(value for value in values if value not in self)]
        if self._make:
            self.made += [*map(self._make, new)]
        self.update(zip(new, range(len(self.ordered), len(self.ordered) + len(new)), strict=True))
        self.ordered += new
        return np.fromiter(map(self.__getitem__, values), np.int32, len(values))

    def rows(self, column: pd.Series, missing: Value) -> Codes:
        """The code of each row of a categorical column; NA counts as the value `missing`."""
        texts = self.codes(column.cat.categories.tolist())
        every = np.append(texts, np.int32(self[missing]))
        rows: Codes = every[column.cat.codes.to_numpy()]
        return rows


def combined(*columns: npt.ArrayLike) -> tuple[Codes, npt.NDArray[np.int64]]:
    """The distinct combinations of some columns of codes.

    Returns for each row which combination it has, and for each combination the first row with it.
    """
    arrays = [np.asarray(column) for column in columns]
    rows = np.zeros(len(arrays[0]), np.int64)
    for column in arrays:
        if len(column) and (column != column[0]).any():
            rows, _ = pd.factorize(rows << 32 | column)
    first = np.empty(int(rows.max(initial=-1)) + 1, np.int64)
    first[rows[::-1]] = np.arange(len(rows))[::-1]
    return rows.astype(np.int32), first


def category(texts: Sequence[str | None]) -> pd.Categorical:
    """A categorical column of texts; None becomes NA."""
    return _categorical(pa.array(texts, pa.string()).dictionary_encode())


def stacked(tables: Sequence[pd.DataFrame]) -> pd.DataFrame:
    """Tables one below the other, the categories of texts made one."""
    if len(tables) == 1:
        return tables[0]
    columns: dict[str, Any] = {}
    for name, first in tables[0].items():
        parts = [table[name] for table in tables]
        is_text = isinstance(first.dtype, pd.CategoricalDtype)
        columns[str(name)] = _stacked_texts(parts) if is_text else pd.concat(parts).array
    return pd.DataFrame(columns, copy=False)


def _stacked_texts(parts: Sequence[pd.Series]) -> pd.Categorical:
    """Arrow makes categories one several times faster than pandas does."""
    coded = [
        pa.DictionaryArray.from_arrays(
            pa.array(part.cat.codes.to_numpy(np.int32), mask=(part.cat.codes < 0).to_numpy()),
            pa.array(part.cat.categories, pa.string()),
        )
        for part in parts
    ]
    return _categorical(pa.chunked_array(coded).unify_dictionaries().combine_chunks())


def _categorical(coded: pa.DictionaryArray) -> pd.Categorical:
    codes = coded.indices.fill_null(-1).to_numpy(zero_copy_only=False)
    categories = pd.Index(coded.dictionary.to_pandas(), dtype="str")
    return pd.Categorical.from_codes(codes, categories, validate=False)


def table(kind: type, records: Sequence[Any]) -> pd.DataFrame:
    """Records of a dataclass as a frame: texts as categories, numbers with NaN for None."""
    columns: dict[str, Any] = {}
    for field in fields(kind):
        values = [getattr(record, field.name) for record in records]
        is_text = str(field.type).startswith("str")
        columns[field.name] = category(values) if is_text else np.array(values, np.float64)
    return pd.DataFrame(columns)


def taken(frame: pd.DataFrame, codes: Codes) -> dict[str, Any]:
    """The columns of a table for rows that point into it."""
    return {name: frame[name].array.take(codes) for name in frame}


def verdict_columns(verdicts: Sequence[Verdict | None]) -> dict[str, Any]:
    """The columns is_bot, bot_class and bot_reason of visitors with these verdicts."""
    return {
        "is_bot": np.array([verdict is not None for verdict in verdicts], np.bool_),
        "bot_class": category([verdict.bot_class if verdict else None for verdict in verdicts]),
        "bot_reason": category([verdict.reason if verdict else None for verdict in verdicts]),
    }
