"""Codes stay what they are from batch to batch, and each value is worked out once."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
from hypothesis import given
from hypothesis import strategies as st

from clickstream.clean.dictionary_columns import Combinations, Distinct, Texts, combined
from clickstream.core import dictionary_encoding

TEXT = st.sampled_from(["", "a", "b", "c", "\\xff"]) | st.none()
BATCHES = st.lists(st.lists(st.lists(TEXT, max_size=6), min_size=1, max_size=3), max_size=4)
"""Batches of columns, each in some chunks."""


@given(BATCHES)
def test_a_text_has_one_code_in_all_batches_and_is_worked_out_once(
    batches: list[list[list[str | None]]],
) -> None:
    asked: list[str | None] = []

    def make(text: str | None) -> str:
        asked.append(text)
        return f"made of {text}"

    coder = Texts(make)
    for chunks in batches:
        codes = coder.codes(
            pa.chunked_array([dictionary_encoding.encode(chunk) for chunk in chunks])
        )
        rows = [text for chunk in chunks for text in chunk]
        assert [coder.values[code].as_py() for code in codes] == rows
        assert [coder.results[code] for code in codes] == [f"made of {text}" for text in rows]
        assert [0 if text is None else coder.code(text) for text in rows] == codes.tolist()
    assert len(asked) == len(set(asked)) == len(coder) == len(coder.values)
    assert coder.code("never met") == -1


NUMBER = st.integers(0, 3)


@given(st.lists(st.lists(st.tuples(NUMBER, NUMBER, NUMBER)), max_size=4))
def test_a_combination_has_one_code_in_all_batches(batches: list[list[tuple]]) -> None:
    coder = Combinations(3)
    for rows in batches:
        columns = np.array(rows, np.int32).reshape(-1, 3).T
        codes = coder.codes(*columns)
        assert [tuple(coder.met[:, code].tolist()) for code in codes] == rows
    assert len({*map(tuple, coder.met.T.tolist())}) == coder.met.shape[1]
    assert coder.met.shape[1] == len({row for rows in batches for row in rows})


@given(st.lists(st.tuples(NUMBER, NUMBER, st.booleans())))
def test_combinations_and_the_first_row_with_each(rows: list[tuple]) -> None:
    columns = [np.array([row[n] for row in rows], kind) for n, kind in enumerate("iib")]
    codes, first = combined(*columns)
    assert [rows[first[code]] for code in codes] == rows
    assert len(first) == len(set(rows))
    assert all(rows.index(rows[row]) == row for row in first)


@given(st.lists(st.lists(NUMBER)))
def test_a_value_has_one_code_in_all_batches(batches: list[list[int]]) -> None:
    coder: Distinct[int, int] = Distinct(lambda number: -number)
    for values in batches:
        codes = coder.codes(values)
        assert [coder.distinct[code] for code in codes] == values
        assert [coder.results[code] for code in codes] == [-value for value in values]
    assert len(coder.distinct) == len(coder.results) == len(coder)
