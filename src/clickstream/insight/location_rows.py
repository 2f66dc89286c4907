"""Build a market from rows of queries: orders, people, coordinates and stores.

`insight.location_sql` has the queries.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
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
    town_index = {key: n for n, key in enumerate(keys)}
    fixed = [row for row in rows.orders if row.is_fixed and _city_key(row) in town_index]
    if not fixed:
        return "places" if any(row.is_fixed and row.city for row in rows.orders) else "orders"
    cafes = _open_cafes(rows)
    of_towns, held_back = np.zeros((2, len(towns)))
    picked_up = np.zeros((len(cafes.cafes), len(towns)))
    for row in fixed:
        town = town_index[_city_key(row)]
        of_towns[town] += row.orders
        held_back[town] += row.orders * row.is_held_back
        cafe = cafes.places.get((row.sales_source, row.store_id))
        if cafe is not None:
            picked_up[cafe, town] += row.orders
    gaps = _gaps(rows, cafes, town_index)
    total = sum(row.orders for row in rows.orders)
    market = Market(
        towns=towns,
        cafes=cafes.cafes,
        fixed=of_towns,
        held_back=held_back,
        picked_up=picked_up,
        scale=total / sum(row.orders for row in rows.orders if row.is_fixed and row.city),
        days=(gaps.last - gaps.first).days + 1,
    )
    return market, gaps


def _city_key(row: OrdersRow | CoordinatesRow) -> PlaceKey:
    return place_key("city", full_name(row.city, row.region, row.country) if row.city else "")


def _towns(rows: MarketRows) -> tuple[list[PlaceKey], tuple[Town, ...]]:
    """Return the cities with people and coordinates, by name, and their keys."""
    by_size = sorted(rows.people, key=lambda row: row.people)  # of two sources, the larger number
    people = {measured_place_key(*row[:3]): row.people for row in by_size if row.people > 0}
    town_of = {
        _city_key(row): Town(
            full_name(row.city, row.region, row.country),
            Point(row.latitude, row.longitude),
            people[_city_key(row)],
        )
        for row in sorted(rows.coordinates, key=lambda row: (row.latitude, row.longitude))
        if _city_key(row) in people
    }
    keys = sorted(town_of)
    return keys, tuple(town_of[key] for key in keys)


def _open_cafes(rows: MarketRows) -> _Cafes:
    """Return the open cafés; two at one place count as one."""
    today = max(row.last for row in rows.orders)
    cafes: list[OwnCafe] = []
    places: dict[StoreKey, int] = {}
    same: list[tuple[str, str]] = []
    without: list[str] = []
    for store in sorted(rows.stores, key=lambda store: (store.sales_source, store.store_id)):
        if store.kind != "café" or (store.closed_on and store.closed_on <= today):
            continue
        name = store.name or store.store_id
        if store.latitude is None or store.longitude is None:
            without.append(name)
            continue
        point = Point(store.latitude, store.longitude)
        same_cafe = next(
            (n for n, cafe in enumerate(cafes) if is_same_place(cafe.point, point)), None
        )
        if same_cafe is None:
            cafes.append(OwnCafe(name, point))
        else:
            same.append((cafes[same_cafe].name, name))
        places[store.sales_source, store.store_id] = (
            len(cafes) - 1 if same_cafe is None else same_cafe
        )
    return _Cafes(tuple(cafes), places, tuple(same), tuple(without))


def _gaps(rows: MarketRows, cafes: _Cafes, places: Mapping[PlaceKey, int]) -> MarketGaps:
    total = sum(row.orders for row in rows.orders)
    placed = [row for row in rows.orders if row.city]
    with_place = sum(row.orders for row in placed)
    cities = {measured_place_key(*row[:3]) for row in rows.people if row.region}
    with_coordinates = {_city_key(row) for row in rows.coordinates}
    return MarketGaps(
        first=min(row.first for row in rows.orders),
        last=max(row.last for row in rows.orders),
        mobile=sum(row.orders for row in placed if not row.is_fixed) / with_place,
        by_device=sum(row.orders for row in placed if row.is_by_device) / with_place,
        without_place=1 - with_place / total,
        elsewhere=sum(row.orders for row in placed if _city_key(row) not in places) / total,
        places_without_coordinates=len(cities - with_coordinates),
        cafes_without_coordinates=cafes.without_coordinates,
        same_place=cafes.same_place,
    )
