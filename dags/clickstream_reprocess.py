"""By hand: build a range of past hours again, after new settings, a new version or a repair."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

from airflow.providers.standard.operators.empty import EmptyOperator
from airflow.sdk import dag, get_current_context, task

from clickstream_airflow.defaults import DEFAULT_ARGS
from clickstream_airflow.failures import give_up, translate_errors
from clickstream_airflow.forms import range_params
from clickstream_airflow.lake import open_lake
from clickstream_airflow.spark_job import LONGEST, MACROS, clean_on_spark, unset_settings

if TYPE_CHECKING:
    from clickstream.pipeline.backfill.new_visitor_ids import NewIds

log = logging.getLogger("clickstream")

DOC = """
### What it does
Builds a range of days or hours again from the stored raw lines, into the same tables as
`clickstream_hourly`. The hours of a day are published together. Nothing is pulled. For a month or a
year this DAG is faster than a *Backfill*, because all hours of a day share one task and its
commits. With the engine Spark, a job of EMR Serverless first cleans the lines of the whole range,
and the tasks of the days only publish. At the end, the run computes the dashboard's fact files for
all dates that changed.

The run refuses hours past their replay window, whose visitor key is destroyed, before it builds any
hour: their visitors would get new ids. To build all hours of their key periods on purpose, select
*New visitor ids*, at first with *Dry run*.

### How urgent a red run is
* It can wait: readers of the views see each hour either as it was or as it is now, and the hourly
  runs continue.
* `refresh_facts`: can wait. The dashboard shows its earlier facts and their age, and the next
  hourly run computes the missing ones.
* If the run was started because numbers are wrong, they stay wrong for the days that are not
  finished.

### Where to look
The log of `rebuild_day` has a line for each hour, with the number of finished hours, lines per
second and the remaining time. Its last line says what is wrong and what to do, and ends with a code
that `docs/runbook.md` explains. The reason for the run is in the log of `plan_days` and in the
run's configuration; `hour_ledger` names the run for each hour. The link *EMR Serverless Dashboard*
on the page of `clean_on_spark` shows the progress of the Spark job.

### How to rerun
*Clear task* on the failed day: it continues after the last hours that it has published, and
finished days are not built again. A cleared `clean_on_spark` cleans only the hours that are not
cleaned yet. The DAG may run beside hourly runs, a backfill or another range.
"""

ALL_REBUILT = "Keeps the run red if a day or a view failed, although facts were refreshed."

MOST_DAYS = 1000
"""The limit of days in a run. Airflow maps at most 1024 tasks ([core] max_map_length)."""


@task
@translate_errors
def plan_days() -> list[dict[str, str]]:
    """Divide the range at midnight UTC into days. Each day becomes a task.

    The task refuses hours past their replay window before any hour is built. With new visitor ids,
    it plans their whole key periods instead.
    """
    from clickstream.core import errors, hours
    from clickstream.core.wording import quantity
    from clickstream.pipeline.backfill.new_visitor_ids import open_periods, plan_new_visitor_ids
    from clickstream.pipeline.hour.hour_states import check_range_to_build
    from clickstream.pipeline.hour.replay_window import check_replay_window

    form = get_current_context()["params"]
    try:
        first, last = hours.Hour.first_of(form["from"]), hours.Hour.last_of(form["to"])
        check_range_to_build(first, last)
    except errors.InputError as error:
        give_up([str(error)], "Trigger the DAG again with another range.", error.code)
    plan: NewIds | None = None
    if form["new_visitor_ids"]:
        plan = plan_new_visitor_ids(open_lake(), first, last)
        log.info(plan.sentence)
    days = plan.days if plan else list(hours.by_day(first, last))
    if form["steps"] == "views":
        days = []
    if len(days) > MOST_DAYS:
        reason = f"{len(days):,} days are too many for one run."
        give_up([reason], f"Choose at most {MOST_DAYS:,} days.", errors.InputError.code)
    if days and form["engine"] == "spark" and (unset := unset_settings()):
        advice = "Set it in clickstream.toml (docs/spark.md), or choose the engine pandas."
        give_up(unset, advice, errors.SettingsError.code)
    dry = "A dry run: " if form["dry_run"] else ""
    log.info(
        f"{dry}{form['steps']}, {first} to {last}, {quantity(len(days), 'day')}, by "
        f"{form['engine']}. Why: {form['reason']}"
    )
    if days and not (plan or form["only_outdated"]):
        check_replay_window(open_lake(), first, last)
    if days and plan and not form["dry_run"]:
        open_periods(open_lake(), plan, get_current_context()["run_id"])
    return [{"first": str(begin), "last": str(end)} for begin, end in days]


@task.short_circuit(ignore_downstream_trigger_rules=False)
@translate_errors
def is_for_spark() -> bool:
    """Decide whether Spark cleans the range first; if not, skip `clean_on_spark`."""
    form = get_current_context()["params"]
    return form["engine"] == "spark" and form["steps"] != "views" and not form["dry_run"]


@task(
    map_index_template="{{ task.op_kwargs['first'][:10] }}",
    max_active_tis_per_dag=1,
    execution_timeout=LONGEST,
    trigger_rule="none_failed",
    multiple_outputs=False,
)
@translate_errors
def rebuild_day(first: str, last: str) -> dict[str, Any]:
    """Build the day's hours again and publish them together; a dry run changes nothing.

    A retry after a failure skips the hours that this run has published.
    """
    from clickstream.core import hours
    from clickstream.core.wording import quantity
    from clickstream.pipeline.backfill.backfill import Steps, plan_backfill

    context = get_current_context()
    form = context["params"]
    if form["dry_run"] and form["new_visitor_ids"]:
        log.info("Would build all hours; the log of plan_days shows how many visitors change.")
        return {"hours": 0, "lines": 0}
    backfill = plan_backfill(
        open_lake(),
        hours.Hour.parse(first),
        hours.Hour.parse(last),
        context["run_id"],
        only_outdated=form["only_outdated"],
        only_known=form["new_visitor_ids"],
    )
    for sentence in filter(None, (backfill.summary, backfill.refused)):
        log.info(sentence)
    if form["dry_run"]:
        for sentence in backfill.dry_run():
            log.info(sentence)
        return {"hours": 0, "lines": 0}
    # After Spark, only the steps after cleaning are left.
    steps = Steps.SESSIONS if form["engine"] == "spark" else Steps(form["steps"])
    lines = 0
    if steps is Steps.SESSIONS:
        log.info(backfill.describe_staged())
    for step in backfill.run(steps, run_ends=hours.Hour.last_of(form["to"])):
        log.info(step.sentence)
        lines = step.lines
    of_all = quantity(len(backfill.todo), "hour")
    log.info(f"{first} to {last}: {of_all} built again, all that needed it.")
    return {"hours": len(backfill.todo), "lines": lines}


@task(trigger_rule="none_failed")
@translate_errors
def refresh_views() -> None:
    """Create the views of include/sql in Athena, and replace views whose SQL has changed."""
    from clickstream.pipeline.backfill.backfill import outdated_views
    from clickstream.pipeline.publish import publish

    lake = open_lake()
    if get_current_context()["params"]["dry_run"]:
        outdated = ", ".join(outdated_views(lake)) or "none"
        log.info(f"Would create or replace these views: {outdated}.")
    else:
        log.info(publish.refresh_views(lake).sentence)


@task(trigger_rule="all_done", max_active_tis_per_dag=1, priority_weight=1)
@translate_errors
def find_suspects() -> None:
    """Search the dates that changed for suspected machines; a dry run changes nothing.

    The task also runs if a day failed, because the other days are published.
    """
    from clickstream.pipeline.publish import suspects

    is_dry = get_current_context()["params"]["dry_run"]
    log.info(suspects.find_suspects(open_lake(), log.info, dry_run=is_dry).sentence)


@task(trigger_rule="all_done", max_active_tis_per_dag=1, priority_weight=1, multiple_outputs=False)
@translate_errors
def refresh_facts() -> dict[str, Any]:
    """Compute the dashboard's fact files for the dates that changed; a dry run changes nothing.

    The task also runs if a day failed, because the other days are published.
    """
    from clickstream.pipeline.publish import facts

    is_dry = get_current_context()["params"]["dry_run"]
    refreshed = facts.refresh_facts(open_lake(), log.info, dry_run=is_dry)
    log.info(refreshed.sentence)
    return refreshed.as_dict()


@dag(
    description="By hand: build a range of days or hours again from the stored raw lines.",
    schedule=None,
    catchup=False,
    max_active_runs=4,
    default_args=dict(DEFAULT_ARGS),
    user_defined_macros=dict(MACROS),
    params=range_params(),
    tags=["clickstream", "manual", "tier-2"],
    doc_md=DOC,
)
def clickstream_reprocess() -> None:
    """The DAG that builds a range of hours again."""
    days = plan_days()
    rebuilt = rebuild_day.expand_kwargs(days)
    every_day_rebuilt = EmptyOperator(task_id="every_day_rebuilt", doc_md=ALL_REBUILT)
    days >> is_for_spark() >> clean_on_spark() >> rebuilt
    views, suspects = refresh_views(), find_suspects()
    rebuilt >> views >> suspects >> refresh_facts()
    [views, suspects] >> every_day_rebuilt


clickstream_reprocess()
