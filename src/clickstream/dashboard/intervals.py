"""Uncertainty of shares and differences."""

from __future__ import annotations

from math import sqrt

Z95 = 1.96


def wilson(successes: float, trials: float) -> tuple[float, float]:
    """The 95 % interval of a share (Wilson 1927), as shares; of no trials, all shares."""
    if trials <= 0:
        return 0.0, 1.0
    share, weight = successes / trials, Z95**2 / trials
    middle = (share + weight / 2) / (1 + weight)
    half = Z95 * sqrt(share * (1 - share) / trials + weight / (4 * trials)) / (1 + weight)
    return max(middle - half, 0.0), min(middle + half, 1.0)


def is_unlikely_by_chance(now: float, before: float) -> bool:
    """Whether two counts differ by more than chance explains: 3 standard errors (Poisson)."""
    return abs(now - before) > 3 * sqrt(max(now + before, 1))
