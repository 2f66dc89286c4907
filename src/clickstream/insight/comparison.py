"""Compares numbers of a period with the days before: usual value, interval, chance and growth.

One model serves counts, money and shares, with a history of one to twelve weeks:

    log(rate of a day) = level + weekday + slope * weeks + slow drift + noise of the day

It is a Poisson regression whose coefficients have normal priors. The size of the noise and of the
drift and the existence of a slope are unknown, so the forecasts of 60 settings are averaged, each
weighted by how well it explains the history. Decision 70 has the measured error rates. The
dashboard asks it for all numbers of a page at once.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields

import numpy as np

from clickstream.insight.arrays import Floats

WEEKS = 12
"""Weeks of history in use. Older days say little about this week."""

NOISE, NOISE_WEIGHTS = np.array([0.02, 0.05, 0.1, 0.17, 0.3]), np.array([0.2, 0.3, 0.25, 0.15, 0.1])
"""Relative standard deviations of a day beyond chance, and their prior probabilities."""

DRIFT, DRIFT_WEIGHTS = np.array([0.02, 0.05, 0.12, 0.3]), np.array([0.35, 0.42, 0.18, 0.05])
"""Relative standard deviations of the slow drift, and their prior probabilities."""

MEMORY_DAYS = 40.0
"""Days after which the drift's correlation has fallen to 1/e."""

SLOPE, SLOPE_WEIGHTS = np.array([0.0, 0.03, 0.25]), np.array([0.65, 0.27, 0.08])
"""Standard deviations of the slope a week (0: no slope), and their prior probabilities."""

WEEKDAY = 0.4
"""Standard deviation of weekdays around the level: a short history hardly moves them."""

REFERENCE_NOISE, REFERENCE_DRIFT, REFERENCE_SLOPE = 0.1, 0.06, 0.2
"""The setting of the first fit, which finds the rates of the days and the far days."""

FAR = 3.5
"""Robust standard deviations from the forecast of the other days that make a day a far day."""

LIKELIEST = 24
"""Number of settings, the likeliest, in the average. Fewer cost accuracy, more cost time."""

AMOUNT_DRIFT = 0.03
"""Relative standard deviation of the mean amount from the history to the period, beyond chance."""

NORMAL_95 = 1.645

_SLOPE_AT, _KNOTS_AT = 8, 9
"""The columns of the regression: level, 7 weekdays, slope, and the drift's knots, one a week."""


@dataclass(frozen=True)
class Amounts:
    """The sums of amounts (money of orders, page views of visits), and of their squares, by day."""

    sums: Floats
    squares: Floats


@dataclass(frozen=True)
class Compared:
    """Numbers of a period and what was usual: one entry of each array for each number.

    `low` and `high` bound the relative change from usual with 90 %; `chance` is the two-sided
    probability of a number this far from its forecast. `growth` is the relative growth a week, if
    there is one, with the bounds of 90 %, and `growth_probability` the probability that there is.
    `events` are the orders or visits of the period, `usual_events` as many as are usual.
    """

    value: Floats
    usual: Floats
    low: Floats
    high: Floats
    chance: Floats
    growth: Floats
    growth_low: Floats
    growth_high: Floats
    growth_probability: Floats
    events: Floats
    usual_events: Floats
    history_days: Floats
    """Complete days of the history, of the twelve weeks at most."""

    @property
    def change(self) -> Floats:
        """The relative change, very large from zero."""
        return self.value / np.maximum(self.usual, 1e-9) - 1

    def select(self, numbers: Sequence[int]) -> Compared:
        """Return the comparisons of the numbers with these indices, such as those of a family."""
        return Compared(*(getattr(self, column.name)[numbers] for column in fields(self)))

    @classmethod
    def join(cls, parts: Sequence[Compared]) -> Compared:
        """Return one comparison of the numbers of several."""
        columns = ([getattr(part, column.name) for part in parts] for column in fields(cls))
        return cls(*(np.concatenate(arrays) for arrays in columns))


def compare(
    counts: Floats,
    length: int,
    *,
    part: float | Floats = 1.0,
    trials: Floats | None = None,
    amounts: Amounts | None = None,
) -> Compared:
    """Compare the last `length` days of `counts` (numbers x days) with the days before them.

    A day that is not complete is NaN; the period is compared over its complete days. `part` is the
    usual share of the last day that is over, of all numbers or of each. A share is a count of hits
    with its `trials` by day. For money, `counts` are the orders, which say how many are expected,
    with their `amounts`; for page views the visits.
    """
    dropped = max(counts.shape[1] - length - 7 * WEEKS, 0)
    counts = counts[:, dropped:]
    history = counts.shape[1] - length
    is_complete = np.isfinite(counts)
    exposure = is_complete.astype(float)
    counts = np.where(is_complete, counts, 0.0)
    events = counts[:, history:].sum(axis=1)
    cluster = np.ones(len(counts))
    if trials is None:
        exposure[:, -1] *= part
    else:
        exposure = np.where(is_complete, trials[:, dropped:], 0.0)
        # Hits of a fixed number of trials vary less than a Poisson count, by 1 - share.
        before = exposure[:, :history].sum(axis=1) + 1
        cluster = 1 - np.minimum((counts[:, :history].sum(axis=1) + 0.5) / before, 0.95)
    period_exposure = exposure[:, history:]
    days = _Days(
        counts[:, :history] / cluster[:, None],
        exposure[:, :history],
        *_design(history, length),
    )
    rates, is_kept, period_rates = _fit_days(days)
    expected = np.maximum(period_exposure, 1e-9) * np.exp(period_rates)
    total = expected.sum(axis=1)
    day_share = expected / total[:, None]
    base = np.log(total) - (day_share * period_rates).sum(axis=1)
    forecast = _average_settings(days, rates, is_kept, day_share, base, events / cluster)
    probability, middle, variance = forecast.probability, forecast.middle, forecast.variance
    usual = usual_events = np.exp((probability * middle).sum(axis=1)) * cluster
    value, clusters = events, events / cluster
    if trials is not None:
        tried = np.maximum(period_exposure.sum(axis=1), 1e-9)
        value, usual = value / tried, usual / tried
    if amounts is not None:
        sums, squares = (
            np.where(is_complete, array[:, dropped:], 0.0)
            for array in (amounts.sums, amounts.squares)
        )
        value = sums[:, history:].sum(axis=1)
        past, orders = sums[:, :history].sum(axis=1), np.maximum(days.counts.sum(axis=1), 1.0)
        mean = np.where(past > 0, past / orders, value / np.maximum(events, 1.0))
        mean = np.maximum(mean, 1e-9)
        # The size in which amounts come. The larger one of history and period counts, because one
        # huge order must not look like many.
        size = np.maximum(
            squares[:, :history].sum(axis=1) / np.maximum(past, 1e-9),
            squares[:, history:].sum(axis=1) / np.maximum(value, 1e-9),
        )
        size = np.maximum(size, mean)
        variance = variance + ((size / mean - 1) / orders + AMOUNT_DRIFT**2)[:, None]
        middle, clusters = middle + np.log(mean / size)[:, None], value / size
        usual = usual * mean
    at_most = _at_most(clusters, middle, variance, probability)
    low, high = _interval(clusters, middle, variance, probability)
    return Compared(
        value,
        usual,
        low,
        high,
        2 * np.minimum(at_most, 1 - at_most),
        *forecast.growth,
        forecast.growth_probability,
        events,
        usual_events,
        is_complete[:, :history].sum(axis=1).astype(float),
    )


@dataclass(frozen=True)
class _Days:
    """The history (numbers x days), and the columns of its days and of the period's days."""

    counts: Floats
    exposure: Floats
    design: Floats
    period_design: Floats
    knots: Floats

    @property
    def squares(self) -> Floats:
        """The products of each two columns."""
        return (self.design[:, :, None] * self.design[:, None, :]).reshape(len(self.design), -1)


def _design(history: int, length: int) -> tuple[Floats, Floats, Floats]:
    """Return the columns of the history's days and of the period's, and the days of the knots."""
    day = np.arange(-history, length)
    knots = np.arange(-7 * -(-history // 7), length + 7, 7, dtype=float)
    weekdays = (day[:, None] % 7 == np.arange(7)).astype(float)
    drift = 1 - np.minimum(np.abs(day[:, None] - knots) / 7, 1)
    rows = np.column_stack([np.ones(len(day)), weekdays, day / 7, drift])
    return rows[:history], rows[history:], knots


def _precision(knots: Floats, drift: float, slope: float) -> Floats:
    """Return the prior precision of the columns."""
    prior = np.diag([0.25, *[WEEKDAY**-2] * 7, slope**-2, *[0.0] * len(knots)])
    apart = np.abs(knots[:, None] - knots)
    prior[_KNOTS_AT:, _KNOTS_AT:] = np.linalg.inv(drift**2 * np.exp(-apart / MEMORY_DAYS))
    return prior


def _fit_days(days: _Days) -> tuple[Floats, np.ndarray, Floats]:
    """Return the logarithms of the days' rates, the days to keep, and the period's log rates.

    Penalised iteratively reweighted least squares (Breslow and Clayton 1993). A day is far if it is
    unlikely by what the other days say, without its own pull on the fit, the leverage: otherwise an
    outlier hides in its weekday in a history of two weeks.
    """
    prior, squares = _precision(days.knots, REFERENCE_DRIFT, REFERENCE_SLOPE), days.squares
    counts, exposure, design = days.counts, days.exposure, days.design
    is_used = exposure > 0
    whole = np.maximum(exposure.sum(axis=1, keepdims=True), 1.0)
    start = np.log((counts.sum(axis=1, keepdims=True) + 0.5) / whole)
    rates, kept = np.repeat(start, counts.shape[1], axis=1), np.ones_like(counts)
    for _ in range(6):
        mean = np.maximum(exposure * np.exp(rates), 1e-9)
        weight = np.where(is_used, kept / (1 / mean + REFERENCE_NOISE**2), 0.0)
        working = rates - start + (counts - mean) / mean
        inverse = np.linalg.inv((weight @ squares).reshape(-1, *prior.shape) + prior)
        fitted = (inverse @ ((weight * working) @ design)[..., None])[..., 0]
        fit = fitted @ design.T
        rates = np.clip(start + np.clip(fit, -8, 8), rates - 2, rates + 2)
        leverage = np.minimum(((design @ inverse) * design).sum(axis=-1) * weight, 0.9)
        others = fit - leverage / (1 - leverage) * (working - fit)
        mean = exposure * np.exp(start + np.clip(others, -8, 8))
        # Anscombe's residuals (1948) are about normal.
        residual = np.abs(2 * (np.sqrt(counts + 0.375) - np.sqrt(mean + 0.375)))
        scale = _median(residual, is_used)
        limit = FAR * np.maximum(1.4826 * scale, 1.0)[:, None]
        kept = np.minimum(1.0, limit / np.maximum(residual, 1e-9)) ** 2
    return rates, kept > 0.5, start + np.clip(fitted @ days.period_design.T, -8, 8)


def _median(values: Floats, is_used: np.ndarray) -> Floats:
    """Return the median of the used values of each row; infinite without any."""
    ordered = np.sort(np.where(is_used, values, np.inf), axis=1)
    last = np.maximum(is_used.sum(axis=1, keepdims=True) - 1, 0)
    places = np.concatenate([last // 2, (last + 1) // 2], axis=1)
    median: Floats = np.take_along_axis(ordered, places, axis=1).mean(axis=1)
    return median


@dataclass(frozen=True)
class _Forecast:
    """Of each number and setting: its probability, the log of its forecast, and the variance.

    The variance is that of the log rate of the period, without Poisson's.
    """

    probability: Floats
    middle: Floats
    variance: Floats
    growth: tuple[Floats, Floats, Floats]
    growth_probability: Floats


def _average_settings(
    days: _Days, rates: Floats, is_kept: np.ndarray, day_share: Floats, base: Floats, now: Floats
) -> _Forecast:
    """Return the likeliest settings with their forecasts. Axes: number, noise, drift, slope."""
    mean = np.maximum(days.exposure * np.exp(rates), 1e-9)
    is_used = (days.exposure > 0) & is_kept
    ahead = day_share @ days.period_design
    working = rates + (days.counts - mean) / mean
    level = (working * is_used * mean).sum(axis=1)
    level /= np.maximum((is_used * mean).sum(axis=1), 1e-9)
    working = ((working - level[:, None]) * is_used)[:, None, :]
    variance = 1 / mean[:, None, :] + NOISE[:, None] ** 2
    weight = is_used[:, None, :] / variance
    fits = (weight * working**2 + is_used[:, None] * np.log(variance)).sum(axis=-1)

    # With M the posterior precision and L its Cholesky factor, the last rows of the factor of
    # [[M, R], [R', big]] are R' L^-T. Their products are all of R' M^-1 R that is needed, for R of
    # three columns: the data, the period, and the slope. This replaces inverse and determinant.
    priors = np.array([_precision(days.knots, drift, 1.0) for drift in DRIFT])
    width = priors.shape[1]
    columns = np.zeros((len(now), len(NOISE), 3, width))
    columns[:, :, 0] = (weight * working) @ days.design
    columns[:, :, 1] = ahead[:, None]
    columns[:, :, 2, _SLOPE_AT] = 1
    matrix = np.zeros((len(now), len(NOISE), len(DRIFT), width + 3, width + 3))
    matrix[..., :width, :width] = (weight @ days.squares).reshape(
        len(now), len(NOISE), 1, width, width
    ) + priors
    matrix[..., width:, :width] = columns[:, :, None]
    matrix[..., range(width, width + 3), range(width, width + 3)] = 1e15
    factor = np.linalg.cholesky(matrix)
    determinant = 2 * np.log(factor[..., range(width), range(width)]).sum(axis=-1)
    rows = factor[..., width:, :width]
    products = (rows @ np.swapaxes(rows, -1, -2))[..., None]
    evidence = products[..., 0, 0, :] - determinant[..., None] - fits[:, :, None, None]
    evidence = evidence + np.linalg.slogdet(priors)[1][:, None]
    middle, spread = products[..., 0, 1, :], products[..., 1, 1, :]
    slope, toward, own = products[..., 0, 2, :], products[..., 1, 2, :], products[..., 2, 2, :]

    # The slope's prior deviation was 1; another one changes only this coefficient's precision
    # (Sherman and Morrison), so its three values cost no further factor.
    more = 1 / np.maximum(SLOPE, 1e-4) ** 2 - 1
    shrink = more / (1 + more * own)
    middle, spread = middle - toward * shrink * slope, spread - toward**2 * shrink
    evidence = (evidence - shrink * slope**2 + np.log(shrink * (1 + more) / more)) / 2
    evidence += np.log(np.multiply.outer(np.outer(NOISE_WEIGHTS, DRIFT_WEIGHTS), SLOPE_WEIGHTS))
    probability = np.exp(evidence - evidence.max(axis=(1, 2, 3), keepdims=True))
    probability /= probability.sum(axis=(1, 2, 3), keepdims=True)
    middle = middle + (level + base)[:, None, None, None]
    spread = spread + (NOISE**2)[:, None, None] * (day_share**2).sum(axis=1)[:, None, None, None]

    # The period says something of the slope, too: a Kalman step.
    remaining = 1 - own * shrink
    slope, own, toward = slope * remaining, own * remaining, toward * remaining
    seen = np.maximum(now, 1.0)[:, None, None, None]
    gain = toward / (spread + 1 / seen)
    slope, own = slope + gain * (np.log(seen) - middle), own - gain * toward
    has_slope = probability[..., 1:]
    growth_probability = has_slope.sum(axis=(1, 2, 3))
    share = has_slope / np.maximum(growth_probability, 1e-12)[:, None, None, None]
    growth = (share * slope[..., 1:]).sum(axis=(1, 2, 3))
    about = slope[..., 1:] - growth[:, None, None, None]
    apart = NORMAL_95 * np.sqrt((share * (own[..., 1:] + about**2)).sum(axis=(1, 2, 3)))

    settings = [array.reshape(len(now), -1) for array in (probability, middle, spread)]
    likeliest = np.argsort(-settings[0], axis=1)[:, :LIKELIEST]
    probability, middle, spread = (
        np.take_along_axis(array, likeliest, axis=1) for array in settings
    )
    return _Forecast(
        probability / probability.sum(axis=1, keepdims=True),
        middle,
        spread,
        (np.expm1(growth), np.expm1(growth - apart), np.expm1(growth + apart)),
        growth_probability,
    )


def _at_most(now: Floats, middle: Floats, variance: Floats, probability: Floats) -> Floats:
    """Return the probability of fewer than `now`, plus half of exactly `now`.

    In each setting the count is negative-binomial. Peizer and Pratt's normal approximation (1968)
    is within 0.001 of its distribution from 1 on; 0 is exact. A number between them, such as money
    in clusters, is interpolated.
    """
    size = 1 / np.expm1(np.clip(variance, 1e-6, 0.9))
    count = np.maximum(now, 1.0)[:, None]
    expected = np.exp(middle)
    success = expected / (size + expected)
    number = size + count - 0.5
    rest = number - count
    deviance = rest * np.log(rest / (number * (1 - success)))
    deviance += count * np.log(count / (number * success))
    distance = count + 1 / 6 - (number + 1 / 3) * success
    distance += 0.02 * (
        (1 - success) / (count + 0.5) - success / (rest + 0.5) + (0.5 - success) / (number + 1)
    )
    scale = np.sqrt(2 * np.maximum(deviance, 0) / (1 + 1 / (6 * number)))
    below = _normal(distance / np.maximum(np.abs(count - number * success), 1e-9) * scale)
    none = np.exp(-size * np.log1p(expected / size)) / 2
    above_none = np.minimum(now, 1.0)[:, None]
    at_most: Floats = (probability * (none + above_none * (below - none))).sum(axis=1)
    return at_most


def _normal(deviation: Floats) -> Floats:
    """Return the normal distribution's probability (Press et al., erfcc: relative error 1e-7)."""
    z = np.abs(deviation) / np.sqrt(2)
    t = 1 / (1 + z / 2)
    series = np.polyval(_ERFC, t)
    tail = t * np.exp(-z * z + series) / 2
    probability: Floats = np.where(deviation < 0, tail, 1 - tail)
    return probability


# fmt: off
_ERFC = [
    0.17087277, -0.82215223, 1.48851587, -1.13520398, 0.27886807,
    -0.18628806, 0.09678418, 0.37409196, 1.00002368, -1.26551223,
]
# fmt: on


def _interval(
    now: Floats, middle: Floats, variance: Floats, probability: Floats
) -> tuple[Floats, Floats]:
    """Return the relative changes between which `now` is within the 5 and 95 % tails."""
    bounds = []
    for target in (0.95, 0.05):
        low, high = np.full(len(now), -6.0), np.full(len(now), 6.0)
        for _ in range(16):
            between = (low + high) / 2
            at_most = _at_most(now, middle + between[:, None], variance, probability)
            low, high = (
                np.where(at_most > target, between, low),
                np.where(at_most > target, high, between),
            )
        bounds.append(np.expm1((low + high) / 2))
    return bounds[0], bounds[1]
