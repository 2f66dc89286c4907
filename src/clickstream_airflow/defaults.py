"""Values that all DAGs share: tags, default arguments of tasks, and the assets of the tables."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from airflow.sdk import Asset

from clickstream_airflow.failures import log_cause
from clickstream_airflow.run_report import report_failure

HOURLY, DAILY, REPROCESS = "clickstream_hourly", "clickstream_daily", "clickstream_reprocess"
DIGEST, SALES = "clickstream_digest", "clickstream_sales"
LOCATIONS = "clickstream_locations"
"""The ids of the DAGs."""

TAGS: Mapping[str, str] = {
    "clickstream": "Builds or maintains the clickstream lake.",
    "hourly": "Runs every hour.",
    "daily": "Runs every day.",
    "weekly": "Runs every week.",
    "manual": "Runs only when a person starts it.",
    "tier-1": "Impact of a failure: readers of the views see no new hours. Fix it within the hour.",
    "tier-2": "Impact of a failure: a report is late. Fix it the same day.",
    "tier-3": "Impact of a failure: none for readers. Fix it within days.",
}
"""The tags of DAGs and their meanings. Every DAG has exactly one tier."""

DEFAULT_ARGS: Mapping[str, Any] = {
    "owner": "data-engineering",
    "retries": 2,
    "retry_delay": timedelta(minutes=2),
    "execution_timeout": timedelta(hours=1),
    "on_retry_callback": log_cause,
    "on_failure_callback": [report_failure, log_cause],
}
"""The default arguments of all tasks."""

TABLES = ("hits", "session_parts", "rejects", "raw_objects", "session_changes", "hour_ledger")
"""The tables that a published hour updates."""

ASSETS: Mapping[str, Asset] = {table: Asset(f"clickstream.{table}") for table in TABLES}
"""The asset of each table. A published hour updates it, and other DAGs may use it as a schedule. An
asset has only a name, because an s3:// address costs 0.3 seconds at each parse of a DAG file."""

SALES_LEDGER = Asset("clickstream.sales_ledger")
"""The asset that each published date of sales updates."""
