"""The sales of the café's shop in the demo: settings of the source, and the first pull."""

from __future__ import annotations

from datetime import UTC, date, datetime

from clickstream.demo.progress import DemoStep
from clickstream.demo.shop_database import COLUMN_MAP, reader_address
from clickstream.lake import Lake
from clickstream.pipeline.sales.listings import pull_listings
from clickstream.pipeline.sales.matches import match_orders
from clickstream.pipeline.sales.pull import plan_pull, pull_dates
from clickstream.wording import amount, quantity

RUN = "the demo's first pull"
"""The name under which the ledger records these publications."""

HORIZON_DAYS = 7
"""Hourly runs look back this far. No order changes later; a refund counts at its own date."""


def source_of_shop(address: str) -> dict[str, str | int]:
    """Return the section `[[sales]]` of the shop on the server at an address of its superuser."""
    return {
        "name": "shop",
        "kind": "sql",
        "columns": str(COLUMN_MAP),
        "currency": "GBP",
        "url": reader_address(address),
        "time_zone": "Europe/London",
        "horizon_days": HORIZON_DAYS,
    }


def pull_sales(lake: Lake, first: date, step: DemoStep) -> None:
    """Pull the menu of all sources, and their dates from `first` on that differ from the lake."""
    orders, dates, gross, currency = 0, 0, 0, ""
    for source in lake.settings.sales:
        now = datetime.now(UTC)
        pull_listings(lake, source, now.date(), RUN)
        plan = plan_pull(lake, source, now, first)
        for staged in pull_dates(lake, source, plan.dates, RUN):
            dates += 1
            orders += staged.rows["orders"]
            gross, currency = gross + staged.gross_cents, staged.currency
            step.show_done(dates, len(plan.dates), "dates", quantity(orders, "order"))
    if not dates:
        step.detail = "all dates up to date"
        return
    step.detail = f"{quantity(orders, 'order')} of {quantity(dates, 'date')}, "
    step.detail += f"gross {amount(gross)} {currency}"


def match_sales(lake: Lake, step: DemoStep) -> None:
    """Match the orders of all dates that changed to their visits."""
    orders = matched = 0
    for one in match_orders(lake, datetime.now(UTC), RUN):
        orders, matched = orders + one.orders, matched + one.matched
        step.show(one.sentence)
    step.detail = f"{matched:,} of {quantity(orders, 'order')} matched"
