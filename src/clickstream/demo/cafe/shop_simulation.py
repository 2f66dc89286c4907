"""Simulates the café's shop: orders of an hour, and how each of them changes later.

Web orders are those of the people in the log; their numbers and totals are those of the
confirmation pages. Everything else has separate generators, so the lines of the log do
not depend on it.
The changes that originate in an hour depend only on the rules and the hour.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from functools import lru_cache
from random import Random

from clickstream.core.hours import Hour
from clickstream.demo.cafe import menu
from clickstream.demo.cafe.history import REACH_HOURS
from clickstream.demo.cafe.people import people, regulars
from clickstream.demo.cafe.rules import (
    HOUR,
    MINUTE,
    SECOND,
    CafeRules,
    city_time,
    dice,
    first_order_number,
    how_many,
    milliseconds,
    some_moment,
    visitors_in,
)
from clickstream.demo.cafe.shop import (
    OrderDeleted,
    OrderSaved,
    RefundPaid,
    ShopChange,
    ShopOrder,
    ShopRefund,
    SoldLine,
)
from clickstream.demo.cafe.weblog import Client, Receipt

CLOCK_SECONDS = -37
"""The shop's clock is this much ahead of the web server's; negative, because it is slow."""

LONGEST_COMMIT = 2 * SECOND
"""An order is written within this time after its confirmation, except late ones."""

OPEN_HOURS = range(7, 20)
"""Hours of the counter and the phone, in the café's time zone."""

COUNTER_SHARE, PHONE_SHARE, WEEKEND_FACTOR = 0.1, 0.008, 1.5
"""Orders per expected visitor of the site in the same hour, and the factor of weekends."""

COUNTER_NUMBERS, PHONE_NUMBERS = 5_000, 8_000
"""What is added to the first order number of the hour."""

POPULAR = (6, 2, 3, 3, 1, 2, 10, 2, 8)
"""Weights of the products of the menu at the counter."""

FATES = {"none": 900, "edited": 30, "cancelled": 15, "refunded": 20, "part": 25, "deleted": 4}
"""What happens to an order later, in thousandths (rounded)."""

_DAY = 24 * HOUR


def shop_changes(rules: CafeRules, hour: Hour) -> list[ShopChange]:
    """Return the changes that originate in an hour, in the order of their due times.

    Web orders are those of the people who arrive in the hour. Changes are due up to 11 days later.
    """
    orders = (*_web_orders(rules, hour), *_counter_orders(rules, hour), *_phone_orders(rules, hour))
    changes = [
        change
        for placed, order in orders
        for change in _life(dice(rules, order.number, "life of an order"), placed, order)
    ]
    return sorted(changes, key=lambda change: change.due)


Placed = tuple[int, ShopOrder]
"""An order, and the Unix time in milliseconds at which it is placed."""


def _web_orders(rules: CafeRules, hour: Hour) -> Iterator[Placed]:
    numbers: set[int] = set()
    for request in people(rules, hour):
        receipt = request.ask.receipt
        is_cut = request.received // HOUR > milliseconds(hour) // HOUR + REACH_HOURS
        if receipt is None or receipt.number in numbers or is_cut:
            continue
        numbers.add(receipt.number)
        yield request.received, _web_order(rules, request.client, request.received, receipt)


def _web_order(rules: CafeRules, client: Client, placed: int, receipt: Receipt) -> ShopOrder:
    rng = dice(rules, receipt.number, "web order")
    regular = _customer_numbers(rules).get(client)
    customer = f"regular-{regular}@mail.example" if regular is not None else None
    if customer is None and rng.random() < 0.6:
        customer = f"new-{receipt.number}@mail.example"
    lines = tuple(_line(product, quantity) for product, quantity in receipt.basket)
    at = _by_clock(placed + rng.randrange(LONGEST_COMMIT))
    return ShopOrder(receipt.number, at, "web", lines, customer=customer)


@lru_cache(maxsize=8)
def _customer_numbers(rules: CafeRules) -> dict[Client, int]:
    return {client: number for number, client in enumerate(regulars(rules))}


def _line(product: menu.Product, quantity: int, discount_cents: int = 0) -> SoldLine:
    return SoldLine(product.slug, product.name, quantity, product.price_cents, discount_cents)


def _by_clock(moment: int) -> int:
    """Return a time in milliseconds as seconds by the shop's clock."""
    return moment // SECOND + CLOCK_SECONDS


def _sold_here(rules: CafeRules, hour: Hour, rng: Random, share: float) -> range:
    """Return the indexes of the orders of an hour, in which the café may be closed."""
    local = city_time(hour)
    if local.hour not in OPEN_HOURS:
        return range(0)
    factor = WEEKEND_FACTOR if local.weekday() >= 5 else 1.0
    return range(how_many(rng, visitors_in(rules, hour) * share * factor))


def _counter_orders(rules: CafeRules, hour: Hour) -> Iterator[Placed]:
    rng = dice(rules, hour, "counter")
    number = first_order_number(hour) + COUNTER_NUMBERS
    for index in _sold_here(rules, hour, rng, COUNTER_SHARE):
        placed, lines = some_moment(rng, hour), _basket(rng)
        order = ShopOrder(number + index, _by_clock(placed), "counter", lines)
        yield placed, _at_the_till(rng, rules, order)


def _basket(rng: Random) -> tuple[SoldLine, ...]:
    """Choose the lines of an order; two lines may be equal, and one may have a discount."""
    products = rng.choices(menu.PRODUCTS, POPULAR, k=rng.randint(1, 3))
    lines = [_line(product, 1 + (rng.random() < 0.2)) for product in products]
    if rng.random() < 0.05:  # half the price for a pastry of yesterday
        lines[0] = replace(lines[0], discount_cents=lines[0].amount_cents // 2)
    return tuple(lines)


def _at_the_till(rng: Random, rules: CafeRules, order: ShopOrder) -> ShopOrder:
    """Add a loyalty card, a coupon, a tip, a mistake of the till, or make it a test order."""
    if rng.random() < 0.25:
        regular = rng.randrange(len(regulars(rules)))
        order = replace(order, customer=f"regular-{regular}@mail.example")
    if rng.random() < 0.08:
        order = replace(order, coupon="FLYER10", discount_cents=order.lines_cents // 10)
    if rng.random() < 0.2:
        order = replace(order, tip_cents=rng.choice((20, 50, 100)))
    if rng.random() < 0.005:
        order = replace(order, mistake_cents=rng.choice((-2, 1, 5)))
    return replace(order, status="test") if rng.random() < 0.01 else order


def _phone_orders(rules: CafeRules, hour: Hour) -> Iterator[Placed]:
    """Yield orders by phone, which are open until they are collected."""
    rng = dice(rules, hour, "phone")
    number = first_order_number(hour) + PHONE_NUMBERS
    for index in _sold_here(rules, hour, rng, PHONE_SHARE):
        placed, lines = some_moment(rng, hour), _basket(rng)
        yield placed, ShopOrder(number + index, _by_clock(placed), "phone", lines, status="open")


def _life(rng: Random, placed: int, order: ShopOrder) -> Iterator[ShopChange]:
    """Yield the changes of an order, from its first to its last."""
    is_late = rng.random() < 0.01
    due = placed + (rng.randrange(HOUR, 30 * HOUR) if is_late else LONGEST_COMMIT)
    yield OrderSaved(due, order)
    if order.status == "test":
        return
    if order.status == "open":
        due += rng.randrange(30 * MINUTE, 3 * HOUR)
        order = replace(order, status="paid")
        yield OrderSaved(due, order)
    match rng.choices(list(FATES), list(FATES.values()))[0]:
        case "edited":
            yield OrderSaved(due + rng.randrange(MINUTE, 2 * _DAY), _edit(rng, order))
        case "cancelled":
            cancelled = replace(order, status="cancelled")
            yield OrderSaved(due + rng.randrange(MINUTE, 2 * _DAY), cancelled)
        case "refunded":
            yield _refund(rng, due, order, None)
        case "part":
            yield _refund(rng, due, order, rng.randrange(len(order.lines)))
        case "deleted":
            yield OrderDeleted(due + rng.randrange(HOUR, 3 * _DAY), order.number)


def _edit(rng: Random, order: ShopOrder) -> ShopOrder:
    """Return the order with another quantity of a line, which changes its total as well."""
    lines = list(order.lines)
    index = rng.randrange(len(lines))
    lines[index] = replace(lines[index], quantity=lines[index].quantity + 1)
    return replace(order, lines=tuple(lines))


def _refund(rng: Random, due: int, order: ShopOrder, index: int | None) -> RefundPaid:
    """Refund an order, or one of its lines, hours to days later."""
    due += rng.randrange(2 * HOUR, 9 * _DAY)
    amount = order.total_cents
    if index is not None:
        line = order.lines[index]
        amount = min(amount, line.amount_cents - line.discount_cents)
    kind = "chargeback" if rng.random() < 0.08 else "refund"
    number = None if index is None else index + 1
    refund = ShopRefund(order.number * 10, order.number, number, _by_clock(due), kind, amount)
    return RefundPaid(due, refund)
