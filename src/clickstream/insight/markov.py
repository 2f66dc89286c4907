"""Removal effects of channels: a Markov chain of order 1 over the visits of journeys, exactly.

A journey begins, passes from channel to channel, and ends in an order or in nothing. The removal
effect of a channel is the share of all orders that would be lost if everyone who reaches it left
(Anderl, Becker, von Wangenheim, Schumann 2016, "Mapping the customer journey"). The credit of a
channel is its part of all removal effects; weights share each order so that the sums are these.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from itertools import pairwise
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from clickstream.insight.credit import SCALE

Path = tuple[str, ...]
"""The channels of a journey, in order."""


class Outcomes(NamedTuple):
    """How many journeys of a path ended in an order, and how many in nothing."""

    orders: int
    nothing: int


def removal_effects(journeys: Mapping[Path, Outcomes]) -> dict[str, int]:
    """Return the removal effect of each channel in millionths; 0 for all without an order."""
    channels = sorted({channel for path in journeys for channel in path})
    if not channels:
        return {}
    begin, pass_on, order = _probabilities(journeys, channels)
    reached = _order_rate(begin, pass_on, order)
    if not reached:
        return dict.fromkeys(channels, 0)
    effects = {}
    for removed, channel in enumerate(channels):
        remaining = np.delete(np.arange(len(channels)), removed)
        without = _order_rate(
            begin[remaining], pass_on[np.ix_(remaining, remaining)], order[remaining]
        )
        effects[channel] = round(SCALE * min(max(1 - without / reached, 0.0), 1.0))
    return effects


_ROUNDS = 500
"""Rounds of scaling. On public paths of 12 channels, the sums differ by 1e-6 orders after 200."""

_WHOLE = 10**9
"""The largest weight. Digits beyond would depend on the machine's arithmetic."""


def credit_weights(journeys: Mapping[Path, Outcomes]) -> dict[str, int]:
    """Return the weights by which orders are shared among the channels of their paths.

    The sum of each channel over all orders is its part of all removal effects, as near as the
    orders allow: those of a single channel are its own, and no others can be (iterative
    proportional fitting, Deming and Stephan 1940).
    """
    effects = removal_effects(journeys)
    channels = [channel for channel, effect in effects.items() if effect]
    orders: Counter[frozenset[str]] = Counter()
    for path, outcomes in journeys.items():
        if outcomes.orders and (touched := frozenset(path).intersection(channels)):
            orders[touched] += outcomes.orders
    of_order = np.array([[name in path for name in channels] for path in orders], np.float64)
    number = np.array([*orders.values()], np.float64)
    parts = np.array([effects[channel] for channel in channels], np.float64)
    weights, wanted = np.ones(len(channels)), number.sum() * parts / max(parts.sum(), 1)
    for _ in range(_ROUNDS if orders else 0):
        sums = number @ (of_order * weights / (of_order @ weights)[:, None])
        weights = weights * wanted / np.maximum(sums, np.finfo(np.float64).tiny)
        weights = np.maximum(weights / weights.max(), 1 / _WHOLE**2)
    weight_of = dict(zip(channels, weights.tolist(), strict=True))
    return {channel: round(_WHOLE * weight_of.get(channel, 0)) for channel in effects}


Floats = npt.NDArray[np.float64]


def _probabilities(
    journeys: Mapping[Path, Outcomes], channels: list[str]
) -> tuple[Floats, Floats, Floats]:
    """Return the probabilities to begin with each channel, to pass on to others, and to order."""
    index = {channel: n for n, channel in enumerate(channels)}
    begin, order = np.zeros(len(channels)), np.zeros(len(channels))
    pass_on = np.zeros((len(channels), len(channels)))
    visits: Counter[str] = Counter()
    for path, (orders, nothing) in journeys.items():
        number = orders + nothing
        begin[index[path[0]]] += number
        order[index[path[-1]]] += orders
        for channel in path:
            visits[channel] += number
        for channel, following in pairwise(path):
            pass_on[index[channel], index[following]] += number
    total = np.array([visits[channel] for channel in channels], np.float64)
    return begin / max(begin.sum(), 1), pass_on / total[:, None], order / total


def _order_rate(begin: Floats, pass_on: Floats, order: Floats) -> float:
    """Return the probability that a journey ends in an order."""
    if not len(begin):
        return 0.0
    return float(begin @ np.linalg.solve(np.eye(len(begin)) - pass_on, order))
