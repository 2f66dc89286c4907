"""Tasks that several DAGs have: the report of a run, and the refreshes of views and facts.

Every DAG file imports this module at its top, so it imports no heavy package there.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from airflow.sdk import get_current_context, task

from clickstream_airflow.defaults import is_on_schedule
from clickstream_airflow.failures import UNKNOWN_CAUSE, translate_errors
from clickstream_airflow.lake import open_lake

if TYPE_CHECKING:
    from clickstream.alerts.metrics import RunFigures
    from clickstream.lake import Lake

log = logging.getLogger("clickstream")

FAILED = ("failed", "upstream_failed")


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
        log.info("Only scheduled runs are reported.")
        return
    lake = open_lake()
    _report_state(lake, run, instance)
    if has_metrics and is_on_schedule(run, instance):
        log.info(f"Alerts: {check_alerts(lake, datetime.now(UTC)).sentence}")
        state = report_metrics(lake, _figures(lake, context), datetime.now(UTC))
        log.info(f"The lake: {state.verdict}; newest hour {state.complete_to}.")
        for sentence in state.sentences:
            log.info(sentence)


def _report_state(lake: Lake, run: Any, instance: Any) -> None:
    """Report whether all other tasks of a scheduled run succeeded."""
    from clickstream.alerts.runs import report_failed_task, report_run_succeeded
    from clickstream.core.errors import with_code
    from clickstream.core.wording import shorten

    failed = failed_tasks(instance)
    if failed and _is_of_sources(lake, failed):
        log.info("Hosts or shops could not be read. Each has its own incident.")
        return
    if not failed:
        sent = report_run_succeeded(lake, datetime.now(UTC), run.dag_id, run.logical_date)
    elif is_on_schedule(run, instance):
        text = with_code(f"{shorten(failed)} did not succeed.", UNKNOWN_CAUSE)
        sent = report_failed_task(
            lake, datetime.now(UTC), run.dag_id, run.run_id, run.logical_date, text
        )
    else:
        log.info(f"{shorten(failed)} did not succeed after tasks were cleared.")
        return
    log.info(f"Alerts: {sent.sentence}")


def _is_of_sources(lake: Lake, failed: Sequence[str]) -> bool:
    """Whether only pulls failed, and as many hosts or shops have a failure in their state."""
    from clickstream.lake.pull_states import unreadable_shops
    from clickstream.pipeline.hosts.host_freshness import expected_states

    of_hosts = [name for name in failed if name.startswith("pull_logs")]
    of_shops = [name for name in failed if name.startswith("compare_source")]
    older = [name for name in failed if name.startswith("compare_older_dates")]
    of_sources = {*of_hosts, *of_shops, *older, "every_source_pulled", "every_source_compared"}
    if {*failed} - of_sources:
        return False
    hosts = sum(bool(state.failure) for state in expected_states(lake))
    return len(of_hosts) <= hosts and len(older) <= len(of_shops) <= len(unreadable_shops(lake))


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
        seconds=(datetime.now(UTC) - context["dag_run"].start_date).total_seconds(),
    )


@task
@translate_errors
def refresh_views() -> None:
    """Create the views of include/sql in Athena, and replace views whose SQL has changed."""
    from clickstream.pipeline.publish import publish

    log.info(publish.refresh_views(open_lake()).sentence)


BACKFILL_APART = timedelta(seconds=15)
"""The pause between refreshes of the facts in a backfill. Without it, almost every one of 48 runs
refreshed the facts of the same two dates, which took longer than building the hours."""


def refresh_after_run(run: Any) -> dict[str, Any]:
    """Compute the fact files of the dates that changed, and return the result for XCom.

    In a backfill it pauses between refreshes, so that one refresh covers the changes of many runs.
    """
    from clickstream.pipeline.publish import facts

    apart = BACKFILL_APART if run.run_type == "backfill" else timedelta()
    refreshed = facts.refresh_facts(open_lake(), log.info, apart=apart)
    log.info(refreshed.sentence)
    return refreshed.as_dict()
