"""What the DAGs share: defaults, tags and assets, the hour a run is for, and the way to the lake.

DAG files import this module at their top, so it imports nothing heavy there: every task process
parses its DAG file again and would pay for it.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from airflow.sdk import Asset, Connection, Param, Variable

from clickstream_errors import log_cause

if TYPE_CHECKING:
    import boto3

    from clickstream.hours import Hour
    from clickstream.lake import Lake

HOURLY = "clickstream_hourly"

AWS_CONNECTION = "aws_default"

PUBLISH_POOL = "clickstream_publish"
PUBLISH_SLOTS = 3
"""Tasks that write to the tables at once: an hour of the hourly runs, and two days of ranges. More
would be right as well, but each commit that meets another is made anew."""

TAGS: Mapping[str, str] = {
    "clickstream": "Makes or keeps the clickstream lake.",
    "hourly": "Runs every hour.",
    "daily": "Runs every day.",
    "manual": "Runs only when someone starts it.",
    "tier-1": "Impact: readers of the views see no new hours; fix it the same hour.",
    "tier-2": "Impact: a report is late; fix it the same day.",
    "tier-3": "Impact: nobody notices; fix it when there is time.",
}
"""The tags a DAG may carry, and what each says. Every DAG carries one tier."""

DEFAULT_ARGS: Mapping[str, Any] = {
    "owner": "data-engineering",
    "retries": 2,
    "retry_delay": timedelta(minutes=2),
    "execution_timeout": timedelta(hours=1),
    "on_retry_callback": log_cause,
    "on_failure_callback": log_cause,
}
"""What every task starts from."""

TABLES = ("hits", "session_parts", "rejects", "raw_objects", "session_changes", "hour_ledger")

ASSETS: Mapping[str, Asset] = {table: Asset(f"clickstream.{table}") for table in TABLES}
"""The asset of each table, which a published hour updates; other DAGs are scheduled on them. They
have names only, for an s3:// address would cost 0.3 seconds each time that the file is parsed."""


def hour_param() -> Param:
    """The field of the trigger form that names one hour to build."""
    return Param(
        None,
        type=["null", "string"],
        pattern=r"^\d{4}-\d\d-\d\dT\d\d$",
        title="Hour to build (UTC)",
        description="Like 2026-11-20T05. Left empty, the run builds the last complete hour. In a "
        "backfill leave it empty: each run builds its own hour, whatever is entered here.",
    )


def range_params() -> dict[str, Param]:
    """The fields of the trigger form that say what is built again, from what, and why."""
    return {
        "from": _range_end("From (UTC)", "a day begins at its hour 00"),
        "to": _range_end("To (UTC), included", "a day ends with its hour 23"),
        "reason": Param(
            type="string",
            minLength=3,
            title="Why",
            description="For those who find this run later, like: new channel rules.",
        ),
        "steps": Param(
            "all",
            type="string",
            enum=list(STEPS),
            values_display=dict(STEPS),
            title="Steps",
            description="Views are refreshed at the end in any case.",
        ),
        "engine": Param(
            "pandas",
            type="string",
            enum=list(ENGINES),
            values_display=dict(ENGINES),
            title="Engine",
            description="Where lines are cleaned. Spark is for ranges that one machine would be at "
            "for hours; docs/spark.md says what it needs.",
        ),
        "only_outdated": Param(
            False,
            type="boolean",
            title="Only hours that would change",
            description="Leaves out hours whose lines, settings and version are those of today.",
        ),
        "new_visitor_ids": Param(
            False,
            type="boolean",
            title="New visitor ids",
            description="Builds hours past their replay window, which are refused otherwise: all "
            "hours of the key periods that the range touches, whose visitors get new ids. A dry "
            "run first says how many sessions and visitors change.",
        ),
        "dry_run": Param(
            False,
            type="boolean",
            title="Dry run",
            description="Says in the log what would be done, and touches nothing.",
        ),
    }


STEPS: Mapping[str, str] = {
    "all": "All, from the raw lines",
    "sessions": "Sessions only, from requests already cleaned where they are still there",
    "views": "Views only",
}
"""The steps that a range may go through again, and how the form calls them."""


ENGINES: Mapping[str, str] = {
    "pandas": "pandas, in Airflow's own tasks",
    "spark": "Spark, in a job of EMR Serverless",
}
"""What may clean the lines of a range, and how the form calls it."""

EMR_VARIABLES: Mapping[str, str] = {
    "clickstream_emr_application": "the id of an application of EMR Serverless",
    "clickstream_emr_role": "the ARN of the role that its jobs run under",
}
"""The Variables of Airflow that a job of Spark can't do without."""


def _range_end(title: str, of_a_day: str) -> Param:
    return Param(
        type="string",
        pattern=r"^\d{4}-\d\d-\d\d(T\d\d)?$",
        title=title,
        description=f"An hour like 2026-11-20T05, or a day like 2026-11-20; {of_a_day}.",
    )


def resolve_hour(run: Any) -> Hour:
    """Return the UTC hour that a DAG run is for, whichever way it was started.

    The first of these that the run has: the hour that the trigger form or the run's configuration
    names, except in a backfill, whose runs are for an hour each; its partition key (Airflow 3.2 and
    later); the start of its data interval (scheduled and backfill runs, and manual runs with a
    logical date, for which Airflow takes the last interval that is complete by then); else the last
    hour complete when the run was due. Raises InputError when what was asked for is not an hour.
    """
    from clickstream.hours import Hour

    asked = None if run.run_type == "backfill" else _asked_hour(run)
    if named := asked or getattr(run, "partition_key", None):
        return Hour.parse(named)
    if run.data_interval_start:
        return Hour.of(run.data_interval_start)
    return Hour.of(run.run_after).previous


def _asked_hour(run: Any) -> str | None:
    # The trigger form hands its fields over as conf; params would only add their defaults.
    return (run.conf or {}).get("hour")


NOTE_BEGINS = "This run builds "


def describe_hour(run: Any) -> str:
    """Say which hour a DAG run builds, for its note and the first line of its log."""
    from clickstream.errors import InputError

    try:
        hour = resolve_hour(run)
    except InputError as error:
        return f"{NOTE_BEGINS}nothing: {error}"
    sentence = f"{NOTE_BEGINS}hour {hour}, from {hour.start:%H:%M} to {hour.end:%H:%M} UTC."
    if run.run_type == "backfill" and (ignored := _asked_hour(run)):
        sentence += f" The field 'Hour to build' ({ignored}) is ignored: it is a run of a backfill."
    return sentence


def open_lake() -> Lake:
    """The lake of the settings, reached through the connection `aws_default` where there is one.

    Without that connection, boto3's own chain (environment, instance role) and the settings
    decide how AWS is reached.
    """
    from clickstream.memory import freeze_imports, use_system_allocator

    use_system_allocator()
    from clickstream import lake, settings

    freeze_imports()
    session, endpoint_url = _aws_connection()
    return lake.open_lake(settings.load(), session=session, endpoint_url=endpoint_url)


def _aws_connection() -> tuple[boto3.Session | None, str | None]:
    """Session and endpoint of the connection; asked for by name first, as the hook loads slowly."""
    from airflow.exceptions import AirflowNotFoundException  # type: ignore[attr-defined]

    try:
        Connection.get(AWS_CONNECTION)
    except AirflowNotFoundException:
        return None, None
    from airflow.providers.amazon.aws.hooks.base_aws import AwsGenericHook

    hook: AwsGenericHook[Any] = AwsGenericHook(aws_conn_id=AWS_CONNECTION)
    return hook.get_session(), hook.conn_config.endpoint_url


def unset_variables(needed: Mapping[str, str]) -> list[str]:
    """A sentence for each of the Variables of Airflow that is not set."""
    return [
        f"The Variable {name} is not set: {meaning}."
        for name, meaning in needed.items()
        if not Variable.get(name, default=None)
    ]


def say(sentence: str) -> None:
    """Write a sentence to the task's log; the last one ends it."""
    logging.getLogger("clickstream").info(sentence)
