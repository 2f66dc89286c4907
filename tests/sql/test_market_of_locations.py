"""The queries of plans of locations give the market that is counted from the rows of the tables."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from typing import Any

import pytest
from tests.sql.test_view_cases import as_select
from tests.support.engines import Engine

from clickstream.insight.location_rows import build_market
from clickstream.insight.location_sql import market_rows, market_sql
from clickstream.lake import Lake

FIRST = date(2026, 11, 2)
LAST = FIRST + timedelta(days=27)
Row = Mapping[str, Any]
Tables = Mapping[str, Sequence[Row]]


def order(number: int, city: str | None, day: int = 0, **more: Any) -> Row:
    """A row of order_facts, with the place of a city of England."""
    return {
        **{"sales_source": "shop", "order_id": str(number), "sold_by": "web", "city": city},
        **{"country": "GB" if city else None, "region": "England" if city else None},
        **{"device": "desktop", "total_cents": 1000, "event_date": FIRST + timedelta(days=day)},
        **{"network": None, "store_id": None},
        **more,
    }


TABLES: Tables = {
    "order_facts": [
        order(1, "Leeds", device="mobile", network="residential", store_id="a"),
        order(2, "Leeds", network="cellular"),
        order(3, "York", store_id="b"),
        order(4, "York", device="mobile", store_id="online"),
        order(5, "York", device=None),
        order(6, "Leeds", day=27, store_id="a"),  # in the fourth week
        order(7, None),
        order(8, "Hull", sold_by="app"),  # no people
        order(9, "Leeds", sold_by="counter"),
        order(10, "Leeds", day=28),
    ],
}
PLACES: Tables = {
    "place_facts": [
        {"country": "GB", "region": "England", "city": city, "requests": requests}
        | {"latitude": latitude, "longitude": -1.0, "event_date": FIRST - timedelta(days=9)}
        for city, requests, latitude in [
            *(("Leeds", 1, 53.0), ("Leeds", 3, 54.0), ("York", 2, 53.9)),
            *(("Hull", 2, 53.7), (None, 9, 50.0), ("York", 5, None)),
        ]
    ]
}
PEOPLE: Tables = {
    "demographic_facts": [
        {"country": "GB", "region": region, "name": name, "measure": measure, "year": year}
        | {"value": value, "event_date": FIRST + timedelta(days=day), "is_removed": is_removed}
        | {"sales_source": "shop", "place_id": name}
        for region, name, measure, year, value, day, is_removed in [
            ("England", "LEEDS", "people", 2011, 400_000.0, 0, False),
            ("England", "LEEDS", "people", 2021, 1.0, 0, False),
            ("England", "LEEDS", "people", 2021, 500_000.0, 1, False),
            ("England", "York", "people", 2021, 200_000.0, 0, False),
            ("England", "York", "age", 2021, 40.0, 0, False),
            ("England", "Bath", "people", 2021, 90_000.0, 0, False),  # no visits
            ("England", "Hull", "people", 2021, 80_000.0, 0, False),
            ("England", "Hull", "people", 2021, 80_000.0, 1, True),
            (None, "England", "people", 2021, 56e6, 0, False),
        ]
    ]
}
STORES: Tables = {
    "store_facts": [
        {"sales_source": "shop", "store_id": store, "name": name, "kind": kind}
        | {"latitude": latitude, "longitude": -1.0, "closed_on": closed}
        | {"is_removed": False, "event_date": FIRST}
        for store, name, kind, latitude, closed in [
            ("a", "Leeds 1", "café", 53.8, None),
            ("b", "York", "café", 53.9, None),
            ("c", "Leeds 2", "café", 53.8, LAST + timedelta(days=1)),
            ("d", "Old", "café", 53.7, FIRST),
            ("e", "Where", "café", None, None),
            ("online", "Shop", "online", None, None),
        ]
    ]
}


def test_a_market_is_counted_from_the_rows_of_the_tables(engine: Engine, lake: Lake) -> None:
    answers = []
    queries = zip(market_sql(FIRST, LAST), (TABLES, PLACES, PEOPLE, STORES), strict=True)
    for sql, tables in queries:
        steps = ", ".join(f"{name} as ({as_select(name, rows)})" for name, rows in tables.items())
        rest = sql.strip()
        query = f", {rest.removeprefix('with')}" if rest.startswith("with") else rest
        answers.append(engine.query(lake, f"with {steps} {query}").rows)
    found = build_market(market_rows(*answers))
    assert not isinstance(found, str)
    market, gaps = found
    assert [(one.name, one.people) for one in market.towns] == [
        ("Leeds, England, GB", 500_000),
        ("York, England, GB", 200_000),
    ]
    assert market.towns[0].point == pytest.approx((53.75, -1.0))
    assert market.fixed.tolist() == [2, 1]  # 1 and 6; 3
    assert market.held_back.tolist() == [1, 0]
    assert [one.name for one in market.cafes] == ["Leeds 1", "York"]
    assert market.picked_up.tolist() == [[2, 0], [0, 1]]
    assert market.scale == pytest.approx(8 / 4)  # Hull's is of a fixed line, too
    assert market.days == 28
    assert (gaps.first, gaps.last) == (FIRST, LAST)
    assert gaps.mobile == pytest.approx(3 / 7)
    assert gaps.by_device == pytest.approx(5 / 7)
    assert gaps.without_place == pytest.approx(1 / 8)
    assert gaps.elsewhere == pytest.approx(1 / 8)
    assert gaps.places_without_coordinates == 1
    assert gaps.cafes_without_coordinates == ("Where",)
    assert gaps.same_place == (("Leeds 1", "Leeds 2"),)
