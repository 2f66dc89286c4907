"""Coded columns have the values of the columns that they encode."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from clickstream.people.coded_columns import CodedColumn, sum_by, sum_precisely

TEXTS = st.lists(st.sampled_from(["", "a", "b", "ä", "Z"]), min_size=1, max_size=20)


def column(values: list[str]) -> CodedColumn:
    return CodedColumn.of(pd.Series(values, dtype=object))


def values_of(coded: CodedColumn) -> list[object]:
    """Decode a column; its labels must be sorted, and each must occur."""
    values = [coded.labels[code] for code in coded.codes]
    assert list(coded.labels) == sorted(set(values))
    return values


@given(TEXTS, TEXTS)
def test_columns_are_encoded_and_concatenated(first: list[str], second: list[str]) -> None:
    assert values_of(column(first)) == first
    assert values_of(CodedColumn.concat([column(first), column(second)])) == first + second


@given(st.lists(st.tuples(st.sampled_from("abc"), st.sampled_from("xyz"), st.booleans())))
def test_rows_are_selected_and_paired(rows: list[tuple[str, str, bool]]) -> None:
    pairs = column([one for one, _, _ in rows]).pair_with(column([two for _, two, _ in rows]))
    assert values_of(pairs) == [(one, two) for one, two, _ in rows]
    chosen = pairs.select(np.array([is_chosen for _, _, is_chosen in rows], np.bool_))
    assert values_of(chosen) == [(one, two) for one, two, is_chosen in rows if is_chosen]


@given(st.lists(st.tuples(st.integers(0, 4), st.floats(0, 1)), min_size=1))
def test_sums_are_those_of_each_code(rows: list[tuple[int, float]]) -> None:
    codes, weights = np.array([code for code, _ in rows]), np.array([one for _, one in rows])
    exact = [float(sum(Fraction(one) for code, one in rows if code == n)) for n in range(6)]
    assert sum_by(codes, weights, 6).tolist() == pytest.approx(exact)
    precise = sum_precisely(codes, np.column_stack([weights, 2 * weights]), 6)
    assert precise[:, 0].tolist() == pytest.approx(exact, rel=1e-15)
    assert precise[:, 1].tolist() == (2 * precise[:, 0]).tolist()


def test_precise_sums_compensate_rounding_errors() -> None:
    codes, weights = np.zeros(3, np.int64), np.array([1e16, 1.0, 1.0])
    assert sum_precisely(codes, weights[:, np.newaxis], 1).item() == 1e16 + 2
    assert sum_by(codes, weights, 1).item() == 1e16
