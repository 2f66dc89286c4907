"""The simulated shop: its web orders are those of the log, and its records agree."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime, timedelta

import pytest
from tests.support.cafe_shops import Story, readable_time

from clickstream.core.hours import Hour, hour_range
from clickstream.demo.cafe import CafeRules, simulate
from clickstream.demo.cafe.history import REACH_HOURS
from clickstream.demo.cafe.rules import SECOND, milliseconds
from clickstream.demo.cafe.shop import (
    OrderDeleted,
    OrderSaved,
    RefundPaid,
    ShopChange,
    local_time,
)
from clickstream.demo.cafe.shop_simulation import CLOCK_SECONDS, shop_changes

RULES = CafeRules(visitors_per_hour=30)
FIRST, LAST = Hour.parse("2026-10-24T00"), Hour.parse("2026-10-25T23")
"""Clocks are set back on 25 October."""


@pytest.fixture(scope="module")
def changes() -> dict[Hour, list[ShopChange]]:
    hours = hour_range(FIRST.minus(REACH_HOURS), LAST)
    return {hour: shop_changes(RULES, hour) for hour in hours}


def test_web_orders_are_those_of_the_log(changes) -> None:
    first = {}
    for change in (one for of_hour in changes.values() for one in of_hour):
        if isinstance(change, OrderSaved):
            first.setdefault(change.order.number, change.order)
    web = {number: order for number, order in first.items() if order.sold_by == "web"}
    confirmed = simulate(FIRST, LAST, RULES).truth.orders
    assert len(confirmed) > 100
    for order in confirmed:
        assert web[order.number].total_cents == order.total_cents
        ordered_at = datetime.fromtimestamp(web[order.number].ordered_at - CLOCK_SECONDS, UTC)
        assert timedelta(0) <= ordered_at - order.confirmed_at <= timedelta(seconds=2)
    seen = {order.number for order in confirmed}
    day = (FIRST.start.timestamp(), LAST.start.timestamp())
    missing = {n for n, o in web.items() if day[0] < o.ordered_at < day[1]} - seen
    assert not missing


def test_every_kind_of_change_happens_and_is_due_after_its_hour_begins(changes) -> None:
    kinds = Counter(type(one) for of_hour in changes.values() for one in of_hour)
    assert kinds.keys() == {OrderSaved, OrderDeleted, RefundPaid}
    saved = [c for some in changes.values() for c in some if isinstance(c, OrderSaved)]
    assert {c.order.status for c in saved} == {"paid", "open", "cancelled", "test"}
    assert {c.order.sold_by for c in saved} == {"web", "counter", "phone"}
    assert any(c.order.customer is None for c in saved)
    regulars = Counter(c.order.customer for c in saved if c.order.customer)
    assert max(regulars.values()) > 1
    for hour, of_hour in changes.items():
        assert all(change.due >= milliseconds(hour) for change in of_hour)
        assert [*of_hour] == sorted(of_hour, key=lambda change: change.due)


def test_the_shop_at_a_moment_is_made_by_the_changes_until_then(changes) -> None:
    moment = LAST.start
    state = Story(RULES, FIRST.minus(REACH_HOURS), LAST).at(moment)
    assert state.orders
    assert state.refunds
    for order in state.orders.values():
        parts = order.lines_cents - order.discount_cents + order.tip_cents
        assert order.total_cents - parts == order.mistake_cents
        assert order.tax_cents * 6 <= order.total_cents + abs(order.mistake_cents)
        assert order.ordered_at * SECOND < milliseconds(LAST)
    for refund in state.refunds.values():
        if order := state.orders.get(refund.order_number):
            assert 0 < refund.amount_cents <= order.total_cents
            assert refund.refunded_at > order.ordered_at


def test_a_local_time_that_occurs_twice_is_read_as_the_first() -> None:
    first = int(datetime(2026, 10, 25, 0, 30, tzinfo=UTC).timestamp())
    second = first + 3600
    assert local_time(first) == local_time(second) == datetime(2026, 10, 25, 1, 30)
    assert readable_time(first) == readable_time(second) == datetime(2026, 10, 25, 0, 30)
    assert readable_time(second + 3600) == datetime(2026, 10, 25, 2, 30)
