"""The towns from which the orders of a candidate come, and what own cafés lose, as texts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from clickstream.dashboard.formats import NO_VALUE, Formats
from clickstream.insight.location_explanation import (
    LocationExplanation,
    LostOrders,
    TownShare,
)

CAFES = 10
"""Number of own cafés that are shown, those that lose most first."""


@dataclass(frozen=True)
class TownRow:
    """A town as texts: distance, people, orders of fixed lines, and orders of a month."""

    name: str
    km: str
    people: str
    seen: str
    demand: str
    orders: str


@dataclass(frozen=True)
class ExplainedOrders:
    """The orders of a month at a candidate: by town, those of other towns, and by own café."""

    name: str
    orders: str
    towns: Sequence[TownRow]
    other_orders: str
    lost_orders: str
    lost: Sequence[tuple[str, str]]


def show_explanation(formats: Formats, found: LocationExplanation) -> ExplainedOrders:
    """Return an explanation as texts."""
    lost = sorted(found.lost, key=lambda one: (-one.orders, one.cafe))
    return ExplainedOrders(
        name=found.candidate.name,
        orders=formats.decimal(found.at_cafe),
        towns=[_town(formats, one) for one in found.towns],
        other_orders=formats.decimal(found.other_orders),
        lost_orders=formats.decimal(sum(one.orders for one in lost)),
        lost=[_lost(formats, one) for one in lost[:CAFES]],
    )


def _town(formats: Formats, one: TownShare) -> TownRow:
    return TownRow(
        one.name,
        formats.count(one.km),
        formats.count(one.people),
        NO_VALUE if one.seen is None else formats.count(one.seen),
        formats.decimal(one.demand),
        formats.decimal(one.orders),
    )


def _lost(formats: Formats, one: LostOrders) -> tuple[str, str]:
    return one.cafe, formats.decimal(one.orders)
