"""Goals and funnel steps: which goals the requests of a part meet, and which steps they reach.

Both results must not depend on how a session is cut into parts. For goals, the counts of the parts
are summed. For the funnel, the steps reached after a part depend on the steps reached before it.
A part therefore has a list with one element for each possible number of steps before it:
`[0, 2, 3, 3]` means that after 0, 1, 2 or 3 steps, this part brings the session to 0, 2, 3 or 3
steps. Applying the lists of all parts in order of time gives the steps of the session.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
from numpy.typing import NDArray

from clickstream.core.expressions import Expression
from clickstream.sessions.runs import count_in_runs
from clickstream.tables.table_type import ARROW

COLUMNS = ("page", "kind", "method", "status")
"""Columns of requests that a goal can have conditions on."""


@dataclass(frozen=True)
class Goal:
    """The conditions that a request must meet to count for a goal or a funnel step.

    `page` is a regular expression that the whole page name must match, and `kind` a kind of
    request. `method` and `status` are the HTTP method and status, None for any.
    """

    name: str
    page: str
    kind: str = "page"
    method: str | None = None
    status: int | None = None


def goal_columns(
    requests: pd.DataFrame, first: NDArray[np.int64], goals: Sequence[Goal]
) -> dict[str, Any]:
    """Build the columns `conversions` and `goals` of parts, which begin at the positions `first`.

    `requests` has the columns COLUMNS, and is in the order of the parts.
    `conversions` is the number of times that any goal is met. `goals` is a map from the names of
    the goals met, sorted, to how many times each is met; it is null if no goal is met.
    """
    counts = {goal.name: count_in_runs(_meets(requests, goal), first) for goal in goals}
    names = sorted(counts)
    times = np.array([counts[name] for name in names], np.int64)
    times = times.reshape(len(names), len(first)).T
    return {"conversions": times.sum(axis=1), "goals": _maps(names, times)}


def _maps(names: Sequence[str], times: NDArray[np.int64]) -> pa.MapArray:
    """Build a map from names to counts for each row of `times`, which has one column per name.

    Counts of 0 are left out; a row with no other count is null.
    """
    row, column = np.nonzero(times)
    sizes = np.bincount(row, minlength=len(times))
    return pa.MapArray.from_arrays(
        pa.array(np.append(0, np.cumsum(sizes)), pa.int32()),
        pa.array(names, pa.string()).take(pa.array(column)),
        pa.array(times[row, column]),
        type=ARROW["map<string, long>"],
        mask=pa.array(sizes == 0),
    )


def funnel_column(
    requests: pd.DataFrame,
    first: NDArray[np.int64],
    last: NDArray[np.int64],
    steps: Sequence[Goal],
) -> pa.ListArray:
    """Build the column `funnel` of parts: the steps after a part, for each number before it.

    A request counts for at most one step, and only for the next one. All values are null if the
    site has no funnel.
    """
    if not steps:
        return pa.nulls(len(first), ARROW["list<long>"])
    positions = [np.flatnonzero(_meets(requests, step)) for step in steps]
    numbers = range(len(steps) + 1)
    after = [before + _steps_further(positions[before:], first, last) for before in numbers]
    return pa.ListArray.from_arrays(
        pa.array(np.arange(len(first) + 1) * len(numbers), pa.int32()),
        pa.array(np.column_stack(after).ravel()),
        type=ARROW["list<long>"],
    )


def _steps_further(
    positions: Sequence[NDArray[np.int64]], first: NDArray[np.int64], last: NDArray[np.int64]
) -> NDArray[np.int64]:
    """Count how many of the steps each part reaches, each step later than the one before.

    `positions` has the positions of the requests that match each step.
    """
    at, further = first - 1, np.zeros(len(first), np.int64)
    for step in positions:
        after = np.searchsorted(step, at, side="right")
        at = np.append(step, np.iinfo(np.int64).max)[after]  # a position after the part stays so
        further += at <= last
    return further


def _meets(requests: pd.DataFrame, goal: Goal) -> NDArray[np.bool_]:
    """Return a mask of the requests that meet a goal; each distinct text is matched once."""
    is_met = _rows_where(requests["page"], Expression(goal.page).matches)
    is_met &= _rows_where(requests["kind"], goal.kind.__eq__)
    if goal.method is not None:
        is_met &= _rows_where(requests["method"], goal.method.__eq__)
    if goal.status is not None:
        is_met &= requests["status"].to_numpy() == goal.status
    return is_met


def _rows_where(column: pd.Series, is_so: Callable[[str], Any]) -> NDArray[np.bool_]:
    """Return a mask of the values of a categorical column that `is_so` accepts; false for null."""
    distinct = [bool(is_so(text)) for text in column.cat.categories]
    is_so_by_code = np.array([*distinct, False])
    holds: NDArray[np.bool_] = is_so_by_code[column.cat.codes.to_numpy()]
    return holds
