"""Decides whether a count or a share of a range differs from the weeks before, beyond chance.

Pure arithmetic. A count is an overdispersed Poisson variable (quasi-Poisson); a share is compared
as two proportions. Both get their dispersion from the differences among the weeks before.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import erfc, log1p, sqrt
from statistics import median

PRIOR_WEEKS = 8
"""Weight, in weeks, of the dispersion that counts of one kind share, beside a count's own weeks."""

FAR = 5.0
"""A week before is left out if it is this many standard deviations from the others' median.

The standard deviation is the robust one (1.4826 times the median distance from the median)."""

_ROBUST = 1.4826

LASTING = 1.4
"""Factor on the variance beyond pure chance. Consecutive weeks are similar, so a range differs more
from the weeks before than these differ among themselves. 1.4 is right for counts whose changes last
about three weeks."""


@dataclass(frozen=True)
class Compared:
    """A number of the range, the number expected from the weeks before, and the chance of it.

    `size` is the sample size: the larger of both counts, or the visits of a share.
    """

    observed: float
    expected: float
    size: float
    chance: float

    @property
    def change(self) -> float:
        """The relative change; infinite from zero."""
        if not self.expected:
            return float("inf") if self.observed else 0.0
        return self.observed / self.expected - 1


def two_sided_chance(statistic: float, freedom: float) -> float:
    """Return the two-sided probability of Student's t.

    Uses Wallace's normal approximation (Annals of Mathematical Statistics 30, 1959). With few
    degrees of freedom it is slightly too large: 0.00115 for 0.001 with 4 of them.
    """
    scale = (8 * freedom + 1) / (8 * freedom + 3)
    normal = scale * sqrt(freedom * log1p(statistic**2 / freedom))
    return erfc(normal / sqrt(2))


def usual_weeks(weeks: Sequence[float], noise: Sequence[float]) -> list[int]:
    """Return the indices of the weeks that are close to the others, at least half of all weeks.

    A wave of bots must neither make the next one look usual nor hide it. `noise` is the minimum
    standard deviation of each week.
    """
    middle = median(weeks)
    spread = _ROBUST * median(abs(week - middle) for week in weeks)
    near = [
        index
        for index, week in enumerate(weeks)
        if abs(week - middle) <= FAR * max(spread, noise[index])
    ]
    return near if 2 * len(near) >= len(weeks) and len(near) > 2 else list(range(len(weeks)))


def without_far(weeks: Sequence[float], weeks_long: float) -> list[float]:
    """Return the counts of the weeks that are close to the others, beyond Poisson's noise."""
    noise = sqrt(max(median(weeks), 1.0) * weeks_long)
    return [weeks[index] for index in usual_weeks(weeks, [noise] * len(weeks))]


def spread_between(families: Sequence[Sequence[float]], weeks_long: float) -> float:
    """Return the relative week-to-week variance, beyond Poisson, of all counts of one kind.

    Each sequence has one count's values in the weeks before.
    """
    excess = total = 0.0
    for family in families:
        weeks = without_far(family, weeks_long)
        mean = sum(weeks) / len(weeks)
        if mean:
            excess += _dispersion(weeks, weeks_long) - 1
            total += mean / weeks_long
    return max(excess / total, 0.0) if total else 0.0


def _dispersion(weeks: Sequence[float], weeks_long: float) -> float:
    """Return the variance of a week over its mean; `weeks` are scaled to the range's length."""
    mean = sum(weeks) / len(weeks)
    squares = sum((week - mean) ** 2 for week in weeks)
    return squares / (mean * weeks_long) / (len(weeks) - 1) if mean else 1.0


def compare_count(
    observed: float,
    weeks: Sequence[float],
    weeks_long: float,
    spread: float | None,
    cluster: float = 1.0,
) -> Compared:
    """Compare a count with those of the weeks before, each scaled to the range's length.

    `weeks_long` is the range's length in weeks, at least 1. `spread` is the relative variance that
    counts of its kind share; the count's own dispersion is moved towards it (as in Smyth,
    Statistical Applications in Genetics 3, 2004). It is None for a count that is the only one of
    its kind. What is counted comes in clusters of about `cluster`, as page views come in visits:
    the sum of the squared sizes over the sum of the sizes.
    """
    weeks = without_far([week / cluster for week in weeks], weeks_long)
    clusters, number = observed / cluster, len(weeks)
    expected = sum(weeks) / number
    own, freedom = _dispersion(weeks, weeks_long), number - 1
    if spread is not None:
        shared = 1 + spread * expected / weeks_long
        own = (freedom * own + PRIOR_WEEKS * shared) / (freedom + PRIOR_WEEKS)
        freedom += PRIOR_WEEKS
    # Add one visit to the counts of all weeks, because no mean is known to be 0.
    mean = (sum(weeks) + weeks_long) / number
    # Pure chance averages out over a range of several weeks; lasting changes do not.
    lasting = LASTING * max(own - 1, 0.0) * weeks_long * (1 + 1 / number)
    variance = mean * (1 + weeks_long / number + lasting)
    chance = two_sided_chance((clusters - expected) / sqrt(variance), freedom)
    usual = expected * cluster
    return Compared(observed, usual, max(observed, usual), chance)


def compare_share(
    hits: float,
    trials: float,
    weeks: Sequence[tuple[float, float]],
    weeks_long: float,
) -> Compared | None:
    """Compare a share with that of the weeks before, given as their (hits, trials).

    The trials of the weeks are scaled to the range's length. Returns None if either side has no
    trials.
    """
    weeks = _without_far_shares(weeks, weeks_long)
    before_hits, before_trials = (sum(column) for column in zip(*weeks, strict=True))
    if not trials or not before_trials:
        return None
    before = before_hits / before_trials
    real_trials = before_trials / weeks_long
    pooled = (hits + before * real_trials) / (trials + real_trials)
    if not 0 < pooled < 1:
        return Compared(hits / trials, before, trials, 1.0)
    beyond = max(_share_dispersion(weeks, before, weeks_long) - 1, 0.0)
    lasting = LASTING * beyond * (1 + 1 / len(weeks)) * weeks_long / trials
    variance = pooled * (1 - pooled) * (1 / trials + 1 / real_trials + lasting)
    freedom = len(weeks) - 1 + PRIOR_WEEKS
    chance = two_sided_chance((hits / trials - before) / sqrt(variance), freedom)
    return Compared(hits / trials, before, trials, chance)


def compare_shares(
    hits: float, trials: float, other_hits: float, other_trials: float
) -> Compared | None:
    """Compare two shares of the same range; return None if either has no trials."""
    if trials <= 0 or other_trials <= 0:
        return None
    share, other_share = hits / trials, other_hits / other_trials
    pooled = (hits + other_hits) / (trials + other_trials)
    if not 0 < pooled < 1:
        return Compared(share, other_share, trials, 1.0)
    error = sqrt(pooled * (1 - pooled) * (1 / trials + 1 / other_trials))
    return Compared(share, other_share, trials, erfc(abs(share - other_share) / error / sqrt(2)))


def _without_far_shares(
    weeks: Sequence[tuple[float, float]], weeks_long: float
) -> list[tuple[float, float]]:
    with_trials = [week for week in weeks if week[1]]
    if not with_trials:
        return list(weeks)
    shares = [hits / trials for hits, trials in with_trials]
    middle = median(shares)
    noise = []
    for _, trials in with_trials:
        least = max(min(middle, 1 - middle), weeks_long / trials)
        noise.append(sqrt(least * weeks_long / trials))
    return [with_trials[index] for index in usual_weeks(shares, noise)]


def _share_dispersion(
    weeks: Sequence[tuple[float, float]], share: float, weeks_long: float
) -> float:
    """Return the variance of the weeks' shares relative to pure chance; moved towards 1."""
    if not 0 < share < 1:
        return 1.0
    freedom = len(weeks) - 1
    squares = sum(
        (hits - trials * share) ** 2 / (trials * share * (1 - share))
        for hits, trials in weeks
        if trials
    )
    return (squares / weeks_long + PRIOR_WEEKS) / (freedom + PRIOR_WEEKS)


def find_unusual(chances: Sequence[float], false_share: float) -> list[bool]:
    """Return for each number of a family whether its change is beyond chance, in the order given.

    The false-discovery control is Benjamini and Hochberg's (1995): at most `false_share` of the
    reported changes are expected to be due to chance, and of families without a change at most this
    share reports one.
    """
    limits = [
        chance
        for rank, chance in enumerate(sorted(chances), 1)
        if chance <= false_share * rank / len(chances)
    ]
    return [bool(limits) and chance <= limits[-1] for chance in chances]
