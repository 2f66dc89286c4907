"""Sentences about a plan of locations: what it says, what it can't know, and what limits it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from math import exp
from typing import assert_never

from clickstream.core.wording import format_share
from clickstream.insight.huff import LEAST_PICKED_UP, HuffDraws
from clickstream.insight.location_demand import HeldBackCheck
from clickstream.insight.location_market import MarketModel
from clickstream.insight.location_plan import CandidateFlag, DrawInterval, LocationPlan
from clickstream.insight.location_rows import MarketGaps, Missing

NOT_KNOWN = (
    "Not known: people who pass by, and customers who do not order on the web today. The orders "
    "are web orders that you have already and that would move to the café, so they are no gain: "
    "this ranks places, and does not say whether a café pays. Access does not count, and "
    "competition only as you entered it."
)

LEFT_OUT = "Left out: "
"""Begin of a note about a row of the file of candidates that can't be used."""

MISSING: Mapping[Missing, str] = {
    "orders": (
        "No web order of a fixed line has a known city. Orders get their city from their visit: "
        "match orders to visits ([orders] number), and set a database of places ([geoip] database)."
    ),
    "people": (
        "The lake has no inhabitants of cities: add demographics with the measure people and a "
        "region to a source of [[sales]]."
    ),
    "places": (
        "No web order came from a city with inhabitants: compare the names of cities in the "
        "demographics with those on the Places page."
    ),
}
"""What to do if a market can't be built."""

_WIDE_SHARE = 0.05
"""Share of orders from which on a gap is named."""


def describe_locations(plan: LocationPlan) -> str:
    """Say in a sentence which candidate is the first, and by what."""
    if not plan.ranked:
        return "No candidate can be ranked."
    best = plan.ranked[0]
    return (
        f"{best.candidate.name} is the first of {len(plan.ranked)} by the web orders that would "
        f"move to the café: {format_orders(best.orders)} a month, each candidate as the only new "
        "café."
    )


def format_orders(orders: DrawInterval) -> str:
    """Format an interval of orders: `about 120 (90 % interval 80 to 170)`."""
    return f"about {orders.middle:,.0f} (90 % interval {orders.low:,.0f} to {orders.high:,.0f})"


def describe_check(check: HeldBackCheck) -> str:
    """Say whether orders predict held-back orders better than the number of people does."""
    if check.is_better:
        return (
            f"Beats people alone: of {check.orders:,} orders in held-back weeks, the town of an "
            f"order is {format_share(exp(check.gain) - 1)} more likely by the orders of the other "
            "weeks than by the number of people."
        )
    return (
        f"Does not beat people alone: of {check.orders:,} orders in held-back weeks, the towns are "
        "not clearly more likely by the orders of the other weeks than by the number of people. So "
        "candidates are ranked by people."
    )


def describe_distance(huff: HuffDraws) -> str:
    """Say how far customers travel, and whether their orders show it."""
    decay, online = huff.middle
    if huff.source == "chosen":
        return (
            f"The attraction of a café falls to 37 % over {decay:.0f} km, as you chose. How much "
            "ordering online attracts is assumed."
        )
    if huff.source == "fitted":
        return (
            f"The orders of your cafés show that the attraction of a café falls to 37 % over "
            f"{decay:.0f} km, and that ordering online attracts {format_share(online)} as much as "
            "a café at no distance."
        )
    return (
        f"Fewer than two cafés have {LEAST_PICKED_UP} orders by place, so how far customers travel "
        "is assumed ([locations] distance_km), and the ranking depends on it: intervals are wide."
    )


def describe_flag(flag: CandidateFlag) -> str:
    """Say what limits the result of a candidate."""
    match flag.flag:
        case "few orders":
            return "few orders nearby"
        case "own café":
            return f"own café here: {flag.name}"
        case "shares customers":
            return f"shares customers with {flag.name}"
        case _:
            assert_never(flag.flag)


def notes(plan: LocationPlan, model: MarketModel, gaps: MarketGaps) -> Iterator[str]:
    """Yield what a plan can't know, whether it beats people alone, and what limits it."""
    yield NOT_KNOWN
    yield describe_check(plan.check)
    yield describe_distance(model.huff)
    yield from _notes_on_orders(gaps)
    yield from _notes_on_places(gaps)


def _notes_on_orders(gaps: MarketGaps) -> Iterator[str]:
    yield (
        f"Orders of {gaps.first} to {gaps.last}. {format_share(gaps.mobile)} of those with a place "
        "are not of fixed lines: they count in the sum, and not by place."
    )
    if gaps.by_device >= _WIDE_SHARE:
        yield (
            f"For {format_share(gaps.by_device)} of the orders, the database of places has no kind "
            "of network: orders on desktops count as those of fixed lines."
        )
    if gaps.without_place >= _WIDE_SHARE:
        yield (
            f"{format_share(gaps.without_place)} of the web orders have no place: they are assumed "
            "to come from where the others come from."
        )
    if gaps.elsewhere >= _WIDE_SHARE:
        yield (
            f"{format_share(gaps.elsewhere)} of the web orders are from places without inhabitants "
            "in the lake, and count for no candidate."
        )


def _notes_on_places(gaps: MarketGaps) -> Iterator[str]:
    if number := gaps.places_without_coordinates:
        cities = "city" if number == 1 else "cities"
        yield (
            f"No visit came from {number:,} {cities} with inhabitants, so coordinates are not "
            "known there: no candidate gets their orders."
        )
    for name in gaps.cafes_without_coordinates:
        yield f"The café {name} has no coordinates, so it takes no part: add them to your stores."
    for first, second in gaps.same_place:
        yield f"The cafés {first} and {second} are at one place, and count as one."
