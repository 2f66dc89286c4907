"""Plan a holdout test: which regions, for how many weeks, and which effect it would find.

The answer comes from placebo tests: the same evaluation, at dates at which nothing was switched
off. `clickstream lift plan` calls `plan`. Pure functions.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from math import ceil

import numpy as np

from clickstream.core.wording import quantity
from clickstream.insight.arrays import Floats, Integers
from clickstream.insight.holdout import LEAST_DONORS, has_enough, largest
from clickstream.insight.holdout_panel import RegionPanel
from clickstream.insight.holdout_terms import BEFORE_DAYS
from clickstream.insight.placebo import FittedTest, estimate_test, fit_test
from clickstream.insight.synthetic_control import DAYS_PER_BLOCK, fit_control

WEEKS = (2, 3, 4, 6, 8)
"""Lengths of the proposed tests."""

POWER = 0.8
"""The probability with which a test finds the smallest effect of its plan."""

CAUSED_SHARE = 0.5
"""A test is proposed if it finds a campaign that causes this share of what comes by it."""

LEAST_PLACEBO_TESTS, MOST_PLACEBO_TESTS = 5, 12
"""Dates at which placebo tests begin; with fewer, an option has no smallest effect."""

MOST_SETS, MOST_SHARE = 5, 0.5
"""Limits of the proposed sets of regions: their number, and their share of all values."""

MOST_COMPARED = 20
"""The largest regions, of which sets are proposed."""


@dataclass(frozen=True)
class HoldoutOption:
    """A proposed test: its regions and weeks, and what it would find and cost.

    `smallest_effect` is the smallest effect, as a share of the values in the regions, that is found
    with a power of 80 % at a confidence of 90 %; None if `placebo_tests`, the number of dates at
    which history could be tested, is too small, or if not even the loss of all values is found.
    `share` is the share of the regions in all values, and `campaign_share` that of the campaign in
    the values of the regions: about the largest effect to expect.
    """

    regions: tuple[str, ...]
    weeks: int
    smallest_effect: float | None
    placebo_tests: int
    share: float
    campaign_share: float

    @property
    def is_enough(self) -> bool:
        """Whether the test would find that half of the campaign's values are missing."""
        effect = self.smallest_effect
        return effect is not None and effect <= CAUSED_SHARE * self.campaign_share

    @property
    def cost(self) -> float:
        """The share of all values that comes by the campaign in the regions."""
        return self.share * self.campaign_share


@dataclass(frozen=True)
class HoldoutPlan:
    """Options by regions and weeks, and why there is none. `days` are the complete dates used."""

    options: Sequence[HoldoutOption]
    days: int
    before_days: int
    refusal: str = ""

    @property
    def best(self) -> HoldoutOption | None:
        """The option that costs least of those that would find the campaign; the shortest first."""
        enough = [option for option in self.options if option.is_enough]
        return min(
            enough, key=lambda option: (option.cost * option.weeks, option.weeks), default=None
        )


def days_of_plan(weeks: Sequence[int], before_days: int) -> int:
    """Return the number of days that a plan uses at most: placebo tests of the longest test."""
    return before_days + DAYS_PER_BLOCK * (max(weeks) + MOST_PLACEBO_TESTS)


def plan(
    panel: RegionPanel,
    of_campaign: Floats,
    weeks: Sequence[int] = WEEKS,
    before_days: int = BEFORE_DAYS,
) -> HoldoutPlan:
    """Propose tests from the history of a panel.

    `of_campaign` has the values of the panel that came by the campaign.
    """
    days = [n for n, day in enumerate(panel.dates) if day not in panel.incomplete]
    values, shown = panel.values[:, days], of_campaign[:, days]
    needed = before_days + DAYS_PER_BLOCK * min(weeks)
    needed += DAYS_PER_BLOCK * (LEAST_PLACEBO_TESTS - 1)
    if len(days) < needed:
        refusal = (
            f"The lake has {len(days)} complete dates, and placebo tests need {needed}: plan "
            "later, or with fewer days before the test."
        )
        for why, number in Counter(panel.incomplete.values()).most_common(1):
            refusal += f" {quantity(number, 'date')} left out: {why}."
        return HoldoutPlan((), len(days), before_days, refusal)
    indexes = largest(values, np.flatnonzero(has_enough(values))).tolist()
    if len(indexes) < LEAST_DONORS + 1:
        refusal = (
            f"{len(indexes)} regions have values on more than half of the dates, and "
            f"{LEAST_DONORS + 1} are needed: choose a metric with more values, as visits."
        )
        return HoldoutPlan((), len(days), before_days, refusal)
    history = _History(values[indexes], shown[indexes], float(values.sum()), before_days)
    names = [panel.regions[index] for index in indexes]
    options = [
        option
        for chosen in propose_regions(history.values)
        for option in history.options(chosen, [names[index] for index in chosen], weeks)
    ]
    return HoldoutPlan(options, len(days), before_days)


def propose_regions(values: Floats) -> Iterator[list[int]]:
    """Yield sets of regions, each with one more: the one with which a control misses least."""
    largest = np.argsort(-values.sum(axis=1), kind="stable")[:MOST_COMPARED].tolist()
    chosen: list[int] = []
    total = values.sum()
    most = min(MOST_SETS, len(values) - LEAST_DONORS)
    while len(chosen) < most:
        sets = [[*chosen, index] for index in largest if index not in chosen]
        sets = [regions for regions in sets if values[regions].sum() <= MOST_SHARE * total]
        if not sets:
            return
        chosen = min(sets, key=lambda regions: _miss(values, regions))
        yield chosen


def _miss(values: Floats, chosen: Sequence[int]) -> float:
    """Return how much a control misses the weeks of some regions, as a share of their values."""
    tested, donors = values[chosen].sum(axis=0), np.delete(values, chosen, axis=0)
    weeks = np.arange(len(tested)) // DAYS_PER_BLOCK
    apart = tested - fit_control(tested, donors, weeks).predict(donors)
    return float(np.sqrt(np.mean(np.bincount(weeks, apart) ** 2)) / tested.mean())


@dataclass(frozen=True)
class _History:
    """Complete dates of the regions with enough values: regions × days, and those by a campaign."""

    values: Floats
    of_campaign: Floats
    total: float
    before_days: int

    def options(
        self, chosen: Sequence[int], names: Sequence[str], weeks: Sequence[int]
    ) -> Iterator[HoldoutOption]:
        """Yield an option for each number of weeks; the fits of a date serve all of them."""
        tested = float(self.values[chosen].sum())
        by_campaign = float(self.of_campaign[chosen].sum()) / tested
        fit = cache(lambda start: self._fit(chosen, start))
        for number in weeks:
            days = number * DAYS_PER_BLOCK
            tests = [fitted for start in self._starts(days) if (fitted := fit(int(start)))]
            effects = [smallest_found(fitted, days) for fitted in tests if fitted.has_control(days)]
            yield HoldoutOption(
                regions=tuple(names),
                weeks=number,
                smallest_effect=_at_power(effects),
                placebo_tests=len(effects),
                share=tested / self.total,
                campaign_share=by_campaign,
            )

    def _starts(self, test_days: int) -> Integers:
        """Return the days at which placebo tests of a length begin, at most MOST_PLACEBO_TESTS."""
        last = self.values.shape[1] - test_days
        starts = np.arange(last, self.before_days - 1, -DAYS_PER_BLOCK)
        if len(starts) <= MOST_PLACEBO_TESTS:
            return starts
        positions = np.linspace(0, len(starts) - 1, MOST_PLACEBO_TESTS).round().astype(int)
        evenly: Integers = starts[positions]
        return evenly

    def _fit(self, chosen: Sequence[int], start: int) -> FittedTest | None:
        """Fit a placebo test, whose series continue to the last date; None with too few values."""
        since = self.values[:, start - self.before_days :]
        tested, donors = since[chosen].sum(axis=0), np.delete(since, chosen, axis=0)
        is_enough = has_enough(donors[:, : self.before_days])
        if not has_enough(tested[None, : self.before_days])[0] or is_enough.sum() < LEAST_DONORS:
            return None
        weeks = (np.arange(self.before_days) - self.before_days) // DAYS_PER_BLOCK
        return fit_test(tested, donors[is_enough], weeks, self.before_days)


def smallest_found(fitted: FittedTest, test_days: int) -> float:
    """Return the smallest effect that a placebo test would have found; infinite for none.

    An effect of a share moves the whole interval by this share. So it is found if it is larger than
    the interval without it reaches below 0.
    """
    return max(0.0, -estimate_test(fitted, test_days).estimate.low)


def _at_power(effects: Sequence[float]) -> float | None:
    """Return the smallest effect that the next test finds with POWER; None if it is not known.

    Of n past tests and the next one, each is equally likely to have the k-th smallest effect. So
    the next one finds the k-th of the past ones with the probability k / (n + 1).
    """
    if len(effects) < LEAST_PLACEBO_TESTS:
        return None
    effect = sorted(effects)[ceil(POWER * (len(effects) + 1)) - 1]
    return effect if effect < 1 else None
