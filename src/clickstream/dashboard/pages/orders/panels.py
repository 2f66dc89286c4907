"""The panels of the Orders page."""

from __future__ import annotations

from dataclasses import dataclass, replace

from clickstream.dashboard.ask.panel import Panel
from clickstream.dashboard.ask.periods import Period
from clickstream.dashboard.ask.view import Filter

FAILED = ("failed_visits", "failed_requests", "failed_visitors")

FUNNEL = Panel("funnel", "orders", "From page to order", {"": (("visits",), ("furthest_step",))})

ITEMS = Panel(
    "items",
    "orders",
    "What people look at",
    {"": (("page_visits", "views", "time_on_page"), ("page",))},
)

FAILURES = Panel(
    "failures",
    "orders",
    "Visits that met an error",
    {"": (FAILED, ("failed_page", "failed_status"))},
)


@dataclass(frozen=True)
class WholeDates(Panel):
    """A panel of items, whose facts have the date of their order and not the hour."""

    def dates(self, period: Period) -> Period:
        """Return the whole dates of the period."""
        return replace(period, until_hour=None, hour_at=None)


MENU_SALES = WholeDates(
    "menu_sales",
    "orders",
    "What sells",
    {"": (("item_orders", "items_sold", "item_sales"), ("item",))},
)

PAIRS = WholeDates(
    "pairs",
    "orders",
    "Bought together",
    {"": (("pair_orders", "lift"), ("pair_item", "other_item"))},
)

CUSTOMERS = Panel(
    "customers",
    "orders",
    "New and returning customers",
    {"": (("orders", "net_sales"), ("customer_kind",))},
)

REFUNDS = Panel(
    "refunds",
    "orders",
    "Refunds",
    {"": (("refunds", "refunds_paid"), ("refund_kind",))},
    only=(Filter("refund_kind", (None,), is_excluded=True),),
)

SOLD_BY = Panel(
    "sold_by",
    "orders",
    "Where orders are placed",
    {"": (("orders", "net_sales", "average_order"), ("sold_by",))},
)

SALES_TIMES = Panel(
    "sales_times", "orders", "When orders arrive", {"": (("orders",), ("weekday", "hour"))}
)

OF_SALES = (MENU_SALES, PAIRS, CUSTOMERS, REFUNDS, SOLD_BY, SALES_TIMES)
"""The panels that need a source of sales."""

ORDERS = (FUNNEL, ITEMS, FAILURES, *OF_SALES)
