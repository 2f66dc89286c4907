"""Group the visitors of a date into cells: by one field, or by a pair of fields.

A cell of an arrival field counts both candidates and references by it. A cell of an arrival field
with an action field compares the candidates that act so with all references of the same arrival,
because those who prove themselves act differently.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from clickstream.core.cohort_labels import ACTION_FIELDS, ARRIVAL_FIELDS
from clickstream.people.coded_columns import CodedColumn, Codes, Numbers, sum_by
from clickstream.people.visitors import DEVICE, KIND_FIELDS

PAIRED = (
    "network",
    "operator",
    "agent",
    "protocol",
    "header_fields",
    "referrer",
    "landing_page",
    "hour",
    "channel",
)
"""Arrival fields of which pairs are looked at."""

NO_CROWD_FIELDS = frozenset({"network", "header_fields"})
"""Fields in which no crowd gathers."""

UNKNOWN_IF_EMPTY = frozenset({"network", "operator"})
"""Fields whose empty text is nothing in common."""


@dataclass(frozen=True)
class Grouping:
    """The cells of some fields. `arrival` has up to two fields; `action` may be None.

    `cell` has the cell of each visitor, and `arrival_of` the cell of `arrival` alone. For each
    cell, `arrival_cell` has the cell of `arrival` alone, `action_value` the code of the action's
    value, and `is_known` whether its networks are known.
    """

    arrival: tuple[str, ...]
    action: str | None
    cell: Codes
    arrival_of: Codes
    arrival_cell: Codes
    action_value: Codes
    is_known: NDArray[np.bool_]

    @property
    def fields(self) -> tuple[str, ...]:
        """All fields."""
        return self.arrival + ((self.action,) if self.action else ())

    @property
    def is_of_kinds(self) -> bool:
        """Whether the cells consist of whole kinds, for which the site has a habit."""
        return set(self.arrival) <= set(KIND_FIELDS)

    @property
    def size(self) -> int:
        """The number of cells."""
        return len(self.arrival_cell)

    def sum_by_arrival(self, rows: Codes, weights: Numbers) -> Numbers:
        """Sum the weights of some visitors that arrive like each cell, however they act."""
        by_cell: Numbers = sum_by(self.arrival_of[rows], weights, self.size)[self.arrival_cell]
        return by_cell


def groupings(columns: Mapping[str, CodedColumn]) -> Iterator[Grouping]:
    """Yield all groupings: arrival fields, pairs of them, and each with an action field.

    A field with the same value for all visitors is left out.
    """
    telling = {name for name, column in columns.items() if column.size > 1}
    actions = [field for field in ACTION_FIELDS if field in telling]
    single = [(field,) for field in ARRIVAL_FIELDS if field in telling]
    for arrival in ((), KIND_FIELDS, *single):
        alone = _group_by_arrival(columns, arrival)
        yield alone
        yield from (_add_action(alone, action, columns[action]) for action in actions)
    for pair in combinations([field for field in PAIRED if field in telling], 2):
        yield _group_by_arrival(columns, pair)


def _group_by_arrival(columns: Mapping[str, CodedColumn], arrival: tuple[str, ...]) -> Grouping:
    code = np.zeros_like(columns[DEVICE].codes)
    for name in arrival:
        code = code * columns[name].size + columns[name].codes
    distinct, cell = np.unique(code, return_inverse=True)
    is_known = np.ones(len(distinct), np.bool_)
    for name in UNKNOWN_IF_EMPTY & {*arrival}:
        is_empty = np.array([text == "" for text in columns[name].labels])
        is_known[cell[is_empty[columns[name].codes]]] = False
    cells = np.arange(len(distinct))
    return Grouping(arrival, None, cell, cell, cells, np.zeros_like(cells), is_known)


def _add_action(alone: Grouping, action: str, column: CodedColumn) -> Grouping:
    """Divide the cells of a grouping by a field of action."""
    code = alone.cell * column.size + column.codes
    distinct, cell = np.unique(code, return_inverse=True)
    arrival_cell, action_value = np.divmod(distinct, column.size)
    return Grouping(
        alone.arrival,
        action,
        cell,
        alone.cell,
        arrival_cell,
        action_value,
        alone.is_known[arrival_cell],
    )


def cell_values(
    grouping: Grouping, cell: int, columns: Mapping[str, CodedColumn]
) -> tuple[str, ...]:
    """Return the values of a cell, in the order of the grouping's fields."""
    member = np.argmax(grouping.cell == cell)
    return tuple(columns[name].labels[columns[name].codes[member]] for name in grouping.fields)
