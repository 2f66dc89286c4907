"""Build session parts from the requests of an hour, and stitch them to open sessions.

All columns of a part but its session depend only on the requests of the hour. The session also
depends on the hours before. `make_parts` therefore runs first, and `stitch` after it.
"""

from __future__ import annotations

import hashlib
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from clickstream import dictionary_encoding
from clickstream.sessions import goals
from clickstream.sessions.cut import Cut, OrderedRequests, SessionRules
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
    """Return the parts with their sessions: an open session of the carry-in, or a new one.

    The id of a session is the id of its first part, in all hours and under all visitor keys. After
    a change of keys, a visitor that the carry-in does not have under the new key is looked up by
    the id under the old key.
    """
    visitor, carried = _ids(parts["visitor_id"]), _ids(carry["visitor_id"])
    row = pc.index_in(visitor, carried)
    row = pc.coalesce(row, pc.index_in(_ids(parts["carried_as"]), carried))
    last, began = (_moments(carry[name], row) for name in ("last_hit_at", "session_started_at"))
    first = parts["first_hit_at"].to_numpy()
    is_soon = first - last <= np.timedelta64(rules.timeout_seconds, "s")
    continues = _is_first(visitor) & is_soon
    open_one = _ids(carry["session_id"]).take(row)
    session_id = pc.if_else(pa.array(continues), open_one, _ids(parts["part_id"]))
    started_at = pa.array(np.where(continues, began, first))
    return dictionary_encoding.append_columns(
        parts, dict(zip(_SESSION, (session_id, started_at), strict=True))
    )


def _ids(column: pa.ChunkedArray) -> pa.Array:
    return dictionary_encoding.combine_chunks(column).cast(pa.string())


def _moments(column: pa.ChunkedArray, rows: pa.Array) -> NDArray[np.datetime64]:
    """Return the moments at some rows of a column; NaT where a row is null.

    Every comparison with NaT is false.
    """
    moments: NDArray[np.datetime64] = column.take(rows).to_numpy()
    return moments


def _is_first(ids: pa.Array) -> NDArray[np.bool_]:
    """Return a mask of the first occurrence of each id."""
    codes = ids.dictionary_encode().indices.to_numpy()
    is_first = np.zeros(len(codes), np.bool_)
    is_first[np.unique(codes, return_index=True)[1]] = True
    return is_first


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
