"""Search a whole log for suspected machines, date by date, as the pipeline does after its hours."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from clickstream import dictionary_encoding, people
from clickstream.people.history import REACH
from clickstream.report.rows import LogRequests
from clickstream.sessions import SessionRules, cut, make_parts

SEARCHED_DATES = 28
"""The newest dates of a log are searched; a search takes 0.05 s of processor time for each."""

_DAY = 86_400


@dataclass(frozen=True)
class LeftOutCohort:
    """Visitors of a log who are left out: the label of their cohort, why, and how many."""

    label: str
    reason: str
    visitors: int


@dataclass(frozen=True)
class Suspects:
    """The suspected machines of a log.

    `by_date` has the ids of the visitors who are left out, by UTC date. `searched` of the `dates`
    of the log were searched, the newest ones. `cohorts` are the largest first.
    """

    by_date: Mapping[date, frozenset[str]] = field(default_factory=dict)
    cohorts: tuple[LeftOutCohort, ...] = ()
    searched: int = 0
    dates: int = 0

    @property
    def visitors(self) -> int:
        """Number of different visitors who are left out."""
        return len(frozenset().union(*self.by_date.values()))

    def are_left_out(self, visitor: pd.Series, began: NDArray[np.datetime64]) -> NDArray[np.bool_]:
        """Return a mask of the sessions of suspected machines, from their visitors and starts."""
        found = np.zeros(len(visitor), np.bool_)
        if not self.by_date:
            return found
        dates = began.astype("M8[D]")
        for day, ids in self.by_date.items():
            is_of_date = dates == np.datetime64(day)
            found[is_of_date] = visitor[is_of_date].isin(ids).to_numpy()
        return found


def find_suspects(requests: LogRequests, rules: SessionRules, kept: frozenset[str]) -> Suspects:
    """Search the newest dates of a log; the dates before them show the habit of the site.

    `kept` has the labels of cohorts that count as people.
    """
    dates = [date.fromordinal(_EPOCH + day) for day in requests.days()]
    newest = dates[-SEARCHED_DATES:]
    if not newest:
        return Suspects()
    by_date: dict[date, frozenset[str]] = {}
    found: list[LeftOutCohort] = []
    history = people.SiteHistory()
    for day, parts in _parts(requests, rules, newest[0] - REACH):
        visitors = people.visitors_of_date(parts)
        share = pd.Series(1.0, visitors.index)
        if day in newest:
            suspicion = people.find_suspects(visitors, history.habit(day), kept)
            share = suspicion.visitors["share"]
            chosen = people.choose_suspected(suspicion.visitors)
            if len(chosen):
                by_date[day] = frozenset(chosen.index)
                found += _cohorts(suspicion, chosen)
        history.add(day, visitors, share)
    cohorts = sorted(found, key=lambda one: (-one.visitors, one.label))
    return Suspects(by_date, tuple(cohorts), len(newest), len(dates))


_EPOCH = date(1970, 1, 1).toordinal()


def _cohorts(suspicion: people.Suspicion, chosen: pd.Series) -> Iterator[LeftOutCohort]:
    number = chosen.value_counts()
    for cohort in suspicion.cohorts:
        if count := int(number.get(cohort.label, 0)):
            yield LeftOutCohort(cohort.label, cohort.reason, count)


def _parts(
    requests: LogRequests, rules: SessionRules, first: date
) -> Iterator[tuple[date, pd.DataFrame]]:
    """Yield the session parts of each date from `first` on."""
    since = (first.toordinal() - _EPOCH) * _DAY
    found = [*_parts_of_pieces(requests, rules, since)]
    if found:
        parts = pd.concat(found, ignore_index=True)
        yield from parts.groupby(parts["first_hit_at"].dt.date)


def _parts_of_pieces(
    requests: LogRequests, rules: SessionRules, since: int
) -> Iterator[pd.DataFrame]:
    plain = SessionRules(rules.timeout_seconds, rules.cap_hours)
    for rows in requests.by_visitor(since):
        piece, _ = requests.requests(rows)
        made = make_parts(piece, cut(piece, plain, piece.columns["hour"]), plain)
        yield dictionary_encoding.to_frame(made.select(people.PART_COLUMNS))
