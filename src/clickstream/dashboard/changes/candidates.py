"""The numbers of a page that may have changed: metrics, as a whole and by groups of dimensions."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import accumulate, pairwise
from typing import Any

from clickstream.dashboard.ask.dimensions import DIMENSIONS
from clickstream.dashboard.ask.fact_views import MONEY
from clickstream.dashboard.ask.folding import fold, named_rows
from clickstream.dashboard.ask.intervals import SHARE_MINIMUM
from clickstream.dashboard.ask.metrics import METRICS
from clickstream.dashboard.ask.panel import ARRIVALS, ROWS
from clickstream.dashboard.changes.looks import LEAST_HITS, LEAST_SIZE, WHOLE, Look, looks_of
from clickstream.dashboard.changes.sales_weeks import sales_weeks
from clickstream.dashboard.changes.significance import (
    Compared,
    compare_count,
    compare_share,
    compare_shares,
    spread_between,
)
from clickstream.dashboard.changes.weeks import Values, Weeks, WeekSeries, ask_weeks
from clickstream.dashboard.widgets.page import PageContext

Scope = tuple[tuple[str, str], ...]
"""The dimensions of a group with its values; () for the whole."""

Groups = Mapping[Values, Mapping[str, WeekSeries]]
"""The series of each group, by metric."""

FEWEST_FAMILIES = 3
"""Counts of a list share their variance if there are at least this many."""


_SQUARES = {"page_views": "view_squares", "net_sales": "sales_squares"}
"""The metric with the sum of the squared sizes of what a number comes in."""


@dataclass(frozen=True)
class Candidate:
    """A number that may have changed.

    `excess` is the difference to the usual number: visits, orders, hundredths of the currency,
    views, requests or lines; for a share, the number of visits that changed. `is_beside_others`
    means that it is not compared with the weeks before, but with all other visits of the range.
    Sentences report it only if `is_reported`.
    """

    metric: str
    scope: Scope
    compared: Compared
    excess: float
    is_beside_others: bool = False
    is_reported: bool = True

    @property
    def is_total(self) -> bool:
        """Whether it is the number of the whole."""
        return not self.scope

    @property
    def dimension(self) -> str:
        """The first dimension of its group, empty for the whole."""
        return self.scope[0][0] if self.scope else ""

    @property
    def value(self) -> str:
        """The value of the first dimension, empty for the whole."""
        return self.scope[0][1] if self.scope else ""

    @property
    def is_up(self) -> bool:
        """Whether it is higher than usual."""
        return self.compared.observed > self.compared.expected


def ask_candidates(page: PageContext, weeks: Weeks) -> list[Candidate]:
    """Ask for everything that the page may report or colour, and compare it with its past."""
    looks = looks_of(page)
    of_money = [look for look in looks if METRICS[look.asked[0]].facts is MONEY]
    of_visits = [look for look in looks if look not in of_money]
    answers = [(look, ask_weeks(page, weeks, look.asked, look.by)) for look in of_visits]
    candidates = [*_compare_all(weeks, answers)]
    by = {look.by: groups for look, groups in reversed(answers)}
    if of_money and (weeks_with_sales := sales_weeks(page, weeks)):
        sold = [(look, ask_weeks(page, weeks_with_sales, look.asked, look.by)) for look in of_money]
        candidates += _compare_all(weeks_with_sales, sold)
    if page.view.tab in ("overview", "visitors"):
        candidates += _visitors(page, weeks)
    if page.view.tab == "orders":
        candidates += [*_failed_rate(page, weeks), *_step_rates(page, weeks, by)]
    return candidates


def _compare_all(weeks: Weeks, answers: Sequence[tuple[Look, Groups]]) -> Iterator[Candidate]:
    for look, groups in answers:
        spreads = _spreads(weeks, look, groups)
        for values, series in groups.items():
            yield from _compare(weeks, look, values, series, spreads)


def _spreads(weeks: Weeks, look: Look, groups: Groups) -> dict[str, float]:
    """Return the week-to-week variance that the groups share, for each count of visits."""
    if len(groups) < FEWEST_FAMILIES or not METRICS[look.asked[0]].facts.has_sessions:
        return {}
    return {
        name: spread_between(
            [series[name].before(weeks) for series in groups.values()], weeks.length
        )
        for name in (*look.reported, *look.coloured)
        if METRICS[name].format == "count"
    }


def _compare(
    weeks: Weeks,
    look: Look,
    values: Values,
    series: Mapping[str, WeekSeries],
    spreads: Mapping[str, float],
) -> Iterator[Candidate]:
    scope = tuple(zip(look.by, values, strict=True))
    for name in (*look.reported, *look.coloured):
        is_reported = name in look.reported
        if METRICS[name].format == "share":
            of = series[look.asked[0]]
            yield from _share_candidate(name, scope, weeks, series[name], of, is_reported)
            continue
        if min(series[name].weeks) < 0:  # more refunds than sales
            continue
        candidate = count_candidate(name, scope, weeks, series, spreads.get(name))
        if candidate.compared.size >= LEAST_SIZE:
            yield replace(candidate, is_reported=is_reported)


def count_candidate(
    metric: str,
    scope: Scope,
    weeks: Weeks,
    series: Mapping[str, WeekSeries],
    spread: float | None = None,
) -> Candidate:
    """Compare a count with its past, see `compare_count`; the size of an amount is in orders."""
    counted, cluster = series[metric], _cluster(weeks, series, metric)
    count = compare_count(counted.now, counted.before(weeks), weeks.length, spread, cluster)
    if METRICS[metric].format == "cents":
        orders = series["orders"]
        usual = sum(orders.before(weeks)) / len(weeks.numbers)
        count = replace(count, size=max(orders.now, usual))
    return Candidate(metric, scope, count, count.observed - count.expected)


def _cluster(weeks: Weeks, series: Mapping[str, WeekSeries], name: str) -> float:
    """Return the size in which a number comes: page views in visits, amounts in orders."""
    if name not in _SQUARES:
        return 1.0
    squares, whole = (sum(series[each].before(weeks)) for each in (_SQUARES[name], name))
    return max(squares / whole, 1.0) if whole else 1.0


def _share_candidate(
    metric: str,
    scope: Scope,
    weeks: Weeks,
    hits: WeekSeries,
    trials: WeekSeries,
    is_reported: bool = False,
) -> list[Candidate]:
    """Compare a share of visits with its past; nothing for too few visits, or too few of it."""
    pairs = list(zip(hits.before(weeks), trials.before(weeks), strict=True))
    share = compare_share(hits.now, trials.now, pairs, weeks.length)
    if share is None or share.size < LEAST_SIZE:
        return []
    if max(hits.now, share.expected * trials.now) < LEAST_HITS:
        return []
    moved = (share.observed - share.expected) * trials.now
    return [Candidate(metric, scope, share, moved, is_reported=is_reported)]


def _visitors(page: PageContext, weeks: Weeks) -> list[Candidate]:
    """Compare the visitors a day: those of several days can't be added up, and keys change."""
    weeks = weeks.of_whole_days()
    series = ask_weeks(page, weeks, ("visitors",), is_daily=True)[()]["visitors"]
    candidate = count_candidate("visitors", (), weeks, {"visitors": series})
    return [replace(candidate, is_reported=False)] if candidate.compared.size >= LEAST_SIZE else []


def _failed_rate(page: PageContext, weeks: Weeks) -> list[Candidate]:
    """Compare the share of visits that met an error."""
    failed = ask_weeks(page, weeks, ("failed_visits",))[()]["failed_visits"]
    visits = ask_weeks(page, weeks, WHOLE)[()]["visits"]
    return _share_candidate("failed_rate", (), weeks, failed, visits)


def _step_rates(
    page: PageContext, weeks: Weeks, by: Mapping[tuple[str, ...], Groups]
) -> Iterator[Candidate]:
    """Compare the share of visits that continue to each step of the funnel."""
    groups = by.get(("furthest_step",), {})
    steps = range(len(page.settings.funnel), -1, -1)
    furthest = [groups[(str(step),)]["visits"] for step in steps if (str(step),) in groups]
    if len(furthest) < len(steps):
        return
    reached = list(accumulate(furthest, WeekSeries.plus))[::-1]
    for number, (before, after) in enumerate(pairwise(reached), 1):
        scope = (("furthest_step", str(number)),)
        yield from _share_candidate("step_rate", scope, weeks, after, before)


def rates_beside_others(page: PageContext) -> Iterator[Candidate]:
    """Compare the conversion rate of each group that the Marketing page lists with all others.

    The others are all visits that pass the filters, except filters by the shown dimensions.
    """
    for by in dict.fromkeys([("campaign",), page.view.acquisition_by]):
        filters = [filter_ for filter_ in page.view.filters if filter_.dimension not in by]
        whole = page.answer(("visits", "conversions"), filters=filters).single()
        for row in page.answer(ARRIVALS, by, limit=ROWS + 1).records()[:ROWS]:
            scope = tuple((name, str(row[name])) for name in by)
            yield from _beside_others(scope, row, whole)


def _beside_others(
    scope: Scope, row: Mapping[str, Any], whole: Mapping[str, Any]
) -> Iterator[Candidate]:
    hits, trials = row["conversions"], row["visits"]
    compared = compare_shares(hits, trials, whole["conversions"] - hits, whole["visits"] - trials)
    if compared and trials >= SHARE_MINIMUM and max(hits, compared.expected * trials) >= LEAST_HITS:
        moved = hits - compared.expected * trials
        is_reported = scope[0][0] == "campaign" and trials >= LEAST_SIZE
        yield Candidate("conversion_rate", scope, compared, moved, True, is_reported)


def is_shown(page: PageContext, candidate: Candidate) -> bool:
    """Whether the group has enough people to be shown; see docs/privacy.md."""
    if not any(DIMENSIONS[dimension].smallest_group for dimension, _ in candidate.scope):
        return True
    question = page.answer(("visits",), (candidate.dimension,)).question
    return any(row[0] == candidate.value for row in named_rows(fold(page.ask, question)))
