"""Build session parts from the requests of hours, and stitch them to open sessions.

All columns of a part but its session depend only on the requests of the hour. The session also
depends on the hours before. `make_parts` therefore runs first, and `stitch` after it.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from clickstream.core import dictionary_encoding
from clickstream.sessions import goals
from clickstream.sessions.cut import SECOND, Cut, OrderedRequests, SessionRules
from clickstream.sessions.runs import count_in_runs

# What session parts store as evidence of a person: what people do and cheap machines do not.
#
# `clickstream.people` reads it. All evidence depends only on the requests of the part, so it is the
# same whenever the hour is built.

Flags = NDArray[np.bool_]

_NOT_MODIFIED = 304
_REFUSED = 400
_READ = (
    "hit_at",
    "kind",
    "method",
    "status",
    "target",
    "has_referrer",
    "referrer_domain",
    "referrer_logged",
)


def part_evidence(requests: OrderedRequests, parts: Cut) -> dict[str, Any]:
    """Return the columns of evidence of `session_parts`, in the order of the parts."""
    rows, first = _Rows(requests, parts), parts.first
    pages = _PageViews.of(rows, parts)
    is_old = rows.status == _NOT_MODIFIED
    sends = rows.texts_equal("method", "POST") & (rows.status < _REFUSED)
    names = ("network_id", "operator_id", "protocol")
    of_first = requests.arrow(parts.order[first], names)
    return {
        **{name: dictionary_encoding.combine_chunks(of_first[name]) for name in names},
        "header_fields": pages.header_fields(requests, parts),
        "onward_pages": pages.onward(rows, len(first)),
        "forms_sent": count_in_runs(sends, first),
        "not_modified": count_in_runs(is_old, first),
        "assets_not_modified": count_in_runs(is_old & rows.is_asset, first),
        **_early_and_landing_assets(rows, parts),
        **pages.pauses(len(first)),
    }


class _Rows:
    """The requests in order of their parts, with the masks that several columns need."""

    def __init__(self, requests: OrderedRequests, parts: Cut) -> None:
        order = parts.order
        self._table = requests.arrow(order, _READ)
        self.at = self._table["hit_at"].to_numpy().astype("M8[us]").astype(np.int64)
        self.status = self._table["status"].to_numpy()
        self.is_page = self.texts_equal("kind", "page")
        self.is_asset = self.texts_equal("kind", "asset")
        is_elsewhere = self._table["referrer_domain"].is_valid().to_numpy()
        self.is_from_site: Flags = self._table["has_referrer"].to_numpy() & ~is_elsewhere
        # Targets and not names of pages, because the products of a shop may share one name.
        self.target = self._table["target"].to_numpy()
        self.is_referrer_logged: Flags = self._table["referrer_logged"].to_numpy()

    def texts_equal(self, column: str, text: str) -> Flags:
        """Return a mask of the requests with this text; false for null."""
        coded = dictionary_encoding.combine_chunks(self._table[column])
        is_text = np.array(
            [distinct == text for distinct in coded.dictionary.to_pylist()] + [False]
        )
        is_equal: Flags = is_text[dictionary_encoding.codes_of(coded)]
        return is_equal


@dataclass(frozen=True)
class _PageViews:
    """The page views of all parts: their positions, their parts, and which follow another one."""

    position: NDArray[np.int64]
    part: NDArray[np.int64]
    follows: Flags
    seconds: NDArray[np.float64]

    @classmethod
    def of(cls, rows: _Rows, parts: Cut) -> _PageViews:
        position = np.flatnonzero(rows.is_page)
        part = parts.part[position]
        follows = np.zeros(len(part), np.bool_)
        follows[1:] = part[1:] == part[:-1]
        pauses = np.diff(rows.at[position], prepend=rows.at[position[:1]])
        return cls(position, part, follows, pauses / SECOND)

    def header_fields(self, requests: OrderedRequests, parts: Cut) -> pa.Array:
        """Return the header fields of the first page view of each part."""
        first = np.full(len(parts.first), -1, np.int64)
        is_first = ~self.follows
        first[self.part[is_first]] = parts.order[self.position[is_first]]
        has_page = first >= 0
        fields = requests.arrow(first[has_page], ["header_fields"])["header_fields"]
        position = pa.array(np.cumsum(has_page) - 1, mask=~has_page)
        return dictionary_encoding.combine_chunks(fields).take(position)

    def onward(self, rows: _Rows, parts: int) -> NDArray[np.int64]:
        """Count the onward pages of each part.

        A part that continues a session may begin with one. A log without referrers can't show it.
        """
        target = rows.target[self.position]
        differs = np.ones(len(target), np.bool_)
        differs[1:] = target[1:] != target[:-1]
        is_from_site = rows.is_from_site[self.position] & (differs | ~self.follows)
        is_logged = rows.is_referrer_logged[self.position]
        is_onward = np.where(is_logged, is_from_site, self.follows & differs)
        return np.bincount(self.part[is_onward], minlength=parts)

    def pauses(self, parts: int) -> dict[str, pa.Array | NDArray[np.int64]]:
        """Return number, minimum and maximum of the pauses of each part."""
        part, seconds = self.part[self.follows], self.seconds[self.follows]
        shortest, longest = np.full(parts, np.inf), np.full(parts, -np.inf)
        np.minimum.at(shortest, part, seconds)
        np.maximum.at(longest, part, seconds)
        number = np.bincount(part, minlength=parts)
        return {
            "page_pauses": number,
            "shortest_pause": pa.array(shortest, mask=number == 0),
            "longest_pause": pa.array(longest, mask=number == 0),
        }


def _early_and_landing_assets(rows: _Rows, parts: Cut) -> dict[str, NDArray[np.int64]]:
    """Count the assets of each part before its first page view, and before its second.

    Times in most logs are whole seconds, and a server may log a page after its assets. An asset of
    the same second as the page is therefore not early.
    """
    sizes = np.diff(np.append(parts.first, len(parts.order)))
    pages_so_far = np.cumsum(rows.is_page)
    page_views: NDArray[np.int64] = pages_so_far - np.repeat(
        pages_so_far[parts.first] - rows.is_page[parts.first], sizes
    )
    never = np.iinfo(np.int64).max
    page_at = np.where(rows.is_page, rows.at, never)
    first_at = np.minimum.reduceat(page_at, parts.first) if len(parts.first) else page_at
    is_early = rows.is_asset & (rows.at < np.repeat(first_at, sizes))
    return {
        "early_assets": count_in_runs(is_early & np.repeat(first_at < never, sizes), parts.first),
        "landing_assets": count_in_runs(rows.is_asset & ~is_early & (page_views <= 1), parts.first),
    }


ARRIVAL = (
    "referrer_domain",
    "source",
    "medium",
    "channel",
    "utm_source",
    "utm_medium",
    "utm_campaign",
    "utm_term",
    "utm_content",
    "click_platform",
)
"""Acquisition columns of a part, from its last request with a channel."""

_VISITOR = (
    "visitor_id",
    "carried_as",
    "site",
    "device",
    "browser",
    "browser_version",
    "os",
    "country",
    "region",
    "city",
    "opted_out",
)
_READ_FOR_PARTS = ("hit_at", "kind", "is_bot", "channel", "referrer_logged")
_SESSION = ("session_id", "session_started_at")
_HOUR, _DAY = 3_600 * SECOND, 86_400 * SECOND


def make_parts(requests: OrderedRequests, parts: Cut, rules: SessionRules) -> pa.Table:
    """Build the rows of `session_parts`, one for each part, without their sessions (see `stitch`).

    The rows are sorted by visitor and first hit. `carried_as` is the visitor's id under the visitor
    key of the hour before; `stitch` needs it. Texts are dictionaries, which may contain texts of no
    part.
    """
    # Part i has the rows first[i] to last[i].
    rows, first, last = requests.arrow(parts.order, _READ_FOR_PARTS), parts.first, parts.last
    hit_at, kind = rows["hit_at"].to_numpy(), rows["kind"]
    is_page = dictionary_encoding.is_any_of(kind, "page")
    is_asset = dictionary_encoding.is_any_of(kind, "asset")
    is_error = dictionary_encoding.is_any_of(kind, "client_error", "server_error")
    is_bot = rows["is_bot"].to_numpy()
    has_channel = rows["channel"].is_valid().to_numpy()

    # One row of each part; -1 if the part has no such request.
    landing, exit_ = _first_where(is_page, first), _last_where(is_page, first)
    first_bot, last_arrival = _first_where(is_bot, first), _last_where(has_channel, first)
    goal_columns = goals.COLUMNS if rules.goals or rules.funnel else ()
    of_goals = requests.arrow(parts.order, goal_columns).to_pandas()

    def texts_at(chosen: NDArray[np.int64], *names: str) -> dict[str, pa.Array]:
        """Return text columns of one row of each part; null where it is -1."""
        columns = requests.arrow(parts.order[chosen], names)
        return {name: _where(chosen >= 0, columns[name]) for name in names}

    columns = {
        **texts_at(first, *_VISITOR),
        "first_hit_at": _times(hit_at, first),
        "last_hit_at": _times(hit_at, last),
        "requests": last - first + 1,
        "page_views": count_in_runs(is_page, first),
        "assets": count_in_runs(is_asset, first),
        "errors": count_in_runs(is_error, first),
        "first_page_at": _times(hit_at, landing),
        "last_page_at": _times(hit_at, exit_),
        "landing_page": texts_at(landing, "page")["page"],
        "exit_page": texts_at(exit_, "page")["page"],
        "is_bot": first_bot >= 0,
        **texts_at(first_bot, "bot_class", "bot_reason"),
        **texts_at(last_arrival, *ARRIVAL),
        "referrer_logged": count_in_runs(rows["referrer_logged"].to_numpy(), first) > 0,
        **goals.goal_columns(of_goals, first, rules.goals),
        "funnel": goals.funnel_column(of_goals, first, last, rules.funnel),
        **part_evidence(requests, parts),
    }
    columns["part_id"] = _part_ids(columns["visitor_id"], columns["first_hit_at"])
    return pa.table(columns)


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
    visitors: NDArray[np.int64] = earlier[visitor]
    return visitors


def _ids(column: pa.ChunkedArray) -> pa.Array:
    return dictionary_encoding.combine_chunks(column).cast(pa.string())


def _microseconds(moments: pa.ChunkedArray) -> NDArray[np.int64]:
    microseconds: NDArray[np.int64] = moments.to_numpy().astype("M8[us]").view(np.int64)
    return microseconds


def _where(is_there: NDArray[np.bool_], column: pa.ChunkedArray) -> pa.Array:
    """Return a column with nulls where the mask is false; only text columns can have such rows."""
    texts = dictionary_encoding.combine_chunks(column)
    if is_there.all():
        return texts
    return dictionary_encoding.from_codes(
        np.where(is_there, dictionary_encoding.codes_of(texts), -1), texts.dictionary
    )


def _first_where(flags: NDArray[np.bool_], first: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the first flagged position of each part, -1 if it has none."""
    positions = np.where(flags, np.arange(len(flags)), len(flags))
    position = np.minimum.reduceat(positions, first) if len(first) else first
    return np.where(position == len(flags), -1, position)


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
