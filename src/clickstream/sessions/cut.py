"""Cut requests into session parts: runs of a visitor's requests without a pause over the timeout.

The builds of `pipeline` call it for the requests of hours, `logs` for those of whole log files.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from clickstream.core import dictionary_encoding
from clickstream.sessions.goals import Goal
from clickstream.sessions.runs import run_starts
from clickstream.tables import HITS

SECOND = 1_000_000
"""One second in microseconds, the unit of `hit_at`."""

ROWS_AT_ONCE = 1 << 18
"""Number of hits in one table of `hits_in_order`; it limits the memory."""

_NOT_OF_REQUESTS = ("event_date", "hour_at", "part_id")


class OrderedRequests(Protocol):
    """Labelled requests in log order, which decides the order of requests with equal times."""

    def __len__(self) -> int:
        """Return the number of requests."""

    def arrow(self, rows: Any, only: Sequence[str]) -> pa.Table:
        """Return the columns `only` of `rows` (a slice or positions), texts dictionary-encoded."""


@dataclass(frozen=True)
class SessionRules:
    """When a session ends, and the goals and funnel steps that the site defines.

    A session ends after more than `timeout_seconds` without a request. A session that has lasted
    `cap_hours` or longer at 00:00 UTC ends then. Timeout and cap together are at most 24 hours;
    `settings` checks this.
    """

    timeout_seconds: int
    cap_hours: int
    goals: tuple[Goal, ...] = ()
    funnel: tuple[Goal, ...] = ()


@dataclass(frozen=True)
class Cut:
    """Requests in order of visitor and time, cut into session parts.

    `order` has the positions of the requests, sorted by visitor, time and position in the log.
    `first` has the indexes in `order` at which the parts begin.
    """

    order: NDArray[np.int64]
    first: NDArray[np.int64]

    @property
    def last(self) -> NDArray[np.int64]:
        """Index in `order` of the last request of each part."""
        return np.append(self.first[1:], len(self.order))[: len(self.first)] - 1

    @property
    def part(self) -> NDArray[np.int64]:
        """Number of the part that each request belongs to, in the sequence of `order`."""
        return np.repeat(np.arange(len(self.first)), self.last - self.first + 1)


def cut(
    requests: OrderedRequests, rules: SessionRules, hour: NDArray[np.int32] | None = None
) -> Cut:
    """Sort requests by visitor and time, and find where each session part begins.

    If `hour` has the number of each request's hour, requests are sorted by hour first, and each
    part ends with its hour at the latest.
    """
    columns = requests.arrow(slice(None), ["visitor_id", "hit_at"])
    # Codes with the sort order of the texts: those of the dictionary follow the first occurrence.
    ids = dictionary_encoding.combine_chunks(columns["visitor_id"])
    ranks = pc.rank(ids.dictionary, tiebreaker="first").to_numpy().astype(np.int32)
    visitor = ranks[ids.indices.to_numpy()]
    if hour is not None:  # numbers that differ for each visitor and hour, by hour, then visitor
        since = (hour - hour.min(initial=np.iinfo(np.int32).max)).astype(np.int64)
        visitor = since * (int(visitor.max(initial=0)) + 1) + visitor
    at = (
        dictionary_encoding.combine_chunks(columns["hit_at"])
        .to_numpy()
        .astype("M8[us]", copy=False)
        .view(np.int64)
    )
    order = np.lexsort((at, visitor))  # stable: requests with equal times keep log order
    starts = run_starts(visitor[order], at[order], rules.timeout_seconds * SECOND)
    return Cut(order, np.flatnonzero(starts))


def hits_in_order(requests: OrderedRequests, cut: Cut, parts: pa.Table) -> Iterator[pa.Table]:
    """Yield all requests but static assets, with the id of their part, by visitor and time.

    Each table has at most ROWS_AT_ONCE rows.
    """
    is_hit = ~dictionary_encoding.is_any_of(requests.arrow(cut.order, ["kind"])["kind"], "asset")
    rows, part = cut.order[is_hit], cut.part[is_hit]
    part_ids = dictionary_encoding.combine_chunks(parts["part_id"])
    columns = [name for name in HITS.column_names if name not in _NOT_OF_REQUESTS]
    for start in range(0, max(len(rows), 1), ROWS_AT_ONCE):
        block = slice(start, start + ROWS_AT_ONCE)
        part_id = part_ids.take(pa.array(part[block]))
        yield requests.arrow(rows[block], columns).append_column("part_id", part_id)
