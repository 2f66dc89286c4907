"""What session parts store as evidence of a person: what people do and cheap machines do not.

`clickstream.people` reads it. All evidence depends only on the requests of the part, so it is the
same whenever the hour is built.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from clickstream import dictionary_encoding
from clickstream.sessions.cut import SECOND, Cut, OrderedRequests
from clickstream.sessions.runs import count_in_runs

Flags = NDArray[np.bool_]

_NOT_MODIFIED = 304
_REFUSED = 400
_READ = (
    *("hit_at", "kind", "method", "status", "target", "has_referrer", "referrer_domain"),
    "referrer_logged",
)


def part_evidence(requests: OrderedRequests, parts: Cut) -> dict[str, Any]:
    """Return the columns of evidence of `session_parts`, in the order of the parts."""
    rows, first = _Rows(requests, parts), parts.first
    pages = _PageViews.of(rows, parts)
    is_old = rows.status == _NOT_MODIFIED
    sends = rows.texts_equal("method", "POST") & (rows.status < _REFUSED)
    return {
        **_of_first_requests(requests, parts),
        "header_fields": pages.header_fields(requests, parts),
        "onward_pages": pages.onward(rows, len(first)),
        "forms_sent": count_in_runs(sends, first),
        "not_modified": count_in_runs(is_old, first),
        "assets_not_modified": count_in_runs(is_old & rows.is_asset, first),
        **_assets_by_place(rows, parts),
        **pages.pauses(len(first)),
    }


def _of_first_requests(requests: OrderedRequests, parts: Cut) -> dict[str, pa.Array]:
    names = ("network_id", "operator_id", "protocol")
    found = requests.arrow(parts.order[parts.first], names)
    return {name: dictionary_encoding.combine_chunks(found[name]) for name in names}


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
        is_text = np.array([one == text for one in coded.dictionary.to_pylist()] + [False])
        found: Flags = is_text[dictionary_encoding.codes_of(coded)]
        return found


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
        found = requests.arrow(first[has_page], ["header_fields"])["header_fields"]
        place = pa.array(np.cumsum(has_page) - 1, mask=~has_page)
        return dictionary_encoding.combine_chunks(found).take(place)

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


def _assets_by_place(rows: _Rows, parts: Cut) -> dict[str, NDArray[np.int64]]:
    """Count the assets of each part before its first page view, and before its second.

    Times in most logs are whole seconds, and a server may log a page after its assets. An asset of
    the same second as the page is therefore not early.
    """
    sizes = np.diff(np.append(parts.first, len(parts.order)))
    seen = np.cumsum(rows.is_page)
    page_views: NDArray[np.int64] = seen - np.repeat(
        seen[parts.first] - rows.is_page[parts.first], sizes
    )
    never = np.iinfo(np.int64).max
    page_at = np.where(rows.is_page, rows.at, never)
    first_at = np.minimum.reduceat(page_at, parts.first) if len(parts.first) else page_at
    is_early = rows.is_asset & (rows.at < np.repeat(first_at, sizes))
    return {
        "early_assets": count_in_runs(is_early & np.repeat(first_at < never, sizes), parts.first),
        "landing_assets": count_in_runs(rows.is_asset & ~is_early & (page_views <= 1), parts.first),
    }
