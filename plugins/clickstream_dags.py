"""What the DAGs share: defaults and tags, the hour a run is for, and the way to the lake.

DAG files import this module at their top, so it imports nothing heavy there: every task process
parses its DAG file again and would pay for it.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import TYPE_CHECKING, Any, NoReturn

from airflow.sdk import Connection, Param, Variable

if TYPE_CHECKING:
    import boto3

    from clickstream.hours import Hour
    from clickstream.lake import Lake

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
    "tier-1": "Impact: the dashboard stops moving; fix it the same hour.",
    "tier-2": "Impact: a report is late; fix it the same day.",
    "tier-3": "Impact: nobody notices; fix it when there is time.",
}
"""The tags a DAG may carry, and what each says. Every DAG carries one tier."""

DEFAULT_ARGS: Mapping[str, Any] = {
    "owner": "data-engineering",
    "retries": 2,
    "retry_delay": timedelta(minutes=2),
    "execution_timeout": timedelta(hours=1),
}
"""What every task starts from."""


def hour_param() -> Param:
    """The field of the trigger form that names one hour to build."""
    return Param(
        None,
        type=["null", "string"],
        pattern=r"^\d{4}-\d\d-\d\dT\d\d$",
        title="Hour to build (UTC)",
        description="Like 2026-11-20T05. Left empty, the run builds the hour it is scheduled for, "
        "or the last complete hour.",
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


def resolve_hour(context: Mapping[str, Any]) -> Hour:
    """The UTC hour a run is for, whichever way it was started.

    The first of these that the run has: the hour someone asked for in the trigger form or in the
    run's configuration; its partition key (Airflow 3.2 and later); the start of its data interval
    (scheduled and backfill runs, and manual runs with a logical date, for which Airflow takes the
    last interval that is complete by then); else the last hour complete when the run was due.
    Raises InputError when what was asked for is not an hour.
    """
    from clickstream.hours import Hour

    run = context["dag_run"]
    # The trigger form hands its fields over as conf; params would only add their defaults.
    asked = (run.conf or {}).get("hour")
    if named := asked or getattr(run, "partition_key", None):
        return Hour.parse(named)
    if run.data_interval_start:
        return Hour.of(run.data_interval_start)
    return Hour.of(run.run_after).previous


def open_lake() -> Lake:
    """The lake of the settings, reached through the connection `aws_default` where there is one.

    Without that connection, boto3's own chain (environment, instance role) and the settings
    decide how AWS is reached.
    """
    from clickstream import lake, settings

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
    """End a task's log in one sentence."""
    logging.getLogger("clickstream").info(sentence)


def give_up(reasons: Sequence[str], what_to_do: str) -> NoReturn:
    """Fail the task at once: a retry would find the same. Each reason gets a line of its own."""
    from airflow.providers.common.compat.sdk import AirflowFailException

    for reason in reasons:
        logging.getLogger("clickstream").error(reason)
    raise AirflowFailException(what_to_do) from None
