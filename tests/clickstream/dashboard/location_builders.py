"""Facts with a year of web orders of German cities, two cafés, and a plan of where to open."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
from tests.clickstream.dashboard.builders import (
    FactKey,
    FactStore,
    Visit,
    fact_tables,
    hours_between,
)
from tests.clickstream.dashboard.money_builders import measure, money, order
from tests.clickstream.dashboard.rendered import page_of
from tests.support.sales_files import with_sales

from clickstream.dashboard.ask.view import View
from clickstream.dashboard.pages.places.stored_plan import StoredPlan, market_of
from clickstream.insight.location_market import Point, fit_market
from clickstream.insight.location_plan import CafeCandidate, plan_locations
from clickstream.insight.location_texts import notes
from clickstream.pipeline.sales.location_runs import FittedMarket, PlannedLocations, plan_rows
from clickstream.settings import Settings

LAST = date(2026, 11, 15)
DAY = LAST + timedelta(days=1)
SETTINGS = with_sales(Settings(), Path("/srv"), ("shop",))
SHOWN = View("places").with_days(date(2026, 11, 1), LAST)


class City(NamedTuple):
    """A city: where it is, its thousands of people, and orders for each of them."""

    name: str
    region: str
    latitude: float
    longitude: float
    thousands: int
    rate: float


CITIES = (
    City("Berlin", "Berlin", 52.52, 13.40, 3700, 0.20),
    City("Hamburg", "Hamburg", 53.55, 9.99, 1850, 0.26),
    City("Munich", "Bavaria", 48.14, 11.58, 1490, 0.33),
    City("Cologne", "North Rhine-Westphalia", 50.94, 6.96, 1070, 0.22),
    City("Frankfurt", "Hesse", 50.11, 8.68, 760, 0.34),
    City("Stuttgart", "Baden-Württemberg", 48.78, 9.18, 630, 0.25),
    City("Düsseldorf", "North Rhine-Westphalia", 51.23, 6.78, 620, 0.30),
    City("Leipzig", "Saxony", 51.34, 12.37, 600, 0.45),
    City("Dortmund", "North Rhine-Westphalia", 51.51, 7.47, 590, 0.10),
    City("Essen", "North Rhine-Westphalia", 51.46, 7.01, 580, 0.12),
    City("Bremen", "Bremen", 53.08, 8.80, 570, 0.21),
    City("Dresden", "Saxony", 51.05, 13.74, 560, 0.31),
    City("Hanover", "Lower Saxony", 52.37, 9.73, 540, 0.18),
    City("Nuremberg", "Bavaria", 49.45, 11.08, 510, 0.27),
    City("Duisburg", "North Rhine-Westphalia", 51.43, 6.76, 500, 0.08),
    City("Bonn", "North Rhine-Westphalia", 50.74, 7.10, 330, 0.37),
    City("Münster", "North Rhine-Westphalia", 51.96, 7.63, 320, 0.41),
    City("Karlsruhe", "Baden-Württemberg", 49.01, 8.40, 310, 0.28),
    City("Mannheim", "Baden-Württemberg", 49.49, 8.47, 310, 0.17),
    City("Freiburg", "Baden-Württemberg", 47.99, 7.85, 230, 0.52),
    City("Potsdam", "Brandenburg", 52.40, 13.06, 180, 0.44),
    City("Heidelberg", "Baden-Württemberg", 49.40, 8.69, 160, 0.60),
)
CAFES = {"Berlin": "mitte", "Munich": "isar", "Potsdam": "mitte"}
"""Cities with orders that a café sold, and the café."""

CANDIDATES = tuple(
    CafeCandidate(CITIES[n].name, Point(CITIES[n].latitude, CITIES[n].longitude), competition=2.0)
    for n in (1, 3, 4, 5, 7, 11, 13, 16, 19, 21)
)


@cache
def facts() -> dict[str, list[dict[str, Any]]]:
    """The rows of orders, people, stores and places, by fact view."""
    chance, at_last = np.random.default_rng(7), datetime(LAST.year, LAST.month, LAST.day)
    orders = []
    for place, one in enumerate(CITIES):
        for number in range(chance.poisson(one.thousands * one.rate)):
            at = at_last - timedelta(days=int(chance.integers(0, 365)), hours=-10)
            network = ("residential", "cellular")[int(chance.random() < 0.35)]
            sold_at = CAFES.get(one.name) if chance.random() < 0.6 else None
            values = {"country": "DE", "region": one.region, "city": one.name}
            values |= {"channel": "Direct", "device": "desktop", "network": network}
            values |= {"store_id": sold_at}
            orders.append(order(at, f"{place}-{number}", 6400, **values))
    stores = [("mitte", "Mitte", CITIES[0]), ("isar", "Isar", CITIES[2])]
    return {
        **money(orders),
        "demographic_facts": [
            measure(at_last, "DE", one.region, one.name, one.thousands * 1000.0) for one in CITIES
        ],
        "place_facts": [
            {"country": "DE", "region": one.region, "city": one.name, "requests": 40}
            | {"latitude": one.latitude, "longitude": one.longitude, "hour_at": at_last}
            for one in CITIES
        ],
        "store_facts": [
            {"sales_source": "shop", "store_id": store, "name": name, "kind": "café"}
            | {"latitude": one.latitude, "longitude": one.longitude, "hour_at": at_last}
            | {"closed_on": None, "is_removed": False}
            for store, name, one in stores
        ],
    }


@cache
def tables() -> dict[FactKey, pa.Table]:
    """The facts of a lake in which no plan was stored."""
    begin = datetime(2026, 11, 1)
    hours = hours_between(begin, datetime(DAY.year, DAY.month, DAY.day))
    visits = [
        Visit(begin + timedelta(hours=n), n, country="DE", region=one.region, city=one.name)
        for n, one in enumerate(one for one in CITIES for _ in range(12))
    ]
    return fact_tables(visits, hours, facts())


def store_of(plan: list[dict[str, Any]], **others: list[dict[str, Any]]) -> FactStore:
    """The facts with the rows of a plan; `others` are rows in place of those of a fact view."""
    own = {**others, "location_facts": plan}
    kept = {key: rows for key, rows in tables().items() if key[0] not in own}
    replaced = {key: rows for key, rows in fact_tables(others=own).items() if key[0] in own}
    return FactStore(kept | replaced)


@cache
def without_plan() -> FactStore:
    """The facts of a lake in which no plan was stored."""
    return store_of([])


def plan_of(days: int = 365, orders: list[dict[str, Any]] | None = None) -> list[dict[str, Any]]:
    """The rows of location_candidates that a run stores that reads some days before DAY."""
    read = StoredPlan(DAY, DAY - timedelta(days=days), LAST, "", (), ())
    sold = {} if orders is None else {"order_facts": orders}
    with page_of(store_of([], **sold), SHOWN, settings=SETTINGS) as page:
        found = market_of(page, read)
    assert not isinstance(found, str)
    market, gaps = found
    model = fit_market(market, SETTINGS.locations.distance_km)
    plan = plan_locations(model, CANDIDATES)
    limits = [*notes(plan, model, gaps)]
    problems = ["Line 4, Sea: it has no coordinates."]
    planned = PlannedLocations(FittedMarket(DAY, model, gaps), plan, limits, problems)
    return plan_rows("scheduled__2026-11-16T04:30:00+00:00", planned)


@cache
def store() -> FactStore:
    """The facts with a plan of CANDIDATES."""
    return store_of(plan_of())
