"""Cut an hour's requests into parts: a visitor's run of requests without a long silence."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from clickstream import dictionary_encoding
from clickstream.sessions.goals import Goal
from clickstream.sessions.runs import run_starts
from clickstream.tables import HITS

SECOND = 1_000_000
"""In the microseconds of `hit_at`."""

_HOUR, _DAY = 3600 * SECOND, 86_400 * SECOND
ROWS_AT_ONCE = 1 << 18
"""Hits that are handed out at a time, which bounds the memory."""

_NOT_OF_REQUESTS = ("event_date", "hour_at", "part_id")


class Requests(Protocol):
    """Requests in the order of their place in the log, which settles ties within a second."""

    def __len__(self) -> int:
        """How many there are."""

    def arrow(self, rows: Any, only: Sequence[str]) -> pa.Table:
        """Some columns of some rows (a slice or positions); texts are dictionaries."""


@dataclass(frozen=True)
class SessionRules:
    """When a session ends, and what counts as success in it.

    It ends after more than `timeout_seconds` without a request. One that has lasted `cap_hours` or
    longer at 00:00 UTC ends there. Timeout and cap together are at most 24 hours (`settings` checks
    it).
    `goals` and the steps of the `funnel` are those of the site.
    """

    timeout_seconds: int = 1800
    cap_hours: int = 12
    goals: tuple[Goal, ...] = ()
    funnel: tuple[Goal, ...] = ()


@dataclass(frozen=True)
class Cut:
    """Requests in order: positions by visitor, time and place, and where parts begin in it."""

    order: NDArray[np.int64]
    first: NDArray[np.int64]

    @property
    def last(self) -> NDArray[np.int64]:
        """Where in the order each part ends: the position of its last request."""
        return np.append(self.first[1:], len(self.order))[: len(self.first)] - 1

    @property
    def part(self) -> NDArray[np.int64]:
        """The part of each request, in the order."""
        return np.repeat(np.arange(len(self.first)), self.last - self.first + 1)


def cut(requests: Requests, rules: SessionRules, hour: NDArray[np.int32] | None = None) -> Cut:
    """Put requests in the order of visitor and time, and find where each part begins.

    With the number of the `hour` of each, the order is by hour first, and no part goes on over the
    end of one.
    """
    columns = requests.arrow(slice(None), ["visitor_id", "hit_at"])
    rank = _rank(dictionary_encoding.combine_chunks(columns["visitor_id"]))
    visitor = rank if hour is None else _of_each_hour(rank, hour)
    at = (
        dictionary_encoding.combine_chunks(columns["hit_at"])
        .to_numpy()
        .astype("M8[us]", copy=False)
        .view(np.int64)
    )
    order = _order(visitor, at)
    starts = run_starts(visitor[order], at[order], rules.timeout_seconds * SECOND)
    return Cut(order, np.flatnonzero(starts))


def hits_in_order(requests: Requests, found: Cut, parts: pa.Table) -> Iterator[pa.Table]:
    """What is no static asset, with its part's id, by visitor and time, some rows at a time."""
    is_hit = ~dictionary_encoding.is_any_of(requests.arrow(found.order, ["kind"])["kind"], "asset")
    rows, part = found.order[is_hit], found.part[is_hit]
    part_ids = dictionary_encoding.combine_chunks(parts["part_id"])
    columns = [name for name in HITS.column_names if name not in _NOT_OF_REQUESTS]
    for start in range(0, max(len(rows), 1), ROWS_AT_ONCE):
        some = slice(start, start + ROWS_AT_ONCE)
        part_id = part_ids.take(pa.array(part[some]))
        yield requests.arrow(rows[some], columns).append_column("part_id", part_id)


def _rank(column: pa.DictionaryArray) -> NDArray[np.int32]:
    """Codes that sort as the texts do, whatever order they were first seen in."""
    ranks = pc.rank(column.dictionary, tiebreaker="first").to_numpy().astype(np.int32)
    ranked: NDArray[np.int32] = ranks[column.indices.to_numpy()]
    return ranked


def _of_each_hour(visitor: NDArray[np.int32], hour: NDArray[np.int32]) -> NDArray[np.int64]:
    """Other numbers for the visitors of each hour, which sort by hour first."""
    since = (hour - hour.min(initial=np.iinfo(np.int32).max)).astype(np.int64)
    numbers: NDArray[np.int64] = since * (int(visitor.max(initial=0)) + 1) + visitor
    return numbers


def _order(visitor: NDArray[np.signedinteger], at: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the stable order by visitor, then time; ties keep their place in the log."""
    return np.lexsort((at, visitor))


def end_long_sessions(
    first: NDArray[np.int64], moments: NDArray[np.int64], cap_hours: int
) -> NDArray[np.int64]:
    """Find where sessions begin in whole logs: where parts do, and where a 00:00 UTC ends one.

    `first` are the positions of parts in `moments` (microseconds). `carry_out` has the same rule
    for the hours of a lake.
    """
    cap = cap_hours * _HOUR
    midnights = moments // _DAY * _DAY
    after = np.append(first[1:], len(moments))
    is_long = moments[after - 1] - moments[first] >= cap
    more = []
    for begin, end in zip(first[is_long].tolist(), after[is_long].tolist(), strict=True):
        start = begin
        while (start := start + np.searchsorted(midnights[start:end], moments[start] + cap)) < end:
            more.append(start)
    return np.union1d(first, np.array(more, np.int64))
