"""The sales, advertising and stores of the café in the demo: their first pull."""

from __future__ import annotations

from datetime import UTC, date, datetime
from pathlib import Path

from clickstream.core.wording import amount, quantity
from clickstream.demo.cafe.expansion import write_candidates
from clickstream.demo.progress import DemoStep
from clickstream.lake import Lake
from clickstream.pipeline.publish.publish import refresh_views
from clickstream.pipeline.sales.listings import pull_listings
from clickstream.pipeline.sales.location_runs import plan_date
from clickstream.pipeline.sales.matches import match_orders
from clickstream.pipeline.sales.pull import plan_pull, pull_dates

RUN = "the demo's first pull"
"""The name under which the ledger records these publications."""


def directory_of_costs(logs_description: Path) -> Path:
    """Return the directory of advertising costs, beside the file that describes the café's logs."""
    return logs_description.with_name("cafe-advertising")


def pull_sales(lake: Lake, first: date, step: DemoStep) -> None:
    """Pull the menu of all sources, and their dates from `first` on that differ from the lake."""
    orders, gross, currency = 0, 0, ""
    dates: set[str] = set()
    for source in lake.settings.sales:
        now = datetime.now(UTC)
        pull_listings(lake, source, now.date(), RUN)
        plan = plan_pull(lake, source, now, first)
        for number, staged in enumerate(pull_dates(lake, plan, RUN), 1):
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
    for result in match_orders(lake, datetime.now(UTC), RUN):
        orders, matched = orders + result.orders, matched + result.matched
        step.show(result.sentence)
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
