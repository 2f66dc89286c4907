"""Values that all DAGs share: ids, tags, default arguments of tasks, and assets of the tables.

Every DAG file imports this module at its top, so it imports no heavy package there.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from airflow.sdk import Asset

from clickstream_airflow.failures import describe_failure, log_cause
from clickstream_airflow.lake import refer_to_lake

log = logging.getLogger("clickstream")

HOURLY, DAILY, REPROCESS = "clickstream_hourly", "clickstream_daily", "clickstream_reprocess"
DIGEST, SALES = "clickstream_digest", "clickstream_sales"
LOCATIONS = "clickstream_locations"
"""The ids of the DAGs."""


def report_failure(context: Mapping[str, Any]) -> None:
    """Open the incident of the DAG after the last attempt of a task of a scheduled run.

    Airflow calls this function in the process of the task. An error here changes nothing about the
    task: the task `report_run` reports the run again.
    """
    from clickstream.alerts.runs import report_failed_task

    run, error = context["dag_run"], context.get("exception")
    if error is None or not is_on_schedule(run, context["ti"]):
        return
    text = " ".join(describe_failure(error, context).split())
    try:
        lake = refer_to_lake()
        sent = report_failed_task(
            lake, datetime.now(UTC), run.dag_id, run.run_id, run.logical_date, text
        )
        log.info(f"Alerts: {sent.sentence}")
    except Exception as problem:
        log.warning(f"This failure could not be reported: {problem}")


def is_on_schedule(run: Any, instance: Any) -> bool:
    """Whether a task belongs to a scheduled run and was not cleared.

    Airflow raises the limit of attempts of a task that is cleared.
    """
    is_first_time = instance.max_tries <= (instance.task.retries or 0)
    return bool(run.run_type == "scheduled" and is_first_time)


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
