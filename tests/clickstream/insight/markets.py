"""Small markets for tests of plans of locations, and their strategies."""

from __future__ import annotations

import numpy as np
from hypothesis import strategies as st

from clickstream.insight.location_market import Market, OwnCafe, Point, Town
from clickstream.insight.location_plan import CafeCandidate

RANGE = (8.0, 25.0)


def draw_market(seed: int, towns: int = 12, cafes: int = 2, orders: int = 2000) -> Market:
    """Draw towns within about 100 km, whose rates differ; no café has orders by place."""
    rng = np.random.default_rng(seed)
    points = [Point(*point) for point in rng.uniform((51.0, 0.0), (52.0, 1.5), (towns, 2)).tolist()]
    people = rng.integers(20_000, 400_000, towns)
    shares = people * np.exp(rng.normal(0, 0.7, towns))
    fixed = rng.poisson(orders * shares / shares.sum())
    return Market(
        towns=tuple(Town(f"town {n}", points[n], float(people[n])) for n in range(towns)),
        cafes=tuple(OwnCafe(f"café {n}", points[n]) for n in range(cafes)),
        fixed=fixed.astype(float),
        held_back=rng.binomial(fixed, 0.25).astype(float),
        picked_up=np.zeros((cafes, towns)),
        scale=1.8,
        days=360,
    )


def candidates_of(market: Market) -> list[CafeCandidate]:
    """Return the towns without a café as candidates, without assumptions."""
    return [CafeCandidate(one.name, one.point) for one in market.towns[len(market.cafes) :]]


seeds = st.integers(0, 10**6)
markets = st.builds(draw_market, seeds, st.integers(7, 14), st.integers(0, 3))
