"""Records of the café's shop, and the changes from which they result.

`shop_simulation` yields the changes. The demo's database and the tests apply them.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime

from clickstream.demo.cafe.rules import CITY_TIME

TAX_PARTS = 6
"""One sixth of a price is tax: prices include 20 %."""


@dataclass(frozen=True)
class SoldLine:
    """A line of an order: an item of the menu, its quantity, price and discount."""

    item_id: str
    name: str
    quantity: int
    price_cents: int
    discount_cents: int = 0

    @property
    def amount_cents(self) -> int:
        """The price of the line before its discount."""
        return self.quantity * self.price_cents


@dataclass(frozen=True)
class ShopOrder:
    """An order. `ordered_at` is in Unix seconds by the shop's clock.

    `sold_by` is web, counter or phone, and `status` paid, open, cancelled or test. `mistake_cents`
    is a part of the total that no column explains: the till rounded and did not record it.
    """

    number: int
    ordered_at: int
    sold_by: str
    lines: tuple[SoldLine, ...]
    status: str = "paid"
    discount_cents: int = 0
    tip_cents: int = 0
    mistake_cents: int = 0
    customer: str | None = None
    coupon: str | None = None

    @property
    def lines_cents(self) -> int:
        """The sum of the lines, less their discounts."""
        return sum(line.amount_cents - line.discount_cents for line in self.lines)

    @property
    def tax_cents(self) -> int:
        """The tax that the prices include."""
        return (self.lines_cents - self.discount_cents) // TAX_PARTS

    @property
    def total_cents(self) -> int:
        """What the customer pays."""
        return self.lines_cents - self.discount_cents + self.tip_cents + self.mistake_cents


@dataclass(frozen=True)
class ShopRefund:
    """A refund of an order, or of the line with the number `line`, from 1.

    `refunded_at` is in Unix seconds by the shop's clock; `kind` is refund or chargeback.
    """

    number: int
    order_number: int
    line: int | None
    refunded_at: int
    kind: str
    amount_cents: int

    @property
    def tax_cents(self) -> int:
        """The tax in the amount."""
        return self.amount_cents // TAX_PARTS


@dataclass(frozen=True)
class OrderSaved:
    """From `due` on, the shop has this order, in place of an earlier one with its number."""

    due: int
    order: ShopOrder


@dataclass(frozen=True)
class OrderDeleted:
    """From `due` on, the shop has no order with the number."""

    due: int
    number: int


@dataclass(frozen=True)
class RefundPaid:
    """From `due` on, the shop has this refund."""

    due: int
    refund: ShopRefund


ShopChange = OrderSaved | OrderDeleted | RefundPaid
"""A change of the shop; `due` is the Unix time in milliseconds at which readers can see it."""


@dataclass
class ShopState:
    """Orders and refunds of the shop at a moment, by their numbers."""

    orders: dict[int, ShopOrder] = field(default_factory=dict)
    refunds: dict[int, ShopRefund] = field(default_factory=dict)

    def apply(self, changes: Iterable[ShopChange]) -> None:
        """Apply changes, which must be in the order of their due times."""
        for change in changes:
            match change:
                case OrderSaved(order=order):
                    self.orders[order.number] = order
                case OrderDeleted(number=number):
                    self.orders.pop(number, None)
                case RefundPaid(refund=refund):
                    self.refunds[refund.number] = refund


def local_time(seconds: int) -> datetime:
    """Return a time of the shop as it is stored: local time without a zone."""
    return datetime.fromtimestamp(seconds, CITY_TIME).replace(tzinfo=None, fold=0)
