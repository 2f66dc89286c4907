"""Columns of texts or dates encoded as numbers, and sums by these.

Encoded once, a column can be grouped many times without a comparison of texts.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import compress
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

Codes = NDArray[np.int64]
Numbers = NDArray[np.float64]


@dataclass(frozen=True)
class CodedColumn:
    """A column as codes: for each row, the position of its value in `labels`.

    The labels are sorted, and each of them is the value of some row.
    """

    labels: tuple[Any, ...]
    codes: Codes

    @classmethod
    def of(cls, values: pd.Series) -> CodedColumn:
        """Encode a column without nulls."""
        codes, labels = pd.factorize(values.to_numpy(object), sort=True)
        return cls(tuple(labels), codes)

    @classmethod
    def from_values(cls, values: Sequence[Any]) -> CodedColumn:
        """Encode few values without nulls: 0.01 ms for 100 values, where `of` takes 0.3 ms."""
        labels = tuple(sorted({*values}))
        code_of = {label: number for number, label in enumerate(labels)}
        return cls(labels, np.array([code_of[value] for value in values], np.int64))

    @classmethod
    def concat(cls, columns: Sequence[CodedColumn]) -> CodedColumn:
        """Return the rows of all columns."""
        labels = sorted({label for column in columns for label in column.labels})
        code_of = {label: number for number, label in enumerate(labels)}
        codes = [
            np.array([code_of[label] for label in column.labels], np.int64)[column.codes]
            for column in columns
        ]
        return cls(tuple(labels), np.concatenate(codes))

    @property
    def size(self) -> int:
        """The number of labels."""
        return len(self.labels)

    def select(self, rows: NDArray[np.bool_] | NDArray[np.int64]) -> CodedColumn:
        """Return some rows, by a mask or by their positions."""
        return _with_used_labels(self.labels, self.codes[rows])

    def pair_with(self, other: CodedColumn) -> CodedColumn:
        """Return a column with the pair of values of this column and another one in each row."""
        pairs = tuple((own, two) for own in self.labels for two in other.labels)
        return _with_used_labels(pairs, self.codes * other.size + other.codes)


def _with_used_labels(labels: tuple[Any, ...], codes: Codes) -> CodedColumn:
    is_used = np.bincount(codes, minlength=len(labels)) > 0
    return CodedColumn(tuple(compress(labels, is_used)), (np.cumsum(is_used) - 1)[codes])


def sum_by(codes: Codes, weights: Numbers, size: int) -> Numbers:
    """Sum the weights of each code from 0 to `size` - 1."""
    sums: Numbers = np.bincount(codes, weights, size).astype(np.float64)
    return sums


def sum_precisely(codes: Codes, numbers: Numbers, size: int) -> Numbers:
    """Sum each column of numbers by code, as `sum_by` does, with compensated rounding errors.

    Lakes store counts and versions of habits that consist of these sums. Other last digits could
    change a version, and so search a date again.
    """
    # Whole numbers are summed exactly up to 2**53: 0.01 ms for 50 rows, where pandas takes 0.2 ms.
    if (numbers == np.floor(numbers)).all() and np.abs(numbers).sum() < 2.0**53:
        return np.column_stack([sum_by(codes, column, size) for column in numbers.T])
    sums = pd.DataFrame(numbers).groupby(codes).sum()
    precise = np.zeros((size, numbers.shape[1]))
    precise[sums.index] = sums.to_numpy()
    return precise


def divide(top: Numbers, bottom: Numbers, otherwise: float | Numbers) -> Numbers:
    """Divide; where `bottom` is 0, the result is `otherwise`."""
    out = np.empty_like(top)
    out[:] = otherwise
    return np.divide(top, bottom, out=out, where=bottom > 0)
