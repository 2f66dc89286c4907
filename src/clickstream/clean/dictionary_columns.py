"""Tables of distinct values, for functions that are called once per value and not once per row.

All tables of `clean` use them. Each request is a row of codes, which are positions in such tables.
Arrow (for texts) and numpy (for numbers) find the distinct values of a batch, so that Python code
runs only for new values.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any, Generic, NamedTuple, TypeVar, get_args, get_type_hints

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from clickstream.clean.bots import Verdict
from clickstream.core import dictionary_encoding

Codes = npt.NDArray[np.int32]
"""The position of each row's value in a table."""

Value = TypeVar("Value")
Result = TypeVar("Result")


class Distinct(dict[Value, int], Generic[Value, Result]):
    """Codes of values in the order of their first occurrence, and a function's result for each.

    `distinct[code]` is the value with that code, and `results[code]` what `make` returns for it.
    The values may arrive in any number of batches; `make` is called once for each. Without `make`,
    `results` is empty.
    """

    def __init__(self, make: Callable[[Value], Result] | None = None) -> None:
        super().__init__()
        self._make = make
        self.distinct: list[Value] = []
        self.results: list[Result] = []

    def __missing__(self, value: Value) -> int:
        """Give a new value the next code."""
        if self._make:
            self.results.append(self._make(value))
        self[value] = code = len(self.distinct)
        self.distinct.append(value)
        return code

    def codes(self, values: Iterable[Value]) -> Codes:
        """Return the code of each value."""
        return np.fromiter(map(self.__getitem__, values), np.int32)


class Texts(Generic[Result]):
    """Codes of texts in the order of their first occurrence, and a function's result for each.

    It works like `Distinct`, for columns of texts. The code 0 is null, for which the function is
    called with None.
    """

    def __init__(self, make: Callable[[str | None], Result] | None = None) -> None:
        self._make = make
        self._known = pa.array([], pa.string())
        self.results: list[Result] = [make(None)] if make else []

    def __len__(self) -> int:
        return 1 + len(self._known)

    def codes(self, column: pa.ChunkedArray | pa.DictionaryArray) -> Codes:
        """Return the code of each row of a column of texts."""
        chunks = column.chunks if isinstance(column, pa.ChunkedArray) else [column]
        none = dictionary_encoding.from_codes(np.empty(0, np.int32), pa.array([], pa.string()))
        same = pa.chunked_array([none, *chunks]).unify_dictionaries().chunks
        # Null has the code -1, which selects the last position.
        positions = np.append(self._positions(same[0].dictionary), np.int32(-1))
        codes: Codes = positions[np.concatenate([*map(dictionary_encoding.codes_of, same)])]
        return codes + np.int32(1)

    def _positions(self, values: pa.Array) -> Codes:
        """Return the position of each of some distinct values in `_known`; adds new values to it.

        The known values are looked up among the given ones, and not the reverse: a hash table of a
        year's addresses, built for each batch, takes 100 MB.
        """
        index = pc.index_in(self._known, value_set=values).fill_null(-1).to_numpy()
        met = np.flatnonzero(index >= 0)
        positions = np.full(len(values), -1, np.int32)
        positions[index[met]] = met
        is_new = positions < 0
        new = values.filter(pa.array(is_new))
        positions[is_new] = len(self._known) + np.arange(len(new), dtype=np.int32)
        if self._make:
            self.results += map(self._make, new.to_pylist())
        self._known = pa.concat_arrays([self._known, new])
        return positions

    def code(self, text: str) -> int:
        """Return the code of one text, -1 if it is unknown."""
        position = pc.index(self._known, text).as_py()
        return int(position) + 1 if position >= 0 else -1

    @property
    def values(self) -> pa.Array:
        """The text of each code; null for the code 0."""
        return pa.concat_arrays([pa.nulls(1, pa.string()), self._known])


class Combinations:
    """Codes of combinations of codes, in the order of their first occurrence.

    `met[n]` has the code in column n for each combination.
    """

    def __init__(self, columns: int) -> None:
        self.met = np.empty((columns, 0), np.int32)
        self._known = [np.empty(0, np.int64) for _ in range(columns - 1)]

    def codes(self, *columns: npt.ArrayLike) -> Codes:
        """Return the code of each row's combination."""
        rows, first = combined(*columns)
        distinct = np.array([np.asarray(column)[first] for column in columns], np.int32)
        codes: Codes = distinct[0]
        for step, column in enumerate(distinct[1:]):
            of_pairs, pairs = pd.factorize(codes.astype(np.int64) << 32 | column)
            known_pairs = self._known[step]
            code_of_pair = pd.Index(known_pairs).get_indexer(pairs)
            is_new = code_of_pair < 0
            code_of_pair[is_new] = len(known_pairs) + np.arange(np.count_nonzero(is_new))
            self._known[step] = np.concatenate([known_pairs, pairs[is_new]])
            codes = code_of_pair[of_pairs].astype(np.int32)
        is_new = codes >= self.met.shape[1]
        self.met = np.concatenate([self.met, distinct[:, is_new]], axis=1)
        of_rows: Codes = codes[rows]
        return of_rows


def combined(*columns: npt.ArrayLike) -> tuple[Codes, npt.NDArray[np.int64]]:
    """Find the distinct combinations in some columns of codes.

    Returns the number of each row's combination, and the first row of each combination.
    """
    arrays = [np.asarray(column) for column in columns]
    leading, *rest = [column for column in arrays if (column != column[:1]).any()] or arrays[:1]
    rows, _ = pd.factorize(leading)
    for column in rest:
        rows, _ = pd.factorize(rows << 32 | column)
    first = np.empty(int(rows.max(initial=-1)) + 1, np.int64)
    first[rows[::-1]] = np.arange(len(rows))[::-1]
    return rows.astype(np.int32), first


def table(kind: type[NamedTuple], records: Sequence[NamedTuple]) -> pa.RecordBatch:
    """Build a table from records: each field becomes a column of texts, numbers or booleans.

    None becomes null.
    """
    columns: dict[str, Any] = {}
    for index, (name, type_of_field) in enumerate(get_type_hints(kind).items()):
        values = [record[index] for record in records]
        if str in (type_of_field, *get_args(type_of_field)):
            columns[name] = dictionary_encoding.encode(values)
        else:
            columns[name] = pa.array(values, pa.bool_() if type_of_field is bool else pa.float64())
    return pa.record_batch(columns)


def taken(table: pa.RecordBatch, codes: Codes) -> dict[str, pa.Array]:
    """Return the columns of a table at some codes."""
    rows = pa.array(codes)
    return {name: table[name].take(rows) for name in table.schema.names}


def verdict_table(verdicts: Sequence[Verdict | None]) -> pa.RecordBatch:
    """Build the columns is_bot, bot_class and bot_reason from verdicts; None means no bot."""
    classes = [verdict.bot_class if verdict else None for verdict in verdicts]
    reasons = [verdict.reason if verdict else None for verdict in verdicts]
    return pa.record_batch(
        {
            "is_bot": pa.array([verdict is not None for verdict in verdicts], pa.bool_()),
            "bot_class": dictionary_encoding.encode(classes),
            "bot_reason": dictionary_encoding.encode(reasons),
        }
    )
