"""What is known of a market: towns, their orders, and own cafés; and the model fitted to it.

`insight.location_rows` builds the market, and `insight.location_plan` uses the model.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from hashlib import sha256
from typing import NamedTuple

import numpy as np

from clickstream.insight.arrays import Floats
from clickstream.insight.huff import (
    HuffDraws,
    can_fit,
    distances_km,
    draw_fitted,
    draw_range,
)
from clickstream.insight.location_demand import (
    Demand,
    HeldBackCheck,
    by_people_alone,
    check_held_back,
    shrink,
)

DAYS_PER_MONTH = 30
"""Days of the month in which orders are stated."""

SAME_PLACE_KM = 0.1
"""Distance within which two points are one place."""

DRAWS = 400
"""Draws of demand and of the Huff model, of which an interval is the middle 90 %."""

MOBILE_SPREAD = 0.2
"""Standard deviation of the logarithm of the orders of a town for each order of a fixed line.

The share of mobile orders differs by town, which their places do not show.
"""


_OF_DEMAND, _OF_DISTANCE = 0, 1
"""Streams of chance that do not depend on each other."""


class Point(NamedTuple):
    """A point on the earth, in degrees north and east."""

    latitude: float
    longitude: float


class Town(NamedTuple):
    """A town with its people."""

    name: str
    point: Point
    people: float


class OwnCafe(NamedTuple):
    """A café that is open."""

    name: str
    point: Point


@dataclass(frozen=True)
class Market:
    """Towns, and the web orders of some days from each of them.

    `fixed` are the orders of fixed lines by town, `held_back` those of them in held-back weeks, and
    `picked_up`, cafés × towns, those that a café has sold. `scale` is the number of all web orders
    for each order of a fixed line.
    """

    towns: tuple[Town, ...]
    cafes: tuple[OwnCafe, ...]
    fixed: Floats
    held_back: Floats
    picked_up: Floats
    scale: float
    days: int

    @property
    def people(self) -> Floats:
        """The people of each town."""
        return np.array([town.people for town in self.towns], float)

    @property
    def points(self) -> Floats:
        """Latitude and longitude of each town."""
        return points_of([town.point for town in self.towns])

    def nearest_town(self, point: Point) -> Town:
        """Return the town that is nearest to a point."""
        return self.towns[int(distances_km(points_of([point]), self.points).argmin())]


def points_of(points: list[Point]) -> Floats:
    """Return rows of latitude and longitude."""
    return np.array(points, float).reshape(-1, 2)


def kilometres(start: Point, end: Point) -> float:
    """Return the distance between two points."""
    return float(distances_km(points_of([start]), points_of([end]))[0, 0])


def is_same_place(first: Point, second: Point) -> bool:
    """Whether two points are so close that they are one place."""
    return kilometres(first, second) <= SAME_PLACE_KM


@dataclass(frozen=True)
class MarketModel:
    """The demand of a month by town, and draws of how it is shared by cafés.

    `demand` is that of people alone if `check` finds no gain by the orders.
    """

    market: Market
    check: HeldBackCheck
    demand: Demand
    huff: HuffDraws
    own_distances: Floats
    seed: int

    @cached_property
    def demand_draws(self) -> Floats:
        """Draws × towns of the demand of a month."""
        rng = np.random.default_rng((self.seed, _OF_DEMAND))
        drawn = self.demand.draw(rng, DRAWS)
        return drawn * np.exp(rng.normal(0, MOBILE_SPREAD, drawn.shape))


def fit_market(
    market: Market, decay_range: tuple[float, float], chosen_km: float | None = None
) -> MarketModel:
    """Fit demand and the Huff model to a market.

    Draws depend on the data only, so a plan of equal data is equal. `decay_range` in kilometres
    counts if too few cafés have orders by place. `chosen_km` is a decay in place of both.
    """
    check = check_held_back(market.fixed - market.held_back, market.held_back, market.people)
    estimate = shrink if check.is_better else by_people_alone
    factor = market.scale * DAYS_PER_MONTH / market.days
    demand = estimate(market.fixed, market.people).scaled(factor)
    own = distances_km(points_of([cafe.point for cafe in market.cafes]), market.points)
    content = np.concatenate([market.fixed, market.people]).tobytes()
    seed = int.from_bytes(sha256(content).digest()[:8])
    rng = np.random.default_rng((seed, _OF_DISTANCE))
    if chosen_km is not None:
        huff = replace(draw_range(rng, DRAWS, (chosen_km, chosen_km)), source="chosen")
    elif can_fit(market.picked_up):
        huff = draw_fitted(rng, DRAWS, market.picked_up, market.fixed, own)
    else:
        huff = draw_range(rng, DRAWS, decay_range)
    return MarketModel(market, check, demand, huff, own, seed)
