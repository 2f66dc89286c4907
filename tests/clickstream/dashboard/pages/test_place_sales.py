"""Orders by place, and per inhabitant with the interval, beside sums in plain Python."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from tests.clickstream.dashboard.builders import FactStore, Visit, fact_tables, hours_between
from tests.clickstream.dashboard.money_builders import measure, money, order
from tests.clickstream.dashboard.rendered import html_of, page_of, placeholders_of
from tests.support.examples import examples
from tests.support.sales_files import with_sales

from clickstream.dashboard.ask.intervals import poisson_interval
from clickstream.dashboard.ask.view import View
from clickstream.dashboard.pages.places.sales import PlaceSales, build_place_sales
from clickstream.settings import Settings
from clickstream.settings.dashboard import DashboardSettings

DAY, NEXT = datetime(2026, 11, 10), datetime(2026, 11, 11)
VIEW = View("places").with_days(DAY.date(), DAY.date()).with_choice("place_sales", "city")
SETTINGS = with_sales(
    Settings(dashboard=DashboardSettings(place_measures=("people", "median_age"))),
    Path("/srv"),
    ("shop",),
)
PLACES = {
    "New York, US": ("US", "New York", "New York"),
    "Newark, New Jersey, US": ("US", "New Jersey", "Newark"),
    "Louisville, Kentucky, US": ("US", "Kentucky", "Louisville"),
    "Bayamón, Puerto Rico, US": ("US", "Puerto Rico", "Bayamón"),
    "London, England, GB": ("GB", "England", "London"),
    "": (None, None, None),
}
PEOPLE = {
    "New York, US": 8_550_405,
    "Newark, New Jersey, US": 281_913,
    "Louisville, Kentucky, US": 615_366,
    "Bayamón, Puerto Rico, US": 170_110,
}
CENSUS = [
    measure(DAY, "US", "NY", "New York", 1),
    measure(NEXT, "US", "NY", "New York", 8_550_405),
    measure(DAY, "US", "NY", "New York", 36.0, measure="median_age"),
    measure(DAY, "US", "NJ", "Newark", 277_000, year=2010),
    measure(DAY, "US", "NJ", "Newark", 281_913),
    measure(DAY, "US", "KY", "Louisville/Jefferson County metro government", 615_366),
    measure(DAY, "US", "PR", "Bayamon", 170_110),
    measure(DAY, "GB", "England", "London", 8_000_000),
    measure(NEXT, "GB", "England", "London", 8_000_000, is_removed=True),
    measure(DAY, "GB", None, "England", 57_000_000),
    measure(DAY, None, None, "GB", 67_000_000),
]
"""A later version counts, of the newest year; names and codes are those of other sources."""

OTHER, NOT_KNOWN = "Other places", "Not known"


def store_of(orders: dict[str, int], visits: Sequence[Visit] = ()) -> FactStore:
    rows = [
        order(DAY, f"{place}-{number}", 1000)
        | dict(zip(("country", "region", "city"), PLACES[place], strict=True))
        for place, size in orders.items()
        for number in range(size)
    ]
    others: dict[str, Any] = money(rows) | {"demographic_facts": CENSUS}
    return FactStore(fact_tables(visits, hours_between(DAY, NEXT), others))


def sales_of(store: FactStore, view: View = VIEW) -> PlaceSales:
    with page_of(store, view, settings=SETTINGS) as page:
        return build_place_sales(page)


def number(text: str) -> float:
    return float(re.sub(r"[^\d.]", "", text))


@given(st.dictionaries(st.sampled_from([*PLACES]), st.integers(1, 120)))
@examples()
def test_places_have_their_orders_per_inhabitant_and_few_orders_are_folded(
    orders: dict[str, int],
) -> None:
    rows = {row.name: row for row in sales_of(store_of(orders)).rows}
    found = Counter({name: int(row.orders) for name, row in rows.items()})
    assert found.total() == sum(orders.values())
    for place, row in rows.items():
        if place in (OTHER, NOT_KNOWN):
            continue
        assert found[place] == orders[place] >= 10
        assert number(row.net_sales) == 10 * orders[place]
        if place not in PEOPLE:
            assert (row.measures, row.rate, row.interval) == (["–", "–"], "–", "")
            continue
        people = PEOPLE[place]
        assert number(row.measures[0]) == people
        low, high = (end * 10_000 / people for end in poisson_interval(orders[place]))
        assert abs(number(row.rate) - orders[place] * 10_000 / people) <= 0.05 * number(row.rate)
        shown = [number(one) for one in row.interval.split(" – ")]
        assert low * 0.94 <= shown[0] <= number(row.rate) <= shown[1] <= high * 1.06
        assert row.measures[1] == ("36" if place == "New York, US" else "–")


def test_regions_and_countries_have_the_inhabitants_of_their_own_rows() -> None:
    """A sum of cities is not the number of people of their region."""
    store = store_of({"New York, US": 20, "London, England, GB": 30})
    for choice, known in (("region", "England, GB"), ("country", "United Kingdom")):
        rows = {
            row.name: row.rate
            for row in sales_of(store, VIEW.with_choice("place_sales", choice)).rows
        }
        assert {name for name, rate in rows.items() if rate != "–"} == {known}


def test_texts_of_orders_by_place_have_all_their_values() -> None:
    visits = [
        Visit(DAY, visitor=n, country="GB", region="England", city="London") for n in range(12)
    ]
    store = store_of({"London, England, GB": 12, "New York, US": 20, "": 4}, visits)
    for view in (VIEW, VIEW.with_choice("map", "net_sales"), VIEW.with_filter("page", "/")):
        with page_of(store, view, settings=SETTINGS) as page:
            assert placeholders_of(html_of(page)) == []
