"""Huff model: which part of the orders of a town goes to a café, by the distance to it.

A café has the weight exp(-distance / decay) for a town, and ordering online a constant one. Each
takes its share of the sum of the weights. `insight.location_plan` calls this module.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, NamedTuple

import numpy as np

from clickstream.insight.arrays import Floats

EARTH_KM = 6371.0

ONLINE_RANGE = (0.05, 0.5)
"""Weight of ordering online if the sales of cafés do not show it; a café at no distance has 1."""

LEAST_CAFES, LEAST_PICKED_UP = 2, 30
"""Cafés with orders by place, and orders of each, from which on the decay is fitted."""

_DECAYS = np.geomspace(3.0, 60.0, 40)
_ONLINE = np.geomspace(0.02, 2.0, 30)
"""Values that a fit compares, in kilometres and as weights."""

_LEAST_EXPECTED = 1.0
"""Orders of a café and a town that a fit must expect, for the town to show how well it fits."""


DistanceSource = Literal["fitted", "assumed", "chosen"]


class OrderShares(NamedTuple):
    """Orders of a new café by candidate: at the café, and those of them that own cafés lose."""

    at_cafe: Floats
    from_own: Floats


@dataclass(frozen=True)
class HuffDraws:
    """Draws of the two numbers of the model: the decay in kilometres, and the weight of online.

    `source` says where they come from: the sales of cafés, an assumed range of decays, or one
    decay that a reader has chosen.
    """

    decays: Floats
    online: Floats
    source: DistanceSource

    @property
    def middle(self) -> tuple[float, float]:
        """The medians of the decay and of the weight of ordering online."""
        return float(np.median(self.decays)), float(np.median(self.online))


def distances_km(points: Floats, towns: Floats) -> Floats:
    """Return the great-circle distances, points × towns; both are rows of latitude, longitude."""
    start, end = np.radians(points)[:, None, :], np.radians(towns)[None, :, :]
    half = np.sin((end - start) / 2) ** 2
    chord = half[..., 0] + np.cos(start[..., 0]) * np.cos(end[..., 0]) * half[..., 1]
    distances: Floats = 2 * EARTH_KM * np.arcsin(np.sqrt(np.minimum(chord, 1.0)))
    return distances


def weights(distances: Floats, decay: float) -> Floats:
    """Return the weight of each café for each town."""
    attraction: Floats = np.exp(-distances / decay)
    return attraction


def share_orders(demand: Floats, own: Floats, new: Floats, online: float) -> OrderShares:
    """Return the orders of each candidate, if it is the only new café.

    `demand` and `own` are by town: orders, and the sum of the weights of own cafés. `new` is
    candidates × towns: the weight of the candidate.
    """
    after = own + new + online
    lost = own / (own + online) - own / after
    return OrderShares(new / after @ demand, lost @ demand)


def draw_range(rng: np.random.Generator, draws: int, decay_range: tuple[float, float]) -> HuffDraws:
    """Draw the numbers of the model without sales of cafés: each value of a range is as likely."""
    low, high = np.log(ONLINE_RANGE)
    return HuffDraws(
        rng.uniform(*decay_range, draws), np.exp(rng.uniform(low, high, draws)), "assumed"
    )


def can_fit(picked_up: Floats) -> bool:
    """Whether enough cafés have orders by place; `picked_up` is cafés × towns."""
    return int((picked_up.sum(axis=1) >= LEAST_PICKED_UP).sum()) >= LEAST_CAFES


def draw_fitted(
    rng: np.random.Generator, draws: int, picked_up: Floats, orders: Floats, distances: Floats
) -> HuffDraws:
    """Draw the numbers of the model from their likelihood, given where orders were picked up.

    `orders` are all orders by town; those that were not picked up are online. Towns differ more
    from the model than chance allows, so the likelihood is flattened by that factor.
    """
    likelihood = np.array(
        [[_log_likelihood(picked_up, orders, distances, d, o) for o in _ONLINE] for d in _DECAYS]
    )
    best = np.unravel_index(likelihood.argmax(), likelihood.shape)
    factor = _overdispersion(picked_up, orders, distances, _DECAYS[best[0]], _ONLINE[best[1]])
    chance = np.exp((likelihood - likelihood.max()) / factor)
    cells = rng.choice(chance.size, draws, p=(chance / chance.sum()).ravel())
    rows, columns = np.unravel_index(cells, chance.shape)
    within = rng.uniform(-0.5, 0.5, (2, draws))  # a draw is anywhere between the compared values
    steps = np.log(_DECAYS[1] / _DECAYS[0]), np.log(_ONLINE[1] / _ONLINE[0])
    return HuffDraws(
        _DECAYS[rows] * np.exp(within[0] * steps[0]),
        _ONLINE[columns] * np.exp(within[1] * steps[1]),
        "fitted",
    )


def _log_likelihood(
    picked_up: Floats, orders: Floats, distances: Floats, decay: float, online: float
) -> float:
    """Return the logarithm of the likelihood, without the part that the numbers do not change."""
    of_cafes = picked_up.sum(axis=0)
    total = np.log(weights(distances, decay).sum(axis=0) + online)
    logs = -(picked_up * distances).sum() / decay + ((orders - of_cafes) * np.log(online)).sum()
    return float(logs - (orders * total).sum())


def _overdispersion(
    picked_up: Floats, orders: Floats, distances: Floats, decay: float, online: float
) -> float:
    """Return how much more orders differ from the model than chance: Pearson's statistic."""
    of_cafes = weights(distances, decay)
    share = of_cafes / (of_cafes.sum(axis=0) + online)
    expected = share * orders
    is_used = expected >= _LEAST_EXPECTED
    if not is_used.any():
        return 1.0
    apart = (picked_up - expected)[is_used] ** 2 / (expected * (1 - share))[is_used]
    return max(1.0, float(apart.mean()))
