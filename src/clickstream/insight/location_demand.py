"""Demand by town: web orders of fixed lines, shrunk towards what the number of people suggests.

Addresses of mobile networks are often placed at a gateway far away, so their orders count in the
sum only. `insight.location_plan` calls this module.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from clickstream.insight.arrays import Floats
from clickstream.insight.credit_interval import Z

LEAST_SPREAD = 0.02
"""Smallest variance of the rates of towns: no two towns order exactly alike."""


@dataclass(frozen=True)
class Demand:
    """Orders by town, as a gamma distribution of each town: `shape` / `rate` is its mean."""

    shape: Floats
    rate: Floats

    @property
    def mean(self) -> Floats:
        """The expected orders of each town."""
        mean: Floats = self.shape / self.rate
        return mean

    def draw(self, rng: np.random.Generator, draws: int) -> Floats:
        """Return draws × towns."""
        orders: Floats = rng.gamma(self.shape, 1 / self.rate, (draws, len(self.shape)))
        return orders

    def scaled(self, factor: float) -> Demand:
        """Return the demand in another unit, such as all orders instead of those of fixed lines."""
        return Demand(self.shape, self.rate / factor)


@dataclass(frozen=True)
class HeldBackCheck:
    """Whether the orders of other weeks say where those of the held-back weeks come from.

    `gain` is the mean of the logarithm of how much more likely the town of an order is by them than
    by people alone, and `error` its standard error. `orders` is the number of held-back orders.
    """

    gain: float
    error: float
    orders: int

    @property
    def is_better(self) -> bool:
        """Whether the gain is above 0 by more than chance, one-sided at 95 %."""
        return self.gain > Z * self.error


def expected_by_people(total: float, people: Floats) -> Floats:
    """Return the orders of each town if all people ordered alike."""
    orders: Floats = total * people / people.sum()
    return orders


def shrink(orders: Floats, people: Floats) -> Demand:
    """Estimate the orders of each town: its rate per head is between its own and that of all.

    The rates of towns have a gamma distribution with the mean 1. Its variance is what the towns
    differ by beyond chance.
    """
    expected = expected_by_people(orders.sum(), people)
    spread = _spread(orders, expected)
    return Demand(1 / spread + orders, 1 + 1 / (spread * np.maximum(expected, 1e-12)))


def by_people_alone(orders: Floats, people: Floats) -> Demand:
    """Estimate the orders of each town by its people only; towns differ as their orders show."""
    expected = expected_by_people(orders.sum(), people)
    shape = 1 / _spread(orders, expected)
    return Demand(np.full(len(people), shape), shape / np.maximum(expected, 1e-12))


def _spread(orders: Floats, expected: Floats) -> float:
    """Return the variance of the rates of towns, without that of chance (method of moments)."""
    total = expected.sum()
    if total <= 0:
        return LEAST_SPREAD
    apart = float(((orders - expected) ** 2 / np.maximum(expected, 1e-12)).sum())
    return max(LEAST_SPREAD, (apart - len(orders)) / float(total))


def check_held_back(orders: Floats, held_back: Floats, people: Floats) -> HeldBackCheck:
    """Compare the towns of the held-back orders with what the others and people alone expect."""
    number = held_back.sum()
    if number <= 0 or orders.sum() <= 0:
        return HeldBackCheck(0.0, 0.0, int(number))
    by_orders, by_people = shrink(orders, people).mean, people
    gains = np.log(by_orders / by_orders.sum()) - np.log(by_people / by_people.sum())
    gain = float((held_back * gains).sum() / number)
    variance = float((held_back * (gains - gain) ** 2).sum() / number)
    return HeldBackCheck(gain, float(np.sqrt(variance / number)), int(number))
