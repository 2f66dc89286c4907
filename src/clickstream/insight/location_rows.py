"""Build a market from rows of queries: orders, people, coordinates and stores.

`insight.location_sql` has the queries.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Literal, NamedTuple

import numpy as np

from clickstream.insight.location_market import Market, OwnCafe, Point, Town, is_same_place
from clickstream.insight.place_names import PlaceKey, full_name, measured_place_key, place_key

StoreKey = tuple[str, str | None]
"""The source of sales, and the id of a store there."""


class OrdersRow(NamedTuple):
    """Web orders of a place and a store; without a known visit, the place is empty.

    `is_fixed` says whether they came by a fixed line, `is_by_device` that this is only known from
    the kind of device, and `is_held_back` that their weeks are held back.
    """

    country: str | None
    region: str | None
    city: str | None
    sales_source: str
    store_id: str | None
    is_fixed: bool
    is_by_device: bool
    is_held_back: bool
    orders: int
    first: date
    last: date


class PeopleRow(NamedTuple):
    """The people of a city, with the names of the demographics."""

    country: str | None
    region: str | None
    name: str | None
    people: float


class CoordinatesRow(NamedTuple):
    """The mean coordinates of a city, with the names of the place database."""

    country: str | None
    region: str | None
    city: str
    latitude: float
    longitude: float


class StoreRow(NamedTuple):
    """A store; an open café has coordinates."""

    sales_source: str
    store_id: str
    name: str | None
    kind: str
    latitude: float | None
    longitude: float | None
    closed_on: date | None


@dataclass(frozen=True)
class MarketRows:
    """The rows of all queries."""

    orders: Sequence[OrdersRow]
    people: Sequence[PeopleRow]
    coordinates: Sequence[CoordinatesRow]
    stores: Sequence[StoreRow]


@dataclass(frozen=True)
class MarketGaps:
    """What the market does not have: shares of web orders, and numbers of places and cafés.

    `mobile` and `by_device` are shares of the orders with a place, `without_place` and `elsewhere`
    (from places without inhabitants) those of all. `same_place` has the names of own cafés that
    count as one.
    """

    first: date
    last: date
    mobile: float
    by_device: float
    without_place: float
    elsewhere: float
    places_without_coordinates: int
    cafes_without_coordinates: tuple[str, ...]
    same_place: tuple[tuple[str, str], ...]


Missing = Literal["orders", "people", "places"]
"""What a market can't do without: web orders of fixed lines, inhabitants, towns with both."""


@dataclass(frozen=True)
class _Cafes:
    """The own cafés that are open, and which of them each store is."""

    cafes: tuple[OwnCafe, ...]
    places: Mapping[StoreKey, int]
    same_place: tuple[tuple[str, str], ...]
    without_coordinates: tuple[str, ...]


def build_market(rows: MarketRows) -> tuple[Market, MarketGaps] | Missing:
    """Build the market of some rows, or return what is missing.

    A town is a city with people and coordinates.
    """
    if not rows.people:
        return "people"
    keys, towns = _towns(rows)
    place = {key: n for n, key in enumerate(keys)}
    fixed = [one for one in rows.orders if one.is_fixed and _city_key(one) in place]
    if not fixed:
        return "places" if any(one.is_fixed and one.city for one in rows.orders) else "orders"
    cafes = _open_cafes(rows)
    of_towns, held_back = np.zeros((2, len(towns)))
    picked_up = np.zeros((len(cafes.cafes), len(towns)))
    for one in fixed:
        town = place[_city_key(one)]
        of_towns[town] += one.orders
        held_back[town] += one.orders * one.is_held_back
        cafe = cafes.places.get((one.sales_source, one.store_id))
        if cafe is not None:
            picked_up[cafe, town] += one.orders
    gaps = _gaps(rows, cafes, place)
    total = sum(one.orders for one in rows.orders)
    market = Market(
        towns=towns,
        cafes=cafes.cafes,
        fixed=of_towns,
        held_back=held_back,
        picked_up=picked_up,
        scale=total / sum(one.orders for one in rows.orders if one.is_fixed and one.city),
        days=(gaps.last - gaps.first).days + 1,
    )
    return market, gaps


def _city_key(one: OrdersRow | CoordinatesRow) -> PlaceKey:
    return place_key("city", full_name(one.city, one.region, one.country) if one.city else "")


def _towns(rows: MarketRows) -> tuple[list[PlaceKey], tuple[Town, ...]]:
    """Return the cities with people and coordinates, by name, and their keys."""
    by_size = sorted(rows.people, key=lambda one: one.people)  # of two sources, the larger number
    people = {measured_place_key(*one[:3]): one.people for one in by_size if one.people > 0}
    found = {
        _city_key(one): Town(
            full_name(one.city, one.region, one.country),
            Point(one.latitude, one.longitude),
            people[_city_key(one)],
        )
        for one in sorted(rows.coordinates, key=lambda one: (one.latitude, one.longitude))
        if _city_key(one) in people
    }
    keys = sorted(found)
    return keys, tuple(found[key] for key in keys)


def _open_cafes(rows: MarketRows) -> _Cafes:
    """Return the open cafés; two at one place count as one."""
    today = max(one.last for one in rows.orders)
    cafes: list[OwnCafe] = []
    places: dict[StoreKey, int] = {}
    same: list[tuple[str, str]] = []
    without: list[str] = []
    for one in sorted(rows.stores, key=lambda one: (one.sales_source, one.store_id)):
        if one.kind != "café" or (one.closed_on and one.closed_on <= today):
            continue
        name = one.name or one.store_id
        if one.latitude is None or one.longitude is None:
            without.append(name)
            continue
        point = Point(one.latitude, one.longitude)
        known = next((n for n, cafe in enumerate(cafes) if is_same_place(cafe.point, point)), None)
        if known is None:
            cafes.append(OwnCafe(name, point))
        else:
            same.append((cafes[known].name, name))
        places[one.sales_source, one.store_id] = len(cafes) - 1 if known is None else known
    return _Cafes(tuple(cafes), places, tuple(same), tuple(without))


def _gaps(rows: MarketRows, cafes: _Cafes, places: Mapping[PlaceKey, int]) -> MarketGaps:
    total = sum(one.orders for one in rows.orders)
    placed = [one for one in rows.orders if one.city]
    with_place = sum(one.orders for one in placed)
    return MarketGaps(
        first=min(one.first for one in rows.orders),
        last=max(one.last for one in rows.orders),
        mobile=sum(one.orders for one in placed if not one.is_fixed) / with_place,
        by_device=sum(one.orders for one in placed if one.is_by_device) / with_place,
        without_place=1 - with_place / total,
        elsewhere=sum(one.orders for one in placed if _city_key(one) not in places) / total,
        places_without_coordinates=len([*_without_coordinates(rows)]),
        cafes_without_coordinates=cafes.without_coordinates,
        same_place=cafes.same_place,
    )


def _without_coordinates(rows: MarketRows) -> Iterator[PlaceKey]:
    """Yield the cities with people that no visit came from."""
    known = {_city_key(one) for one in rows.coordinates}
    cities = {measured_place_key(*one[:3]) for one in rows.people if one.region}
    yield from cities - known
