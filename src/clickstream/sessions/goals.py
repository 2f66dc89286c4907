"""Goals and the funnel: which goals a part's requests meet, and how far along the funnel they lead.

Both must be the same however a session is cut into parts. Counts of goals add up. How many steps
of the funnel a part leads to depends on how many were reached before it, so a part has a list with
an element for every possible number: `[0, 2, 3, 3]` leads nowhere from no step, from one step to
two, from two to three. Parts in order of time, each starting from what the one before led to, come
to what the whole session comes to.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
from numpy.typing import NDArray

from clickstream.expressions import Expression
from clickstream.sessions.runs import count_in_runs
from clickstream.tables import ARROW

COLUMNS = ("page", "kind", "method", "status")
"""What a goal asks of requests."""


@dataclass(frozen=True)
class Goal:
    """What a request must be like to meet the goal, or to be the step of the funnel.

    `page` is a regular expression that the whole name of the page matches; `kind` one of the kinds
    of requests; `method` and `status` are those of HTTP, None for any.
    """

    name: str
    page: str
    kind: str = "page"
    method: str | None = None
    status: int | None = None


def times_met(
    requests: pd.DataFrame, first: NDArray[np.int64], goals: Sequence[Goal]
) -> dict[str, NDArray[np.int64]]:
    """How many requests of each run meet each goal, by the goal's name.

    `requests` has COLUMNS, in the order of the runs, which begin at the positions `first`.
    """
    return {goal.name: count_in_runs(_meets(requests, goal), first) for goal in goals}


def goal_columns(
    requests: pd.DataFrame, first: NDArray[np.int64], goals: Sequence[Goal]
) -> dict[str, Any]:
    """Columns of parts: how many times goals are met, and which ones how often.

    The column `goals` is a map from the names of the goals met, in order, to how often they are
    met. It is null where none is met.
    """
    counts = times_met(requests, first, goals)
    names = sorted(counts)
    times = np.array([counts[name] for name in names], np.int64)
    times = times.reshape(len(names), len(first)).T
    return {"conversions": times.sum(axis=1), "goals": _maps(names, times)}


def _maps(names: Sequence[str], times: NDArray[np.int64]) -> pa.MapArray:
    """For each row of `times`, which has a column for each name, the names with their counts.

    Counts of 0 are left out; a row without others is null.
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
    """For each part, how many steps are reached after it, an element for each number before it.

    A request is one step at most, and only the one that is next. Null where there is no funnel.
    """
    if not steps:
        return pa.nulls(len(first), ARROW["list<long>"])
    places = [np.flatnonzero(_meets(requests, step)) for step in steps]
    numbers = range(len(steps) + 1)
    after = [before + _steps_further(places[before:], first, last) for before in numbers]
    return pa.ListArray.from_arrays(
        pa.array(np.arange(len(first) + 1) * len(numbers), pa.int32()),
        pa.array(np.column_stack(after).ravel()),
        type=ARROW["list<long>"],
    )


def _steps_further(
    places: Sequence[NDArray[np.int64]], first: NDArray[np.int64], last: NDArray[np.int64]
) -> NDArray[np.int64]:
    """How many of the steps at `places` each part goes, each step later than the one before."""
    at, further = first - 1, np.zeros(len(first), np.int64)
    for step in places:
        after = np.searchsorted(step, at, side="right")
        at = np.append(step, np.iinfo(np.int64).max)[after]  # beyond the part stays beyond it
        further += at <= last
    return further


def _meets(requests: pd.DataFrame, goal: Goal) -> NDArray[np.bool_]:
    """Which requests meet a goal; texts are looked at once for each distinct one."""
    found = _rows_where(requests["page"], Expression(goal.page).matches)
    found &= _rows_where(requests["kind"], goal.kind.__eq__)
    if goal.method is not None:
        found &= _rows_where(requests["method"], goal.method.__eq__)
    if goal.status is not None:
        found &= requests["status"].to_numpy() == goal.status
    return found


def _rows_where(column: pd.Series, is_so: Callable[[str], Any]) -> NDArray[np.bool_]:
    """Whether each value of a categorical column is so; a missing one is not."""
    distinct = [bool(is_so(text)) for text in column.cat.categories]
    is_so_by_code = np.array([*distinct, False])
    holds: NDArray[np.bool_] = is_so_by_code[column.cat.codes.to_numpy()]
    return holds
