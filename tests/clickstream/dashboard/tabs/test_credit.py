"""What the Marketing page shows of credits and costs, beside counts in plain Python."""

from __future__ import annotations

from collections import Counter
from datetime import datetime, timedelta
from functools import cache
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

from clickstream.dashboard.formats import Formats
from clickstream.dashboard.questions.periods import Period
from clickstream.dashboard.questions.view import Filter, View
from clickstream.dashboard.tabs.marketing.credit import CreditTable, build_credit
from clickstream.dashboard.tabs.marketing.panels import CREDITED, of_model
from clickstream.dashboard.texts import load_translations, parse_locale
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
@examples(times=0.5)
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


def table_of(store: FactStore, view: View = SHOWN) -> CreditTable:
    with page_of(store, view, settings=SETTINGS) as page:
        found = build_credit(page)
    assert found is not None
    return found


@cache
def small_store(*, has_effects: bool = True) -> FactStore:
    """Twelve orders of two campaigns, one without a visit, and the costs of two others."""
    bought = [
        order(FIRST, f"o{n}", 1000 + n, customer_key=f"c{n // 2}", channel="Direct")
        for n in range(11)
    ]
    paths = [
        touches(
            one,
            ("Paid Search", "tea" if number % 2 else "TEA", 2.0),
            ("Email", "cake", 1.0),
            ("Direct", None, 0.0),
            effects=EFFECTS if has_effects else None,
        )
        for number, one in enumerate(bought)
    ]
    bought.append(order(FIRST, "lost", 700))
    others = money(bought) | {"touch_facts": [one for some in paths for one in some]}
    hours = hours_between(FIRST, FIRST + timedelta(days=3))
    return FactStore(
        fact_tables([Visit(FIRST, campaign="tea")], hours, others | {"spend_facts": COSTS})
    )


def test_campaigns_have_their_costs_whatever_the_case_of_their_tags() -> None:
    store = small_store()
    found = table_of(store, SHOWN.with_choice("credit", "first"))
    tea, unseen = found.rows
    assert (tea.name, tea.cost, tea.orders, tea.new_customers) == ("tea", "€12.00", "11", "11")
    assert (tea.net_sales, tea.cost_per_order, tea.returned) == ("€110.55", "€1.09", "9.2×")
    # Each customer has ordered once by the link in lower case, and once by that in upper case.
    low, high = credit_interval(
        *(sum((1000.0 + n) ** power for n in range(11)) for power in (1, 2, 3))
    )
    assert tea.interval == f"€{round(low / 100)} – €{round(high / 100)}"
    assert (unseen.name, unseen.cost, unseen.orders) == ("unseen", "€3.00", "0")
    assert [(one.name, one.net_sales) for one in found.below] == [("No visit known", "€7.00")]
    assert (found.whole.net_sales, found.whole.cost) == ("€117.55", "€15.00")


def test_costs_go_to_the_channel_and_the_source_of_their_tags() -> None:
    store = small_store()
    for by, name in (("channel", "Paid Search"), ("source", "google / cpc")):
        rows = table_of(store, SHOWN.with_choice("credit_by", by)).rows
        assert [one.cost for one in rows if one.name == name] == ["€15.00"]


def test_models_from_data_are_not_shown_with_too_few_orders() -> None:
    view = SHOWN.with_choice("credit", "markov")
    assert table_of(small_store(), view).model == "Markov"
    found = table_of(small_store(has_effects=False), view)
    assert found.model == "Last, not direct"
    assert found.notes[0].startswith("Markov and Shapley need 100 orders")


def test_a_filter_that_costs_do_not_have_hides_them() -> None:
    by_source = table_of(small_store(), SHOWN.with_filters(Filter("source", ("google",))))
    assert by_source.has_costs
    with page_of(
        small_store(), SHOWN.with_filters(Filter("channel", ("Email",))), settings=SETTINGS
    ) as page:
        found = build_credit(page)
        assert found is not None
        assert not found.has_costs
        assert "filter hides them" in html_of(page)


@pytest.mark.parametrize(("language", "shown"), [("en-GB", "1,270.3"), ("de", "1.270,3")])
def test_shared_orders_are_grouped_like_whole_ones(language: str, shown: str) -> None:
    locale = parse_locale(language)
    assert Formats(locale, load_translations(locale)).decimal(1270.26) == shown
