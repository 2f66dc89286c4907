"""The carry: the sessions still open at the end of an hour, and a digest that proves them.

A session is open as long as its silence is no longer than the gap and no midnight has ended it.
So an hour takes over from as many hours before it as the gap is long. The ledger records for each
hour what it took over and what it handed on; published hours form a chain when their parts agree.

Columns: visitor_id, session_id, session_started_at, last_hit_at; one row per visitor, sorted by
visitor.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Set
from dataclasses import dataclass
from functools import cache

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from clickstream.hours import Hour
from clickstream.sessions.cut import SessionRules

_SCHEMA = pa.schema(
    {
        "visitor_id": pa.string(),
        "session_id": pa.string(),
        "session_started_at": pa.timestamp("us"),
        "last_hit_at": pa.timestamp("us"),
    }
)
CARRY_COLUMNS = _SCHEMA.names


def no_carry() -> pa.Table:
    """The carry of an hour that hands on nothing."""
    return _SCHEMA.empty_table()


def carry_rows(parts: pa.Table) -> pa.Table:
    """Stitched parts as rows of a carry."""
    return parts.select(CARRY_COLUMNS).cast(_SCHEMA)


def carry_out(parts: pa.Table, hour: Hour, rules: SessionRules) -> pa.Table:
    """What is handed on at the end of an hour: each visitor's last part, if it may still go on.

    A session that had lasted `cap_hours` or longer at the last 00:00 UTC up to the end of the hour
    has ended there, and is not handed on.

    `parts` are rows of a carry, of the hour and of those before it that the gap reaches back to, at
    least; any other part makes no difference. An hour's parts and the carry that it took over do as
    well.
    """
    silence = np.datetime64(hour.next.naive) - parts["last_hit_at"].to_numpy()
    is_open = (silence > np.timedelta64(0)) & (
        silence <= np.timedelta64(rules.timeout_seconds, "s")
    )
    had_lasted = np.datetime64(hour.next.event_date) - parts["session_started_at"].to_numpy()
    is_open &= had_lasted < np.timedelta64(rules.cap_hours, "h")
    in_order = parts.take(pa.array(np.flatnonzero(is_open))).sort_by(
        [("visitor_id", "ascending"), ("last_hit_at", "ascending")]
    )
    visitor = in_order["visitor_id"]
    goes_on = pc.equal(visitor[1:], visitor[:-1]).to_numpy()
    latest = np.append(~goes_on, np.ones(min(len(visitor), 1), np.bool_))
    return in_order.filter(latest)


def carry_digest(carry: pa.Table) -> str:
    """Digest of a carry: equal exactly when the open sessions are the same."""
    rows = carry.sort_by("visitor_id")
    moments = [_isoformat(rows[name]) for name in ("session_started_at", "last_hit_at")]
    lines = pc.binary_join_element_wise(rows["visitor_id"], rows["session_id"], *moments, " ")
    text = "\n".join([*lines.to_pylist(), ""])
    return hashlib.blake2b(text.encode(), digest_size=8).hexdigest()


def _isoformat(moments: pa.ChunkedArray) -> pa.ChunkedArray:
    """Moments as `datetime.isoformat` writes them: microseconds where there are some."""
    seconds = moments.cast(pa.timestamp("s"), safe=False)
    if seconds.cast(moments.type).equals(moments):  # most logs have no more
        return pc.replace_substring(seconds.cast(pa.string()), " ", "T")
    written = pc.replace_substring(moments.cast(pa.string()), " ", "T")
    return pc.replace_substring(written, ".000000", "")


Digests = Callable[[Hour, SessionRules, frozenset[Hour]], str]
"""The digest of the carry-out of an hour under some rules, without the parts of some hours."""


def drop_hours(parts: pa.Table, hours: Set[Hour]) -> pa.Table:
    """Rows of a carry without those whose part lies in one of the hours."""
    if not hours:
        return parts
    of_parts = parts["last_hit_at"].to_numpy().astype("M8[h]").astype(np.int64)
    left = ~np.isin(of_parts, [hour.number for hour in hours])
    return parts.filter(pa.array(left))


def cache_digests(parts: pa.Table) -> Digests:
    """The digests of what some published parts, as rows of a carry, hand on, each made once.

    What one hour hands on is what the next takes over.
    """
    return cache(
        lambda hour, rules, left_out: carry_digest(
            carry_out(drop_hours(parts, left_out), hour, rules)
        )
    )


@dataclass(frozen=True)
class Link:
    """One published hour of the chain, as the ledger has it, with the rules it was built with.

    Of the rules only the gap and the cap are known. `left_out` are the hours in its reach whose
    visitors it does not recognize, because they were built with another visitor key: their sessions
    end at this edge. `recognizes_none` says that these are all published hours in its reach, and
    `is_past_window` that the hour can't be built again with its own keys.
    """

    hour: Hour
    rules: SessionRules
    carry_in: str
    carry_out: str
    left_out: frozenset[Hour] = frozenset()
    recognizes_none: bool = False
    is_past_window: bool = False

    @property
    def reach(self) -> Hour:
        """The first hour that it takes sessions over from."""
        return self.hour.reaching_back(self.rules.timeout_seconds)

    def follows(self, digests: Digests) -> bool:
        """Whether it took over what the published parts of the hours before it hand on."""
        is_same = digests(self.hour.previous, self.rules, self.left_out) == self.carry_in
        return is_same or self._is_cut_off

    def leads(self, digests: Digests) -> bool:
        """Whether its published parts, and those before it, hand on what the ledger says."""
        is_same = digests(self.hour, self.rules, self.left_out) == self.carry_out
        return is_same or self._is_cut_off

    @property
    def _is_cut_off(self) -> bool:
        """Whether the sessions that it took over may be gone: its neighbours got new visitor ids.

        It keeps what it took over: to build it again can't bring them back, and would go on from
        hour to hour where the length of key periods was changed.
        """
        return bool(self.left_out) and (self.recognizes_none or self.is_past_window)
