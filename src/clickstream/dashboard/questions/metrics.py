"""All metrics of the dashboard, each defined once.

Panels, CSV files, the SQL behind a number and docs/metrics.md are built from these tables. All SQL
runs unchanged on Athena and on DuckDB.
"""

from __future__ import annotations

from collections.abc import Mapping

from clickstream.dashboard.questions.bot_metrics import BOT_METRICS
from clickstream.dashboard.questions.cost_metrics import COST_METRICS
from clickstream.dashboard.questions.credit_metrics import CREDIT_METRICS
from clickstream.dashboard.questions.log_metrics import LOG_METRICS
from clickstream.dashboard.questions.metric_type import Format, Good, Metric
from clickstream.dashboard.questions.money_metrics import MONEY_METRICS
from clickstream.dashboard.questions.people_metrics import PEOPLE_METRICS
from clickstream.dashboard.questions.response_metrics import RESPONSE_METRICS
from clickstream.dashboard.questions.sales_metrics import SALES_METRICS
from clickstream.dashboard.questions.visit_metrics import VISIT_METRICS

__all__ = ["METRICS", "Format", "Good", "Metric"]

METRICS: Mapping[str, Metric] = {
    metric.name: metric
    for metric in (
        *(*VISIT_METRICS, *RESPONSE_METRICS, *PEOPLE_METRICS),
        *(*LOG_METRICS, *BOT_METRICS, *SALES_METRICS, *MONEY_METRICS),
        *(*CREDIT_METRICS, *COST_METRICS),
    )
}
"""Each metric by its name."""
