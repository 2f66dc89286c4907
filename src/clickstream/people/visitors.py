"""Build one row per visitor of a date from its session parts: arrival, actions and proof.

A visitor's fields are of two kinds. `ARRIVAL_FIELDS` say who arrives and from where; people who
share a value are a crowd, such as a newspaper's readers. `ACTION_FIELDS` say what the visitor does;
most machines of a fleet act alike.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import IntEnum
from functools import cached_property

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from clickstream.core.cohort_labels import ACTION_FIELDS, ARRIVAL_FIELDS
from clickstream.people.coded_columns import CodedColumn, Codes, Numbers, divide, sum_by

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
"""The lowest numbers of pages of the classes, which have the names of these numbers."""


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
    return visitors_of_dates(parts, np.zeros(len(parts), np.int64))[0]


def visitors_of_dates(parts: pd.DataFrame, date: Codes) -> tuple[pd.DataFrame, Codes]:
    """Return the visitors of several dates, by date and visitor id, and the date of each.

    `date` has a number for the date of each part. The rows of a date are those that
    `visitors_of_date` returns.
    """
    of_people = _parts_of_people(parts, date.astype(np.int64))
    with_page = of_people.select(of_people.rows["page_views"].to_numpy(np.int64) > 0)
    sums = {name: of_people.sum(name) for name in _SUMMED}
    is_cached = sums["assets"] == sums["assets_not_modified"]
    assets = np.select(
        [sums["assets"] == 0, is_cached, sums["early_assets"] > 0],
        ["none", "cached", "out of order"],
        "loaded",
    ).astype(object)
    longest, rhythm = _rhythm(with_page)
    proof = _proof(sums, longest, rhythm, of_people.date)
    texts = _arrival_fields(of_people, with_page) | {
        "assets": assets,
        "landing_assets": _landing_assets(with_page, proof, assets),
        "page_views": _BUCKETS.astype(str).astype(object)[
            np.searchsorted(_BUCKETS, sums["page_views"], side="right") - 1
        ],
        "rhythm": rhythm,
    }
    ids = pd.Index(
        [visitor_id for _, visitor_id in of_people.visitor.labels], dtype=str, name="visitor_id"
    )
    fields = [*ARRIVAL_FIELDS, *ACTION_FIELDS]
    rows = pd.DataFrame(texts, ids, fields, dtype=object).assign(proof=proof)
    return rows, of_people.date


_SUMMED = [
    "page_views",
    "assets",
    "onward_pages",
    "forms_sent",
    "not_modified",
    "assets_not_modified",
    "early_assets",
    "page_pauses",
]
_TEXTS = [
    "device",
    "browser",
    "browser_version",
    "os",
    "channel",
    "referrer_domain",
    "landing_page",
    "network_id",
    "operator_id",
    "protocol",
    "header_fields",
]

PART_COLUMNS = (
    "visitor_id",
    "is_bot",
    "first_hit_at",
    "first_page_at",
    "last_page_at",
    "referrer_logged",
    "landing_assets",
    "shortest_pause",
    "longest_pause",
    *_SUMMED,
    *_TEXTS,
)
"""The columns of `session_parts` that are read."""

Texts = NDArray[np.object_]
Integers = NDArray[np.int64]
"""An array with an element per visitor, in the order of their ids, like arrays of texts."""


@dataclass(frozen=True)
class _Parts:
    """Session parts in order of visitor and time, with the visitor of each."""

    rows: pd.DataFrame
    visitor: CodedColumn

    @cached_property
    def date(self) -> Codes:
        """The number of the date of each visitor."""
        return np.array([date for date, _ in self.visitor.labels], np.int64)

    def select(self, mask: NDArray[np.bool_]) -> _Parts:
        """Return the parts of a mask."""
        return _Parts(self.rows[mask], self.visitor.select(mask))

    def sum(self, name: str) -> Integers:
        """Return the sum of a column for each visitor."""
        numbers = self.rows[name].to_numpy(np.int64).astype(np.float64)
        return sum_by(self.visitor.codes, numbers, self.visitor.size).astype(np.int64)

    def first(self, name: str, unknown: str | None = "") -> Texts:
        """Return the first known value of a column for each visitor."""
        is_known = self.rows[name].notna().to_numpy()
        visitors, rows = np.unique(self.visitor.codes[is_known], return_index=True)
        values = np.full(self.visitor.size, unknown, object)
        values[visitors] = self.rows[name].to_numpy(object)[is_known][rows]
        return values


def _visitors(ids: pd.Series, date: Codes) -> CodedColumn:
    """Return the date and the id of each part's visitor."""
    codes, labels = pd.factorize(ids.to_numpy(object), sort=True)
    distinct, pairs = np.unique(date * max(len(labels), 1) + codes, return_inverse=True)
    dates, visitors = np.divmod(distinct, max(len(labels), 1))
    return CodedColumn(tuple(zip(dates.tolist(), labels[visitors], strict=True)), pairs)


def _parts_of_people(parts: pd.DataFrame, date: Codes) -> _Parts:
    """Return the parts of visitors with a page view and without a bot verdict."""
    visitor, began = _visitors(parts["visitor_id"], date), parts["first_hit_at"].to_numpy("M8[us]")
    is_bot = sum_by(visitor.codes, parts["is_bot"].to_numpy(np.float64), visitor.size) > 0
    pages = sum_by(visitor.codes, parts["page_views"].to_numpy(np.float64), visitor.size)
    order = np.lexsort((began, visitor.codes))
    codes, began = visitor.codes[order], began[order]
    is_repeated = np.zeros(len(order), np.bool_)
    is_repeated[1:] = (codes[1:] == codes[:-1]) & (began[1:] == began[:-1])
    rows = order[((pages > 0) & ~is_bot)[codes] & ~is_repeated]
    return _Parts(parts[[*PART_COLUMNS]].iloc[rows], visitor.select(rows))


def _arrival_fields(parts: _Parts, with_page: _Parts) -> dict[str, Texts]:
    """Return the fields of arrival, from each visitor's first part, or first part with a page."""
    channel = with_page.first("channel", None)
    no_channel = np.where(parts.first("referrer_logged").astype(np.bool_), DIRECT, NOT_LOGGED)
    browser = with_page.first("browser") + " " + with_page.first("browser_version")
    hour = with_page.first("first_page_at").astype("M8[h]").astype(np.int64) % 24
    return {
        "device": with_page.first("device"),
        "channel": np.where(pd.isna(channel), no_channel, channel),
        "network": with_page.first("network_id"),
        "operator": with_page.first("operator_id"),
        "agent": browser + ", " + with_page.first("os"),
        "protocol": with_page.first("protocol"),
        "header_fields": with_page.first("header_fields"),
        "referrer": with_page.first("referrer_domain"),
        "landing_page": with_page.first("landing_page"),
        "hour": np.array([f"{number:02}" for number in range(24)], object)[hour],
    }


def _landing_assets(with_page: _Parts, proof: Integers, assets: Texts) -> Texts:
    """Return how much of the landing page each visitor loaded: none, part, all or unknown.

    All is what the median proved visitor of the same landing page loads without a cache. The number
    itself differs by page, so it would show the landing page of a crowd.
    """
    number = with_page.first("landing_assets").astype(np.int64)
    page = CodedColumn.of(pd.Series(with_page.first("landing_page")))
    is_reader = (proof > Proof.NONE) & (assets == "loaded")
    of_date = with_page.date * page.size + page.codes
    by_page = pd.Series(number[is_reader]).groupby(of_date[is_reader])
    median = by_page.median().where(by_page.size() >= _FEWEST_READERS)
    usual = median.reindex(of_date).to_numpy(np.float64)
    named = np.select(
        [number == 0, np.isnan(usual), number < _ALMOST_ALL * usual],
        ["none", "unknown", "part"],
        "all",
    )
    return named.astype(object)


def _rhythm(with_page: _Parts) -> tuple[Numbers, Texts]:
    """Return the longest pause between page views in seconds, and the class of all pauses.

    The class is `none`, `equal` (two pauses or more that differ by at most a tenth), or the longest
    pause by powers of two. Pauses between parts count: a paced machine comes once in an hour.
    """
    rows, visitor = with_page.rows, with_page.visitor.codes
    is_first = np.ones(len(rows), np.bool_)
    is_first[1:] = visitor[1:] != visitor[:-1]
    before = np.roll(rows["last_page_at"].to_numpy("M8[us]"), 1)
    silence = (rows["first_page_at"].to_numpy("M8[us]") - before) / np.timedelta64(1, "s")
    between = np.where(is_first, np.nan, silence)
    first = np.flatnonzero(is_first)
    shortest = _choose_pause(np.fmin, between, rows["shortest_pause"], first)
    longest = _choose_pause(np.fmax, between, rows["longest_pause"], first)
    number = np.add.reduceat(rows["page_pauses"].to_numpy(np.int64) + ~is_first, first)
    is_equal = (number > 1) & (longest - shortest <= np.fmax(1.0, _EQUAL * longest))
    power = 2 ** np.log2(np.fmax(longest, 1)).astype(np.int64)
    names = np.select([number == 0, is_equal], ["none", "equal"], power.astype(str))
    return longest, names.astype(object)


def _choose_pause(choose: np.ufunc, between: Numbers, within: pd.Series, first: Codes) -> Numbers:
    """Return the shortest or longest pause of each visitor, 0 without one.

    `between` has the pauses before the parts, `within` those in the parts, and `first` the
    positions of the visitors' first parts.
    """
    pauses = choose(between, within.to_numpy(np.float64, na_value=np.nan))
    return np.nan_to_num(choose.reduceat(pauses, first))


def _proof(sums: Mapping[str, Integers], longest: Numbers, rhythm: Texts, date: Codes) -> Integers:
    """Return the value of Proof for each visitor."""
    pages, onward = sums["page_views"], sums["onward_pages"]
    walks = (pages > 1) & (onward > 0)
    sends = (sums["forms_sent"] > 0) & (sums["assets"] > 0)
    has_cache = sums["not_modified"] > 0
    shows_files = (sums["assets"] > 0) | ~_logs_assets(sums, date)
    reads = (longest >= QUICK_SECONDS) & (rhythm != "equal") & shows_files
    is_strong = walks & reads & ((onward > 1) | sends | has_cache)
    return np.select([is_strong, walks | sends | has_cache], [Proof.STRONG, Proof.WEAK], Proof.NONE)


def _logs_assets(sums: Mapping[str, Integers], date: Codes) -> NDArray[np.bool_]:
    """Return for each visitor whether the log of the date has assets.

    If not, a delivery network may serve them. A tenth of the visitors of several pages suffices, so
    that a fleet does not change the answer.
    """
    size = int(date.max(initial=0)) + 1
    are_several = sums["page_views"] > 1
    several = sum_by(date, are_several.astype(np.float64), size)
    logged = sum_by(date, (are_several & (sums["assets"] > 0)).astype(np.float64), size)
    are_logged: NDArray[np.bool_] = divide(logged, several, 0.0) >= _ASSETS_LOGGED
    return are_logged[date]
