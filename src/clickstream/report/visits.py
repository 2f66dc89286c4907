"""Count the sessions of a whole log; the lake merges the same sessions from hourly parts.

Countries with few visitors are counted together, so that no visitor can be recognized.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field, replace

import numpy as np
import pandas as pd
import pyarrow as pa
from numpy.typing import NDArray

from clickstream import dictionary_encoding
from clickstream.report.suspects import Suspects
from clickstream.sessions import SessionRules, cut
from clickstream.sessions.cut import SECOND, OrderedRequests, end_long_sessions
from clickstream.sessions.goals import COLUMNS as GOAL_COLUMNS
from clickstream.sessions.goals import times_met
from clickstream.tables import ENGAGED_SECONDS

FEWEST = 10
"""Minimum number of visitors of a place that is shown, as in the view `visits_by_place`."""

FEW_VISITORS = "few visitors"
UNKNOWN = "unknown"


def sessions_by_country(sessions: pd.DataFrame) -> Counter[str]:
    """Count sessions by country; countries with few visitors are counted together.

    `sessions` has one row per session, with `visitor_id` and `country`. If the small countries
    together have fewer than ten visitors, the smallest other country is added to them. The result
    is empty if no country is known at all.
    """
    countries = sessions["country"].astype(object)
    if not countries.notna().any():
        return Counter()
    shown = countries.where(countries.notna(), UNKNOWN)
    visitors = (
        sessions["visitor_id"].groupby(shown).nunique().sort_index().sort_values(kind="stable")
    )
    folded = set(visitors.index[visitors < FEWEST])
    together = sessions["visitor_id"][shown.isin(folded)].nunique()
    if 0 < together < FEWEST:
        folded.update(visitors.index[visitors >= FEWEST][:1])
    counts = shown.where(~shown.isin(folded), FEW_VISITORS).value_counts()
    return Counter({str(country): int(n) for country, n in counts.items()})


DIRECT, NOT_LOGGED = "Direct", "not logged"
_COLUMNS = ("hit_at", "kind", "is_bot", "channel", "referrer_logged")


def _no_request() -> NDArray[np.bool_]:
    return np.zeros(0, np.bool_)


@dataclass
class SessionCounts:
    """Counts of people's sessions with a page view.

    Only `request_runs` counts the runs of all visitors, also of bots. `engaged` counts sessions of
    more than 10 seconds, with two page views, or with a goal; `goals` counts the sessions that met
    each goal. The channel of a session is that of its last request with one. Without one it is
    DIRECT, or NOT_LOGGED if the log has no referrer field for any of its requests. Device and
    country are those of its first request. `median_seconds` is None without a session.
    `is_page_view` is a mask of the requests, in their order, that are page views.
    """

    request_runs: int = 0
    visitors: int = 0
    sessions: int = 0
    page_views: int = 0
    bounces: int = 0
    engaged: int = 0
    goals: Counter[str] = field(default_factory=Counter)
    channels: Counter[str] = field(default_factory=Counter)
    devices: Counter[str] = field(default_factory=Counter)
    countries: Counter[str] = field(default_factory=Counter)
    median_seconds: float | None = None
    is_page_view: NDArray[np.bool_] = field(default_factory=_no_request, compare=False, repr=False)


def count_sessions(requests: OrderedRequests, rules: SessionRules) -> SessionCounts:
    """Cut the requests of all visitors into sessions and count them.

    A session is a bot's if any of its requests is. Other sessions count if they have a page view.
    """
    tally = SessionTally(rules)
    is_page_view = tally.add(requests)
    return replace(tally.counts(), is_page_view=is_page_view)


class SessionTally:
    """Counts the sessions of a log; each call must have all requests of its visitors.

    Sessions of `suspects` are left out.
    """

    def __init__(self, rules: SessionRules, suspects: Suspects | None = None) -> None:
        self._rules, self._suspects = rules, suspects or Suspects()
        self._sums = SessionCounts()
        self._seconds: list[NDArray[np.int32]] = []
        self._visitors: list[NDArray[np.int32]] = []
        self._countries: list[pa.ChunkedArray] = []

    def add(self, requests: OrderedRequests) -> NDArray[np.bool_]:
        """Count the sessions of some visitors; return a mask of the page views."""
        is_page_view = np.zeros(len(requests), np.bool_)
        if not len(requests):
            return is_page_view
        found = cut(requests, self._rules)
        order = found.order
        columns = requests.arrow(order, _COLUMNS).to_pandas()
        moments = columns["hit_at"].to_numpy().astype("datetime64[us]").astype(np.int64)
        first = end_long_sessions(found.first, moments, self._rules.cap_hours)
        is_bot = columns["is_bot"].to_numpy(np.bool_)
        is_page = (columns["kind"] == "page").to_numpy() & ~is_bot
        pages = np.add.reduceat(is_page, first, dtype=np.int64)
        counted = (pages > 0) & ~np.logical_or.reduceat(is_bot, first)
        visitor = requests.arrow(order[first], ("visitor_id",))["visitor_id"].to_pandas()
        began = moments[first].astype("M8[us]")
        counted &= ~self._suspects.are_left_out(visitor, began)
        is_page_view[order] = is_page & np.repeat(counted, np.diff(first, append=len(order)))
        length = np.maximum.reduceat(moments, first) - moments[first]
        met = _met(requests, order, first, self._rules)
        reached = np.logical_or.reduce(
            [length > ENGAGED_SECONDS * SECOND, pages > 1, *met.values()]
        )
        facts = requests.arrow(order[first[counted]], ("visitor_id", "device", "country"))
        sums = self._sums
        sums.request_runs += len(found.first)
        sums.sessions += int(counted.sum())
        sums.page_views += int(pages[counted].sum())
        sums.bounces += int((pages[counted] == 1).sum())
        sums.engaged += int(reached[counted].sum())
        sums.goals.update({name: int(some[counted].sum()) for name, some in met.items()})
        sums.channels.update(_channels(columns, first, counted))
        sums.devices.update(_counts(facts["device"].to_pandas()))
        self._seconds.append((length[counted] // SECOND).astype(np.int32))
        self._add_visitors(facts)
        return is_page_view

    def _add_visitors(self, facts: pa.Table) -> None:
        """Give each visitor a new number; the visitors of two calls are always different."""
        visitor, ids = pd.factorize(
            dictionary_encoding.codes_of(dictionary_encoding.combine_chunks(facts["visitor_id"]))
        )
        self._visitors.append((visitor + self._sums.visitors).astype(np.int32))
        self._countries.append(facts["country"])
        self._sums.visitors += len(ids)

    def counts(self) -> SessionCounts:
        """Return the counts of all added requests; `is_page_view` is empty."""
        if not self._seconds:
            return SessionCounts()
        return replace(
            self._sums,
            countries=self._by_country(),
            median_seconds=_median(np.concatenate(self._seconds)),
        )

    def _by_country(self) -> Counter[str]:
        if all(some.null_count == len(some) for some in self._countries):
            return Counter()
        country = pa.concat_tables(pa.table({"country": some}) for some in self._countries)
        country = country.unify_dictionaries().to_pandas()
        return sessions_by_country(country.assign(visitor_id=np.concatenate(self._visitors)))


def _median(seconds: NDArray[np.int32]) -> float | None:
    """Return the median of lengths in whole seconds, as in the view `sessions`."""
    return float(np.median(seconds)) if len(seconds) else None


def _met(
    requests: OrderedRequests,
    order: NDArray[np.int64],
    first: NDArray[np.int64],
    rules: SessionRules,
) -> dict[str, NDArray[np.bool_]]:
    """Return a mask of the sessions that met each goal."""
    rows = requests.arrow(order, GOAL_COLUMNS if rules.goals else ()).to_pandas()
    return {name: times > 0 for name, times in times_met(rows, first, rules.goals).items()}


def _last_channel(channel: pd.Series, first: NDArray[np.int64]) -> pd.Series:
    """Return the channel of the last request with one, for each session."""
    named = np.where(channel.notna(), np.arange(len(channel)), -1)
    last = np.maximum.reduceat(named, first)
    return channel.iloc[last].where(last >= 0).reset_index(drop=True)


def _channels(
    columns: pd.DataFrame, first: NDArray[np.int64], counted: NDArray[np.bool_]
) -> Counter[str]:
    """Count the sessions by channel."""
    is_logged = columns["referrer_logged"].to_numpy(np.bool_)
    is_known = np.logical_or.reduceat(is_logged, first)[counted]
    channels = _last_channel(columns["channel"], first)[counted].astype(object)
    without = np.where(is_known, DIRECT, NOT_LOGGED)
    return _counts(channels.where(channels.notna(), without))


def _counts(values: pd.Series) -> Counter[str]:
    return Counter({str(value): int(n) for value, n in values.value_counts().items() if n})
