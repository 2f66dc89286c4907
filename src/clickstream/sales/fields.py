"""The fields that a column map can name: those of each table, with their kinds of values."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Kind = Literal["text", "money", "time", "number", "whole number", "yes or no", "choice"]


@dataclass(frozen=True)
class SalesField:
    """One field: its name, the kind of its values, whether each row must have one.

    `choices` are the values of a choice. The first is the one of rows without a value.
    """

    name: str
    kind: Kind = "text"
    is_required: bool = False
    choices: tuple[str, ...] = ()


def _money(*names: str) -> tuple[SalesField, ...]:
    return tuple(SalesField(name, "money") for name in names)


ORDER_ID = SalesField("order_id", is_required=True)

FIELDS: dict[str, tuple[SalesField, ...]] = {
    "orders": (
        ORDER_ID,
        SalesField("order_number"),
        SalesField("ordered_at", "time", is_required=True),
        SalesField("store_id"),
        SalesField("sold_by", "choice", choices=("web", "phone", "counter", "app", "partner")),
        SalesField("status", "choice", choices=("paid", "open", "cancelled", "test")),
        *_money("items", "discount", "tax"),
        SalesField("is_tax_included", "yes or no"),
        *_money("shipping", "tip", "rounding"),
        SalesField("total", "money", is_required=True),
        SalesField("currency"),
        SalesField("customer"),
        SalesField("coupon"),
    ),
    "order_items": (
        ORDER_ID,
        SalesField("line", "whole number"),
        SalesField("item_id"),
        SalesField("name_as_sold"),
        SalesField("quantity", "number", is_required=True),
        *_money("price", "discount", "tax", "amount"),
    ),
    "refunds": (
        SalesField("refund_id", is_required=True),
        SalesField("order_id"),
        SalesField("line", "whole number"),
        SalesField("refunded_at", "time", is_required=True),
        SalesField(
            "kind", "choice", choices=("refund", "cancel", "void", "chargeback", "discrepancy")
        ),
        SalesField("amount", "money", is_required=True),
        SalesField("tax", "money"),
        SalesField("currency"),
    ),
}
"""The fields of each table, in the order of the documentation."""

TIMES = {"orders": "ordered_at", "refunds": "refunded_at"}
"""The field with the time of a row; lines of an order have the time of their order."""
