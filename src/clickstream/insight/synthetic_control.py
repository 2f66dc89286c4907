"""Synthetic control: what some regions would have had, worked out from regions that move alike.

The control is a weighted mean of the other regions (Abadie, Diamond, Hainmueller 2010), each
divided by its mean, so that small regions can be compared with large ones. Weights are at least 0
and sum to 1. Pure functions; `insight.holdout` calls them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from clickstream.insight.arrays import Floats, Integers

DAYS_PER_BLOCK = 7
"""The control is fitted on weeks, so the different weekdays of regions do not matter."""

ALPHA = 0.1
"""An effect is found if its p-value is at most this; intervals hold 1 - ALPHA."""

_SUM_WEIGHT = 1e4
"""Weight of the equation that weights sum to 1, in comparison with that of a week."""

_LEAST_NOISE = 1e-9
"""Noise of regions without any, so that equal donors share the weight in one way only."""


@dataclass(frozen=True)
class Control:
    """A fitted control.

    `level` is the mean of the tested series per day before the test, `means` are those of the
    donors, and `weights` are theirs.
    """

    level: float
    means: Floats
    weights: Floats

    def predict(self, donors: Floats) -> Floats:
        """Return the synthetic series of days, given the donors × days."""
        predicted: Floats = self.level * (self.weights / self.means) @ donors
        return predicted


def fit_control(
    tested: Floats, donors: Floats, weeks: Integers, dispersion: float | None = None
) -> Control:
    """Fit a control to the days before a test; `weeks` has the number of the week of each day.

    All means must be above 0. The weights minimize the squared differences of weeks, plus the noise
    that donors would add to a forecast: else the few weeks would pick donors by chance. The result
    depends neither on the order of donors nor on the scale of the values.
    """
    level, means = float(tested.mean()), donors.mean(axis=1)
    target, sources = tested / level, donors / means[:, None]
    numbers, days = np.unique(weeks, return_counts=True)
    in_week = (weeks == numbers[:, None]) / days[:, None]
    size = np.sqrt(days / DAYS_PER_BLOCK)
    if dispersion is None:
        dispersion = chance_dispersion(donors)
    noise = np.sqrt(size @ size * dispersion / means / DAYS_PER_BLOCK)
    rows = [size[:, None] * (in_week @ sources.T), np.diag(noise)]
    sides = [size * (in_week @ target), np.zeros(len(means))]
    weights = _simplex_weights(np.vstack(rows), np.concatenate(sides))
    return Control(level, means, weights)


def synthetic_series(
    tested: Floats, donors: Floats, weeks: Integers, days_before: int
) -> tuple[Control, Floats]:
    """Return the control, and its series of all days.

    A day before the test has the value of a control that is fitted without its week. So the days
    before differ from the series by as much as days that no fit has seen. Without this, in 400
    simulated tests without an effect, 15 to 18 % had a p-value of 0.1 or less.
    """
    before, of_donors = tested[:days_before], donors[:, :days_before]
    dispersion = chance_dispersion(of_donors)
    control = fit_control(before, of_donors, weeks, dispersion)
    series = control.predict(donors)
    for week in np.unique(weeks):
        other_weeks = weeks != week
        fitted = fit_control(
            before[other_weeks], of_donors[:, other_weeks], weeks[other_weeks], dispersion
        )
        series[:days_before][~other_weeks] = fitted.predict(of_donors[:, ~other_weeks])
    return control, series


def _simplex_weights(rows: Floats, sides: Floats) -> Floats:
    """Return the weights, at least 0 and with the sum 1, that solve the equations best."""
    from scipy.optimize import nnls

    of_sum = np.full((1, rows.shape[1]), _SUM_WEIGHT)
    weights, _ = nnls(np.vstack([rows, of_sum]), np.append(sides, _SUM_WEIGHT))
    solved: Floats = weights / weights.sum()
    return solved


def chance_dispersion(donors: Floats) -> float:
    """Return the variance of a day by chance, divided by the mean: 1 for independent counts.

    Chance is the change of a donor from one day to the next, beyond what all donors do, less that
    of the same weekdays a week before: so neither weekdays nor slow drifts count as chance. Such a
    difference has the noise of four days.
    """
    means = donors.mean(axis=1)
    sources = donors / means[:, None]
    apart = sources - means @ sources / means.sum()
    steps = np.diff(apart)
    changes = steps[:, DAYS_PER_BLOCK:] - steps[:, :-DAYS_PER_BLOCK]
    dispersion = float(((changes**2).mean(axis=1) / 4 * means).mean())
    return max(dispersion, _LEAST_NOISE * float(means.mean()))


class EffectEstimate(NamedTuple):
    """An effect as a share of the synthetic sum of the test, its 90 % interval, and its p-value."""

    share: float
    low: float
    high: float
    p: float


def estimate(observed: Floats, synthetic: Floats, days_before: int) -> EffectEstimate:
    """Estimate by which share the observed values of a test are below the synthetic ones.

    The test is the days from the number `days_before` on. The p-value is that of the permutation of
    blocks (Chernozhukov, Wüthrich, Zhu 2021): how many of all periods of the test's length, in the
    circle of all days, differ from the control as much as the test. The interval has the shares
    that this test does not reject.
    """
    is_test = np.arange(len(observed)) >= days_before
    share = 1 - float(observed[is_test].sum() / synthetic[is_test].sum())
    constant = _window_sums(_residuals(observed, synthetic), days_before)
    slope = _window_sums(_residuals(synthetic * is_test, synthetic), days_before)
    low, high = _accepted(constant, slope, share)
    return EffectEstimate(share, low, high, float(_p_values(constant, slope, np.zeros(1))[0]))


def _residuals(values: Floats, synthetic: Floats) -> Floats:
    """Return what values differ from the synthetic ones, which are set to the level of all days."""
    residuals: Floats = values - synthetic * (values.sum() / synthetic.sum())
    return residuals


def _window_sums(residuals: Floats, days_before: int) -> Floats:
    """Return the sums of all periods of the test's length; the first one is that of the test."""
    days = len(residuals) - days_before
    circle = np.concatenate([residuals[days_before:], residuals[:days_before]])
    sums = np.concatenate([[0.0], np.cumsum(np.concatenate([circle, circle[: days - 1]]))])
    windows: Floats = sums[days:] - sums[:-days]
    return windows


def _p_values(constant: Floats, slope: Floats, shares: Floats) -> Floats:
    """Return the p-value of each assumed share."""
    sums = np.abs(constant + shares[:, None] * slope)
    tolerance = 1e-9 * np.abs(constant).max()
    values: Floats = (sums >= sums[:, :1] - tolerance).mean(axis=1)
    return values


def _accepted(constant: Floats, slope: Floats, share: float) -> tuple[float, float]:
    """Return the lowest and highest share that is not rejected.

    P-values change only where the sum of another period has the size of that of the test. Without
    limit on a side, all shares between the last change and infinity are accepted.
    """
    with np.errstate(divide="ignore", invalid="ignore"):
        changes = np.concatenate(
            [
                -(constant - constant[0]) / (slope - slope[0]),
                -(constant + constant[0]) / (slope + slope[0]),
            ]
        )
    edges = np.unique(np.append(changes[np.isfinite(changes)], share))
    inner = (edges[1:] + edges[:-1]) / 2
    middles = np.concatenate([[edges[0] - 1], inner, [edges[-1] + 1]])
    is_accepted = _p_values(constant, slope, middles) > ALPHA
    lows, highs = np.append(-np.inf, edges), np.append(edges, np.inf)
    low = lows[is_accepted].min(initial=share)
    return float(low), float(highs[is_accepted].max(initial=share))
