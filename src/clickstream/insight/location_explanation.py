"""Where the orders of a candidate for a café would come from, by the middle values of a plan."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from clickstream.insight.arrays import Floats
from clickstream.insight.huff import distances_km, weights
from clickstream.insight.location_market import MarketModel, points_of
from clickstream.insight.location_plan import CafeCandidate, usual_attraction

SHOWN_TOWNS = 10

LEAST_ORDERS_SHOWN = 10
"""Orders of a town below which their number is not shown, as for all small groups."""


class TownShare(NamedTuple):
    """A town: its distance, its people, the web orders of a month, and those at the candidate.

    `seen` are the orders of fixed lines in the lake; None if they are few.
    """

    name: str
    km: float
    people: float
    seen: int | None
    demand: float
    orders: float


class LostOrders(NamedTuple):
    """An own café, and the orders of a month that it would lose."""

    cafe: str
    orders: float


@dataclass(frozen=True)
class LocationExplanation:
    """The towns that bring most orders of a month, those of all others, and the own cafés."""

    candidate: CafeCandidate
    towns: tuple[TownShare, ...]
    other_orders: float
    lost: tuple[LostOrders, ...]

    @property
    def at_cafe(self) -> float:
        """All orders of a month at the candidate."""
        return sum(town.orders for town in self.towns) + self.other_orders


def explain_location(model: MarketModel, candidate: CafeCandidate) -> LocationExplanation:
    """Split the orders of a candidate by town, and those that own cafés lose by café."""
    market, (decay, online) = model.market, model.huff.middle
    distances = distances_km(points_of([candidate.point]), market.points)[0]
    own, new = weights(model.own_distances, decay), weights(distances, decay)
    new = new * usual_attraction(candidate)
    competing = own.sum(axis=0) + online
    demand = model.demand.mean
    orders = demand * new / (competing + new)
    lost = (own * (demand / competing - demand / (competing + new))).sum(axis=1)
    shown = np.argsort(-orders, kind="stable")[:SHOWN_TOWNS]
    return LocationExplanation(
        candidate,
        tuple(_town(model, n, distances, orders) for n in shown.tolist()),
        float(orders.sum() - orders[shown].sum()),
        tuple(
            LostOrders(cafe.name, float(number))
            for cafe, number in zip(market.cafes, lost, strict=True)
        ),
    )


def _town(model: MarketModel, index: int, distances: Floats, orders: Floats) -> TownShare:
    town, seen = model.market.towns[index], int(model.market.fixed[index])
    return TownShare(
        town.name,
        float(distances[index]),
        town.people,
        seen if seen >= LEAST_ORDERS_SHOWN else None,
        float(model.demand.mean[index]),
        float(orders[index]),
    )
