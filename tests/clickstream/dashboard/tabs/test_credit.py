"""What the Marketing page shows of credits and costs, beside counts in plain Python."""

from __future__ import annotations

from collections import Counter
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.clickstream.dashboard.builders import FactStore, Visit, fact_tables, hours_between
from tests.clickstream.dashboard.money_builders import cost, money, order, refund, touches
from tests.clickstream.dashboard.rendered import html_of, page_of
from tests.support.examples import examples
from tests.support.sales_files import with_sales

from clickstream.dashboard.questions.periods import Period
from clickstream.dashboard.questions.view import Filter, View
from clickstream.dashboard.tabs.marketing.credit import build_credit
from clickstream.dashboard.tabs.marketing.panels import CREDITED, of_model
from clickstream.insight.credit import MODELS, Touch, shares, split
from clickstream.insight.credit_interval import credit_interval
from clickstream.settings import Settings

FIRST = datetime(2026, 11, 2)
SHOWN = View("marketing").with_days(FIRST.date(), (FIRST + timedelta(days=2)).date())
SETTINGS = with_sales(Settings(), Path("/srv"), ("shop",))
EFFECTS = {"Email": 300_000, "Paid Search": 500_000}
CHANNELS = ("Email", "Paid Search", "Direct", None)

arrivals = st.lists(
    st.tuples(st.sampled_from(CHANNELS), st.sampled_from(["tea", None]), st.just(1.0)),
    max_size=4,
)
sold = st.lists(st.tuples(arrivals, st.integers(0, 3000), st.integers(0, 2), st.booleans()))


def facts(orders: list[Any]) -> tuple[FactStore, dict[str, Counter[Any]]]:
    """A store with these orders, and the cents of each model by channel."""
    bought, refunded, of_orders = [], [], []
    credits: dict[str, Counter[Any]] = {name: Counter() for name in MODELS}
    for number, (path, cents, day, is_refunded) in enumerate(orders):
        at = FIRST + timedelta(days=day, hours=12)
        values = {"channel": path[-1][0]} if path else {}
        one = order(at, f"o{number}", cents, customer_key=f"c{number % 3}", **values)
        bought.append(one)
        of_orders += touches(one, *path, effects=EFFECTS) if path else []
        if is_refunded:
            refunded.append(refund(at + timedelta(hours=1), f"r{number}", f"o{number}", cents // 3))
        for model, of in shares([Touch(c, d) for c, _, d in path], EFFECTS).items() if path else ():
            amounts = [cents, -(cents // 3)] if is_refunded else [cents]
            for amount in amounts:
                for (channel, *_), part in zip(path, split(amount, of or []), strict=True):
                    credits[model][channel] += part
    hours = hours_between(FIRST, FIRST + timedelta(days=3))
    visits = [Visit(FIRST + timedelta(hours=1))]
    others = money(bought, refunded) | {"touch_facts": of_orders, "spend_facts": COSTS}
    return FactStore(fact_tables(visits, hours, others)), credits


COSTS = [cost(FIRST, "Tea", 12_00), cost(FIRST + timedelta(days=1), "unseen", 300)]


@given(sold.filter(bool))
@examples()
def test_credits_of_each_model_are_those_of_plain_counts_and_sum_to_the_net_sales(
    orders: list[Any],
) -> None:
    store, credits = facts(orders)
    net = sum(cents - (cents // 3 if is_refunded else 0) for _, cents, _, is_refunded in orders)
    for model, wanted in credits.items():
        with page_of(store, SHOWN, settings=SETTINGS) as page:
            rows = page.answer(CREDITED, ("channel",), filters=[of_model(model)]).records()
            days = [FIRST.date() + timedelta(days=n) for n in range(3)]
            one_day = [
                page.answer(CREDITED, (), Period(day, day), filters=[of_model(model)])
                for day in days
            ]
        found = {row["channel"]: row["credited_sales"] for row in rows}
        assert sum(found.values()) == net
        assert sum(one.single()["credited_sales"] for one in one_day) == net
        for channel in CHANNELS[:-1]:
            assert found.get(channel, 0) == wanted[channel], (model, channel)
