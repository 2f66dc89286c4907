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

from clickstream.dashboard.ask.view import Filter, View
from clickstream.dashboard.formats import Formats, parse_locale
from clickstream.dashboard.pages.marketing.credit import CreditTable, build_credit
from clickstream.dashboard.pages.marketing.panels import CREDITED, of_model
from clickstream.insight.credit import MODELS, Touch, shares, split
from clickstream.insight.credit_interval import credit_interval
from clickstream.settings import Settings

FIRST = datetime(2026, 11, 2)
SHOWN = View("marketing").with_days(FIRST.date(), (FIRST + timedelta(days=2)).date())
SETTINGS = with_sales(Settings(), Path("/srv"), ("shop",))
EFFECTS = {"Email": 300_000, "Paid Search": 500_000}
CHANNELS = ("Email", "Paid Search", "Direct", None)
DEVICES = ("mobile", "desktop")

arrivals = st.lists(
    st.tuples(st.sampled_from(CHANNELS), st.sampled_from(["tea", None]), st.just(1.0)),
    max_size=4,
)
sold = st.lists(
    st.tuples(
        *(arrivals, st.integers(0, 3000), st.integers(0, 2), st.sampled_from((None, 0, 1, 2))),
        st.sampled_from((EFFECTS, EFFECTS, None)),
    )
)
"""The path, the cents and the day of orders, the days until a refund, and removal effects."""


def facts(orders: list[Any]) -> tuple[FactStore, dict[str, Counter[Any]]]:
    """A store with these orders, and the cents of each model by channel."""
    bought, refunded, of_orders = [], [], []
    credits: dict[str, Counter[Any]] = {name: Counter() for name in MODELS}
    for number, (path, cents, day, days_to_refund, effects) in enumerate(orders):
        at = FIRST + timedelta(days=day, hours=12)
        values = {"channel": path[-1][0], "device": DEVICES[number % 2]} if path else {}
        one = order(at, f"o{number}", cents, customer_key=f"c{number % 3}", **values)
        bought.append(one)
        of_orders += touches(one, *path, effects=effects) if path else []
        amounts = {day: [cents]}
        if days_to_refund is not None:
            later = at + timedelta(days=days_to_refund, hours=1)
            refunded.append(refund(later, f"r{number}", f"o{number}", cents // 3))
            amounts.setdefault(day + days_to_refund, []).append(-(cents // 3))
        by_model = shares([Touch(c, d) for c, _, d in path], effects) if path else {}
        for model, found in credits.items():
            channels = [channel for channel, *_ in path] if by_model.get(model) else [None]
            for when, some in amounts.items():
                for amount in some:
                    parts = split(amount, by_model.get(model) or [1])
                    for channel, part in zip(channels, parts, strict=True):
                        found[when, values.get("device"), channel] += part
    hours = hours_between(FIRST, FIRST + timedelta(days=5))
    visits = [Visit(FIRST + timedelta(hours=1))]
    others = money(bought, refunded) | {"touch_facts": of_orders, "spend_facts": COSTS}
    return FactStore(fact_tables(visits, hours, others)), credits


COSTS = [cost(FIRST, "Tea", 12_00), cost(FIRST + timedelta(days=1), "unseen", 300)]


@given(sold.filter(bool), st.data())
@examples(times=0.5)
def test_credits_of_each_model_are_those_of_plain_counts_and_sum_to_the_net_sales(
    orders: list[Any], data: st.DataObject
) -> None:
    """In any range, also one with refunds of orders before it, and with a filter."""
    store, credits = facts(orders)
    first, last = sorted(data.draw(st.tuples(st.integers(0, 4), st.integers(0, 4))))
    filters = data.draw(st.sampled_from(((), (Filter("device", (DEVICES[0],)),))))
    shown = SHOWN.with_days(*(FIRST.date() + timedelta(days=n) for n in (first, last)))
    with page_of(store, shown, settings=SETTINGS) as page:
        net = page.answer(("net_sales",), (), filters=filters).single()["net_sales"]
        answers = {
            model: page.answer(CREDITED, ("channel",), filters=[*filters, of_model(model)])
            for model in credits
        }
    for model, of_model_cents in credits.items():
        wanted: Counter[str | None] = Counter()
        for (day, device, channel), cents in of_model_cents.items():
            if first <= day <= last and (not filters or device == DEVICES[0]):
                wanted[channel] += cents
        found = {row["channel"]: row["credited_sales"] for row in answers[model].records()}
        assert sum(found.values()) == sum(wanted.values()) == net, model
        assert +Counter(found) == +wanted, model
        assert -Counter(found) == -wanted, model


def table_of(store: FactStore, view: View = SHOWN) -> CreditTable:
    with page_of(store, view, settings=SETTINGS) as page:
        found = build_credit(page)
    assert found is not None
    return found


@cache
def small_store(number: int = 11, *, has_effects: bool = True) -> FactStore:
    """Orders of two campaigns, one more without a visit, and the costs of two others."""
    bought = [
        order(FIRST, f"o{n}", 1000 + n, customer_key=f"c{n // 2}", channel="Direct")
        for n in range(number)
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
    store = small_store(44)
    found = table_of(store, SHOWN.with_choice("credit", "first"))
    tea, unseen = found.rows
    assert (tea.name, tea.cost, tea.orders, tea.new_customers) == ("tea", "€12.00", "44", "44")
    assert (tea.net_sales, tea.cost_per_order, tea.returned) == ("€449.46", "€0.27", "37.5×")
    # Each customer has ordered once by the link in lower case, and once by that in upper case.
    interval = credit_interval(
        *(sum((1000.0 + n) ** power for n in range(44)) for power in (1, 2, 3))
    )
    assert interval is not None
    assert tea.interval == " – ".join(f"€{round(limit / 100)}" for limit in interval)
    assert tea.returned_range == " – ".join(f"{limit / 1200:.1f}" for limit in interval)
    assert (unseen.name, unseen.cost, unseen.orders) == ("unseen", "€3.00", "0")
    assert [(one.name, one.net_sales) for one in found.below] == [
        ("Not credited to a visit", "€7.00")
    ]
    assert (found.whole.net_sales, found.whole.cost) == ("€456.46", "€15.00")


@pytest.mark.parametrize(("number", "returned"), [(9, "–"), (10, "8.4×")])
def test_few_customers_have_no_interval_and_few_orders_no_return(
    number: int, returned: str
) -> None:
    view = SHOWN.with_choice("credit", "first")
    tea, _ = table_of(small_store(number), view).rows
    assert (tea.orders, tea.returned) == (str(number), returned)
    assert (tea.interval, tea.returned_range) == ("", "")


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


def test_a_refund_of_an_earlier_order_without_shares_is_not_credited_and_counts_in_the_whole() -> (
    None
):
    bought = [order(FIRST + timedelta(days=n), f"o{n}", 900, channel="Email") for n in (0, 1)]
    paths = [
        touches(one, ("Email", None, 0.0), effects=effects)
        for one, effects in zip(bought, (None, EFFECTS), strict=True)
    ]
    refunds = [refund(FIRST + timedelta(days=1), f"r{n}", f"o{n}", 100) for n in (0, 1)]
    others = money(bought, refunds) | {"touch_facts": [one for some in paths for one in some]}
    hours = hours_between(FIRST, FIRST + timedelta(days=3))
    store = FactStore(fact_tables([Visit(FIRST)], hours, others | {"spend_facts": []}))
    second = FIRST.date() + timedelta(days=1)
    for by in ("channel", "campaign"):
        view = SHOWN.with_days(second, second).with_choice("credit", "markov")
        found = table_of(store, view.with_choice("credit_by", by))
        assert found.model == "Markov"
        shown = [(one.name, one.net_sales) for one in (*found.rows, *found.below)]
        named = "Email" if by == "channel" else "Visits without a campaign"
        assert shown == [(named, "€8.00"), ("Not credited to a visit", "-€1.00")]
        assert found.whole.net_sales == "€7.00"


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


@pytest.mark.parametrize(("language", "shown"), [("en-GB", "1,270.3"), ("en-DE", "1.270,3")])
def test_shared_orders_are_grouped_like_whole_ones(language: str, shown: str) -> None:
    assert Formats(parse_locale(language)).decimal(1270.26) == shown
