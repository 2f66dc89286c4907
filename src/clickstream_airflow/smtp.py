"""Access to the mail server of an Airflow connection of type SMTP, for the weekly mail."""

from __future__ import annotations

import contextlib
import smtplib
from collections.abc import Iterator
from typing import cast

from airflow.sdk import Connection


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

    from clickstream.errors import MailUnavailable

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
        _quit(client)


def _quit(client: smtplib.SMTP) -> None:
    """End the SMTP session. An error here changes nothing: the server has accepted the mail."""
    with contextlib.suppress(smtplib.SMTPException, OSError):
        client.quit()
    client.close()
