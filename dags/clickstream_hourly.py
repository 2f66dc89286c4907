"""Every hour: pull the logs, then clean, sessionize, check and publish the hours they touch."""

from __future__ import annotations

from typing import Any

from airflow.providers.standard.operators.empty import EmptyOperator
from airflow.sdk import dag, get_current_context, task, task_group
from airflow.timetables.interval import CronDataIntervalTimetable

from clickstream_dags import (
    DEFAULT_ARGS,
    PUBLISH_POOL,
    give_up,
    hour_param,
    open_lake,
    resolve_hour,
    say,
)

DOC = """
### What it makes
The lake's tables, one UTC hour at a time: `hits`, `session_parts`, `rejects` and, last,
`hour_ledger`. Besides the run's own hour it builds every hour that late lines reopened and every
recent hour that was not built yet.

### When a red run may wait
* A source that can't be read (`pull_logs`, `every_source_pulled`): nothing is lost, its lines
  stay in its files, and the next run that reaches it rebuilds their hours. It has to be reached
  before its log rotation deletes them.
* A single red hour in `build_hour`: the other hours are published, readers see that hour as it
  was before, and the next run tries it again.
* Do not wait when three runs in a row are red: the dashboard stands still.

### Where to look
The last line of the failed task's log says what is wrong and what to do. The row of the hour in
`hour_ledger` says what was last published and by which run; `clickstream verify` proves that
all published hours fit together.

### How to rerun
*Clear task*, with *Downstream* ticked, on the failed task. Any task may be cleared at any time,
as often as you like: an hour built twice is the same hour. For one hour, trigger the DAG and name
the hour in the form; for a range, trigger it as a *Backfill*, or `clickstream_reprocess`.
"""

ALL_PULLED = "Keeps the run red while a source could not be read, though its hours were built."

NAME_OF_HOUR = "{{ task.op_kwargs['staged']['hour'] }}"

Staged = Any
"""What the steps of an hour hand on: a dict of addresses and counts while a task runs, a reference
to it while the DAG is put together. It is one value (`multiple_outputs=False`), for Airflow would
store each of its keys besides, with a request for each."""


@task
def list_sources() -> list[str]:
    """Names of the sources in the settings.

    A task and not a look at parse time: a mistake in the settings is then a red task that says
    what is wrong, and not a DAG that is gone from the list.
    """
    from clickstream import errors, settings

    names = [source.name for source in settings.load().sources]
    if not names:
        raise errors.SettingsError("No source is set; add a [[sources]] section to the settings.")
    say(f"The sources are {', '.join(names)}.")
    return names


@task(map_index_template="{{ task.op_kwargs['source'] }}", multiple_outputs=False)
def pull_logs(source: str) -> dict[str, Any]:
    """Copy the source's new lines to the raw store, each to the hour of its own time.

    The task is red when a file is refused for the first time, or again after it changed, though the
    source's other files are pulled.
    """
    from clickstream import pipeline

    lake = open_lake()
    named = next(s for s in lake.settings.sources if s.name == source)
    pulled = pipeline.pull(lake, named)
    say(pulled.sentence)
    if pulled.newly_refused:
        advice = f"In the settings, give {source} a format, or a pattern without it."
        give_up(pulled.newly_refused, advice)
    return pulled.as_dict()


@task(trigger_rule="all_done")
def hours_to_build() -> list[str]:
    """The run's own hour and the hours that late lines reopened.

    A scheduled run also builds recent hours whose runs were missed; in a backfill each hour has a
    run of its own. It goes on when a source failed: one dead server does not hold up the others.
    """
    from clickstream import pipeline
    from clickstream.plurals import quantity

    context = get_current_context()
    own, scheduled = resolve_hour(context), context["dag_run"].run_type == "scheduled"
    due = pipeline.hours_to_build(open_lake(), own, catch_up=scheduled)
    waiting = due.left_waiting
    say(f"The run of {own} builds {', '.join(map(str, due.hours))}.")
    if waiting:
        say(f"Left for a backfill: {quantity(len(waiting), 'hour')} from {waiting[0]} on.")
    return [str(hour) for hour in due.hours]


@task(map_index_template="{{ task.op_kwargs['hour'] }}", multiple_outputs=False)
def clean_hits(hour: str) -> dict[str, Any]:
    """Parse, label and pseudonymise the hour's lines into staged files; no table is touched."""
    from clickstream import hours, pipeline

    cleaned = pipeline.clean_hits(open_lake(), hours.Hour.parse(hour))
    say(cleaned.sentence)
    return cleaned.as_dict()


@task(map_index_template=NAME_OF_HOUR, multiple_outputs=False)
def build_sessions(staged: Staged) -> dict[str, Any]:
    """Join the hour's requests to sessions, taking over those still open from the hour before."""
    from clickstream import pipeline

    built = pipeline.build_sessions(open_lake(), pipeline.Staged.from_dict(staged))
    say(built.sentence)
    return built.as_dict()


@task(map_index_template=NAME_OF_HOUR, multiple_outputs=False)
def check_hour(staged: Staged) -> dict[str, Any]:
    """Refuse an hour whose lines do not add up, before any reader can see it."""
    from clickstream import pipeline

    checked = pipeline.check_hour(open_lake(), pipeline.Staged.from_dict(staged))
    say(checked.sentence)
    return checked.as_dict()


@task(
    map_index_template=NAME_OF_HOUR,
    pool=PUBLISH_POOL,
    priority_weight=10,
    max_active_tis_per_dag=1,
)
def register_tables(staged: Staged) -> None:
    """Publish the hour in the tables, and set its neighbours right where sessions cross over."""
    from clickstream import pipeline

    run_id = get_current_context()["run_id"]
    checked = pipeline.Staged.from_dict(staged)
    for published in pipeline.register_tables(open_lake(), checked, run_id):
        say(published.sentence)


@task
def refresh_views() -> None:
    """Create the views of include/sql in Athena, and replace those whose SQL has changed."""
    from clickstream import pipeline

    say(pipeline.refresh_views(open_lake()).sentence)


@task_group
def build_hour(hour: str) -> None:
    """One hour, from raw lines to published tables."""
    cleaned = clean_hits(hour=hour)
    built = build_sessions(staged=cleaned)
    checked = check_hour(staged=built)
    register_tables(staged=checked)


@dag(
    schedule=CronDataIntervalTimetable("0 * * * *", timezone="UTC"),
    catchup=False,
    max_active_runs=4,
    default_args=dict(DEFAULT_ARGS),
    params={"hour": hour_param()},
    tags=["clickstream", "hourly", "tier-1"],
    doc_md=DOC,
)
def clickstream_hourly() -> None:
    """The hourly run."""
    pulled = pull_logs.expand(source=list_sources())
    hours = hours_to_build()
    every_source_pulled = EmptyOperator(task_id="every_source_pulled", doc_md=ALL_PULLED)
    pulled >> [hours, every_source_pulled]
    build_hour.expand(hour=hours) >> refresh_views()


clickstream_hourly()
