"""Columns of texts as Arrow dictionaries: codes that point into the distinct texts.

An hour has millions of requests and about ten thousand distinct targets, agents and addresses; work
on texts is done once for each distinct text. pandas has the same in its categories, but compares
all texts again whenever it creates them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

TEXT = pa.dictionary(pa.int32(), pa.string())
"""The Arrow type of a column of texts."""


def encode(texts: Iterable[str | None]) -> pa.DictionaryArray:
    """Encode texts as a column; None becomes null."""
    return pa.array([*texts], pa.string()).dictionary_encode()


def encode_constant(text: str, rows: int) -> pa.DictionaryArray:
    """Return a column with the same text in every row."""
    return pa.DictionaryArray.from_arrays(np.zeros(rows, np.int32), [text])


def codes_of(column: pa.DictionaryArray) -> npt.NDArray[np.int32]:
    """Return the code of each row, -1 for null."""
    indices = column.indices
    codes: npt.NDArray[np.int32] = (
        indices.fill_null(-1) if indices.null_count else indices
    ).to_numpy()
    return codes


def from_codes(codes: npt.NDArray[np.integer], texts: pa.Array) -> pa.DictionaryArray:
    """Return a column from the code of each row and the distinct texts; -1 becomes null."""
    is_null = codes < 0
    mask = is_null if is_null.any() else None
    return pa.DictionaryArray.from_arrays(pa.array(codes, pa.int32(), mask=mask), texts)


def combine_chunks(column: pa.Array | pa.ChunkedArray) -> pa.Array:
    """Return a column as one array; most have a single chunk."""
    if isinstance(column, pa.Array):
        return column
    return column.chunk(0) if column.num_chunks == 1 else column.combine_chunks()


def is_any_of(column: pa.ChunkedArray, *names: str) -> npt.NDArray[np.bool_]:
    """Return whether each text of a column without nulls is one of the names."""
    coded = combine_chunks(column)
    is_name = pc.is_in(coded.dictionary, pa.array(names, pa.string()))
    is_any: npt.NDArray[np.bool_] = is_name.to_numpy(zero_copy_only=False)[coded.indices.to_numpy()]
    return is_any


def take_rows(table: pa.RecordBatch, rows: npt.NDArray[np.integer]) -> pa.RecordBatch:
    """Select rows of a table; columns of texts keep only the texts of these rows."""
    taken = table.take(pa.array(rows))
    return pa.record_batch({name: _drop_unused_texts(taken[name]) for name in taken.schema.names})


def _drop_unused_texts(column: pa.Array) -> pa.Array:
    if column.type != TEXT:
        return column
    used_codes, codes = np.unique(codes_of(column), return_inverse=True)
    has_null = int(np.any(used_codes < 0))  # the code of null sorts first
    return from_codes(codes - has_null, column.dictionary.take(pa.array(used_codes[has_null:])))


def concat_columns(columns: Sequence[pa.Array]) -> pa.Array:
    """Concatenate columns of one type."""
    if len(columns) == 1:
        return columns[0]
    return pa.chunked_array(columns).unify_dictionaries().combine_chunks()


def to_arrow(column: pd.Series) -> pa.Array:
    """Convert a pandas column to Arrow: texts and categories as TEXT, NA as null."""
    arrow = pa.array(column, from_pandas=True)
    if pa.types.is_large_string(arrow.type) or pa.types.is_string(arrow.type):
        arrow = arrow.dictionary_encode()
    return arrow.cast(TEXT) if pa.types.is_dictionary(arrow.type) else arrow


def append_columns(table: pa.Table, columns: Mapping[str, pa.Array]) -> pa.Table:
    """Append columns to a table."""
    for name, column in columns.items():
        table = table.append_column(name, column)
    return table


_NUMBERS = {"line_number": "int64", "response_ms": "Int32"}


def to_frame(table: pa.Table) -> pd.DataFrame:
    """Convert a table of requests to a frame: texts as categories, nullable numbers as such."""
    frame = table.to_pandas(types_mapper={pa.int64(): pd.Int64Dtype()}.get, split_blocks=True)
    return frame.astype({name: kind for name, kind in _NUMBERS.items() if name in frame})
