"""Group the visitors of a date into cells: by one field, or by a pair of fields.

A cell of an arrival field counts both candidates and references by it. A cell of an arrival field
with an action field compares the candidates that act so with all references of the same arrival,
because those who prove themselves act differently.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import combinations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from clickstream.cohort_labels import ACTION_FIELDS, ARRIVAL_FIELDS
from clickstream.people.visitors import KIND_FIELDS

Codes = NDArray[np.int64]

PAIRED = (
    *("network", "operator", "agent", "protocol", "header_fields"),
    *("referrer", "landing_page", "hour", "channel"),
)
"""Arrival fields of which pairs are looked at."""

NO_CROWD_FIELDS = frozenset({"network", "header_fields"})
"""Fields in which no crowd gathers."""

UNKNOWN_IF_EMPTY = frozenset({"network", "operator"})
"""Fields whose empty text is nothing in common."""


@dataclass(frozen=True)
class Grouping:
    """The cells of some fields. `arrival` has up to two fields; `action` may be None.

    `cell` has the cell of each visitor. For each cell, `arrival_cell` has the number of the cell of
    `arrival` alone, `action_value` the number of the action's value in sorted order, `first` a
    visitor in it, and `is_known` whether its networks are known.
    """

    arrival: tuple[str, ...]
    action: str | None
    cell: Codes
    arrival_of: Codes
    arrival_cell: Codes
    action_value: Codes
    first: Codes
    is_known: NDArray[np.bool_]

    @property
    def fields(self) -> tuple[str, ...]:
        """All fields."""
        return self.arrival + ((self.action,) if self.action else ())

    @property
    def is_of_kinds(self) -> bool:
        """Whether the cells consist of whole kinds, for which the site has a habit."""
        return set(self.arrival) <= set(KIND_FIELDS)


def groupings(visitors: pd.DataFrame) -> Iterator[Grouping]:
    """Yield all groupings: arrival fields, pairs of them, and each with an action field.

    A field with the same value for all visitors is left out.
    """
    coded = {
        name: np.unique(visitors[name].to_numpy(str), return_inverse=True)
        for name in (*ARRIVAL_FIELDS, *ACTION_FIELDS)
    }
    telling = {name for name, (texts, _) in coded.items() if len(texts) > 1}
    single = [(one,) for one in ARRIVAL_FIELDS if one in telling]
    for arrival in ((), KIND_FIELDS, *single):
        for action in (None, *(one for one in ACTION_FIELDS if one in telling)):
            yield _group(len(visitors), coded, arrival, action)
    for pair in combinations([one for one in PAIRED if one in telling], 2):
        yield _group(len(visitors), coded, pair, None)


def _group(
    rows: int,
    coded: dict[str, tuple[NDArray[np.str_], Codes]],
    arrival: tuple[str, ...],
    action: str | None,
) -> Grouping:
    code = np.zeros(rows, np.int64)
    for name in arrival:
        code = code * len(coded[name][0]) + coded[name][1]
    _, arrival_of = np.unique(code, return_inverse=True)
    texts, values = coded[action] if action else (np.array([""]), np.zeros(rows, np.int64))
    both, first, cell = np.unique(
        arrival_of * len(texts) + values, return_index=True, return_inverse=True
    )
    return Grouping(
        *(arrival, action, cell, arrival_of, both // len(texts), both % len(texts)),
        *(first, _are_known(coded, arrival, first)),
    )


def _are_known(
    coded: dict[str, tuple[NDArray[np.str_], Codes]], arrival: tuple[str, ...], first: Codes
) -> NDArray[np.bool_]:
    """Return a mask of the cells without an unknown network, which is nothing in common."""
    known = np.ones(len(first), np.bool_)
    for name in UNKNOWN_IF_EMPTY & {*arrival}:
        texts, codes = coded[name]
        known &= texts[codes[first]] != ""
    return known


def cell_values(grouping: Grouping, cell: int, visitors: pd.DataFrame) -> tuple[str, ...]:
    """Return the values of a cell, in the order of the grouping's fields."""
    row = visitors.iloc[grouping.first[cell]]
    return tuple(str(row[name]) for name in grouping.fields)
