"""Goals and the funnel: which goals a part's requests meet, and how far along the funnel they lead.

Both must be the same however a session is cut into parts. Counts of goals add up. How many steps
of the funnel a part leads to depends on how many were reached before it, so a part says it for
every number that can be: `0233` leads nowhere from no step, from one step to two, from two to
three. Parts in order of time, each taking over what the one before led to, come to what the whole
session comes to.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
from numpy.typing import NDArray

from clickstream import dictionary_encoding
from clickstream.sessions.runs import count_in_runs

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

    The column `goals` reads `newsletter=1 order=2`, by name, and is null where none is met.
    """
    counts = times_met(requests, first, goals)
    conversions = sum(counts.values(), np.zeros(len(first), np.int64))
    told: list[str | None] = [None] * len(first)
    for part in np.flatnonzero(conversions).tolist():
        met = sorted((name, count[part]) for name, count in counts.items() if count[part])
        told[part] = " ".join(f"{name}={count}" for name, count in met)
    return {"conversions": conversions, "goals": dictionary_encoding.coded(told)}


def funnel_column(
    requests: pd.DataFrame,
    first: NDArray[np.int64],
    last: NDArray[np.int64],
    steps: Sequence[Goal],
) -> pa.DictionaryArray:
    """For each part, how many steps are reached after it, a digit for each number before it.

    There are nine steps at most. A request is one step at most, and only the one that is next. Null
    where there is no funnel.
    """
    if not steps:
        return pa.nulls(len(first), dictionary_encoding.TEXT)
    places = [np.flatnonzero(_meets(requests, step)) for step in steps]
    code = np.zeros(len(first), np.int64)
    for before in range(len(steps) + 1):
        code = code * 10 + before + _steps_further(places[before:], first, last)
    codes, part = np.unique(code, return_inverse=True)
    told = pa.array([f"{code:0{len(steps) + 1}}" for code in codes], pa.string())
    return dictionary_encoding.from_codes(part, told)


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
    found = _told(requests["page"], re.compile(goal.page).fullmatch)
    found &= _told(requests["kind"], goal.kind.__eq__)
    if goal.method is not None:
        found &= _told(requests["method"], goal.method.__eq__)
    if goal.status is not None:
        found &= requests["status"].to_numpy() == goal.status
    return found


def _told(column: pd.Series, is_so: Callable[[str], Any]) -> NDArray[np.bool_]:
    """Whether each value of a categorical column is so; a missing one is not."""
    distinct = [bool(is_so(text)) for text in column.cat.categories]
    told = np.array([*distinct, False])
    is_told: NDArray[np.bool_] = told[column.cat.codes.to_numpy()]
    return is_told
