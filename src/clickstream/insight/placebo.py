"""Placebo tests: which effects are found in regions where nothing was switched off.

If other regions drifted apart during a test by more than their intervals allow, so may the tested
ones have. Then the interval of the test is widened as those of the placebo tests would have to be.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from clickstream.insight.arrays import Floats, Integers
from clickstream.insight.credit_interval import Z
from clickstream.insight.synthetic_control import (
    Control,
    EffectEstimate,
    estimate,
    synthetic_series,
)

MOST_PLACEBOS = 12
"""Placebo tests of an evaluation: those of the largest other regions."""


@dataclass(frozen=True)
class FittedSeries:
    """A series of days and its synthetic one; `donor` is the index of a placebo test."""

    observed: Floats
    synthetic: Floats
    donor: int = -1


@dataclass(frozen=True)
class FittedTest:
    """A test and its placebo tests, fitted to the days before."""

    control: Control
    days_before: int
    tested: FittedSeries
    placebos: Sequence[FittedSeries]

    def has_control(self, test_days: int) -> bool:
        """Whether the control has values on the first `test_days` days of the test."""
        in_test = slice(self.days_before, self.days_before + test_days)
        return all(series.synthetic[in_test].sum() > 0 for series in (self.tested, *self.placebos))


@dataclass(frozen=True)
class WidenedEstimate:
    """The estimate of a test, widened by `widening`, and the effects of the placebo tests."""

    estimate: EffectEstimate
    widening: float
    placebos: Sequence[tuple[int, float]]


def fit_test(tested: Floats, donors: Floats, weeks: Integers, days_before: int) -> FittedTest:
    """Fit the control of a test, and those of placebo tests in the largest donors.

    `weeks` has the number of the week of each day before the test.
    """
    control, series = synthetic_series(tested, donors, weeks, days_before)
    largest = np.argsort(-control.means, kind="stable")[:MOST_PLACEBOS]
    placebos = []
    for donor in largest:
        remaining = np.delete(donors, donor, axis=0)
        _, synthetic = synthetic_series(donors[donor], remaining, weeks, days_before)
        placebos.append(FittedSeries(donors[donor], synthetic, int(donor)))
    return FittedTest(control, days_before, FittedSeries(tested, series), placebos)


def estimate_test(fitted: FittedTest, test_days: int) -> WidenedEstimate:
    """Estimate the effect of the first `test_days` days of a test."""
    days = fitted.days_before + test_days
    own = _estimate(fitted.tested, fitted.days_before, days)
    effects = [
        (placebo.donor, _estimate(placebo, fitted.days_before, days)) for placebo in fitted.placebos
    ]
    # The factor by which intervals would have to be wider to hold 0 in 90 % of placebos.
    sizes = [_size(effect) for _, effect in effects]
    widening = max(1.0, Z * float(np.sqrt(np.mean(np.square(sizes)))))
    low = own.share - (own.share - own.low) * widening
    high = own.share + (own.high - own.share) * widening
    shares = [(donor, effect.share) for donor, effect in effects]
    return WidenedEstimate(EffectEstimate(own.share, low, high, own.p), widening, shares)


def _estimate(series: FittedSeries, days_before: int, days: int) -> EffectEstimate:
    return estimate(series.observed[:days], series.synthetic[:days], days_before)


def _size(effect: EffectEstimate) -> float:
    """Return a false effect as a share of the half of its interval on the side of 0."""
    half = effect.share - effect.low if effect.share > 0 else effect.high - effect.share
    return abs(effect.share) / half if half > 0 else 0.0
