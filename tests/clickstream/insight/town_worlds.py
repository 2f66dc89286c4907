"""Simulated countries of towns whose true demand is known, and what the lake shows of them.

Orders of fixed lines are placed a few kilometres away, those of mobile networks mostly at one of a
few gateways. The truth has more than the model assumes: rates of towns with another distribution,
own cafés that differ in attraction, and shares of mobile orders that differ by town.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from clickstream.insight.arrays import Floats
from clickstream.insight.huff import distances_km, share_orders, weights
from clickstream.insight.location_market import Market, OwnCafe, Point, Town
from clickstream.insight.location_plan import CafeCandidate

TOWNS, CAFES, GATEWAYS, DAYS = 500, 6, 30, 360
DECAY_KM, ONLINE = (8.0, 25.0), (0.05, 0.5)
"""The true decay and weight of ordering online are anywhere in what a plan assumes."""


@dataclass(frozen=True)
class TownWorld:
    """A market, candidates, and the true orders that each would gain in the days of the market.

    `opened` has, for each candidate, the orders that were counted after it opened. `seen` are the
    orders of all networks at the candidate, as they are placed.
    """

    market: Market
    candidates: tuple[CafeCandidate, ...]
    gained: Floats
    opened: Floats
    seen: Floats

    def value_of(self, names: list[str]) -> float:
        """Return what some picks gain, as a share of what the best ones would."""
        picked = [one.name in names for one in self.candidates]
        return float(self.gained[picked].sum() / np.sort(self.gained)[-len(names) :].sum())


class _Country(NamedTuple):
    """Towns, the distances between them, their demand, and the weight of a café in each."""

    points: Floats
    people: Floats
    apart: Floats
    demand: Floats
    pull: Floats


class _Seen(NamedTuple):
    """What the lake has of the orders of each town, as they are placed."""

    fixed: Floats
    picked_up: Floats
    all_networks: Floats


def draw_town_world(
    seed: int, orders: int = 20_000, has_sales_by_cafe: bool = True, spread: float = 0.6
) -> TownWorld:
    """Draw a world; `spread` is how much the rates of towns differ.

    Without `has_sales_by_cafe`, all orders are those of an online shop.
    """
    rng = np.random.default_rng(seed)
    decay, online = rng.uniform(*DECAY_KM), float(np.exp(rng.uniform(*np.log(ONLINE))))
    country = _draw_country(rng, orders, decay, spread)
    people = country.people
    cafes = rng.choice(TOWNS, CAFES, replace=False, p=people / people.sum())
    others = np.setdiff1d(np.arange(TOWNS), cafes)
    chosen = rng.choice(others, 150, replace=False, p=_shares(np.sqrt(people[others])))
    own = country.pull[cafes]
    gained, opened = (
        shares.at_cafe - shares.from_own
        for pull in (weights(country.apart, decay), country.pull)
        for shares in [share_orders(country.demand, own.sum(axis=0), pull[chosen], online)]
    )
    seen = _observe(rng, country, own / (own.sum(axis=0) + online))
    names = [f"town {n}" for n in range(TOWNS)]
    places = [Point(*point) for point in country.points.tolist()]
    market = Market(
        towns=tuple(map(Town, names, places, people.tolist())),
        cafes=tuple(OwnCafe(names[n], places[n]) for n in cafes),
        fixed=seen.fixed,
        held_back=rng.binomial(seen.fixed.astype(int), 0.25).astype(float),
        picked_up=seen.picked_up * has_sales_by_cafe,
        scale=float(seen.all_networks.sum() / seen.fixed.sum()),
        days=DAYS,
    )
    candidates = tuple(CafeCandidate(names[n], places[n]) for n in chosen)
    counted = rng.poisson(opened).astype(float)
    return TownWorld(market, candidates, gained, counted, seen.all_networks[chosen])


def _draw_country(rng: np.random.Generator, orders: int, decay: float, spread: float) -> _Country:
    """Draw towns, most of them around some large ones, in a country of 800 by 900 km."""
    centres = rng.uniform((46.0, 0.0), (53.0, 12.0), (25, 2))
    around = centres[rng.integers(0, 25, TOWNS)] + rng.normal(0, 0.35, (TOWNS, 2))
    alone = rng.uniform((46.0, 0.0), (53.0, 12.0), (TOWNS, 2))
    points = np.where(rng.random((TOWNS, 1)) < 0.6, around, alone)
    people = np.exp(rng.normal(np.log(80_000), 0.9, TOWNS)).round()
    tails = rng.standard_t(5, TOWNS).clip(-4, 4)
    demand = people * np.exp(spread * (rng.normal(size=TOWNS) + tails / 2))
    apart = distances_km(points, points)
    pull = np.exp(rng.normal(0, 0.2, (TOWNS, 1))) * weights(apart, decay)
    return _Country(points, people, apart, demand * orders / demand.sum(), pull)


def _observe(rng: np.random.Generator, country: _Country, picked: Floats) -> _Seen:
    """Draw the orders, who sold them, and where their addresses are placed."""
    people, apart = country.people, country.apart
    mobile = rng.beta(9, 11, TOWNS)
    near = _rows(np.where(apart < 15, people * np.exp(-apart / 8), 0.0))
    is_gateway = np.isin(np.arange(TOWNS), np.argsort(-people)[:GATEWAYS])
    far = _rows(np.exp(-apart / 250) * np.where(is_gateway, people, people * 0.02))
    sellers = np.vstack([picked, 1 - picked.sum(axis=0)])
    placed = rng.poisson((sellers * country.demand * (1 - mobile)) @ near).astype(float)
    of_mobile = rng.poisson((country.demand * mobile) @ far)
    fixed = placed.sum(axis=0)
    return _Seen(fixed, placed[:-1], fixed + of_mobile)


def _rows(values: Floats) -> Floats:
    """Return rows whose sums are 1."""
    found: Floats = values / values.sum(axis=1, keepdims=True)
    return found


def _shares(values: Floats) -> Floats:
    found: Floats = values / values.sum()
    return found
