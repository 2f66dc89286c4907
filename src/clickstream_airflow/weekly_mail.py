"""Send the weekly mail of a run through an Airflow connection. `clickstream_digest` calls it."""

from __future__ import annotations

import contextlib
import logging
import smtplib
from collections.abc import Iterator
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING, Any, cast
from zoneinfo import ZoneInfo

from airflow.providers.common.compat.sdk import AirflowSkipException
from airflow.sdk import Connection

from clickstream_airflow.failures import give_up
from clickstream_airflow.lake import open_lake

if TYPE_CHECKING:
    from clickstream.dashboard.mail import Week
    from clickstream.settings import Settings


# Access to the mail server of an Airflow connection of type SMTP, for the weekly mail.


def find_connection(name: str) -> Connection | None:
    """Return the connection with this name; None if Airflow has none."""
    from airflow.exceptions import AirflowNotFoundException  # type: ignore[attr-defined]

    try:
        connection: Connection = Connection.get(name)
    except AirflowNotFoundException:
        return None
    return connection


@contextlib.contextmanager
def open_client(name: str) -> Iterator[smtplib.SMTP]:
    """Yield a client that is connected and logged in, with TLS and login as in Airflow's SMTP hook.

    Raises the errors of smtplib and of sockets, and MailUnavailable if the hook gives up.
    """
    from airflow.providers.common.compat.sdk import AirflowException
    from airflow.providers.smtp.hooks.smtp import SmtpHook

    from clickstream.core.errors import MailUnavailable

    try:
        client = cast(smtplib.SMTP, SmtpHook(smtp_conn_id=name).get_conn()._smtp_client)
    except AirflowException as error:
        raise MailUnavailable(
            f"Can't reach the mail server of the connection {name}: {error}. Nothing was sent; "
            "another attempt may succeed."
        ) from None
    try:
        yield client
    finally:
        # An error at the end of the session changes nothing: the server has accepted the mail.
        with contextlib.suppress(smtplib.SMTPException, OSError):
            client.quit()
        client.close()


# The week that a run of `clickstream_digest` mails, for all kinds of runs.


def resolve_week(run: Any, zone: ZoneInfo) -> Week:
    """Return the week that a DAG run mails, by the dates of the site's time zone.

    The first of these values that the run has determines the week:

    - the week in the trigger form; ignored in a backfill, where each run has its own week
    - the last week that was complete at the end of the data interval (scheduled and backfill runs)
    - the last week that was complete when the run was due

    Raises InputError if the named week is not a week.
    """
    from clickstream.dashboard.mail import Week

    if named := asked_week(run):
        return Week.parse(named)
    is_manual = run.run_type == "manual"
    due: datetime = run.run_after if is_manual else run.data_interval_end or run.run_after
    return Week.last_complete(due, zone)


def asked_week(run: Any) -> str | None:
    """Return the week in the trigger form; None if it is empty, and in a backfill."""
    return None if run.run_type == "backfill" else (run.conf or {}).get("week")


def is_asked_again(run: Any) -> bool:
    """Whether the form requests a second mail although one was sent or may have been sent."""
    return run.run_type != "backfill" and bool((run.conf or {}).get("send_again"))


log = logging.getLogger("clickstream")


def send_weekly_mail(run: Any) -> dict[str, Any]:
    """Send the mail of a run's week once; return the week and the number of recipients.

    Raises AirflowSkipException if no mail is to be sent. Its message says which setting to change.
    """
    from clickstream import settings
    from clickstream.core.errors import MailNotConfigured

    chosen = settings.load()
    name = chosen.digest.connection
    if not chosen.digest.recipients:
        raise _skip("The weekly mail has no recipients: set [digest] recipients to send it.")
    connection = find_connection(name)
    if connection is None:
        raise _skip(
            f"Airflow has no connection {name}, which [digest] connection names: add it, of type "
            "SMTP, to send the weekly mail."
        )
    moment = datetime.now(UTC)
    week = _week_to_send(run, chosen, moment)
    sender = chosen.digest.sender or connection.extra_dejson.get("from_email") or ""
    if not sender:
        raise MailNotConfigured(
            "The weekly mail has no sender: set [digest] sender, or from_email in the extras of "
            f"the connection {name}."
        )
    return _send(run, week, str(sender), moment)


def _week_to_send(run: Any, chosen: Settings, moment: datetime) -> Week:
    """Return the run's week.

    Fail the task if the week can't be mailed. Skip it for old weeks of a backfill.
    """
    from clickstream.core.errors import InputError
    from clickstream.dashboard.mail import Week, check_week

    zone = ZoneInfo(chosen.site.time_zone)
    try:
        week = resolve_week(run, zone)
        check_week(week, moment, zone)
    except InputError as error:
        give_up([str(error)], "Trigger the DAG again with another week.", error.code)
    if run.run_type == "backfill" and week < Week.last_complete(moment, zone):
        raise _skip(
            f"The mail of {week} is not sent: a backfill mails only the last complete week. "
            "To send it, trigger the DAG and enter the week in the form."
        )
    return week


def _send(run: Any, week: Week, sender: str, moment: datetime) -> dict[str, Any]:
    from clickstream.core.wording import quantity
    from clickstream.dashboard.mail import (
        MailIds,
        SentBefore,
        build_digest,
        build_message,
        deliver,
    )

    lake = open_lake()
    chosen = lake.settings.digest
    digest = build_digest(lake, week, moment)
    is_repeat = is_asked_again(run)
    repeat = run.run_id if is_repeat else ""
    ids = MailIds(lake.settings.site, lake.bucket, str(week), repeat)
    message = build_message(digest, ids, sender, chosen.recipients, moment)
    client = partial(open_client, chosen.connection)
    sent = deliver(lake, str(week), message, client, run.run_id, is_repeat)
    if isinstance(sent, SentBefore):
        to = quantity(sent.mark.recipients, "recipient")
        raise _skip(
            f"The mail of {week} was sent to {to} on {sent.mark.at:%d %b %Y, %H:%M} UTC, by the "
            f"run {sent.mark.run}. Tick *Send again* in the form to send it once more."
        )
    for reason in sent.refused:
        log.warning(f"The mail server refused {reason}.")
    refused = len(chosen.recipients) - sent.recipients
    refusals = f"; {quantity(refused, 'other')} refused by the mail server" if refused else ""
    log.info(f"The mail of {week} was sent to {quantity(sent.recipients, 'recipient')}{refusals}.")
    return {"week": str(week), "recipients": sent.recipients}


def _skip(sentence: str) -> AirflowSkipException:
    """Log the reason, and return the exception that skips the task."""
    log.info(sentence)
    return AirflowSkipException(sentence)
