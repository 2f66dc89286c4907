"""Cut an hour's requests into parts: a visitor's run of requests without a long silence."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import pandas as pd
import pyarrow as pa
from numpy.typing import NDArray

from clickstream.sessions.runs import run_starts

SECOND = 1_000_000
ROWS_AT_ONCE = 1 << 18
"""Hits that are handed out at a time, which bounds the memory."""

_MOST_BITS = 63


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
    """When a session ends: after a silence of more than `gap_seconds`, or at `cap_hours`."""

    gap_seconds: int = 1800
    cap_hours: int = 24


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
    categories = texts.cat.categories.to_numpy(dtype=object).astype("S")
    rank = np.empty(len(categories), np.int64)
    rank[np.argsort(categories)] = np.arange(len(rank))
    return rank[texts.cat.codes.to_numpy()] if len(texts) else np.empty(0, np.int64)


def _order(visitor: NDArray[np.int64], at: NDArray[np.int64]) -> NDArray[np.int64]:
    """The stable order by visitor, then time.

    Visitor, whole seconds and position fit one integer for any sensible hour, and integers sort
    several times faster than pairs.
    """
    if not len(at):
        return np.empty(0, np.int64)
    seconds, fractions = np.divmod(at - at.min(), SECOND)
    place_bits, second_bits = (int(n).bit_length() for n in (len(at), seconds.max()))
    bits = int(visitor.max()).bit_length() + second_bits + place_bits
    if fractions.any() or bits > _MOST_BITS:
        return np.lexsort((at, visitor))
    packed = (visitor << second_bits | seconds) << place_bits | np.arange(len(at))
    packed.sort()
    order: NDArray[np.int64] = packed & ((1 << place_bits) - 1)
    return order
