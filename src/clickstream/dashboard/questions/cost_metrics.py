"""The metrics of what campaigns cost, as their platforms report it.

Amounts are hundredths of the currency that all sources of sales have.
"""

from __future__ import annotations

from clickstream.dashboard.questions.fact_views import SPEND
from clickstream.dashboard.questions.metric_type import Metric

_LATER = "Platforms correct the newest dates; the next pull reads them again."

COST_METRICS = (
    Metric(
        "ad_cost",
        SPEND,
        "Cost",
        "coalesce(sum(spend_cents), 0)",
        "What campaigns cost by the reports of their platforms, on dates of the platforms.",
        "How much does advertising cost?",
        _LATER,
        format="cents",
        good="neither",
        is_additive=True,
    ),
    Metric(
        "ad_clicks",
        SPEND,
        "Clicks",
        "coalesce(sum(clicks), 0)",
        "Clicks on advertisements, as the platforms count them.",
        "How many clicks do the platforms charge for?",
        _LATER,
        good="neither",
        is_additive=True,
    ),
)
