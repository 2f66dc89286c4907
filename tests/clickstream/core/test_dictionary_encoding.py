"""Columns of texts: what is coded reads as it was, however it is taken apart and put together."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from clickstream.core import dictionary_encoding

SOME = st.lists(st.sampled_from(["", "a", "b", "é", "longer"]) | st.none(), max_size=12)


@given(SOME)
def test_codes_and_texts_make_the_column_again(some: list[str | None]) -> None:
    column = dictionary_encoding.encode(some)
    again = dictionary_encoding.from_codes(dictionary_encoding.codes_of(column), column.dictionary)
    assert column.type == again.type == dictionary_encoding.TEXT
    assert column.to_pylist() == again.to_pylist() == some


@given(SOME, st.data())
def test_texts_that_no_row_has_are_left_out(some: list[str | None], data: st.DataObject) -> None:
    rows = data.draw(st.lists(st.integers(0, len(some) - 1))) if some else []
    numbers = pa.array(range(len(some)), pa.float64())
    table = pa.record_batch({"text": dictionary_encoding.encode(some), "number": numbers})
    found = dictionary_encoding.take_rows(table, np.array(rows, np.int64))
    column = found["text"]
    assert found["number"].to_pylist() == rows
    assert column.to_pylist() == [some[row] for row in rows]
    assert set(column.dictionary.to_pylist()) == set(column.to_pylist()) - {None}


@given(st.lists(SOME, min_size=1, max_size=4))
def test_columns_below_one_another_are_one_with_each_text_once(parts: list[list]) -> None:
    column = dictionary_encoding.concat_columns(
        [dictionary_encoding.encode(part) for part in parts]
    )
    assert column.to_pylist() == [text for part in parts for text in part]
    assert len(set(column.dictionary.to_pylist())) == len(column.dictionary)


@given(SOME)
def test_pandas_texts_and_categories_become_the_same_column(some: list[str | None]) -> None:
    plain = pd.Series(some, dtype="str")
    for column in (plain, plain.astype("category")):
        arrow = dictionary_encoding.to_arrow(column)
        assert arrow.type == dictionary_encoding.TEXT
        assert arrow.to_pylist() == some


@given(st.lists(st.sampled_from("abc"), max_size=9), st.sets(st.sampled_from("abcd"), max_size=2))
def test_texts_are_compared_with_names_by_their_values(some: list[str], names: set[str]) -> None:
    assert dictionary_encoding.is_any_of(dictionary_encoding.encode(some), *names).tolist() == [
        text in names for text in some
    ]


def test_numbers_are_columns_as_they_are() -> None:
    numbers = pa.array([1.5, None])
    assert dictionary_encoding.concat_columns([numbers, numbers]).to_pylist() == [
        1.5,
        None,
        1.5,
        None,
    ]
    assert dictionary_encoding.to_arrow(pd.Series([1.5, np.nan])).to_pylist() == [1.5, None]


@pytest.mark.parametrize("size", [7, None])
def test_bytes_may_be_missing_in_a_frame_and_line_numbers_may_not(size: int | None) -> None:
    frame = dictionary_encoding.to_frame(
        pa.table(
            {
                "line_number": pa.array([1, 2]),
                "bytes": pa.array([0, size], pa.int64()),
                "path": dictionary_encoding.encode_constant("/", 2),
            }
        )
    )
    assert frame["line_number"].dtype == np.int64
    assert frame["bytes"].dtype == pd.Int64Dtype()
    assert frame["bytes"].tolist() == [0, pd.NA if size is None else size]
    assert frame["path"].cat.categories.tolist() == ["/"]
