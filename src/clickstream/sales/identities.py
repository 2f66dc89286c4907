"""Sums that hold for every order and every date of sales, and what breaks them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from clickstream.sales.sales_day import SalesDay
from clickstream.tables.sales import CAMPAIGN_SPEND, ORDER_ITEMS, ORDERS, REFUNDS

COUNTED = ("paid",)
"""States of orders that count as sales."""


@dataclass(frozen=True)
class OrderDifference:
    """An order whose parts differ from its total by `cents`; positive if the total is larger."""

    order_id: str
    cents: int


@dataclass(frozen=True)
class DayTotals:
    """Sums of a date in hundredths: paid orders, and the refunds and spending of the date."""

    orders: int = 0
    gross_cents: int = 0
    refunds: int = 0
    refunded_cents: int = 0
    spend_cents: int = 0

    @property
    def net_cents(self) -> int:
        """Gross without refunds."""
        return self.gross_cents - self.refunded_cents

    def __add__(self, other: DayTotals) -> DayTotals:
        return DayTotals(
            *(a + b for a, b in zip(vars(self).values(), vars(other).values(), strict=True))
        )


def totals_of(day: SalesDay) -> DayTotals:
    """Return the sums of a date."""
    counted = [order for order in day.rows[ORDERS] if order["status"] in COUNTED]
    refunds = day.rows[REFUNDS]
    return DayTotals(
        len(counted),
        sum(order["total_cents"] for order in counted),
        len(refunds),
        sum(refund["amount_cents"] for refund in refunds),
        sum(spend["spend_cents"] for spend in day.rows[CAMPAIGN_SPEND]),
    )


def order_differences(day: SalesDay) -> list[OrderDifference] | None:
    """Return the orders whose parts do not give their total; None if no order has parts.

    The parts are items - discounts + tax (unless the items include it) + shipping + tip + rounding.
    Without a sum of its items, an order has the sum of its lines, less their discounts. If all
    orders of the date lack both, the source does not know them, and nothing can be compared.
    """
    differences: list[OrderDifference] = []
    lines: Counter[str] = Counter()
    for item in day.rows[ORDER_ITEMS]:
        lines[item["order_id"]] += item["amount_cents"] - item["discount_cents"]
    if day.rows[ORDERS] and not lines and all(o["items_cents"] is None for o in day.rows[ORDERS]):
        return None
    for order in day.rows[ORDERS]:
        items = order["items_cents"]
        parts = lines[order["order_id"]] if items is None else items
        parts -= order["discount_cents"]
        parts += 0 if order["is_tax_included"] else order["tax_cents"]
        parts += order["shipping_cents"] + order["tip_cents"] + order["rounding_cents"]
        if parts != order["total_cents"]:
            differences.append(OrderDifference(order["order_id"], order["total_cents"] - parts))
    return differences


def refund_faults(
    refunds: Iterable[Mapping[str, Any]], orders: Iterable[Mapping[str, Any]]
) -> Iterator[tuple[str, str]]:
    """Yield the id of each refund that does not fit its order, and what does not fit.

    All refunds of an order are needed, because their sum counts. The view refund_differences has
    the same rule.
    """
    order_of = {order["order_id"]: order for order in orders}
    refunded: Counter[str] = Counter()
    in_order = sorted(refunds, key=lambda refund: (refund["refunded_at"], refund["refund_id"]))
    for refund in in_order:
        if (order := order_of.get(refund["order_id"])) is None:
            yield refund["refund_id"], "of no order"
            continue
        refunded[refund["order_id"]] += refund["amount_cents"]
        sum_cents = refunded[refund["order_id"]]
        if sum_cents > (order["total_cents"] if order["status"] in COUNTED else 0):
            yield refund["refund_id"], "above its order"
        elif sum_cents < 0:
            yield refund["refund_id"], "reversed beyond what was refunded"
        elif refund["refunded_at"] < order["ordered_at"]:
            yield refund["refund_id"], "before its order"
