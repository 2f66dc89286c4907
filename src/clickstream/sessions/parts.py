"""Build session parts from the requests of hours, and stitch them to open sessions.

All columns of a part but its session depend only on the requests of the hour. The session also
depends on the hours before. `make_parts` therefore runs first, and `stitch` after it.
"""

from __future__ import annotations

import hashlib
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from clickstream import dictionary_encoding
from clickstream.sessions import goals
from clickstream.sessions.cut import SECOND, Cut, OrderedRequests, SessionRules
from clickstream.sessions.evidence import part_evidence
from clickstream.sessions.runs import count_in_runs

ARRIVAL = (
    *("referrer_domain", "source", "medium", "channel", "utm_source", "utm_medium"),
    *("utm_campaign", "utm_term", "utm_content", "click_platform"),
)
"""Acquisition columns of a part, from its last request with a channel."""

_VISITOR = (
    *("visitor_id", "carried_as", "site", "device", "browser", "browser_version", "os"),
    *("country", "region", "city", "opted_out"),
)
_FLAGS = ("hit_at", "kind", "is_bot", "channel", "referrer_logged")
_SESSION = ("session_id", "session_started_at")
_HOUR, _DAY = 3_600 * SECOND, 86_400 * SECOND


def make_parts(requests: OrderedRequests, parts: Cut, rules: SessionRules) -> pa.Table:
    """Build one row per part, sorted by visitor and first hit, before stitching.

    `carried_as` is the visitor's id under the visitor key of the hour before; `stitch` needs it.
    Texts are dictionaries, which may contain texts of no part.
    """
    order, first, last = parts.order, parts.first, parts.last
    rows = requests.arrow(order, _FLAGS)
    is_page = dictionary_encoding.is_any_of(rows["kind"], "page")
    is_bot = rows["is_bot"].to_numpy()
    has_channel = rows["channel"].is_valid().to_numpy()
    entry, exit_ = _first_where(is_page, first), _last_where(is_page, first)
    at = rows["hit_at"].to_numpy()

    def texts_at(positions: NDArray[np.int64], *names: str) -> dict[str, pa.Array]:
        """Return columns at positions of `order`; null where the position is -1."""
        found = requests.arrow(order[positions], names)
        return {name: _where(positions >= 0, found[name]) for name in names}

    made = {
        **texts_at(first, *_VISITOR),
        "first_hit_at": _times(at, first),
        "last_hit_at": _times(at, last),
        "requests": last - first + 1,
        "page_views": count_in_runs(is_page, first),
        "assets": count_in_runs(dictionary_encoding.is_any_of(rows["kind"], "asset"), first),
        "errors": count_in_runs(
            dictionary_encoding.is_any_of(rows["kind"], "client_error", "server_error"), first
        ),
        "first_page_at": _times(at, entry),
        "last_page_at": _times(at, exit_),
        "landing_page": texts_at(entry, "page")["page"],
        "exit_page": texts_at(exit_, "page")["page"],
        "is_bot": count_in_runs(is_bot, first) > 0,
        **texts_at(_first_where(is_bot, first), "bot_class", "bot_reason"),
        **texts_at(_last_where(has_channel, first), *ARRIVAL),
        "referrer_logged": count_in_runs(rows["referrer_logged"].to_numpy(), first) > 0,
        **_hoped_for(requests, parts, rules),
        **part_evidence(requests, parts),
    }
    made["part_id"] = _part_ids(made["visitor_id"], made["first_hit_at"])
    return pa.table(made)


def stitch(parts: pa.Table, carry: pa.Table, rules: SessionRules) -> pa.Table:
    """Return the parts of one hour, or of consecutive hours, with their sessions.

    `carry` is the carry-in of the first hour. A part continues the session of the visitor's last
    part of an earlier hour if the pause is not longer than the timeout, and if no midnight has
    ended that session; else it begins a new one. The result does not depend on how many hours are
    stitched together. The id of a session is the id of its first part, under all visitor keys.
    """
    timeout, cap = rules.timeout_seconds * SECOND, rules.cap_hours * _HOUR
    visitor = _visitor_codes(parts, carry)
    began, first, last = (
        np.concatenate([_microseconds(carry[of_carry]), _microseconds(parts[of_part])])
        for of_carry, of_part in (
            ("session_started_at", "first_hit_at"),
            ("last_hit_at", "first_hit_at"),
            ("last_hit_at", "last_hit_at"),
        )
    )
    order = np.lexsort((first, visitor))
    visitor, first, last = visitor[order], first[order], last[order]
    continues = np.zeros(len(order), np.bool_)
    continues[1:] = (
        (visitor[1:] == visitor[:-1])
        & (first[1:] // _HOUR > last[:-1] // _HOUR)
        & (first[1:] - last[:-1] <= timeout)
    )
    start = _session_starts(continues, began[order], first - first % _DAY, cap)
    begins_at = np.empty_like(order)
    begins_at[order] = order[start]
    begins_at = begins_at[len(carry) :]
    ids = pa.concat_arrays([_ids(carry["session_id"]), _ids(parts["part_id"])])
    session = (ids.take(pa.array(begins_at)), pa.array(began[begins_at].view("M8[us]")))
    return dictionary_encoding.append_columns(parts, dict(zip(_SESSION, session, strict=True)))


def _session_starts(
    continues: NDArray[np.bool_], began: NDArray[np.int64], midnight: NDArray[np.int64], cap: int
) -> NDArray[np.int64]:
    """Return for each part the position of the first part of its session.

    `continues` marks the parts that follow soon enough. A session that has lasted `cap` at the
    midnight before one of them ends there. The rest is a new session, which may last as long again.
    """
    positions = np.arange(len(continues))
    while True:
        start = np.maximum.accumulate(np.where(continues, 0, positions))
        is_over = np.flatnonzero(continues & (midnight - began[start] >= cap))
        if not len(is_over):
            return start
        _, earliest = np.unique(start[is_over], return_index=True)
        continues[is_over[earliest]] = False


def _visitor_codes(parts: pa.Table, carry: pa.Table) -> NDArray[np.int64]:
    """Return a number for the visitor of each row of the carry-in, then of each part.

    A visitor has the same number under all keys: `carried_as` leads from each id to the one before.
    """
    columns = (carry["visitor_id"], parts["visitor_id"], parts["carried_as"])
    ids = pa.concat_arrays([*map(_ids, columns)]).dictionary_encode()
    visitor, carried = np.split(ids.indices.to_numpy(), [len(carry) + len(parts)])
    earlier = np.arange(len(ids.dictionary))
    of_part = visitor[len(carry) :]
    earlier[of_part[of_part != carried]] = carried[of_part != carried]
    while not np.array_equal(earlier, earlier[earlier]):  # over several changes of keys
        earlier = earlier[earlier]
    found: NDArray[np.int64] = earlier[visitor]
    return found


def _ids(column: pa.ChunkedArray) -> pa.Array:
    return dictionary_encoding.combine_chunks(column).cast(pa.string())


def _microseconds(moments: pa.ChunkedArray) -> NDArray[np.int64]:
    found: NDArray[np.int64] = moments.to_numpy().astype("M8[us]").view(np.int64)
    return found


def _hoped_for(requests: OrderedRequests, parts: Cut, rules: SessionRules) -> dict[str, Any]:
    """Build the columns of goals and funnel."""
    asked = goals.COLUMNS if rules.goals or rules.funnel else ()
    rows = requests.arrow(parts.order, asked).to_pandas()
    return {
        **goals.goal_columns(rows, parts.first, rules.goals),
        "funnel": goals.funnel_column(rows, parts.first, parts.last, rules.funnel),
    }


def _where(is_there: NDArray[np.bool_], column: pa.ChunkedArray) -> pa.Array:
    """Return a column with nulls where the mask is false; only text columns can have such rows."""
    found = dictionary_encoding.combine_chunks(column)
    if is_there.all():
        return found
    return dictionary_encoding.from_codes(
        np.where(is_there, dictionary_encoding.codes_of(found), -1), found.dictionary
    )


def _first_where(flags: NDArray[np.bool_], first: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the first flagged position of each part, -1 if it has none."""
    positions = np.where(flags, np.arange(len(flags)), len(flags))
    found = np.minimum.reduceat(positions, first) if len(first) else first
    return np.where(found == len(flags), -1, found)


def _last_where(flags: NDArray[np.bool_], first: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the last flagged position of each part, -1 if it has none."""
    positions = np.where(flags, np.arange(len(flags)), -1)
    return np.maximum.reduceat(positions, first) if len(first) else first


def _times(at: NDArray[Any], positions: NDArray[np.int64]) -> NDArray[Any]:
    """Return the moments at positions; NaT where the position is -1."""
    if not len(at):
        return np.empty(0, "M8[us]")
    return np.where(positions < 0, np.datetime64("NaT", "us"), at[positions]).astype("M8[us]")


def _part_ids(visitors: pa.Array, moments: NDArray[Any]) -> pa.DictionaryArray:
    """Build part ids: 24 hex digits of BLAKE2b over visitor id, already a keyed hash, and time."""
    microseconds = moments.astype(np.int64).tolist()
    hashed = [
        hashlib.blake2b(f"{visitor} {at}".encode(), digest_size=12).hexdigest()
        for visitor, at in zip(visitors.cast(pa.string()).to_pylist(), microseconds, strict=True)
    ]
    # If hours are built together, two of them may have a part that begins at the same moment.
    return pa.array(hashed, pa.string()).dictionary_encode()
