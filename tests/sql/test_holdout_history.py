"""The query of holdout tests gives the values that are counted from the rows of the facts."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime, timedelta
from typing import Any

import numpy as np
import pytest
from tests.sql.test_view_cases import as_select
from tests.support.engines import Engine

from clickstream.insight.holdout_history import history_of_rows, history_sql
from clickstream.insight.holdout_terms import TestedMetric
from clickstream.lake import Lake

FIRST = date(2026, 11, 2)
CAMPAIGNS = ("cakes near me", "it's spring")
Row = Mapping[str, Any]


def order(day: int, region: str | None, campaign: str | None = None, **more: Any) -> Row:
    """A row of a fact view of a date; days are numbered from FIRST."""
    at = FIRST + timedelta(days=day)
    return {
        **{"event_date": at, "session_date": at, "region": region, "utm_campaign": campaign},
        **{"country": "GB" if region else None, "why_none": None, "is_suspected": False},
        **{"net_cents": 250, "currency": "EUR", **more},
    }


ROWS = [
    order(0, "England", "Cakes near me "),
    order(0, "England", "it''s spring"),  # as a literal of SQL
    order(0, "England", "other", is_suspected=True),
    order(0, "Wales", net_cents=-50),
    order(0, None),
    order(0, "Monaco", country=None),
    order(1, None, why_none="not matched yet"),
    order(1, "Wales", is_suspected=None),
    order(3, "Wales"),
    order(9, "Scotland"),  # after the last date
]


def hours(day: int, complete: int, incomplete: int = 0) -> list[Row]:
    """Rows of hour_facts: hours with all hosts, and hours that lack one."""
    at = FIRST + timedelta(days=day)
    states = [None] * complete + ["web-2"] * incomplete
    return [
        {"hour_at": datetime(at.year, at.month, at.day, n), "missing_sources": state}
        | {"event_date": at}
        for n, state in enumerate(states)
    ]


HOURS = [*hours(0, 24), *hours(1, 24), *hours(3, 20, 3), *hours(4, 24), *hours(9, 24)]


@pytest.mark.parametrize(
    ("metric", "england", "of_campaigns", "wales", "without"),
    [
        ("orders", 3, 2, [1, 1, 0, 1, 0], 2 / 9),
        ("net_sales", 750, 500, [-50, 250, 0, 250, 0], 500 / 1950),
        ("visits", 2, 2, [1, 1, 0, 1, 0], 2 / 8),
    ],
)
def test_values_are_counted_by_region_and_date(
    engine: Engine,
    lake: Lake,
    metric: TestedMetric,
    england: int,
    of_campaigns: int,
    wales: list[int],
    without: float,
) -> None:
    view = {"orders": "order_facts", "net_sales": "money_facts", "visits": "session_facts"}[metric]
    given = {view: ROWS, "hour_facts": HOURS}
    steps = ", ".join(f"{name} as ({as_select(name, rows)})" for name, rows in given.items())
    sql = history_sql(metric, CAMPAIGNS, FIRST, FIRST + timedelta(days=5))
    query = sql.lstrip().removeprefix("with")
    found = history_of_rows(metric, engine.query(lake, f"with {steps}, {query}").rows)
    panel = found.panel
    assert panel.regions == ["England, GB", "Monaco", "Wales, GB"]
    assert panel.dates == [FIRST + timedelta(days=n) for n in range(5)]
    assert panel.values[0].tolist() == [england, 0, 0, 0, 0]
    assert panel.values[2].tolist() == wales
    assert found.of_campaigns[0, 0] == of_campaigns
    assert np.count_nonzero(found.of_campaigns) == 1
    assert found.without_region == pytest.approx(without)
    missing = {day.day - FIRST.day: why for day, why in panel.incomplete.items()}
    of_sales = {1: "orders not matched", 4: "no orders in the lake"}
    expected = {2: "24 hours missing", 3: "4 hours missing"}
    if metric != "visits":
        expected |= of_sales
    assert missing == expected


@pytest.mark.parametrize("metric", ["orders", "net_sales"])
def test_amounts_of_several_currencies_are_never_summed(
    engine: Engine, lake: Lake, metric: TestedMetric
) -> None:
    """Orders of several currencies can be counted."""
    rows = [order(0, "England"), order(0, "Wales", currency="JPY"), order(1, "Wales")]
    given = {"order_facts": rows, "money_facts": rows, "hour_facts": [*hours(0, 24), *hours(1, 24)]}
    steps = ", ".join(f"{name} as ({as_select(name, rows)})" for name, rows in given.items())
    query = history_sql(metric, CAMPAIGNS, FIRST, FIRST + timedelta(days=5)).lstrip()
    sql = f"with {steps}, {query.removeprefix('with')}"
    panel = history_of_rows(metric, engine.query(lake, sql).rows).panel
    why = "sales in EUR and JPY are never summed"
    assert {*panel.incomplete.values()} == ({why} if metric == "net_sales" else set())
