"""Evaluate a holdout test: a campaign is off in some regions, and a control says what it brought.

`clickstream lift evaluate` and the Marketing page call `evaluate`; `insight.holdout_texts` has the
sentences. Pure functions.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from difflib import get_close_matches
from typing import Literal, NamedTuple, Protocol

import numpy as np
import numpy.typing as npt

from clickstream.insight.arrays import Floats, Integers
from clickstream.insight.holdout_panel import RegionPanel
from clickstream.insight.placebo import FittedTest, estimate_test, fit_test
from clickstream.insight.synthetic_control import DAYS_PER_BLOCK

LEAST_DAYS_BEFORE, LEAST_TEST_DAYS, LEAST_DONORS = 14, 7, 3
"""Complete dates before and within a test, and other regions, that an answer needs."""

MOST_DONORS = 40
"""Other regions that a control may use: the largest ones, so that a fit of many takes no longer."""

LEAST_WEIGHT = 0.001
"""Regions with a smaller weight are not listed in the control."""

LEAST_SHARE_OF_DAYS = 0.5
"""A region counts only if more than this share of the dates before a test have a value above 0.

For orders, this is about 5 a week.
"""


class Holdout(Protocol):
    """What an evaluation needs to know of a test; `[[holdouts]]` has these settings."""

    @property
    def name(self) -> str:
        """The name of the test."""

    @property
    def regions(self) -> Collection[str]:
        """The regions in which the campaign is off."""

    @property
    def first(self) -> date:
        """The first UTC date of the test."""

    @property
    def last(self) -> date:
        """The last UTC date of the test."""

    @property
    def before_days(self) -> int:
        """The number of days before the test to which the control is fitted."""


class RegionShare(NamedTuple):
    """A region with a share: of the control, or its effect in a placebo test."""

    region: str
    share: float


class HoldoutWeek(NamedTuple):
    """A week of a test or before it, which begins on the weekday of the test, by its first date.

    The values are means of its complete dates.
    """

    first: date
    days: int
    observed: float
    synthetic: float


@dataclass(frozen=True)
class Lift:
    """The result of a test. Effects are what the campaign brought: synthetic less observed.

    `observed` and `synthetic` have a value for each of `dates`, from the first date of the control
    to the last complete date of the test; before `first`, the synthetic value is that of a control
    that is fitted without the week of the date. `share`, `low` and `high` are shares of the
    synthetic sum of the test. `p` is the p-value of the block permutation. `fit_error` is the root
    mean square of the differences of weeks before the test, as a share. `placebos` are the effects
    that a test finds in regions where nothing was switched off; if they differ more than their
    intervals allow, all intervals are wider by the factor `widening`. `too_small` is the number of
    other regions with too few values. `days_missing` is the number of dates of the test that are
    still to come.
    """

    regions: tuple[str, ...]
    first: date
    last: date
    dates: tuple[date, ...]
    observed: tuple[float, ...]
    synthetic: tuple[float, ...]
    share: float
    low: float
    high: float
    p: float
    fit_error: float
    widening: float
    donors: tuple[RegionShare, ...]
    placebos: tuple[RegionShare, ...]
    too_small: int
    incomplete: Mapping[date, str]
    days_missing: int

    @property
    def test_days(self) -> int:
        """The number of complete dates of the test."""
        return sum(day >= self.first for day in self.dates)

    @property
    def weeks(self) -> Sequence[HoldoutWeek]:
        """The weeks with a complete date, for a chart: days have the rhythm of weekdays."""
        numbers = week_numbers(self.dates, self.first)
        week = numbers - numbers.min()
        days = np.bincount(week)
        sums = [np.bincount(week, values) for values in (self.observed, self.synthetic)]
        return [
            HoldoutWeek(
                self.first + timedelta(days=DAYS_PER_BLOCK * int(n + numbers.min())),
                int(days[n]),
                float(sums[0][n] / days[n]),
                float(sums[1][n] / days[n]),
            )
            for n in np.flatnonzero(days)
        ]

    @property
    def expected(self) -> float:
        """The synthetic sum of the complete dates of the test."""
        pairs = zip(self.dates, self.synthetic, strict=True)
        return sum(value for day, value in pairs if day >= self.first)

    @property
    def effect(self) -> float:
        """What the campaign would have brought on the complete dates of the test."""
        return self.share * self.expected

    @property
    def effect_low(self) -> float:
        """The lower limit of the effect."""
        return self.low * self.expected

    @property
    def effect_high(self) -> float:
        """The upper limit of the effect."""
        return self.high * self.expected

    @property
    def is_found(self) -> bool:
        """Whether the interval does not contain 0."""
        return not self.low <= 0 <= self.high

    @property
    def least_visible(self) -> float:
        """The share below which an effect would not have been found."""
        return self.share - self.low


Reason = Literal[
    "no package", "not started", "unknown region", "few days", "few values", "few regions"
]


@dataclass(frozen=True)
class NoAnswer:
    """Why a test has no result, as a code and a sentence that says what to do."""

    reason: Reason
    sentence: str
    incomplete: Mapping[date, str] = field(default_factory=dict)


def evaluate(
    panel: RegionPanel, holdout: Holdout, not_donors: Collection[str] = ()
) -> Lift | NoAnswer:
    """Evaluate a test, or say why it has no result.

    `not_donors` are regions that are no part of a control, because another test is on there. A test
    that is not over is evaluated until the last date of the panel.
    """
    begin = holdout.first - timedelta(days=holdout.before_days)
    of_test = panel.between(begin, holdout.last)
    complete = of_test.complete
    days_before = sum(day < holdout.first for day in complete.dates)
    refusal = _refuse(of_test, holdout, days_before, len(complete.dates) - days_before)
    if refusal:
        return refusal
    tested, donors, too_small = _choose_regions(complete, holdout.regions, not_donors, days_before)
    if refusal := _refuse_regions(tested[:days_before], len(donors), of_test):
        return refusal
    weeks = week_numbers(complete.dates[:days_before], holdout.first)
    fitted = fit_test(tested, complete.values[donors], weeks, days_before)
    if not fitted.has_control(len(complete.dates) - days_before):
        return NoAnswer("few values", _NO_CONTROL, of_test.incomplete)
    return _lift(fitted, of_test, holdout, donors, too_small)


def week_numbers(dates: Sequence[date], first: date) -> Integers:
    """Return the number of the week of each date; weeks begin on the weekday of `first`."""
    return np.array([(day - first).days // DAYS_PER_BLOCK for day in dates], np.int64)


def has_enough(values: Floats) -> npt.NDArray[np.bool_]:
    """Whether each region has enough values for a test; `values` is regions × dates.

    The mean is above 0 without any of the weeks, because a control is fitted without each of them:
    net sales have dates below 0.
    """
    is_often = (values > 0).mean(axis=1) > LEAST_SHARE_OF_DAYS
    without_largest = np.sort(values, axis=1)[:, :-DAYS_PER_BLOCK].sum(axis=1)
    enough: npt.NDArray[np.bool_] = is_often & (without_largest > 0)
    return enough


def largest(values: Floats, indexes: Integers) -> Integers:
    """Return those of some regions that a control may use, in their order."""
    sizes = values[indexes].sum(axis=1)
    kept: Integers = np.sort(indexes[np.argsort(-sizes, kind="stable")[:MOST_DONORS]])
    return kept


def _choose_regions(
    panel: RegionPanel, regions: Collection[str], not_donors: Collection[str], days_before: int
) -> tuple[Floats, Integers, int]:
    """Return the sum of the tested regions, the indexes of donors, and how many are too small."""
    is_tested = np.isin(panel.regions, [*regions])
    is_other = ~is_tested & ~np.isin(panel.regions, [*not_donors])
    enough = has_enough(panel.values[:, :days_before])
    tested = panel.values[is_tested].sum(axis=0)
    donors = largest(panel.values[:, :days_before], np.flatnonzero(is_other & enough))
    return tested, donors, int((is_other & ~enough).sum())


def _refuse(of_test: RegionPanel, holdout: Holdout, before: int, within: int) -> NoAnswer | None:
    if not any(day >= holdout.first for day in of_test.dates):
        sentence = f"The test begins on {holdout.first}, and no date of it is in the lake yet."
        return NoAnswer("not started", sentence)
    if unknown := [region for region in holdout.regions if region not in of_test.regions]:
        return NoAnswer("unknown region", _unknown_region(unknown[0], of_test.regions))
    for number, least, where in (
        (before, LEAST_DAYS_BEFORE, "before the test"),
        (within, LEAST_TEST_DAYS, "of the test"),
    ):
        if number < least:
            sentence = (
                f"{number} complete dates {where} are in the lake, and {least} are needed: "
                "evaluate it later, or build the hours that are missing."
            )
            return NoAnswer("few days", sentence, of_test.incomplete)
    return None


def _refuse_regions(tested: Floats, donors: int, of_test: RegionPanel) -> NoAnswer | None:
    if not has_enough(tested[None])[0]:
        return NoAnswer("few values", _FEW_VALUES, of_test.incomplete)
    if donors < LEAST_DONORS:
        sentence = (
            f"{donors} other regions have enough values before the test, and {LEAST_DONORS} are "
            "needed for a control: test fewer regions, or a metric with more values, as visits."
        )
        return NoAnswer("few regions", sentence, of_test.incomplete)
    return None


_FEW_VALUES = (
    "The tested regions have no value on half of the dates before the test or more: test more "
    "regions, or a metric with more values, as visits."
)
_NO_CONTROL = "The other regions have no values during the test: check what the lake has of it."


def _unknown_region(name: str, regions: Sequence[str]) -> str:
    """Say that no visit came from a region, and which names are close to its name."""
    close = get_close_matches(name, regions, 3, 0.5)
    hint = f" Did you mean {' or '.join(close)}?" if close else ""
    return (
        f"No visit came from the region {name}: write it as the dashboard does, for example "
        f"England, GB.{hint}"
    )


def _lift(
    fitted: FittedTest, of_test: RegionPanel, holdout: Holdout, indexes: Integers, too_small: int
) -> Lift:
    complete = of_test.complete
    estimated = estimate_test(fitted, len(complete.dates) - fitted.days_before)
    donors = [complete.regions[index] for index in indexes]
    weights = zip(donors, fitted.control.weights.tolist(), strict=True)
    of_control = [RegionShare(*donor) for donor in weights if donor[1] >= LEAST_WEIGHT]
    own = estimated.estimate
    return Lift(
        regions=tuple(holdout.regions),
        first=holdout.first,
        last=holdout.last,
        dates=tuple(complete.dates),
        observed=tuple(fitted.tested.observed.tolist()),
        synthetic=tuple(fitted.tested.synthetic.tolist()),
        share=own.share,
        low=own.low,
        high=own.high,
        p=own.p,
        fit_error=_fit_error(fitted, week_numbers(complete.dates, holdout.first)),
        widening=estimated.widening,
        donors=tuple(sorted(of_control, key=lambda donor: (-donor.share, donor.region))),
        placebos=tuple(RegionShare(donors[index], share) for index, share in estimated.placebos),
        too_small=too_small,
        incomplete=of_test.incomplete,
        days_missing=(holdout.last - max(of_test.dates)).days,
    )


def _fit_error(fitted: FittedTest, weeks: Integers) -> float:
    """Return the root mean square of the differences of weeks before the test, as a share."""
    before = slice(fitted.days_before)
    series = fitted.tested
    sums = [
        np.bincount(weeks[before] - weeks[0], values[before])
        for values in (series.observed, series.synthetic)
    ]
    size = sums[0].mean()
    return float(np.sqrt(np.mean((sums[0] - sums[1]) ** 2)) / size)
