"""Rank candidates for a new café by the web orders of today that would move to it in a month.

`clickstream locations` calls this module; `insight.location_texts` has the sentences. Pure
functions.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple
from zlib import crc32

import numpy as np

from clickstream.insight.arrays import Floats
from clickstream.insight.huff import OrderShares, distances_km, share_orders, weights
from clickstream.insight.location_demand import HeldBackCheck
from clickstream.insight.location_market import (
    DRAWS,
    MarketModel,
    Point,
    is_same_place,
    kilometres,
    points_of,
)

TOP = 5
"""Places of the ranking for which the frequency is stated."""

ATTRACTION_SPREAD = 0.2
"""Standard deviation of the logarithm of a new café's weight: it may be better than own cafés."""

MONTHS_COUNTED = 12
"""Months over which the orders of a candidate are counted; more of them vary less by chance."""

NEARBY_KM = 25.0
"""Distance within which the orders of towns are evidence for a candidate."""

LEAST_ORDERS_NEARBY = 30
"""Orders of fixed lines nearby below which a candidate is flagged."""


class CafeCandidate(NamedTuple):
    """A place for a café, and what is assumed about it.

    `attraction` is the weight of the café at no distance, in comparison with own cafés.
    `competition` is the number of other cafés there.
    """

    name: str
    point: Point
    competition: float = 0.0
    attraction: float = 1.0


class DrawInterval(NamedTuple):
    """The 5 %, 50 % and 95 % points of the draws of a value."""

    low: float
    middle: float
    high: float


Flag = Literal["few orders", "own café", "shares customers"]


class CandidateFlag(NamedTuple):
    """What limits a result; `name` is the own café or the candidate that is meant."""

    flag: Flag
    name: str = ""


@dataclass(frozen=True)
class RankedCandidate:
    """A candidate with the values of a month.

    `orders` are web orders of today that would move to the café: customers place them already, so
    they are no gain. Orders that own cafés would lose are not among them; `own_share` is their
    share of the café's orders. `top_share` is how often the candidate is among the first five.
    """

    candidate: CafeCandidate
    orders: DrawInterval
    own_share: float
    top_share: float
    flags: tuple[CandidateFlag, ...]


@dataclass(frozen=True)
class LocationPlan:
    """Candidates, those with the most orders first."""

    ranked: tuple[RankedCandidate, ...]
    check: HeldBackCheck


def plan_locations(model: MarketModel, candidates: Sequence[CafeCandidate]) -> LocationPlan:
    """Rank candidates, each as if it were the only new café."""
    if not candidates:
        return LocationPlan((), model.check)
    of_attraction, of_count = _noise(model.seed, candidates)
    usual = np.array([usual_attraction(candidate) for candidate in candidates])
    shares = _draw_shares(model, candidates, usual * np.exp(ATTRACTION_SPREAD * of_attraction))
    # The orders of a mean month of a year, given what draws expect of a month.
    year = (shares.at_cafe - shares.from_own) * MONTHS_COUNTED
    moved = np.maximum(year + of_count * np.sqrt(year), 0) / MONTHS_COUNTED
    middles, top_shares = np.median(moved, axis=0), _is_top(moved).mean(axis=0)
    own_shares = shares.from_own.sum(axis=0) / np.maximum(shares.at_cafe.sum(axis=0), 1e-12)
    order = sorted(range(len(candidates)), key=lambda n: (-middles[n], candidates[n].name))
    ranked = tuple(
        RankedCandidate(
            candidate=candidates[n],
            orders=DrawInterval(*np.quantile(moved[:, n], [0.05, 0.5, 0.95]).tolist()),
            own_share=float(own_shares[n]),
            top_share=float(top_shares[n]),
            flags=tuple(_flags(model, candidates[n], [candidates[m] for m in order[:rank]])),
        )
        for rank, n in enumerate(order)
    )
    return LocationPlan(ranked, model.check)


def _draw_shares(
    model: MarketModel, candidates: Sequence[CafeCandidate], attraction: Floats
) -> OrderShares:
    """Return draws × candidates of the orders at a new café, and of those from own cafés.

    All candidates have the same draws of demand and distance, so that their order is about them.
    """
    distances = distances_km(
        points_of([candidate.point for candidate in candidates]), model.market.points
    )
    rows = [
        share_orders(
            demand,
            weights(model.own_distances, decay).sum(axis=0),
            attraction[n][:, None] * weights(distances, decay),
            online,
        )
        for n, (demand, decay, online) in enumerate(
            zip(model.demand_draws, model.huff.decays, model.huff.online, strict=True)
        )
    ]
    return OrderShares(*(np.array(values) for values in zip(*rows, strict=True)))


def usual_attraction(candidate: CafeCandidate) -> float:
    """Return the weight of a candidate at no distance; competitors there share its customers."""
    return candidate.attraction / (1 + candidate.competition)


def propose_candidates(model: MarketModel, limit: int) -> list[CafeCandidate]:
    """Return the towns to which most orders would move, as candidates without assumptions."""
    towns, (decay, online) = model.market.towns, model.huff.middle
    own = weights(model.own_distances, decay).sum(axis=0)
    new = weights(distances_km(model.market.points, model.market.points), decay)
    shares = share_orders(model.demand.mean, own, new, online)
    best = np.argsort(shares.from_own - shares.at_cafe, kind="stable")[:limit]
    return [CafeCandidate(towns[n].name, towns[n].point) for n in best]


def _noise(seed: int, candidates: Sequence[CafeCandidate]) -> tuple[Floats, Floats]:
    """Draw standard normal values, 2 × draws × candidates, which do not depend on each other."""
    by_name = [
        np.random.default_rng((seed, crc32(candidate.name.encode()))).normal(size=(2, DRAWS))
        for candidate in candidates
    ]
    first, second = np.stack(by_name, axis=2)
    return first, second


def _is_top(scores: Floats) -> Floats:
    """Whether each candidate is among the first of each draw."""
    places = np.argsort(np.argsort(-scores, axis=1, kind="stable"), axis=1, kind="stable")
    return (places < TOP).astype(float)


def _flags(
    model: MarketModel, candidate: CafeCandidate, ahead: Sequence[CafeCandidate]
) -> Iterator[CandidateFlag]:
    """Yield the flags of a candidate; `ahead` are those that are ranked before it."""
    market, here = model.market, points_of([candidate.point])
    near = distances_km(here, market.points)[0] <= NEARBY_KM
    if market.fixed[near].sum() < LEAST_ORDERS_NEARBY:
        yield CandidateFlag("few orders")
    for cafe in market.cafes:
        if is_same_place(candidate.point, cafe.point):
            yield CandidateFlag("own café", cafe.name)
    decay = model.huff.middle[0]
    for better in ahead[: TOP - 1]:
        if kilometres(candidate.point, better.point) <= decay:
            yield CandidateFlag("shares customers", better.name)
