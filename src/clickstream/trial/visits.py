"""Sessions of a whole log, counted from one compact row per request.

Lines come in any order and in blocks, so sessions can only be told apart once everything is read.
Until then a request is a visitor's number, a moment and two flags: 14 bytes, no text.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from clickstream.sessions import SessionRules, run_starts

MICROSECONDS = 1_000_000
HOUR = 3600 * MICROSECONDS
ROWS_AT_ONCE = 2_000_000


@dataclass
class SessionCounts:
    """`request_runs` of everybody; the rest of people's sessions with a page view."""

    request_runs: int = 0
    visitors: int = 0
    sessions: int = 0
    page_views: int = 0
    bounces: int = 0


@dataclass(frozen=True)
class _Rows:
    visitors: NDArray[np.int32]
    moments: NDArray[np.int64]  # microseconds since 1970, UTC
    is_page: NDArray[np.bool_]
    is_bot: NDArray[np.bool_]

    def where(self, chosen: NDArray[np.bool_] | NDArray[np.int64]) -> _Rows:
        """The chosen rows, or the rows in the given order."""
        return _Rows(
            self.visitors[chosen], self.moments[chosen], self.is_page[chosen], self.is_bot[chosen]
        )


class Visits:
    """Every request of the log so far, without its text."""

    def __init__(self) -> None:
        self._numbers: dict[str, int] = {}
        self._blocks: list[_Rows] = []

    def add(self, requests: pd.DataFrame) -> None:
        """Take over cleaned requests: `visitor_id`, `hit_at`, `kind`, `is_bot`, in any order."""
        is_bot = requests["is_bot"].to_numpy(dtype=bool)
        self._blocks.append(
            _Rows(
                self._number(requests["visitor_id"]),
                requests["hit_at"].to_numpy().astype("datetime64[us]").astype(np.int64),
                (requests["kind"] == "page").to_numpy(dtype=bool) & ~is_bot,
                is_bot,
            )
        )

    def count(self, rules: SessionRules, rows_at_once: int = ROWS_AT_ONCE) -> SessionCounts:
        """Cut everybody's requests into sessions and count them.

        A session is a bot's if any of its requests is; it counts when it holds a page view. About
        `rows_at_once` requests are sorted at a time, which bounds the memory and changes nothing.
        """
        counts = SessionCounts()
        for rows in self._some_visitors_at_a_time(rows_at_once):
            _count(rows.where(np.lexsort((rows.moments, rows.visitors))), rules, counts)
        return counts

    def _number(self, visitor_ids: pd.Series) -> NDArray[np.int32]:
        column = visitor_ids.astype("category").cat
        known = self._numbers
        numbers = np.array(
            [known.setdefault(v, len(known)) for v in column.categories.tolist()], np.int32
        )
        codes: NDArray[np.int64] = column.codes.to_numpy(dtype=np.int64)
        return numbers[codes]

    def _some_visitors_at_a_time(self, rows_at_once: int) -> Iterator[_Rows]:
        """All rows of some visitors, then of the next ones: sorting needs little memory."""
        requests = np.zeros(len(self._numbers), dtype=np.int64)
        for block in self._blocks:
            requests += np.bincount(block.visitors, minlength=len(requests))
        share = np.cumsum(requests) // rows_at_once
        for number in np.unique(share):
            chosen = [block.where(share[block.visitors] == number) for block in self._blocks]
            yield _Rows(
                np.concatenate([rows.visitors for rows in chosen]),
                np.concatenate([rows.moments for rows in chosen]),
                np.concatenate([rows.is_page for rows in chosen]),
                np.concatenate([rows.is_bot for rows in chosen]),
            )


def _count(rows: _Rows, rules: SessionRules, counts: SessionCounts) -> None:
    """Add the sessions of rows that are sorted by visitor and moment."""
    starts = run_starts(
        rows.visitors.astype(np.int64), rows.moments, rules.gap_seconds * MICROSECONDS
    )
    counts.request_runs += int(starts.sum())
    first = np.flatnonzero(_end_old_sessions(starts, rows.moments, rules.cap_hours))
    pages = np.add.reduceat(rows.is_page.astype(np.int64), first)
    is_bot = np.logical_or.reduceat(rows.is_bot, first)
    counted = (pages > 0) & ~is_bot
    counts.visitors += len(np.unique(rows.visitors[first[counted]]))
    counts.sessions += int(counted.sum())
    counts.page_views += int(pages[counted].sum())
    counts.bounces += int((pages[counted] == 1).sum())


def _end_old_sessions(
    starts: NDArray[np.bool_], moments: NDArray[np.int64], cap_hours: int
) -> NDArray[np.bool_]:
    """The starts of runs and, inside long runs, where a session is too old at an hour's edge."""
    starts, cap = starts.copy(), cap_hours * HOUR
    hours = moments // HOUR * HOUR
    first = np.flatnonzero(starts)
    after = np.append(first[1:], len(starts))
    is_long = moments[after - 1] - moments[first] >= cap
    for begin, end in zip(first[is_long], after[is_long], strict=True):
        start = begin
        while (start := start + np.searchsorted(hours[start:end], moments[start] + cap)) < end:
            starts[start] = True
    return starts
