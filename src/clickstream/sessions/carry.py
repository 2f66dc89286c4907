"""The carry-out of hours, its digest, and the links of the session chain.

The carry-out of an hour is the set of its open sessions, and the carry-in of the next hour. A
session is open if the pause since its last request is not longer than the timeout, and no midnight
has ended the session. The carry-in of an hour therefore depends on as many hours before it as the
timeout reaches back to. The ledger stores the digests of carry-in and carry-out of each hour. The
session chain is intact if these digests agree with the published parts.

A carry-in or carry-out is a table with the columns visitor_id, session_id, session_started_at and
last_hit_at. It has one row per visitor and is sorted by visitor.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Set
from dataclasses import dataclass
from functools import cache

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from clickstream.core.hours import Hour
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
    """Return the carry-out of an hour without open sessions."""
    return _SCHEMA.empty_table()


def carry_rows(parts: pa.Table) -> pa.Table:
    """Return stitched parts with the columns of a carry-out."""
    return parts.select(CARRY_COLUMNS).cast(_SCHEMA)


def carry_out(parts: pa.Table, hour: Hour, rules: SessionRules) -> pa.Table:
    """Return the carry-out of an hour: each visitor's last part, if its session is open.

    A session is not open if it ended at midnight: at the last 00:00 UTC that is not after the end
    of the hour, if it had lasted `cap_hours` or longer by then.

    `parts` has the columns of a carry-out. It must contain the parts of the hour and of the hours
    before it that the timeout reaches back to; further parts do not change the result. The
    result is the same for the parts of the hour together with its carry-in.
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
    has_later = pc.equal(visitor[1:], visitor[:-1]).to_numpy()
    latest = np.append(~has_later, np.ones(min(len(visitor), 1), np.bool_))
    return in_order.filter(latest)


def carry_digest(carry: pa.Table) -> str:
    """Return the digest of a carry-out: digests are equal if and only if the open sessions are."""
    rows = carry.sort_by("visitor_id")
    moments = [_isoformat(rows[name]) for name in ("session_started_at", "last_hit_at")]
    lines = pc.binary_join_element_wise(rows["visitor_id"], rows["session_id"], *moments, " ")
    text = "\n".join([*lines.to_pylist(), ""])
    return hashlib.blake2b(text.encode(), digest_size=8).hexdigest()


def _isoformat(moments: pa.ChunkedArray) -> pa.ChunkedArray:
    """Format moments as `datetime.isoformat` does: with microseconds only if they are not 0."""
    seconds = moments.cast(pa.timestamp("s"), safe=False)
    if seconds.cast(moments.type).equals(moments):  # most logs have whole seconds
        return pc.replace_substring(seconds.cast(pa.string()), " ", "T")
    written = pc.replace_substring(moments.cast(pa.string()), " ", "T")
    return pc.replace_substring(written, ".000000", "")


Digests = Callable[[Hour, SessionRules, frozenset[Hour]], str]
"""Function that returns the digest of an hour's carry-out: its arguments are the hour, the session
rules, and the hours whose parts to leave out."""


def drop_hours(parts: pa.Table, hours: Set[Hour]) -> pa.Table:
    """Return the rows of a carry-out without the parts of the given hours."""
    if not hours:
        return parts
    of_parts = parts["last_hit_at"].to_numpy().astype("M8[h]").astype(np.int64)
    is_kept = ~np.isin(of_parts, [hour.number for hour in hours])
    return parts.filter(pa.array(is_kept))


def cache_digests(parts: pa.Table) -> Digests:
    """Return a function for the carry-out digests of published parts; it computes each once.

    `parts` has the columns of a carry-out. The carry-out of an hour is the carry-in of the next
    hour, so the check of the chain needs most digests twice.
    """
    return cache(
        lambda hour, rules, left_out: carry_digest(
            carry_out(drop_hours(parts, left_out), hour, rules)
        )
    )


@dataclass(frozen=True)
class ChainLink:
    """One published hour of the session chain, from its ledger row.

    `rules` are the session rules that the hour was built with; only the timeout and the cap are
    known. `carry_in` and `carry_out` are digests. `left_out` has the hours from `reach` on whose
    visitors this hour can't recognize, because they were built with another visitor key; their
    sessions end before this hour. `recognizes_none` is true if these are all published hours in
    reach. `is_past_window` is true if the hour can't be built again with its own keys.
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
        """First hour whose sessions may be in the carry-in."""
        return self.hour.reaching_back(self.rules.timeout_seconds)

    def follows(self, digests: Digests) -> bool:
        """Return whether the carry-in equals the carry-out of the published hours before it."""
        is_same = digests(self.hour.previous, self.rules, self.left_out) == self.carry_in
        return is_same or self._is_cut_off

    def leads(self, digests: Digests) -> bool:
        """Return whether the ledger's carry-out equals that of the published parts.

        These are the parts of this hour and of the hours before it.
        """
        is_same = digests(self.hour, self.rules, self.left_out) == self.carry_out
        return is_same or self._is_cut_off

    @property
    def _is_cut_off(self) -> bool:
        """Whether sessions of the carry-in may no longer exist: hours before got new visitor ids.

        The hour keeps its carry-in, because another build can't restore these sessions. Without
        this rule, a change of the length of key periods would cause builds of hour after hour.
        """
        return bool(self.left_out) and (self.recognizes_none or self.is_past_window)
