"""Markets from rows, what they lack, and the sentences about it."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

from hypothesis import given
from hypothesis import strategies as st
from tests.clickstream.insight.markets import RANGE, candidates_of

from clickstream.insight.location_market import fit_market
from clickstream.insight.location_plan import plan_locations
from clickstream.insight.location_rows import (
    CoordinatesRow,
    MarketGaps,
    MarketRows,
    OrdersRow,
    PeopleRow,
    StoreRow,
    build_market,
)
from clickstream.insight.location_texts import NOT_KNOWN, notes

FIRST, LAST = date(2026, 9, 7), date(2026, 11, 29)
CITIES = ("Leeds", "York", "Hull", "Bath", "Ely")


def orders_of(city: str | None, number: int, is_fixed: bool = True, store: str = "") -> OrdersRow:
    country, region = ("GB", "England") if city else (None, None)
    place = (country, region, city)
    return OrdersRow(*place, "shop", store or None, is_fixed, True, False, number, FIRST, LAST)


ROWS = MarketRows(
    orders=[orders_of(city, 10 * n) for n, city in enumerate(CITIES, 1)],
    people=[PeopleRow("GB", "England", city, 50_000.0) for city in CITIES],
    coordinates=[
        CoordinatesRow("GB", "England", city, 53.0 + n / 5, -1.0) for n, city in enumerate(CITIES)
    ],
    stores=[StoreRow("shop", "a", "Old", "café", 53.0, -1.0, None)],
)


def notes_of(rows: MarketRows) -> str:
    """Return the notes of a plan of all towns without a café."""
    found = build_market(rows)
    assert not isinstance(found, str)
    market, gaps = found
    model = fit_market(market, RANGE)
    plan = plan_locations(model, candidates_of(market))
    return "\n".join(notes(plan, model, gaps))


def test_a_market_needs_people_orders_of_fixed_lines_and_towns_with_both() -> None:
    mobile = [orders_of("Leeds", 5, is_fixed=False), orders_of(None, 5)]
    assert build_market(replace(ROWS, people=[])) == "people"
    assert build_market(replace(ROWS, orders=[])) == "orders"
    assert build_market(replace(ROWS, orders=mobile)) == "orders"
    assert build_market(replace(ROWS, orders=[orders_of("Paris", 9)])) == "places"
    assert build_market(replace(ROWS, coordinates=[])) == "places"


@given(st.randoms(use_true_random=False))
def test_the_order_of_rows_changes_nothing(order: object) -> None:
    lists = [[*rows] for rows in (ROWS.orders, ROWS.people, ROWS.coordinates, ROWS.stores)]
    for rows in lists:
        order.shuffle(rows)  # type: ignore[attr-defined]
    one, two = build_market(ROWS), build_market(MarketRows(*lists))
    assert not isinstance(one, str)
    assert not isinstance(two, str)
    assert one[1] == two[1]
    assert one[0].towns == two[0].towns
    assert one[0].fixed.tolist() == two[0].fixed.tolist()


def test_a_plan_says_what_it_cannot_know_and_whether_it_beats_people() -> None:
    text = notes_of(ROWS)
    assert text.startswith(NOT_KNOWN)
    assert "Does not beat people alone: of 0 orders in held-back weeks" in text
    assert "is assumed ([locations] distance_km)" in text
    assert "Orders of 2026-09-07 to 2026-11-29. 0 % of those with a place are not" in text


def test_a_plan_names_what_its_market_lacks() -> None:
    rows = MarketRows(
        orders=[*ROWS.orders, orders_of(None, 50), orders_of("Paris", 50)],
        people=[*ROWS.people, PeopleRow("GB", "England", "Rye", 9000.0)],
        coordinates=ROWS.coordinates,
        stores=[
            *ROWS.stores,
            StoreRow("shop", "b", "New", "café", 53.0, -1.0, None),
            StoreRow("shop", "c", "Lost", "café", None, None, None),
            StoreRow("shop", "d", "Closed", "café", None, None, FIRST),
        ],
    )
    text = notes_of(rows)
    assert "For 100 % of the orders, the database of places has no kind of network" in text
    assert "20 % of the web orders have no place" in text
    assert "20 % of the web orders are from places without inhabitants" in text
    assert "No visit came from 1 city with inhabitants" in text
    assert "The café Lost has no coordinates" in text
    assert "Closed" not in text
    assert "The cafés Old and New are at one place, and count as one." in text


def test_small_gaps_are_not_named() -> None:
    gaps = MarketGaps(FIRST, LAST, 0.4, 0.01, 0.01, 0.01, 0, (), ())
    market = build_market(ROWS)
    assert not isinstance(market, str)
    model = fit_market(market[0], RANGE)
    found = [*notes(plan_locations(model, []), model, gaps)]
    assert len(found) == 4
