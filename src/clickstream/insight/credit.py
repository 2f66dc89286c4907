"""Which touch of an order gets how much of its credit, by eight models.

A touch is a visit of the customer within the window before the order; the last one is the visit of
the order itself. Shares are integers in millionths that sum to SCALE for each order and model, and
amounts are split by largest remainder, so nothing is lost by rounding. Pure functions.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from math import lcm
from typing import NamedTuple

SCALE = 1_000_000
"""The sum of the shares of an order."""

HALF_LIFE_DAYS = 7
"""Time in which a touch loses half of its weight; Google Ads API: half-life of one week."""

DIRECT = "Direct"


class Touch(NamedTuple):
    """A visit: its channel, None if it is not known, and the days from it to the order's visit."""

    channel: str | None
    days_before: float


Effects = Mapping[str, int]
"""The weight of each channel by removal effects: see `insight.markov.credit_weights`."""


def split(amount: int, weights: Sequence[int]) -> list[int]:
    """Split an amount in proportion to weights (≥ 0), by largest remainder; ties by position.

    The parts sum to the amount. A negative amount is split as the positive one. If all weights are
    0, the parts are equal, as far as they can be.
    """
    if amount < 0:
        return [-part for part in split(-amount, weights)]
    total = sum(weights)
    if not total:
        return split(amount, [1] * len(weights))
    parts = [amount * weight // total for weight in weights]
    by_remainder = sorted(
        range(len(weights)), key=lambda index: (-(amount * weights[index] % total), index)
    )
    for index in by_remainder[: amount - sum(parts)]:
        parts[index] += 1
    return parts


def _first(touches: Sequence[Touch]) -> list[int]:
    return [1] + [0] * (len(touches) - 1)


def _last(touches: Sequence[Touch]) -> list[int]:
    return [0] * (len(touches) - 1) + [1]


def _last_non_direct(touches: Sequence[Touch]) -> list[int]:
    return [int(index == last_non_direct(touches)) for index in range(len(touches))]


def _linear(touches: Sequence[Touch]) -> list[int]:
    return [1] * len(touches)


def _position(touches: Sequence[Touch]) -> list[int]:
    """40 % to the first touch, 40 % to the last one, the rest to those between; two share alike."""
    between = len(touches) - 2
    if between < 1:
        return _linear(touches)
    return [2 * between, *[1] * between, 2 * between]


def _time_decay(touches: Sequence[Touch]) -> list[int]:
    return [round(SCALE * 2 ** (-touch.days_before / HALF_LIFE_DAYS)) for touch in touches]


RULES: Mapping[str, Callable[[Sequence[Touch]], list[int]]] = {
    "first": _first,
    "last": _last,
    "last_non_direct": _last_non_direct,
    "linear": _linear,
    "position": _position,
    "time_decay": _time_decay,
}
"""The models that need nothing but the order's own touches: weights of the touches, in order."""

FROM_DATA = ("markov", "shapley")
"""The models that are worked out only with enough orders."""

MODELS = (*RULES, *FROM_DATA)

LEAST_ORDERS = 100
"""Orders with a visit in the training period from which on the models of FROM_DATA are used.

With fewer, removal effects are mostly chance. This is a rule of thumb.
"""


def last_non_direct(touches: Sequence[Touch]) -> int:
    """Return the index of the last arrival that is not direct.

    That is the order's own visit, unless it is direct and an earlier visit has another channel.
    """
    own = len(touches) - 1
    if touches[own].channel != DIRECT:
        return own
    non_direct = (n for n, touch in enumerate(touches) if touch.channel not in (None, DIRECT))
    return max(non_direct, default=own)


def shares(touches: Sequence[Touch], effects: Effects | None) -> dict[str, list[int] | None]:
    """Return the shares of touches by model; None for the models of FROM_DATA without `effects`.

    Markov shares an order among the channels of its touches by their weights, and Shapley equally;
    touches of one channel share alike. So the credits of any orders are exact.
    """
    by_model: dict[str, list[int] | None] = {
        name: split(SCALE, weigh(touches)) for name, weigh in RULES.items()
    }
    names = [channel_name(touch.channel) for touch in touches]
    alike = dict.fromkeys(names, 1)
    for name, of_channels in (("markov", effects), ("shapley", alike)):
        by_model[name] = None if effects is None else split(SCALE, _by_channel(names, of_channels))
    return by_model


def _by_channel(names: Sequence[str], of_channels: Effects | None) -> list[int]:
    """Return the weight of each touch, if channels have weights; alike if all of them are 0."""
    weight_of = of_channels or {}
    number = Counter(names)
    common = lcm(*number.values())
    weights = [weight_of.get(name, 0) * (common // number[name]) for name in names]
    return weights if any(weights) else [common // number[name] for name in names]


UNKNOWN = "Unknown"
"""How a path names a channel that is not known."""


def channel_name(channel: str | None) -> str:
    """Return the name of a channel in paths."""
    return channel or UNKNOWN
