"""The fields that a column map can name: those of each table, with their kinds of values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from clickstream.core.wording import quantity

Kind = Literal[
    "text", "money", "time", "date", "quantity", "number", "whole number", "yes or no", "choice"
]


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
        SalesField("quantity", "quantity", is_required=True),
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
    "campaign_spend": (
        SalesField("event_date", "date", is_required=True),
        SalesField("platform", is_required=True),
        SalesField("account"),
        SalesField("campaign_id", is_required=True),
        SalesField("utm_source"),
        SalesField("utm_medium"),
        SalesField("utm_campaign"),
        SalesField("spend", "money", is_required=True),
        SalesField("currency"),
        SalesField("impressions", "whole number"),
        SalesField("clicks", "whole number"),
    ),
    "consents": (
        SalesField("customer", is_required=True),
        SalesField("purpose", is_required=True),
        SalesField("recorded_at", "time", is_required=True),
        SalesField("state", "choice", is_required=True, choices=("granted", "denied", "withdrawn")),
        SalesField("text_version"),
    ),
    "menu_items": (
        SalesField("item_id", is_required=True),
        SalesField("name"),
        SalesField("category"),
        *_money("price", "cost"),
        SalesField("currency"),
    ),
    "stores": (
        SalesField("store_id", is_required=True),
        SalesField("name"),
        SalesField("kind", "choice", choices=("café", "online")),
        SalesField("latitude", "number"),
        SalesField("longitude", "number"),
        SalesField("country"),
        SalesField("region"),
        SalesField("city"),
        SalesField("time_zone"),
        SalesField("opened_on", "date"),
        SalesField("closed_on", "date"),
    ),
    "demographics": (
        SalesField("place_id"),
        SalesField("name"),
        SalesField("country"),
        SalesField("region"),
        SalesField("year", "whole number", is_required=True),
        SalesField("measure", is_required=True),
        SalesField("value", "number"),
    ),
}
"""The fields of each table, in the order of the documentation."""

LISTINGS = ("menu_items", "stores", "demographics")
"""Tables without dates at the source: they are read as a whole, and the lake keeps versions."""

DATED = tuple(name for name in FIELDS if name not in LISTINGS)
"""Tables whose rows have a date."""

TIMES = {
    "orders": "ordered_at",
    "refunds": "refunded_at",
    "campaign_spend": "event_date",
    "consents": "recorded_at",
}
"""The field with the time or date of a row; lines of an order have the time of their order."""

KEYS: dict[str, tuple[str, ...]] = {
    "orders": ("order_id",),
    "order_items": ("order_id", "line"),
    "refunds": ("refund_id",),
    "campaign_spend": ("event_date", "platform", "account", "campaign_id"),
    "consents": ("customer", "purpose", "recorded_at"),
    "menu_items": ("item_id",),
    "stores": ("store_id",),
    "demographics": ("place_id", "year", "measure"),
}
"""The fields that identify a row of a table within its source."""

UNIQUE_OVER_DATES = ("orders", "refunds")
"""Tables whose rows count on the first date of their id only, because amounts are joined by it."""

ROW_IDS = {
    "orders": "order_id",
    "order_items": "order_id",
    "refunds": "refund_id",
    "campaign_spend": "campaign_id",
    "menu_items": "item_id",
    "stores": "store_id",
    "demographics": "place_id",
}
"""The field that names a reject. That of consents is a person, so their rejects have no name."""


def count_rows(rows: Mapping[str, int]) -> str:
    """Return numbers of rows by table in words, such as "1 order, 3 rows of campaign_spend"."""
    return ", ".join(
        quantity(number, name.removesuffix("s").replace("_", " "))
        if name.endswith("s")
        else f"{quantity(number, 'row')} of {name}"
        for name, number in rows.items()
    )


def field_of(table: str, name: str) -> SalesField:
    """Return a field of a table."""
    return next(field for field in FIELDS[table] if field.name == name)
