"""The panel of the Marketing page with costs that have no visits."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path

import pytest
from tests.clickstream.dashboard.builders import FactStore, Visit, fact_tables, hours_between
from tests.clickstream.dashboard.money_builders import Row
from tests.clickstream.dashboard.rendered import html_of, page_of, texts_of
from tests.support.sales_files import with_sales

from clickstream.dashboard.ask.view import Filter, View
from clickstream.settings import Settings

NOW = datetime(2026, 11, 16, 15)
AT = NOW - timedelta(days=3)
SHOP = with_sales(Settings(), Path("shop"), ["till"])
WEEK = View("marketing", "7d")
HOSTILE = "<script>alert(1)</script>"


def cost(campaign_id: str, campaign: str | None, source: str | None, cents: int = 1200) -> Row:
    tags = {"campaign": campaign, "source": source, "utm_campaign": campaign}
    names = {"sales_source": "till", "platform": "meta", "campaign_id": campaign_id}
    return {**names, **tags, "currency": "EUR", "spend_cents": cents, "hour_at": AT}


VISITS = [
    Visit(AT, number, channel="Paid Social", source="facebook", campaign=name)
    for number, name in enumerate(["spring_cakes"] * 12 + ["tea"] * 11 + ["Met"] * 3)
]
COSTS = [
    *(cost("1", "spring-cakes", "facebook"), cost("2", HOSTILE, None, 900)),
    *(cost("3", "met", "facebook"), cost("4", "free", None, 0)),
]


def text_of(costs: list[Row], settings: Settings = SHOP, view: View = WEEK) -> str:
    hours = hours_between(NOW - timedelta(days=10), NOW)
    store = FactStore(fact_tables(VISITS, hours, {"spend_facts": costs}))
    with page_of(store, view, now=NOW, settings=settings) as page:
        html = html_of(page)
    assert HOSTILE not in html
    return " ".join(" ".join(texts_of(html)).split())


def test_it_lists_what_does_not_meet_with_a_proposal() -> None:
    text = text_of(COSTS)
    assert f"spring-cakes · facebook meta 1 €12.00 {HOSTILE} {HOSTILE} meta 2 €9.00" in text
    proposal = "only case, accents and separators differ"
    assert f"spring-cakes · facebook may be spring_cakes · facebook: {proposal}." in text
    assert "Paid visits without a cost: spring_cakes · facebook (12), tea · facebook (11)." in text
    assert "meta 3" not in text
    assert "meta 4" not in text


@pytest.mark.parametrize(
    ("costs", "settings", "view"),
    [
        ([], SHOP, WEEK),
        ([cost("4", "free", None, 0)], SHOP, WEEK),
        (COSTS, Settings(), WEEK),
        (COSTS, SHOP, View("marketing", "7d", filters=(Filter("channel", ("Email",)),))),
    ],
)
def test_it_is_absent_without_a_cost_a_shop_and_with_filters(
    costs: list[Row], settings: Settings, view: View
) -> None:
    assert "Costs without visits" not in text_of(costs, settings, view)
