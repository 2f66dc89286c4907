"""Every Monday: rank the candidates for a new café by the web orders of a year."""

from __future__ import annotations

import logging
from typing import Any

from airflow.providers.common.compat.sdk import AirflowSkipException
from airflow.sdk import dag, get_current_context, task
from airflow.timetables.interval import CronDataIntervalTimetable

from clickstream_airflow.defaults import DEFAULT_ARGS
from clickstream_airflow.failures import translate_errors
from clickstream_airflow.lake import open_lake
from clickstream_airflow.shared_tasks import refresh_after_run, refresh_views, report_run

log = logging.getLogger("clickstream")

DOC = """
### What it does
Ranks the candidates of the file that `[locations] candidates` names, and stores the plan in the
table `location_candidates`, for the Places page. A plan has the UTC date at which its run is due,
and reads the orders of the 365 days before. It replaces an earlier plan of the same date. Without
`[[sales]]` or without the file, `plan_locations` is skipped, and its log says what to set.
`docs/locations.md` describes the method and what it can't know.

### How urgent a red run is
* It can wait for days: the Places page shows the plan of the last green run, with its date.

### Where to look
The last line of the log says which candidate is the first, or what is wrong. An error ends with a
code that `docs/runbook.md` explains. `clickstream locations plan` shows a plan without storing it,
and `clickstream locations explain` shows where the orders of a candidate would come from.

### How to rerun
*Clear task* with *Downstream* selected, at any time: the plan of the date is replaced. After a
change of the file, trigger the DAG by hand: it plans for today, or for its logical date. A
*Backfill* plans for the end of each data interval, with the candidates, stores and inhabitants of
today.
"""


@task(max_active_tis_per_dag=1)
@translate_errors
def plan_locations() -> None:
    """Rank the candidates by the orders before the run's date, and replace the plan of the date."""
    from clickstream.pipeline.sales import location_runs

    lake = open_lake()
    if reason := location_runs.why_no_plan(lake.settings):
        log.info(reason)
        raise AirflowSkipException(reason)
    run = get_current_context()["dag_run"]
    due = run.logical_date if run.run_type == "manual" else run.data_interval_end
    day = (due or run.run_after).date()
    planned = location_runs.plan_date(lake, day, run.run_id)
    for sentence in planned.left_out:
        log.warning(sentence)
    log.info(f"Plan of {day}: {planned.sentence}")


@task(max_active_tis_per_dag=1, multiple_outputs=False)
@translate_errors
def refresh_facts() -> dict[str, Any]:
    """Compute the dashboard's fact files for the dates that changed."""
    return refresh_after_run(get_current_context()["dag_run"])


@dag(
    description="Every Monday at 04:30 UTC: rank candidates for a new café by web orders.",
    schedule=CronDataIntervalTimetable("30 4 * * 1", timezone="UTC"),
    catchup=False,
    max_active_runs=1,
    default_args=dict(DEFAULT_ARGS),
    tags=["clickstream", "weekly", "tier-3"],
    doc_md=DOC,
)
def clickstream_locations() -> None:
    """The DAG of plans of locations."""
    planned = refresh_views() >> plan_locations() >> refresh_facts()
    planned >> report_run().as_teardown()


clickstream_locations()
