"""Every hour: pull new log lines, and build and publish the hours that they belong to."""

from __future__ import annotations

import logging
from datetime import timedelta
from typing import Any

from airflow.providers.standard.operators.empty import EmptyOperator
from airflow.sdk import dag, get_current_context, task, task_group
from airflow.timetables.interval import CronDataIntervalTimetable

from clickstream_airflow.defaults import ASSETS, DEFAULT_ARGS
from clickstream_airflow.failures import give_up, translate_errors
from clickstream_airflow.forms import hour_param
from clickstream_airflow.lake import open_lake
from clickstream_airflow.run_hour import describe_hour, resolve_hour
from clickstream_airflow.settle import WaitUntilSettled
from clickstream_airflow.shared_tasks import refresh_after_run, refresh_views, report_run
from clickstream_airflow.ssh_login import host_login

log = logging.getLogger("clickstream")

DOC = """
### What it does
Builds the tables of the lake, one UTC hour at a time: `hits`, `session_parts`, `rejects` and, last,
`hour_ledger`. **The run of 13:00 builds hour 12**, from 12:00 to 13:00 UTC; the note of each run
names its hour. A run also builds every hour that late lines reopened. A scheduled run also builds
recent hours that are not built yet, and first waits some minutes, because web servers may still
write lines of the hour. Other runs do not wait.

Each published hour updates the assets `clickstream.hits`, `clickstream.session_parts`,
`clickstream.rejects`, `clickstream.raw_objects`, `clickstream.session_changes` and
`clickstream.hour_ledger`. To run another DAG on fresh data, give it the schedule
`[Asset("clickstream.hour_ledger")]`.

At the end, the run searches the dates that changed for suspected machines. Then it computes the
dashboard's fact files for the dates that changed. In a backfill, refreshes are at least 15 seconds
apart, and each one covers all runs that ended before it.

### How urgent a red run is
* Three red runs in a row: act at once. Readers of the views see no new hours.
* A host that can't be read (`list_hosts`, `pull_logs`, `every_source_pulled`): the hours are
  published without it, and `missing_sources` in `hour_ledger` names it. Nothing is lost: its lines
  stay in its files, and the next run that reaches the host completes these hours. Act before the
  host's log rotation deletes the files.
* A single red hour in `build_hour`: can wait. The other hours are published, readers of the views
  see this hour as it was before, and the next run tries it again.
* A task that ends with `CS-301`, *is past its replay window*: can wait. The hour stays as it is,
  its late lines stay in the raw store, and clearing the task has the same result.
* `find_suspects`: can wait. Figures of people have the machines of the newest hours until the next
  run.
* `refresh_facts`: can wait. The dashboard shows its earlier facts and their age, and the next run
  computes the missing ones.

### Where to look
The last line of the failed task's log says what is wrong and what to do. It ends with a code that
`docs/runbook.md` explains. An error that needs a person (settings, input, permissions) fails the
task at once; after a temporary error, Airflow retries it twice. The hour's row in `hour_ledger`
shows what was last published and by which run. `clickstream verify` checks all published hours.

### How to rerun
*Clear task* on the failed task, with *Downstream* selected. You may clear any task at any time, as
often as you like: building an hour twice gives the same hour.

* For one hour, trigger the DAG and enter the hour in the form.
* For a range, trigger it as a *Backfill* and **enter 10 for Max Active Runs**. The form proposes 1,
  which takes about five times as long. Leave *Hour to build* empty, because each run of a backfill
  builds its own hour.
* For a month or more, `clickstream_reprocess` is faster.
"""

SETTLE = "In a scheduled run, waits for the last lines of the hour. The wait uses no worker."

ALL_PULLED = "Keeps the run red if a host could not be read, although the hours were built."

ALL_PUBLISHED = "Keeps the run red if an hour, a view or the search failed, although facts are new."

PULL_AGAIN_AFTER = timedelta(minutes=1)
"""The time between the three attempts of a pull. The hours wait until every host is pulled or has
failed. So a host that is down delays them by 2 minutes and three times `connect_seconds` (15 by
default): less than 3 minutes. After a longer outage, the next run pulls the lines."""

NAME_OF_HOUR = "{{ task.op_kwargs['staged']['hour'] }}"

Staged = Any
"""The result that a step of an hour passes to the next step: a dict of S3 keys and counts while a
task runs, a reference to it while the DAG is parsed. With `multiple_outputs=False` it is one XCom;
otherwise Airflow would also store each key of the dict, with one request per key."""


@task
@translate_errors
def list_hosts() -> list[str]:
    """List the hosts of all sources; find EC2 instances by their tags.

    The settings are read here and not when the DAG file is parsed. So a mistake in them gives a red
    task with the reason, and the DAG does not disappear from the list.
    """
    from clickstream.core import errors
    from clickstream.core.wording import quantity, shorten
    from clickstream.pipeline.hosts import listing

    lake = open_lake()
    if not lake.settings.sources:
        raise errors.NoHost("No source is set; add a [[sources]] section to the settings.")
    names = [host.name for host in listing.list_hosts(lake)]
    if not names:
        raise errors.NoHost("No source has a host: no EC2 instance has the tags in the settings.")
    log.info(f"Pulls from {quantity(len(names), 'host')}: {shorten(names, shown=20)}.")
    return names


@task(
    map_index_template="{{ task.op_kwargs['host'] }}",
    multiple_outputs=False,
    retry_delay=PULL_AGAIN_AFTER,
)
@translate_errors
def pull_logs(host: str) -> dict[str, Any]:
    """Copy the host's new lines to the raw store; each line belongs to the hour of its timestamp.

    The task fails if a file is refused for the first time, or again after it has changed; the other
    files of the host are pulled. The failure is stored in the host's state, which
    `clickstream status` shows.
    """
    from clickstream.core import errors
    from clickstream.pipeline.hosts.listing import find_host
    from clickstream.pipeline.pull.host import pull_host

    lake = open_lake()
    named = find_host(lake, host)
    pulled = pull_host(lake, named, host_login(lake, named), progress=log.info)
    log.info(pulled.sentence)
    if pulled.newly_refused:
        advice = (
            f"In the settings, give the source {named.source.name} a format, or a pattern that "
            "does not match the file."
        )
        give_up(pulled.newly_refused, advice, errors.RefusedFiles.code)
    return pulled.as_dict()


@task(trigger_rule="all_done")
@translate_errors
def hours_to_build() -> list[str]:
    """List the hours to build: the run's own hour, and hours that late lines reopened.

    A scheduled run also builds recent hours whose runs are missing; in a backfill each hour has its
    own run. The task also runs if a host failed, so that one server that is down does not delay the
    others. If a host is back, the task removes its name from the hours that lacked it.
    """
    from clickstream.core.wording import shorten
    from clickstream.pipeline.hour.hour_states import describe_other_settings
    from clickstream.pipeline.publish import publish

    run, lake = get_current_context()["dag_run"], open_lake()
    log.info(describe_hour(run))
    own, is_scheduled = resolve_hour(run), run.run_type == "scheduled"
    if other_settings := describe_other_settings(lake, own, own):
        log.warning(other_settings)
    due = publish.hours_to_build(lake, own, catch_up=is_scheduled)
    waiting = due.left_waiting
    if waiting:
        log.info(f"Earlier hours with lines that need a backfill: {shorten(waiting)}.")
    for late in due.past_window:
        log.info(late.sentence)
    for completed in due.completed:
        log.info(completed.sentence)
    log.info(f"Hours to build: {shorten(due.hours)}.")
    return [str(hour) for hour in due.hours]


@task(map_index_template="{{ task.op_kwargs['hour'] }}", multiple_outputs=False)
@translate_errors
def clean_hits(hour: str) -> dict[str, Any]:
    """Parse, classify and pseudonymize the hour's lines, and stage the rows. No table changes."""
    from clickstream.core import hours
    from clickstream.pipeline.hour import build

    cleaned = build.clean_hits(open_lake(), hours.Hour.parse(hour))
    log.info(cleaned.sentence)
    return cleaned.as_dict()


@task(map_index_template=NAME_OF_HOUR, multiple_outputs=False)
@translate_errors
def build_sessions(staged: Staged) -> dict[str, Any]:
    """Join the hour's requests into sessions, which may continue open sessions of earlier hours."""
    from clickstream.pipeline.hour import build
    from clickstream.pipeline.hour.step_results import CleanedHour

    built = build.build_sessions(open_lake(), CleanedHour.from_dict(staged))
    log.info(built.sentence)
    return built.as_dict()


@task(map_index_template=NAME_OF_HOUR, multiple_outputs=False)
@translate_errors
def check_hour(staged: Staged) -> dict[str, Any]:
    """Check that the line balance of the hour closes, before any reader can see the hour."""
    from clickstream.pipeline.hour import build
    from clickstream.pipeline.hour.step_results import StitchedHour

    checked = build.check_hour(open_lake(), StitchedHour.from_dict(staged))
    log.info(checked.sentence)
    return checked.as_dict()


@task(
    map_index_template=NAME_OF_HOUR,
    priority_weight=10,
    max_active_tis_per_dag=1,
    outlets=list(ASSETS.values()),
)
@translate_errors
def register_tables(staged: Staged) -> None:
    """Publish the hour, and build neighbouring hours again if sessions cross into them.

    The event of each table's asset names the published hours.
    """
    from clickstream.pipeline.hour.step_results import StitchedHour
    from clickstream.pipeline.publish import publish

    context = get_current_context()
    checked = StitchedHour.from_dict(staged)
    all_published = publish.register_tables(
        open_lake(),
        checked,
        context["run_id"],
        progress=lambda published: log.info(published.sentence),
    )
    extra: dict[str, Any] = {"hours": sorted({published.hour for published in all_published})}
    for asset in ASSETS.values():
        context["outlet_events"][asset].extra = extra


@task(trigger_rule="all_done", max_active_tis_per_dag=1, priority_weight=1)
@translate_errors
def find_suspects() -> None:
    """Search the dates that changed for machines that look like browsers.

    Readers of the views see the result at once; no hour is built again. The task also runs if an
    hour failed.
    """
    from clickstream.pipeline.publish import suspects

    log.info(suspects.find_suspects(open_lake(), log.info).sentence)


@task(trigger_rule="all_done", max_active_tis_per_dag=1, priority_weight=1, multiple_outputs=False)
@translate_errors
def refresh_facts() -> dict[str, Any]:
    """Compute the dashboard's fact files for the dates that changed.

    The task also runs if an hour failed, because the other hours are published. In a backfill it
    pauses between refreshes, so that one refresh covers the changes of many runs.
    """
    return refresh_after_run(get_current_context()["dag_run"])


@task_group
def build_hour(hour: str) -> None:
    """Build one hour, from raw lines to published tables."""
    cleaned = clean_hits(hour=hour)
    built = build_sessions(staged=cleaned)
    checked = check_hour(staged=built)
    register_tables(staged=checked)


@dag(
    description="Every hour: pull new log lines, build and publish the hours they belong to.",
    schedule=CronDataIntervalTimetable("0 * * * *", timezone="UTC"),
    catchup=False,
    max_active_runs=4,
    default_args=dict(DEFAULT_ARGS),
    params={"hour": hour_param()},
    tags=["clickstream", "hourly", "tier-1"],
    doc_md=DOC,
)
def clickstream_hourly() -> None:
    """The DAG of the hourly run."""
    settled = WaitUntilSettled(task_id="wait_until_settled", doc_md=SETTLE)
    hosts = list_hosts()
    settled >> hosts
    pulled = pull_logs.expand(host=hosts)
    hours = hours_to_build()
    every_source_pulled = EmptyOperator(task_id="every_source_pulled", doc_md=ALL_PULLED)
    pulled >> [hours, every_source_pulled]
    every_hour_published = EmptyOperator(task_id="every_hour_published", doc_md=ALL_PUBLISHED)
    views, suspects = refresh_views(), find_suspects()
    facts = refresh_facts()
    build_hour.expand(hour=hours) >> views >> suspects >> facts
    [views, suspects] >> every_hour_published
    [every_source_pulled, every_hour_published, facts] >> report_run(has_metrics=True).as_teardown()


clickstream_hourly()
