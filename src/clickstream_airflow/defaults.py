"""Values that all DAGs share: tags, default arguments of tasks, and the assets of the tables."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from airflow.sdk import Asset, get_current_context, task

from clickstream_airflow.failures import (
    UNKNOWN_CAUSE,
    describe_failure,
    log_cause,
    translate_errors,
)
from clickstream_airflow.lake import open_lake, refer_to_lake

if TYPE_CHECKING:
    from clickstream.alerts.metrics import RunFigures
    from clickstream.lake import Lake


# Reports of runs: alerts about scheduled runs that fail, and the metrics of hourly runs.
#
# Every DAG file imports this module at its top, so it imports no heavy package there.

FAILED = ("failed", "upstream_failed")

_log = logging.getLogger("clickstream")


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
        sent = report_failed_task(lake, _now(), run.dag_id, run.run_id, run.logical_date, text)
        _log.info(f"Alerts: {sent.sentence}")
    except Exception as problem:
        _log.warning(f"This failure could not be reported: {problem}")


def is_on_schedule(run: Any, instance: Any) -> bool:
    """Whether a task belongs to a scheduled run and was not cleared.

    Airflow raises the limit of attempts of a task that is cleared.
    """
    is_first_time = instance.max_tries <= (instance.task.retries or 0)
    return bool(run.run_type == "scheduled" and is_first_time)


def failed_tasks(instance: Any) -> list[str]:
    """Return the names of the tasks of a run that failed, without the reporting task itself."""
    run_id = instance.run_id
    states = instance.get_task_states(dag_id=instance.dag_id, run_ids=[run_id]).get(run_id, {})
    return sorted(name for name, state in states.items() if state in FAILED)


@task(execution_timeout=timedelta(minutes=10))
@translate_errors
def report_run(has_metrics: bool = False) -> None:
    """Report a scheduled run: its failure opens an incident of the DAG, its success closes it.

    With metrics, also check the rules of all alerts, send the metrics of the run, and log the state
    of the lake. The task is a teardown: it runs after all others, and the state of the run does not
    depend on it. Runs of backfills, of the form and of cleared tasks open no incident.
    """
    from clickstream.alerts.check import check_alerts
    from clickstream.alerts.metrics import report_metrics

    context = get_current_context()
    run, instance = context["dag_run"], context["ti"]
    if run.run_type != "scheduled":
        _log.info("Only scheduled runs are reported.")
        return
    lake = open_lake()
    _report_state(lake, run, instance)
    if has_metrics and is_on_schedule(run, instance):
        _log.info(f"Alerts: {check_alerts(lake, _now()).sentence}")
        state = report_metrics(lake, _figures(lake, context), _now())
        _log.info(f"The lake: {state.verdict}; newest hour {state.complete_to}.")
        for sentence in state.sentences:
            _log.info(sentence)


def _report_state(lake: Lake, run: Any, instance: Any) -> None:
    """Report whether all other tasks of a scheduled run succeeded."""
    from clickstream.alerts.runs import report_failed_task, report_run_succeeded
    from clickstream.core.errors import with_code
    from clickstream.core.wording import shorten

    failed = failed_tasks(instance)
    if failed and _is_of_sources(lake, failed):
        _log.info("Hosts or shops could not be read. Each has its own incident.")
        return
    if not failed:
        sent = report_run_succeeded(lake, _now(), run.dag_id, run.logical_date)
    elif is_on_schedule(run, instance):
        text = with_code(f"{shorten(failed)} did not succeed.", UNKNOWN_CAUSE)
        sent = report_failed_task(lake, _now(), run.dag_id, run.run_id, run.logical_date, text)
    else:
        _log.info(f"{shorten(failed)} did not succeed after tasks were cleared.")
        return
    _log.info(f"Alerts: {sent.sentence}")


def _is_of_sources(lake: Lake, failed: Sequence[str]) -> bool:
    """Whether only pulls failed, and as many hosts or shops have a failure in their state."""
    from clickstream.lake.collection import unreadable_shops
    from clickstream.pipeline.hosts.host_freshness import expected_states

    of_hosts = [name for name in failed if name.startswith("pull_logs")]
    of_shops = [name for name in failed if name.startswith("compare_source")]
    if {*failed} - {*of_hosts, *of_shops, "every_source_pulled", "every_source_compared"}:
        return False
    hosts = sum(bool(state.failure) for state in expected_states(lake))
    return len(of_hosts) <= hosts and len(of_shops) <= len(unreadable_shops(lake))


def _figures(lake: Lake, context: Mapping[str, Any]) -> RunFigures:
    """Return the lines and the duration of the hourly run of a context."""
    from clickstream.alerts.metrics import RunFigures
    from clickstream.core.hours import Hour
    from clickstream.lake import hour_ledger

    instance = context["ti"]
    # A list of names gives a list of values; a name gives the value itself if there is only one.
    pulled = instance.xcom_pull(task_ids=["pull_logs"])
    hours = [Hour.parse(text) for text in instance.xcom_pull(task_ids="hours_to_build") or ()]
    rows: Sequence[Mapping[str, Any]] = ()
    if hours:
        columns = ("hour_at", "published_by", "rejected", "late_lines")
        ledger = hour_ledger.ledger_in_order(lake, min(hours), max(hours), columns)
        rows = [r for r in ledger.to_pylist() if r["published_by"] == instance.run_id]
    return RunFigures(
        lines_pulled=sum(pull["lines"] for pull in pulled if pull),
        lines_rejected=sum(row["rejected"] for row in rows),
        late_lines=sum(row["late_lines"] for row in rows),
        seconds=(_now() - context["dag_run"].start_date).total_seconds(),
    )


def _now() -> datetime:
    return datetime.now(UTC)


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
