"""The lake has the sales of the simulated café, to the cent, at any moment of its story."""

from __future__ import annotations

import random
from collections import Counter
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from tests.support.cafe_shops import DemoShop, LabShop, Rows, Story, moments
from tests.support.lakes import aws_session, settings_of_a_lake
from tests.support.localaws_process import LocalAwsProcess
from tests.support.shop_databases import running_mariadb, running_postgresql

from clickstream.core.hours import Hour
from clickstream.demo.answers import QUESTIONS_ABOUT_SALES
from clickstream.demo.cafe import CafeRules
from clickstream.lake import Lake, athena, open_lake
from clickstream.lake.iceberg import iceberg_tables
from clickstream.pipeline.publish.publish import refresh_views
from clickstream.pipeline.sales.pull import plan_pull, pull_dates
from clickstream.tables.sales import ORDERS, REFUNDS, SALES_REJECTS

RULES = CafeRules(visitors_per_hour=25)
FIRST = Hour.parse("2026-10-22T00")
"""Clocks are set back on 25 October."""


def stored(lake: Lake, expected: Rows) -> dict[str, Counter[Any]]:
    """Return the rows of the lake with the columns that the shop knows."""
    found = {}
    for table, rows in expected.items():
        names = [*rows[0]] if rows else ["event_date"]
        scanned = iceberg_tables.load(lake, table).iceberg.scan(selected_fields=tuple(names))
        found[table.name] = as_counts(names, scanned.to_arrow().to_pylist())
    return found


def as_counts(names: list[str], rows: Any) -> Counter[Any]:
    return Counter(tuple(row[name] for name in names) for row in rows)


@pytest.mark.parametrize(
    ("shop_type", "running", "days"),
    [
        (DemoShop, running_postgresql, 4),
        (LabShop, running_mariadb, 4),
        pytest.param(DemoShop, running_postgresql, 60, marks=pytest.mark.deep),
        pytest.param(LabShop, running_mariadb, 60, marks=pytest.mark.deep),
    ],
)
def test_the_lake_has_the_sales_of_the_cafe_at_any_moment(
    shop_type, running, days: int, local_aws: LocalAwsProcess, tmp_path: Path
) -> None:
    story = Story(RULES, FIRST, FIRST.plus(24 * days - 1))
    chance = random.Random(days)
    with running(tmp_path) as address:
        shop = shop_type(address, story)
        settings = settings_of_a_lake(local_aws.endpoint, tmp_path / "logs")
        settings = settings.model_copy(update={"sales": (shop.source,)})
        lake = open_lake(settings, aws_session())
        for moment in moments(story, chance):
            shop.advance(moment, chance)
            if chance.random() < 0.5:
                pull(lake, moment, chance)
            if chance.random() < 0.2:
                assert_same(lake, shop, moment)
        assert_same(lake, shop, moment)
        assert not iceberg_tables.load(lake, SALES_REJECTS).iceberg.scan().to_arrow().num_rows
    assert_reconciled(lake, shop, moment)


def pull(lake: Lake, moment: datetime, chance: random.Random, share: float = 0.5) -> None:
    """Pull some of the dates that differ."""
    [source] = lake.settings.sales
    plan = plan_pull(lake, source, moment)
    chosen = chance.sample(plan.dates, round(len(plan.dates) * share))
    pulled = pull_dates(lake, replace(plan, dates=chosen), str(moment))
    assert len([*pulled]) == len(chosen)


def assert_same(lake: Lake, shop: DemoShop | LabShop, moment: datetime) -> None:
    """Pull all dates; each row of the lake is then one of the shop, and each of the shop one."""
    pull(lake, moment, random.Random(0), share=1)
    expected = shop.expected(moment)
    assert stored(lake, expected) == {
        table.name: as_counts([*rows[0]] if rows else [], rows) for table, rows in expected.items()
    }


def assert_reconciled(lake: Lake, shop: DemoShop | LabShop, moment: datetime) -> None:
    """All dates reconcile but for the mistakes of the simulated till, which are named."""
    refresh_views(lake)
    assert all(athena.query(lake, sql).rows for sql in QUESTIONS_ABOUT_SALES.values())
    mistakes = shop.mistakes(moment)
    found = athena.query(lake, "select order_id, difference_cents from order_differences").rows
    assert dict(found) == mistakes
    assert mistakes
    expected = shop.expected(moment)
    orders, refunds = expected[ORDERS], expected[REFUNDS]
    assert_same_sum_by_both_dates(lake)
    with_mistakes = {one["event_date"] for one in orders if one["order_id"] in mistakes}
    for day in athena.query(lake, "select * from reconciliation").records():
        of_day = [one for one in orders if one["event_date"] == day["event_date"]]
        refunded = [one for one in refunds if one["event_date"] == day["event_date"]]
        assert day["gross_cents"] == sum(
            one["total_cents"] for one in of_day if one["status"] == "paid"
        )
        assert day["refunded_cents"] == sum(one["amount_cents"] for one in refunded)
        assert (day["orders"], day["missing_rows"]) == (len(of_day), 0)
        assert day["is_reconciled"]
        assert bool(day["differing_orders"]) == (day["event_date"] in with_mistakes)


def assert_same_sum_by_both_dates(lake: Lake) -> None:
    """Net by the dates of refunds and by those of their orders has one sum: all have an order."""
    sums = {
        athena.query(lake, f"select sum(net_cents) from {view}").rows[0]
        for view in ("revenue_daily", "revenue_by_order_date")
    }
    assert len(sums) == 1
