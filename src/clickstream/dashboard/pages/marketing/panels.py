"""The panels of the Marketing page."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from clickstream.dashboard.ask.panel import ARRIVALS, Panel
from clickstream.dashboard.ask.view import ACQUISITION_BY, CHOICES, Filter, View

ACQUISITION = Panel(
    "acquisition",
    "marketing",
    "What brings people, and does it pay",
    {choice: (ARRIVALS, by) for choice, by in ACQUISITION_BY.items()},
    has_intervals=True,
    of_money=("orders", "net_sales", "gross_sales", "average_order"),
)

SALES_MATCHES = Panel(
    "sales_matches",
    "marketing",
    "Orders whose visit is known",
    {
        "": (
            ("orders", "net_sales", "gross_sales", "web_orders", "matched_orders"),
            ("why_none",),
        )
    },
)

CREDITED = ("credited_sales", "credited_orders", "new_customers")
PATHS = ("credited_paths", "single_touches", "cut_paths", "modelled_paths")


@dataclass(frozen=True)
class CreditPanel(Panel):
    """The credits of visits by the chosen model, by the chosen dimension."""

    def parts(self, view: View) -> tuple[Sequence[str], Sequence[str]]:
        """Return the metrics of credit by the chosen dimension."""
        return CREDITED, ACQUISITION_BY[view.choice("credit_by")]

    def filters(self, view: View) -> tuple[Filter, ...]:
        """Return the view's filters, and the chosen model."""
        return (*view.filters, of_model(view.choice(self.name)))


def of_model(name: str) -> Filter:
    """Return the filter by a model."""
    return Filter("model", (name,))


CREDIT = CreditPanel(
    "credit", "marketing", "What advertising costs and brings", {"": (CREDITED, ("channel",))}
)

PATHS_BEFORE_ORDERS = Panel(
    "paths", "marketing", "Visits before orders", {"": (PATHS, ())}, only=(of_model("linear"),)
)

COSTS = Panel(
    "costs",
    "marketing",
    "What campaigns cost",
    {"": (("ad_cost", "ad_clicks"), ("ad_campaign", "ad_source", "ad_medium"))},
)

COSTS_WITHOUT_VISITS = Panel(
    "costs_without_visits",
    "marketing",
    "Costs without visits",
    {"": (("ad_cost", "ad_clicks"), ("ad_platform", "ad_campaign_id", "ad_source", "ad_campaign"))},
)

HOLDOUTS = Panel(
    "holdouts",
    "marketing",
    "Holdout tests",
    {name: ((name,), ("region",)) for name in CHOICES["holdouts"]},
)

MARKETING = (
    ACQUISITION,
    SALES_MATCHES,
    CREDIT,
    PATHS_BEFORE_ORDERS,
    COSTS,
    HOLDOUTS,
    COSTS_WITHOUT_VISITS,
)
