"""Build one row per visitor of a date from its session parts: arrival, actions and proof.

A visitor's fields are of two kinds. `ARRIVAL_FIELDS` say who arrives and from where; people who
share a value are a crowd, such as a newspaper's readers. `ACTION_FIELDS` say what the visitor does;
most machines of a fleet act alike.
"""

from __future__ import annotations

from enum import IntEnum

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from clickstream.cohort_labels import ACTION_FIELDS, ARRIVAL_FIELDS

DEVICE, CHANNEL = KIND_FIELDS = ("device", "channel")
"""The fields by which the habit of a site is learned: what people do depends on both."""

DIRECT, NOT_LOGGED = "Direct", "not logged"
QUICK_SECONDS = 8
"""A visitor whose longest pause is shorter has read no page."""

MECHANICAL = ("equal", "1", "2", "4")
"""Rhythms without a pause to read."""

_EQUAL = 0.1
_FEWEST_READERS, _ALMOST_ALL = 3, 0.8
_ASSETS_LOGGED = 0.1
_BUCKETS = np.array([1, 2, 3, 4, 6, 9, 16, 31, 61])


class Proof(IntEnum):
    """How much of what a visitor does is beyond cheap machines.

    NONE: one page, or pages without a link between them. WEAK: a page that was reached from another
    page of the site, a response 304 to a cache, or a form sent; a machine that walks two pages has
    it. STRONG: in addition, two onward pages, or one together with a form or a cache; at least one
    pause to read; pauses that are not all equal; and assets, if the site logs them.
    """

    NONE = 0
    WEAK = 1
    STRONG = 2


def visitors_of_date(parts: pd.DataFrame) -> pd.DataFrame:
    """Return one row per visitor with a page view and without a bot verdict, by visitor id.

    `parts` has all session parts of the date, with PART_COLUMNS, in any order; a part that occurs
    twice counts once. The index is the visitor id. The columns are ARRIVAL_FIELDS and
    ACTION_FIELDS, texts that are empty if unknown, and `proof` (a value of Proof).
    """
    of_people = _parts_of_people(parts)
    if of_people.empty:
        return _no_visitors()
    by_visitor = of_people.groupby("visitor_id", sort=True)
    first, sums = by_visitor.first(), by_visitor[_SUMMED].sum()
    with_page = of_people[of_people["page_views"] > 0].groupby("visitor_id", sort=True).first()
    visitors = pd.concat([_arrival(first, with_page), _assets(sums)], axis=1)
    visitors["page_views"] = _bucket(sums["page_views"])
    longest, visitors["rhythm"] = _rhythm(of_people)
    visitors["proof"] = _proof(sums, longest, visitors)
    number = with_page["landing_assets"].astype(np.int64)
    visitors["landing_assets"] = _landing_assets(number, visitors)
    return visitors[[*ARRIVAL_FIELDS, *ACTION_FIELDS, "proof"]]


_SUMMED = [
    *("page_views", "assets", "onward_pages", "forms_sent", "not_modified"),
    *("assets_not_modified", "early_assets", "page_pauses"),
]
_TEXTS = [
    *("device", "browser", "browser_version", "os", "channel", "referrer_domain", "landing_page"),
    *("network_id", "operator_id", "protocol", "header_fields"),
]

PART_COLUMNS = (
    *("visitor_id", "is_bot", "first_hit_at", "first_page_at", "last_page_at", "referrer_logged"),
    *("landing_assets", "shortest_pause", "longest_pause", *_SUMMED, *_TEXTS),
)
"""The columns of `session_parts` that are read."""


def _no_visitors() -> pd.DataFrame:
    texts = {name: pd.Series(dtype=object) for name in (*ARRIVAL_FIELDS, *ACTION_FIELDS)}
    return pd.DataFrame({**texts, "proof": pd.Series(dtype=np.int64)})


def _parts_of_people(parts: pd.DataFrame) -> pd.DataFrame:
    """Return the parts of visitors with a page view and without a bot verdict, in order of time."""
    some = parts.assign(visitor_id=parts["visitor_id"].astype(object))
    some = some.drop_duplicates(["visitor_id", "first_hit_at"])
    of_visitor = some.groupby("visitor_id")
    is_people = ~of_visitor["is_bot"].transform("max").astype(bool)
    has_page = of_visitor["page_views"].transform("max") > 0
    some = some[is_people & has_page].sort_values(["visitor_id", "first_hit_at"])
    return some.assign(
        **{name: some[name].astype(object) for name in _TEXTS},
        **{name: some[name].astype(np.int64) for name in _SUMMED},
    )


def _arrival(first: pd.DataFrame, with_page: pd.DataFrame) -> pd.DataFrame:
    """Return the fields of arrival, from the visitor's first parts."""
    no_channel = np.where(first["referrer_logged"].astype(bool), DIRECT, NOT_LOGGED)
    browser = with_page["browser"].fillna("") + " " + with_page["browser_version"].fillna("")
    return pd.DataFrame(
        {
            "device": with_page["device"].fillna(""),
            "channel": with_page["channel"].where(with_page["channel"].notna(), no_channel),
            "network": with_page["network_id"].fillna(""),
            "operator": with_page["operator_id"].fillna(""),
            "agent": browser + ", " + with_page["os"].fillna(""),
            "protocol": with_page["protocol"].fillna(""),
            "header_fields": with_page["header_fields"].fillna(""),
            "referrer": with_page["referrer_domain"].fillna(""),
            "landing_page": with_page["landing_page"].fillna(""),
            "hour": with_page["first_page_at"].dt.strftime("%H"),
        }
    ).astype(object)


def _assets(sums: pd.DataFrame) -> pd.Series:
    """Return the class of each visitor's assets."""
    assets = np.select(
        [
            sums["assets"] == 0,
            sums["assets"] == sums["assets_not_modified"],
            sums["early_assets"] > 0,
        ],
        ["none", "cached", "out of order"],
        "loaded",
    )
    return pd.Series(assets, sums.index, dtype=object, name="assets")


def _landing_assets(number: pd.Series, visitors: pd.DataFrame) -> NDArray[np.object_]:
    """Return how much of the landing page each visitor loaded: none, part, all or unknown.

    All is what the median proved visitor of the same landing page loads without a cache. The number
    itself differs by page, so it would show the landing page of a crowd.
    """
    is_reader = (visitors["proof"] > Proof.NONE) & (visitors["assets"] == "loaded")
    page = visitors["landing_page"]
    of_page = number[is_reader].groupby(page[is_reader])
    usual = page.map(of_page.median().where(of_page.size() >= _FEWEST_READERS))
    named: NDArray[np.object_] = np.select(
        [number == 0, usual.isna(), number < _ALMOST_ALL * usual],
        ["none", "unknown", "part"],
        "all",
    ).astype(object)
    return named


def _bucket(numbers: pd.Series) -> NDArray[np.object_]:
    """Return the class of each number of pages, named by its lowest number."""
    place = np.searchsorted(_BUCKETS, numbers, side="right") - 1
    names: NDArray[np.object_] = _BUCKETS.astype(str).astype(object)[place]
    return names


def _rhythm(parts: pd.DataFrame) -> tuple[pd.Series, pd.Series]:
    """Return the longest pause between page views in seconds, and the class of all pauses.

    The class is `none`, `equal` (two pauses or more that differ by at most a tenth), or the longest
    pause by powers of two. Pauses between parts count: a paced machine comes once in an hour.
    """
    with_page = parts[parts["page_views"] > 0]
    same = with_page["visitor_id"].eq(with_page["visitor_id"].shift())
    silence = with_page["first_page_at"] - with_page["last_page_at"].shift()
    between = silence.dt.total_seconds().where(same)
    pauses = pd.DataFrame(
        {
            "shortest": np.fmin(between, with_page["shortest_pause"].astype(float)),
            "longest": np.fmax(between, with_page["longest_pause"].astype(float)),
            "number": with_page["page_pauses"] + same,
        }
    )
    merged = pauses.groupby(with_page["visitor_id"]).agg(
        {"shortest": "min", "longest": "max", "number": "sum"}
    )
    longest, shortest = merged["longest"].fillna(0.0), merged["shortest"].fillna(0.0)
    is_equal = (merged["number"] > 1) & (longest - shortest <= np.fmax(1.0, _EQUAL * longest))
    power = 2 ** np.log2(longest.clip(lower=1)).astype(np.int64)
    names = np.select([merged["number"] == 0, is_equal], ["none", "equal"], power.astype(str))
    return longest, pd.Series(names, merged.index, dtype=object)


def _proof(sums: pd.DataFrame, longest: pd.Series, visitors: pd.DataFrame) -> pd.Series:
    """Return the value of Proof for each visitor."""
    pages, onward = sums["page_views"], sums["onward_pages"]
    walks = (pages > 1) & (onward > 0)
    sends = (sums["forms_sent"] > 0) & (sums["assets"] > 0)
    has_cache = sums["not_modified"] > 0
    shows_files = (sums["assets"] > 0) | (not _logs_assets(sums))
    reads = (longest >= QUICK_SECONDS) & (visitors["rhythm"] != "equal") & shows_files
    is_strong = walks & reads & ((onward > 1) | sends | has_cache)
    return pd.Series(
        np.select([is_strong, walks | sends | has_cache], [Proof.STRONG, Proof.WEAK], Proof.NONE),
        sums.index,
    )


def _logs_assets(sums: pd.DataFrame) -> bool:
    """Return whether the log has assets: a delivery network may serve them.

    A tenth of the visitors of several pages suffices, so that a fleet does not change the answer.
    """
    several = sums.loc[sums["page_views"] > 1, "assets"]
    return bool((several > 0).mean() >= _ASSETS_LOGGED) if len(several) else False
