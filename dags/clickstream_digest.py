"""Every Monday morning: mail the owner the report of the last week, once."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from airflow.sdk import dag, get_current_context, task
from airflow.timetables.interval import CronDataIntervalTimetable

from clickstream_airflow.defaults import DEFAULT_ARGS
from clickstream_airflow.failures import translate_errors
from clickstream_airflow.forms import week_params
from clickstream_airflow.shared_tasks import report_run
from clickstream_airflow.weekly_mail import send_weekly_mail

DOC = """
### What it does
Sends one mail to `[digest] recipients`, by the SMTP connection that `[digest] connection` names.
The mail has the figures of the last complete week and of the week before. A week lasts from Monday
to Sunday, by the dates of `[site] time_zone`. If hours of the week are missing, the mail says so
first. An object in the lake, such as `digest/2026-W47.json`, ensures that each week is mailed once.
Without recipients or without the connection the task is skipped, and its log says what to set.
`docs/digest.md` shows the mail.

### How urgent a red run is
* It can wait for a day: a report is late. No data depends on it.

### Where to look
The last line of the log says which week was sent to how many recipients, or why it was not sent. An
error ends with a code that `docs/runbook.md` explains. `clickstream digest --preview week.html`
shows the mail without sending it.

### How to rerun
*Clear task*, at any time: a mail that was sent is not sent again. After the error `CS-503`, it is
not known whether the mail was sent: ask a recipient. If the mail has not arrived, trigger the DAG
with the week and *Send again* in the form.
"""


def read_time_zone() -> tuple[str, str]:
    """Return `[site] time_zone`; UTC and the reason if the settings can't be read.

    If a DAG file raised an error, its DAG would disappear from Airflow's list. This way the DAG
    stays, its page shows the reason, and its task fails with the same reason. Reading the settings
    costs 25 ms at each parse: they import no heavy package.
    """
    from clickstream import settings
    from clickstream.core.errors import ClickstreamError

    try:
        return settings.load().site.time_zone, ""
    except (ClickstreamError, OSError) as error:
        text = error.printed if isinstance(error, ClickstreamError) else str(error)
        reason = " ".join(text.split())
        problem = f"**The settings can't be read, so the schedule is in UTC.** `{reason}`\n"
        return "UTC", problem


TIME_ZONE, ZONE_PROBLEM = read_time_zone()


# A mail server that asks for a later attempt means five minutes or more. Facts may be late, too.
@task(
    retries=6,
    retry_delay=timedelta(minutes=10),
    execution_timeout=timedelta(minutes=15),
    multiple_outputs=False,
)
@translate_errors
def send_digest() -> dict[str, Any]:
    """Mail the figures of the run's week to the recipients, unless they were sent before."""
    return send_weekly_mail(get_current_context()["dag_run"])


@dag(
    description="Every Monday at 07:00: mail the figures of the last week to the owner.",
    schedule=CronDataIntervalTimetable("0 7 * * 1", timezone=TIME_ZONE),
    catchup=False,
    default_args=dict(DEFAULT_ARGS),
    params=week_params(),
    tags=["clickstream", "weekly", "tier-2"],
    doc_md=ZONE_PROBLEM + DOC,
)
def clickstream_digest() -> None:
    """The DAG of the weekly mail."""
    send_digest() >> report_run().as_teardown()


clickstream_digest()
