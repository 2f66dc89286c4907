"""Tables without dates: versions give each past state back, and equal rows count once."""

from __future__ import annotations

import random
from datetime import date, timedelta
from pathlib import Path
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from tests.support.cases import each_case

from clickstream.collect.sales.reader import ReadRow
from clickstream.sales.listings import build_listings, latest_versions, new_versions
from clickstream.sales.row_reader import SalesRules
from clickstream.step_config import load_map
from clickstream.tables.sales_listings import DEMOGRAPHICS, MENU_ITEMS

FIRST = date(2026, 11, 20)
US = SalesRules("us", load_map("us-city-demographics", Path()), "USD")
MENU = SalesRules("shop", load_map("generic", Path()), "EUR")
ITEM = dict.fromkeys(MENU.columns.tables["menu_items"].columns.values(), "")
CITY = {
    **dict.fromkeys(US.columns.tables["demographics"].all_columns, ""),
    **{"City": "Ely", "State Code": "NV", "Race": "White", "Count": "3", "Total Population": "9"},
}

menus = st.dictionaries(st.sampled_from("abc"), st.integers(1, 2))
days = st.integers(0, 4).map(lambda number: FIRST + timedelta(days=number))


def menu_of(prices: dict[str, int]) -> list[dict[str, Any]]:
    rows = [{**ITEM, "item_id": name, "price": str(price)} for name, price in prices.items()]
    return read(MENU, "menu_items", rows).rows[MENU_ITEMS]


def read(rules: SalesRules, name: str, rows: list[dict[str, Any]]) -> Any:
    return build_listings({name: [ReadRow(row, "f.csv", n) for n, row in enumerate(rows)]}, rules)


@given(st.lists(st.tuples(days, menus), max_size=8), st.lists(days))
def test_versions_give_the_last_state_of_each_date(
    pulls: list[tuple[date, dict[str, int]]], repeated: list[date]
) -> None:
    """Dates come in order; those that are pulled again have the same rows."""
    stored: dict[date, list[dict[str, Any]]] = {}
    past: dict[date, dict[str, int]] = {}
    for day, prices in sorted(pulls, key=lambda pull: pull[0]):
        for _ in range(1 + repeated.count(day)):
            known = [row for rows in stored.values() for row in rows]
            versions = new_versions(MENU_ITEMS, known, menu_of(prices), day)
            stored[day] = [{**row, "event_date": day} for row in versions]
        past[day] = prices
    for day, prices in past.items():
        until = [row for one, rows in stored.items() if one <= day for row in rows]
        found = latest_versions(MENU_ITEMS, until).values()
        assert {row["item_id"]: row["price_cents"] for row in found} == {
            name: price * 100 for name, price in prices.items()
        }


@given(st.randoms(use_true_random=False), st.lists(st.sampled_from(["3", "4", "", "x"])))
def test_the_order_of_rows_has_no_effect_on_the_digest(
    chance: random.Random, counts: list[str]
) -> None:
    rows = [ReadRow({**CITY, "Count": count}, "f.csv", n) for n, count in enumerate(counts)]
    shuffled = chance.sample(rows, len(rows))
    one, other = (build_listings({"demographics": some}, US) for some in (rows, shuffled))
    assert one.digest == other.digest
    values = [row["value"] for row in one.rows[DEMOGRAPHICS] if row["measure"] != "people"]
    usable = [float(count) for count in counts if count in ("3", "4")]
    assert values == usable[:1]
    differing = [value for value in usable if value != usable[0]]
    assert len(one.rejects) == len(differing) + counts.count("x")


@each_case(
    "change, reason",
    [
        ({"Total Population": "8"}, "row whose id another row has"),
        ({"City": ""}, "place without an id or a name"),
        ({"Median Age": "old"}, "value that is no number"),
    ],
)
def test_a_row_that_cannot_be_used_is_named(change: dict[str, str], reason: str) -> None:
    found = read(US, "demographics", [CITY, CITY, {**CITY, **change}])
    assert {row["measure"]: row["value"] for row in found.rows[DEMOGRAPHICS]} == {
        "people_race_white": 3.0,
        "people": 9.0,
    }
    assert {one["reason"] for one in found.rejects} == {reason}
