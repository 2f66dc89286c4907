"""Simulated countries of towns whose true demand is known, and what the lake shows of them.

Orders of fixed lines are placed a few kilometres away, those of mobile networks mostly at one of a
few gateways. The truth has more than the model assumes: rates of towns with another distribution,
cafés that differ in attraction, and shares of mobile orders that differ by town.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from clickstream.insight.huff import distances_km, share_orders, weights
from clickstream.insight.location_market import Market, OwnCafe, Point, Town
from clickstream.insight.location_plan import Candidate
from clickstream.insight.synthetic_control import Floats

TOWNS, CAFES, GATEWAYS, DAYS = 500, 6, 30, 360


@dataclass(frozen=True)
class TownWorld:
    """A market, candidates, and the true orders that each would gain in the days of the market.

    `opened` has, for each candidate, the orders that were counted after it opened. `seen` are the
    orders of all networks by town, as they are placed.
    """

    market: Market
    candidates: tuple[Candidate, ...]
    gained: Floats
    opened: Floats
    seen: Floats
    truth: tuple[float, float]


def draw_world(seed: int, orders: int = 20_000, candidates: int = 150) -> TownWorld:
    """Draw a country with some orders; cafés show who picks up orders in every second one."""
    rng = np.random.default_rng(seed)
    points, people = _draw_towns(rng)
    apart = distances_km(points, points)
    rates = np.exp(rng.normal(0, 0.6, TOWNS) + 0.3 * rng.standard_t(5, TOWNS).clip(-4, 4))
    demand = people * rates
    demand *= orders / demand.sum()
    cafes = rng.choice(TOWNS, CAFES, replace=False, p=people / people.sum())
    decay, online = rng.uniform(10, 20), np.exp(rng.uniform(np.log(0.08), np.log(0.3)))
    attraction = np.exp(rng.normal(0, 0.2, (TOWNS, 1)))
    pull = attraction * weights(apart, decay)
    own = pull[cafes].sum(axis=0)
    others = np.setdiff1d(np.arange(TOWNS), cafes)
    chosen = rng.choice(others, candidates, replace=False, p=_shares(np.sqrt(people[others])))
    alike = share_orders(demand, own, weights(apart, decay)[chosen], online, np.zeros(candidates))
    real = share_orders(demand, own, pull[chosen], online, np.zeros(candidates))
    fixed, held_back, picked_up, seen = _observe(
        rng, demand, apart, people, _pick(pull[cafes], online)
    )
    names = [f"town {n}" for n in range(TOWNS)]
    market = Market(
        tuple(Town(names[n], Point(*points[n]), people[n]) for n in range(TOWNS)),
        tuple(OwnCafe(names[n], Point(*points[n])) for n in cafes),
        fixed,
        held_back,
        picked_up if seed % 2 > 2 else np.zeros_like(picked_up),
        scale=seen.sum() / fixed.sum(),
        days=DAYS,
        order_cents=900.0,
        currency="GBP",
    )
    return TownWorld(
        market,
        tuple(Candidate(names[n], Point(*points[n])) for n in chosen),
        alike.at_cafe - alike.from_own,
        rng.poisson(real.at_cafe - real.from_own).astype(float),
        seen[chosen],
        (float(decay), float(online)),
    )


def _draw_towns(rng: np.random.Generator) -> tuple[Floats, Floats]:
    """Draw towns, most of them around some large ones, as in a country of 800 by 900 km."""
    centres = rng.uniform((46.0, 0.0), (53.0, 12.0), (25, 2))
    around = centres[rng.integers(0, 25, TOWNS)] + rng.normal(0, 0.35, (TOWNS, 2))
    alone = rng.uniform((46.0, 0.0), (53.0, 12.0), (TOWNS, 2))
    points = np.where(rng.random((TOWNS, 1)) < 0.6, around, alone)
    return points, np.exp(rng.normal(np.log(80_000), 0.9, TOWNS)).round()


def _pick(pull: Floats, online: float) -> Floats:
    """Return the share of each café in the orders of each town."""
    found: Floats = pull / (pull.sum(axis=0) + online)
    return found


def _observe(
    rng: np.random.Generator, demand: Floats, apart: Floats, people: Floats, picked: Floats
) -> tuple[Floats, Floats, Floats, Floats]:
    """Return the orders of fixed lines, held-back ones, picked-up ones, and all as placed."""
    mobile = rng.beta(9, 11, TOWNS)
    near = _rows(np.where(apart < 15, people[None] * np.exp(-apart / 8), 0.0))
    hub = np.isin(np.arange(TOWNS), np.argsort(-people)[:GATEWAYS])
    far = _rows(np.exp(-apart / 250) * np.where(hub, people, people * 0.02)[None])
    fixed_of_town = rng.poisson(demand * (1 - mobile))
    kept = np.vstack([picked, 1 - picked.sum(axis=0)]).T
    by_cafe = np.array(
        [rng.multinomial(n, p) for n, p in zip(fixed_of_town, kept, strict=True)], float
    )
    picked_up = rng.poisson(by_cafe[:, :-1].T @ near)
    online = rng.poisson(by_cafe[:, -1] @ near)
    fixed = picked_up.sum(axis=0) + online
    held_back = rng.binomial(fixed, 0.25)
    seen = fixed + rng.poisson((demand * mobile) @ far)
    return (*(one.astype(float) for one in (fixed, held_back, picked_up, seen)),)  # type: ignore


def _rows(values: Floats) -> Floats:
    found: Floats = values / values.sum(axis=1, keepdims=True)
    return found


def _shares(values: Floats) -> Floats:
    found: Floats = values / values.sum()
    return found
