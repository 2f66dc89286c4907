"""The fields of the trigger forms of the DAGs."""

from __future__ import annotations

from collections.abc import Mapping

from airflow.sdk import Param

STEPS: Mapping[str, str] = {
    "all": "All steps, from the raw lines",
    "sessions": "Sessions only, from cleaned rows if they are still in staging",
    "views": "Views only",
}
"""The steps that a run of a range may repeat, with their names in the form."""

ENGINES: Mapping[str, str] = {
    "pandas": "pandas, in the tasks of Airflow",
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
        description="For example 2026-11-20T05. If empty, the run builds the last complete hour. "
        "For a backfill, leave it empty: each run builds its own hour and ignores this field.",
    )


def week_params() -> dict[str, Param]:
    """Return the form fields for the week to mail, and for sending it again."""
    return {
        "week": Param(
            None,
            type=["null", "string"],
            pattern=r"^\d{4}-W\d\d$",
            title="Week to mail",
            description="For example 2026-W47. If empty, the run mails the last complete week.",
        ),
        "send_again": _switch(
            "Send again",
            "Sends the mail even if it was sent before, or if an interrupted attempt may have sent "
            "it.",
        ),
    }


def sales_params() -> dict[str, Param]:
    """Return the form fields for a range of dates of sales."""
    return {
        "from": _date("From (UTC)", "If empty, the run looks back `horizon_days` of the source."),
        "to": _date("To (UTC), included", "If empty, the range has no end."),
    }


def _date(title: str, if_empty: str) -> Param:
    return Param(
        None,
        type=["null", "string"],
        pattern=r"^\d{4}-\d\d-\d\d$",
        title=title,
        description=f"A date such as 2026-11-20. {if_empty}",
    )


def range_params() -> dict[str, Param]:
    """Return the form fields for a range of hours: from, to, reason, steps and options."""
    return {
        "from": _range_end("From (UTC)", "a day starts with its hour 00"),
        "to": _range_end("To (UTC), included", "a day ends with its hour 23"),
        "reason": Param(
            type="string",
            minLength=3,
            title="Why",
            description="A note for people who find this run later, such as: new channel rules.",
        ),
        "steps": _choice("Steps", STEPS, "The run always refreshes the views at the end."),
        "engine": _choice(
            "Engine",
            ENGINES,
            "What cleans the lines. Use Spark for ranges that take hours on one machine; "
            "docs/spark.md lists what it needs.",
        ),
        "only_outdated": _switch(
            "Only hours that would change",
            "Skips hours whose lines, settings and version have not changed since their build.",
        ),
        "new_visitor_ids": _switch(
            "New visitor ids",
            "Builds hours past their replay window, which are otherwise refused. The run builds "
            "all hours of the key periods that the range touches, and their visitors get new ids. "
            "Start with a dry run: its log shows how many sessions and visitors change.",
        ),
        "dry_run": _switch("Dry run", "Shows in the log what the run would do. Changes nothing."),
    }


def _range_end(title: str, of_a_day: str) -> Param:
    return Param(
        type="string",
        pattern=r"^\d{4}-\d\d-\d\d(T\d\d)?$",
        title=title,
        description=f"An hour such as 2026-11-20T05, or a day such as 2026-11-20; {of_a_day}.",
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
