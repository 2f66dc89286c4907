"""The numbers of a page that may have changed: metrics, as a whole and by groups of dimensions."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from itertools import accumulate, pairwise
from math import erfc, inf, isfinite, sqrt
from typing import Any

import numpy as np

from clickstream.dashboard.ask.dimensions import DIMENSIONS
from clickstream.dashboard.ask.fact_views import MONEY
from clickstream.dashboard.ask.folding import fold, named_rows
from clickstream.dashboard.ask.intervals import SHARE_MINIMUM
from clickstream.dashboard.ask.metrics import METRICS
from clickstream.dashboard.ask.panel import ARRIVALS, ROWS
from clickstream.dashboard.changes.days import HISTORY, Days, DaySeries, Values, ask_days
from clickstream.dashboard.changes.history import days_with_sales
from clickstream.dashboard.changes.looks import LEAST_VISITS, WHOLE, Look, looks_of
from clickstream.dashboard.widgets.page import PageContext
from clickstream.insight import comparison
from clickstream.insight.arrays import Floats
from clickstream.insight.comparison import Amounts
from clickstream.insight.verdicts import FEWEST, Verdict

Scope = tuple[tuple[str, str], ...]
"""The dimensions of a group with its values; () for the whole."""

Series = Mapping[str, DaySeries]
"""The series of a group, by metric."""

Groups = Mapping[Values, Series]

_SIZES = {
    "page_views": ("visits", "view_squares"),
    "net_sales": ("orders", "sales_squares"),
}
"""For a number that comes in visits or orders of several sizes: the metric that counts these, and
the one with the sum of the squared sizes."""


@dataclass(frozen=True)
class Compared:
    """A number of the range and what is usual: an entry of the arrays of `comparison.Compared`.

    The interval of a number that the model was not asked for is infinite.
    """

    value: float
    usual: float
    low: float = -inf
    high: float = inf
    chance: float = 1.0
    growth: float = 0.0
    growth_low: float = 0.0
    growth_high: float = 0.0
    growth_probability: float = 0.0
    events: float = 0.0
    usual_events: float = 0.0
    history_days: float = float(HISTORY)

    @property
    def change(self) -> float:
        """The relative change; infinite from zero."""
        if not self.usual:
            return inf if self.value else 0.0
        return self.value / self.usual - 1

    @property
    def trials(self) -> float:
        """The number of visits of which a share counts some."""
        if self.events:
            return self.events / self.value
        return self.usual_events / self.usual if self.usual else 0.0

    @property
    def has_interval(self) -> bool:
        """Whether the model was asked for its interval."""
        return isfinite(self.high)


@dataclass(frozen=True)
class Candidate:
    """A number that may have changed.

    `excess` is the difference to the usual number: visits, orders, hundredths of the currency,
    views, requests or lines; for a share, the number of visits that changed. `is_beside_others`
    means that it is not compared with the days before, but with all other visits of the range.
    Sentences report it only if `is_reported`. `weeks` are the numbers of the weeks before, and
    `verdict` is the one of its family.
    """

    metric: str
    scope: Scope
    compared: Compared
    excess: float
    is_beside_others: bool = False
    is_reported: bool = True
    weeks: Sequence[float] = ()
    verdict: Verdict = "unclear"

    @property
    def is_clear(self) -> bool:
        """Whether it is clearly more or less than usual."""
        return self.verdict in ("more", "less")

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
        return self.compared.value > self.compared.usual


@dataclass(frozen=True)
class Number:
    """A number that is to be compared, with its series; `trials` are those of a share."""

    metric: str
    scope: Scope
    counted: DaySeries
    is_reported: bool = False
    trials: DaySeries | None = None
    amounts: DaySeries | None = None
    squares: DaySeries | None = None

    def has_enough(self, days: Days) -> bool:
        """Whether it counts enough visits or orders on one side for a claim.

        A share of few visits is shown nowhere, so nothing is said about it.
        """
        if self.trials and self.trials.now < SHARE_MINIMUM:
            return False
        return max(self.counted.now, self.counted.mean(days)) >= FEWEST

    def is_promising(self, days: Days) -> bool:
        """Whether it differs so far that a claim is possible; only then the model is asked.

        That is the case of 13 to 20 % of the numbers of quiet days, so a page takes a fifth of the
        time. The numbers of the whole have an interval in any case.
        """
        if not self.scope:
            return True
        now, usual = self.shown.now, self.shown.mean(days)
        if self.trials:
            usual *= self.trials.now / max(self.trials.mean(days), 1.0)
        size = now + usual * days.checked.days / max(days.is_known.sum(), 1)
        if self.amounts and self.squares:
            size *= (self.squares.now + self.squares.mean(days)) / max(now + usual, 1.0)
        return abs(now - usual) > PROMISING * sqrt(size)

    @property
    def shown(self) -> DaySeries:
        """The number itself: the amounts, or what is counted."""
        return self.amounts or self.counted


LEAST_GAP = 0.5
"""Minimum relative difference of a reported conversion rate to that of all other visits."""

PROMISING = 1.5
"""Distance from the mean, in standard deviations of Poisson, that a claim needs at least."""


def ask_candidates(page: PageContext, days: Days) -> list[Candidate]:
    """Ask for everything that the page may report or colour, and compare it with its past."""
    looks = looks_of(page)
    of_money = [look for look in looks if METRICS[look.asked[0]].facts is MONEY]
    of_visits = [look for look in looks if look not in of_money]
    answers = [(look, ask_days(page, days, look.asked, look.by)) for look in of_visits]
    numbers = [*_numbers(answers)]
    by = {look.by: groups for look, groups in reversed(answers)}
    if page.view.tab == "orders":
        numbers += [*_failed_rate(page, days), *_step_rates(page, by)]
    candidates = compare_numbers(days, numbers)
    if of_money and (with_sales := days_with_sales(page, days)):
        sold = [(look, ask_days(page, with_sales, look.asked, look.by)) for look in of_money]
        candidates += compare_numbers(with_sales, [*_numbers(sold)])
    if page.view.tab in ("overview", "visitors"):
        whole = days.of_whole_days()
        visitors = ask_days(page, whole, ("visitors",))[()]["visitors"]
        candidates += compare_numbers(whole, [Number("visitors", (), visitors)])
    return candidates


def _numbers(answers: Sequence[tuple[Look, Groups]]) -> Iterator[Number]:
    for look, groups in answers:
        for values, series in groups.items():
            scope = tuple(zip(look.by, values, strict=True))
            for name in (*look.reported, *look.coloured):
                is_reported = name in look.reported
                if METRICS[name].format == "share":
                    yield Number(name, scope, series[name], is_reported, series[look.asked[0]])
                elif series[name].now >= 0 and (series[name].days >= 0).all():  # else refunds
                    yield count_number(name, scope, series, is_reported)


def count_number(name: str, scope: Scope, series: Series, is_reported: bool = True) -> Number:
    """Return a count or an amount with the series that its comparison needs."""
    if name not in _SIZES:
        return Number(name, scope, series[name], is_reported)
    counted, squares = (series[size] for size in _SIZES[name])
    return Number(name, scope, counted, is_reported, None, series[name], squares)


def compare_numbers(days: Days, numbers: Sequence[Number]) -> list[Candidate]:
    """Compare numbers with the days before them; without those that count too few.

    All counts are compared in one call, all amounts in a second one, and all shares in a third.
    """
    enough = [number for number in numbers if number.has_enough(days)]
    promising = [number for number in enough if number.is_promising(days)]
    results: dict[int, Compared] = {}
    for kind in (
        [number for number in promising if not number.trials and not number.amounts],
        [number for number in promising if number.amounts],
        [number for number in promising if number.trials],
    ):
        if kind:
            compared = _compare(days, kind)
            results |= {id(number): result for number, result in zip(kind, compared, strict=True)}
    return [_candidate(days, number, results.get(id(number))) for number in enough]


def _compare(days: Days, numbers: Sequence[Number]) -> Iterator[Compared]:
    """Compare numbers of one kind."""
    is_known = np.concatenate([days.is_known, np.ones(days.checked.days, np.bool_)])

    def rows(name: str) -> Floats:
        return np.where(is_known, [getattr(number, name).days for number in numbers], np.nan)

    first = numbers[0]
    compared = comparison.compare(
        rows("counted"),
        days.checked.days,
        part=np.array([number.counted.part for number in numbers]),
        trials=rows("trials") if first.trials else None,
        amounts=Amounts(rows("amounts"), rows("squares")) if first.amounts else None,
    )
    arrays = [getattr(compared, field.name) for field in fields(Compared)]
    for values in zip(*arrays, strict=True):
        yield Compared(*map(float, values))


def _candidate(days: Days, number: Number, compared: Compared | None) -> Candidate:
    """Return the comparison of a number; without the model's, that with the mean of its days."""
    if compared is None:
        now, usual = number.shown.now, number.shown.mean(days)
        if number.trials:
            now /= max(number.trials.now, 1.0)
            usual /= max(number.trials.mean(days), 1.0)
        events, usual_events = number.counted.now, number.counted.mean(days)
        compared = Compared(now, usual, events=events, usual_events=usual_events)
    excess = compared.value - compared.usual
    if number.trials:
        excess *= number.trials.now
    weeks = number.shown.weeks(days) if not number.trials else ()
    return Candidate(
        number.metric, number.scope, compared, excess, is_reported=number.is_reported, weeks=weeks
    )


def _failed_rate(page: PageContext, days: Days) -> Iterator[Number]:
    """Yield the share of visits that met an error."""
    failed = ask_days(page, days, ("failed_visits",))[()]["failed_visits"]
    yield Number("failed_rate", (), failed, trials=ask_days(page, days, WHOLE)[()]["visits"])


def _step_rates(page: PageContext, by: Mapping[tuple[str, ...], Groups]) -> Iterator[Number]:
    """Yield the share of visits that continue to each step of the funnel."""
    groups = by.get(("furthest_step",), {})
    steps = range(len(page.settings.funnel), -1, -1)
    furthest = [groups[(str(step),)]["visits"] for step in steps if (str(step),) in groups]
    if len(furthest) < len(steps):
        return
    reached = list(accumulate(furthest, DaySeries.plus))[::-1]
    for number, (before, after) in enumerate(pairwise(reached), 1):
        yield Number("step_rate", (("furthest_step", str(number)),), after, trials=before)


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
    """Compare two shares of one range by the test for two proportions."""
    hits, trials = row["conversions"], row["visits"]
    other_trials = whole["visits"] - trials
    if trials < SHARE_MINIMUM or other_trials <= 0:
        return
    share, other, pooled = (
        hits / trials,
        (whole["conversions"] - hits) / other_trials,
        whole["conversions"] / whole["visits"],
    )
    usual = other * trials
    if max(hits, usual) < FEWEST:
        return
    error = sqrt(pooled * (1 - pooled) * (1 / trials + 1 / other_trials))
    chance = erfc(abs(share - other) / error / sqrt(2)) if error else 1.0
    compared = Compared(share, other, chance=chance, events=hits, usual_events=usual)
    is_reported = scope[0][0] == "campaign" and trials >= LEAST_VISITS
    is_reported &= abs(compared.change) >= LEAST_GAP
    yield Candidate("conversion_rate", scope, compared, hits - usual, True, is_reported)


def is_shown(page: PageContext, candidate: Candidate) -> bool:
    """Whether the group has enough people to be shown; see docs/privacy.md."""
    if not any(DIMENSIONS[dimension].smallest_group for dimension, _ in candidate.scope):
        return True
    question = page.answer(("visits",), (candidate.dimension,)).question
    return any(row[0] == candidate.value for row in named_rows(fold(page.ask, question)))
