"""Work on the distinct texts of a column: a function is called once for each, not for each row."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd


def texts_of(column: pd.Series) -> list[str]:
    """The distinct texts of a categorical column, in the order of its codes."""
    return list(column.cat.categories)


def codes_of(column: pd.Series) -> npt.NDArray[Any]:
    """For each row the index of its text; -1, which is the last of anything, where it is NA."""
    codes: npt.NDArray[Any] = column.cat.codes.to_numpy()
    return codes


def category(texts: Iterable[str | None], codes: npt.NDArray[Any]) -> pd.Categorical:
    """A categorical column from the text of each code; None becomes NA.

    Code -1 is the last of the texts, as everywhere in Python. Texts may repeat: equal ones become
    one category.
    """
    text_codes, distinct = pd.factorize(pd.array([*texts], dtype="str"))
    return pd.Categorical.from_codes(text_codes[codes], pd.Index(distinct, dtype="str"))


def translated(column: pd.Series, function: Callable[[str], str | None]) -> pd.Categorical:
    """The column with every text replaced by what the function makes of it; NA stays NA."""
    return category([*map(function, texts_of(column)), None], codes_of(column))


def flags(column: pd.Series, function: Callable[[str], bool]) -> npt.NDArray[np.bool_]:
    """For each row whether the function holds for its text; False where it is NA."""
    held = np.array([*map(function, texts_of(column)), False], np.bool_)
    rows: npt.NDArray[np.bool_] = held[codes_of(column)]
    return rows
