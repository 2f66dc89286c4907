"""Cut an hour's requests into parts: a visitor's run of requests without a long silence."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from clickstream.sessions.goals import Goal
from clickstream.sessions.runs import run_starts

SECOND = 1_000_000
ROWS_AT_ONCE = 1 << 18
"""Hits that are handed out at a time, which bounds the memory."""


class Requests(Protocol):
    """Requests in the order of their place in the log, which settles ties within a second."""

    def __len__(self) -> int:
        """How many there are."""

    def frame(self, rows: Any, only: Sequence[str] | None = None) -> pd.DataFrame:
        """Some columns of some rows (a slice or positions), or all; texts are categories."""


class Labelled(Requests, Protocol):
    """Requests with all that is known of them."""

    def arrow(self, rows: Any) -> pa.Table:
        """All columns of some rows (a slice or positions); texts are dictionaries."""


@dataclass(frozen=True)
class SessionRules:
    """When a session ends: after a silence of more than `gap_seconds`, or at `cap_hours`.

    And what visitors are hoped to do in it: the site's `goals`, and the steps of its `funnel`.
    """

    gap_seconds: int = 1800
    cap_hours: int = 24
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


def cut(requests: Requests, rules: SessionRules) -> Cut:
    """Put requests in the order of visitor and time, and find where each part begins."""
    columns = requests.frame(slice(None), ["visitor_id", "hit_at"])
    visitor = _rank(columns["visitor_id"])
    at = columns["hit_at"].to_numpy().astype("datetime64[us]").astype(np.int64)
    order = _order(visitor, at)
    starts = run_starts(visitor[order], at[order], rules.gap_seconds * SECOND)
    return Cut(order, np.flatnonzero(starts))


def hits_in_order(requests: Labelled, found: Cut, parts: pd.DataFrame) -> Iterator[pa.Table]:
    """What is no static asset, with its part's id, by visitor and time, some rows at a time."""
    is_hit = (requests.frame(found.order, ["kind"])["kind"] != "asset").to_numpy()
    rows, part = found.order[is_hit], found.part[is_hit]
    part_ids = pa.array(parts["part_id"], pa.string()).dictionary_encode()
    for start in range(0, max(len(rows), 1), ROWS_AT_ONCE):
        some = slice(start, start + ROWS_AT_ONCE)
        part_id = part_ids.take(pa.array(part[some]))
        yield requests.arrow(rows[some]).append_column("part_id", part_id)


def _rank(texts: pd.Series) -> NDArray[np.int64]:
    """Codes that sort as the texts do, whatever order they were first seen in."""
    ranks = pc.rank(pa.array(texts.cat.categories, pa.string()), tiebreaker="first")
    codes: NDArray[np.int64] = ranks.to_numpy().astype(np.int64)[texts.cat.codes.to_numpy()]
    return codes


def _order(visitor: NDArray[np.int64], at: NDArray[np.int64]) -> NDArray[np.int64]:
    """The stable order by visitor, then time.

    Sorted one digit after the other, the last first: for digits of 16 bits numpy counts instead of
    comparing. Logs are mostly in the order of time already.
    """
    order = np.arange(len(at))
    for digit in (*_digits_of_time(at), *_digits(visitor)):
        order = order[np.argsort(digit[order], kind="stable")]
    return order


def _digits_of_time(at: NDArray[np.int64]) -> Iterator[NDArray[np.uint16]]:
    if (np.diff(at) >= 0).all():
        return
    since = at - at.min()
    seconds = since // SECOND
    yield from _digits(seconds if np.array_equal(seconds * SECOND, since) else since)


def _digits(numbers: NDArray[np.int64]) -> Iterator[NDArray[np.uint16]]:
    for shift in range(0, int(numbers.max(initial=0)).bit_length(), 16):
        yield (numbers >> shift).astype(np.uint16)
