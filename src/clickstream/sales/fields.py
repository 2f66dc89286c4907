"""The fields that a column map can name: those of each table, with their kinds of values."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Kind = Literal["text", "money", "time", "number", "whole number", "yes or no", "choice"]


@dataclass(frozen=True)
class Field:
    """One field: its name, the kind of its values, whether each row must have one.

    `choices` are the values of a choice. The first is the one of rows without a value.
    """

    name: str
    kind: Kind = "text"
    is_required: bool = False
    choices: tuple[str, ...] = ()


def _money(*names: str) -> tuple[Field, ...]:
    return tuple(Field(name, "money") for name in names)


ORDER_ID = Field("order_id", is_required=True)

FIELDS: dict[str, tuple[Field, ...]] = {
    "orders": (
        ORDER_ID,
        Field("order_number"),
        Field("ordered_at", "time", is_required=True),
        Field("store_id"),
        Field("sold_by", "choice", choices=("web", "phone", "counter", "app", "partner")),
        Field("status", "choice", choices=("paid", "open", "cancelled", "test")),
        *_money("items", "discount", "tax"),
        Field("is_tax_included", "yes or no"),
        *_money("shipping", "tip", "rounding"),
        Field("total", "money", is_required=True),
        Field("currency"),
        Field("customer"),
        Field("coupon"),
    ),
    "order_items": (
        ORDER_ID,
        Field("line", "whole number"),
        Field("item_id"),
        Field("name_as_sold"),
        Field("quantity", "number", is_required=True),
        *_money("price", "discount", "tax", "amount"),
    ),
    "refunds": (
        Field("refund_id", is_required=True),
        Field("order_id"),
        Field("line", "whole number"),
        Field("refunded_at", "time", is_required=True),
        Field("kind", "choice", choices=("refund", "cancel", "void", "chargeback", "discrepancy")),
        Field("amount", "money", is_required=True),
        Field("tax", "money"),
        Field("currency"),
    ),
}
"""The fields of each table, in the order of the documentation."""

TIMES = {"orders": "ordered_at", "refunds": "refunded_at"}
"""The field with the time of a row; lines of an order have the time of their order."""
