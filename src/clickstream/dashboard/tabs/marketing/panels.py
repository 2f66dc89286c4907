"""The panels of the Marketing page."""

from __future__ import annotations

from clickstream.dashboard.questions.panel import ARRIVALS, Panel
from clickstream.dashboard.questions.view import ACQUISITION_BY, Filter
from clickstream.dashboard.texts import mark

FROM_ASSISTANTS = Filter("channel", ("AI Assistants",))
WITH_CAMPAIGN = Filter("campaign", (None,), is_excluded=True)

ACQUISITION = Panel(
    "acquisition",
    "marketing",
    mark("What brings people, and does it pay"),
    {choice: (ARRIVALS, by) for choice, by in ACQUISITION_BY.items()},
    has_intervals=True,
    of_money=("orders", "net_sales", "gross_sales", "average_order"),
)

SALES_MATCHES = Panel(
    "sales_matches",
    "marketing",
    mark("Orders whose visit is known"),
    {
        "": (
            ("orders", "net_sales", "gross_sales", "web_orders", "matched_orders"),
            ("why_none",),
        )
    },
)

CAMPAIGNS = Panel(
    "campaigns",
    "marketing",
    mark("Campaigns over time"),
    {"": (("visits", "conversions", "conversion_rate"), ("campaign",))},
    only=(WITH_CAMPAIGN,),
    is_over_time=True,
)

ASSISTANTS = Panel(
    "assistants",
    "marketing",
    mark("AI assistants"),
    {
        name: (("visits", "engaged_rate", "conversion_rate"), (name,))
        for name in ("source", "landing_page")
    },
    only=(FROM_ASSISTANTS,),
    is_over_time=True,
)


COSTS_WITHOUT_VISITS = Panel(
    "costs_without_visits",
    "marketing",
    mark("Costs without visits"),
    {"": (("ad_cost", "ad_clicks"), ("ad_platform", "ad_campaign_id", "ad_source", "ad_campaign"))},
)

MARKETING = (ACQUISITION, SALES_MATCHES, CAMPAIGNS, ASSISTANTS, COSTS_WITHOUT_VISITS)
