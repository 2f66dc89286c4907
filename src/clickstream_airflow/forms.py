"""The fields of the trigger forms of the DAGs."""

from __future__ import annotations

from collections.abc import Mapping

from airflow.sdk import Param

STEPS: Mapping[str, str] = {
    "all": "All, from the raw lines",
    "sessions": "Sessions only, from requests already cleaned where they are still there",
    "views": "Views only",
}
"""The steps that a run of a range may repeat, with their names in the form."""

ENGINES: Mapping[str, str] = {
    "pandas": "pandas, in Airflow's own tasks",
    "spark": "Spark, in a job of EMR Serverless",
}
"""The engines that may clean the lines of a range, with their names in the form."""


def hour_param() -> Param:
    """Return the form field for the hour to build."""
    return Param(
        None,
        type=["null", "string"],
        pattern=r"^\d{4}-\d\d-\d\dT\d\d$",
        title="Hour to build (UTC)",
        description="Like 2026-11-20T05. Left empty, the run builds the last complete hour. In a "
        "backfill leave it empty: each run builds its own hour, whatever is entered here.",
    )


def week_params() -> dict[str, Param]:
    """Return the form fields for the week to mail, and for sending it again."""
    return {
        "week": Param(
            None,
            type=["null", "string"],
            pattern=r"^\d{4}-W\d\d$",
            title="Week to mail",
            description="Like 2026-W47. Left empty, the run mails the last complete week.",
        ),
        "send_again": _switch(
            "Send again",
            "Sends the mail though it was sent, or though an attempt broke off and may have sent "
            "it.",
        ),
    }


def range_params() -> dict[str, Param]:
    """Return the form fields for a range of hours: from, to, reason, steps and options."""
    return {
        "from": _range_end("From (UTC)", "a day begins at its hour 00"),
        "to": _range_end("To (UTC), included", "a day ends with its hour 23"),
        "reason": Param(
            type="string",
            minLength=3,
            title="Why",
            description="For those who find this run later, like: new channel rules.",
        ),
        "steps": _choice("Steps", STEPS, "Views are refreshed at the end in any case."),
        "engine": _choice(
            "Engine",
            ENGINES,
            "Where lines are cleaned. Spark is for ranges that take one machine hours; "
            "docs/spark.md says what it needs.",
        ),
        "only_outdated": _switch(
            "Only hours that would change",
            "Leaves out hours whose lines, settings and version are those of today.",
        ),
        "new_visitor_ids": _switch(
            "New visitor ids",
            "Builds hours past their replay window, which are refused otherwise: all hours of the "
            "key periods that the range touches, whose visitors get new ids. A dry run first says "
            "how many sessions and visitors change.",
        ),
        "dry_run": _switch("Dry run", "Says in the log what would be done, and touches nothing."),
    }


def _range_end(title: str, of_a_day: str) -> Param:
    return Param(
        type="string",
        pattern=r"^\d{4}-\d\d-\d\d(T\d\d)?$",
        title=title,
        description=f"An hour like 2026-11-20T05, or a day like 2026-11-20; {of_a_day}.",
    )


def _choice(title: str, names: Mapping[str, str], description: str) -> Param:
    return Param(
        next(iter(names)),
        type="string",
        enum=list(names),
        values_display=dict(names),
        title=title,
        description=description,
    )


def _switch(title: str, description: str) -> Param:
    return Param(False, type="boolean", title=title, description=description)
