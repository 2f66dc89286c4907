"""The sales, advertising and stores of the café in the demo: settings of sources, first pull."""

from __future__ import annotations

from datetime import UTC, date, datetime
from pathlib import Path

from clickstream.demo.cafe.costs import COLUMN_MAP as COST_COLUMN_MAP
from clickstream.demo.cafe.expansion import COLUMN_MAP as EXPANSION_COLUMN_MAP
from clickstream.demo.cafe.expansion import write_candidates
from clickstream.demo.progress import DemoStep
from clickstream.demo.shop_database import COLUMN_MAP, reader_address
from clickstream.lake import Lake
from clickstream.pipeline.publish.publish import refresh_views
from clickstream.pipeline.sales.listings import pull_listings
from clickstream.pipeline.sales.location_runs import plan_date
from clickstream.pipeline.sales.matches import match_orders
from clickstream.pipeline.sales.pull import plan_pull, pull_dates
from clickstream.wording import amount, quantity

RUN = "the demo's first pull"
"""The name under which the ledger records these publications."""

HORIZON_DAYS = 7
"""Hourly runs look back this far. No order changes later; a refund counts at its own date."""


def directory_of_costs(state: Path) -> Path:
    """Return the directory with what campaigns cost, beside the description of the café's logs."""
    return state.with_name("cafe-advertising")


def source_of_costs(state: Path) -> dict[str, str | int]:
    """Return the section `[[sales]]` of what the café's campaigns cost."""
    return {
        "name": "advertising",
        "kind": "csv",
        "columns": str(COST_COLUMN_MAP),
        "currency": "GBP",
        "path": str(directory_of_costs(state)),
    }


def directory_of_expansion(state: Path) -> Path:
    """Return the directory of stores, inhabitants and candidates for a new café."""
    return state.with_name("cafe-expansion")


def source_of_expansion(state: Path) -> dict[str, str | int]:
    """Return the section `[[sales]]` of the café's stores and the inhabitants of cities."""
    return {
        "name": "expansion",
        "kind": "csv",
        "columns": str(EXPANSION_COLUMN_MAP),
        "currency": "GBP",
        "path": str(directory_of_expansion(state)),
    }


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
    orders, gross, currency = 0, 0, ""
    dates: set[str] = set()
    for source in lake.settings.sales:
        now = datetime.now(UTC)
        pull_listings(lake, source, now.date(), RUN)
        plan = plan_pull(lake, source, now, first)
        for number, staged in enumerate(pull_dates(lake, source, plan.dates, RUN), 1):
            dates.add(staged.day)
            orders += staged.rows["orders"]
            gross, currency = gross + staged.gross_cents, staged.currency
            step.show_done(number, len(plan.dates), "dates", quantity(orders, "order"))
    if not dates:
        step.detail = "all dates up to date"
        return
    step.detail = f"{quantity(orders, 'order')} of {quantity(len(dates), 'date')}, "
    step.detail += f"gross {amount(gross)} {currency}"


def match_sales(lake: Lake, step: DemoStep) -> None:
    """Match the orders of all dates that changed to their visits."""
    orders = matched = 0
    for one in match_orders(lake, datetime.now(UTC), RUN):
        orders, matched = orders + one.orders, matched + one.matched
        step.show(one.sentence)
    step.detail = f"{matched:,} of {quantity(orders, 'order')} matched"


def plan_cafes(lake: Lake, step: DemoStep) -> None:
    """Rank the candidates for a new café, and store the plan of today.

    The file is written only now: until the sales are pulled, `clickstream_locations` would fail.
    """
    write_candidates(lake.settings.resolve(lake.settings.locations.candidates))
    refresh_views(lake)
    today = datetime.now(UTC).date()
    ranked = plan_date(lake, today, RUN).plan.ranked
    step.detail = f"{ranked[0].candidate.name} is the first of {quantity(len(ranked), 'candidate')}"
