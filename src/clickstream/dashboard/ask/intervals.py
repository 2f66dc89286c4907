"""Uncertainty of shares and differences."""

from __future__ import annotations

from math import sqrt

Z95 = 1.96
Z90 = 1.645
Z99 = 2.576

SHARE_MINIMUM = 30
"""A share of fewer visits is not shown: its 95 % interval may be wider than 30 points."""


def known_share(part: float, whole: float) -> float | None:
    """Return a share; None if the whole is too small for a share."""
    return part / whole if whole >= SHARE_MINIMUM else None


def wilson(successes: float, trials: float) -> tuple[float, float]:
    """Return the 95 % interval of a share (Wilson 1927), 0 to 1; without trials, all of 0 to 1."""
    if trials <= 0:
        return 0.0, 1.0
    share, weight = successes / trials, Z95**2 / trials
    middle = (share + weight / 2) / (1 + weight)
    half = Z95 * sqrt(share * (1 - share) / trials + weight / (4 * trials)) / (1 + weight)
    low = max(middle - half, 0.0) if successes > 0 else 0.0  # rounding could leave 4e-19
    return low, min(middle + half, 1.0) if successes < trials else 1.0


def share_difference(
    first: tuple[float, float], second: tuple[float, float]
) -> tuple[float, float]:
    """Return the 95 % interval of one share minus another, -1 to 1.

    Each share is given by its successes and its trials, of which there is at least one. The
    interval is Newcombe's (1998), method 10, from the Wilson intervals of both shares.
    """
    shares = [successes / trials for successes, trials in (first, second)]
    (low, high), (other_low, other_high) = wilson(*first), wilson(*second)
    difference = shares[0] - shares[1]
    below = sqrt((shares[0] - low) ** 2 + (other_high - shares[1]) ** 2)
    above = sqrt((high - shares[0]) ** 2 + (shares[1] - other_low) ** 2)
    return difference - below, difference + above


def poisson_interval(count: int, z: float = Z90) -> tuple[float, float]:
    """Return the interval of the mean of a count, of 90 % with the default `z`.

    It is the exact interval (Garwood 1936) with the chi-square quantiles of Wilson and Hilferty
    (1931). From a count of 10 on, its ends are within 0.1 % of the exact ones.
    """

    def end(of: float, sign: int) -> float:
        return of * float(1 - 1 / (9 * of) + sign * z / (3 * sqrt(of))) ** 3

    return max(end(count, -1), 0.0) if count else 0.0, end(count + 1, 1)
