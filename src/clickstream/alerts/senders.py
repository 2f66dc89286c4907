"""The channels of alerts: an SNS topic, a webhook and mail. Each sends an `Alert` in its own form.

A channel that fails raises an error of this library, which names neither the webhook's address nor
a password.
"""

from __future__ import annotations

import json
import logging
import smtplib
import ssl
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime
from functools import partial
from http.client import HTTPException, HTTPMessage
from typing import IO
from urllib import request
from urllib.error import HTTPError
from urllib.parse import urlsplit

from clickstream.alerts.texts import Alert
from clickstream.core.errors import MailNotConfigured, WebhookFailed
from clickstream.core.networks import is_loopback
from clickstream.core.smtp_errors import OF_ALERTS, describe_refusals, translate_smtp_errors
from clickstream.core.text_digests import digest_texts
from clickstream.lake import Lake, sns
from clickstream.settings import AlertSettings, SiteSettings

SECONDS = 10
"""Time limit of each step of a connection."""

Send = Callable[[Alert], None]

_log = logging.getLogger("clickstream")


def channels_of(lake: Lake) -> Mapping[str, Send]:
    """Return the channels that the settings name, by their names."""
    chosen, channels = lake.settings.alerts, dict[str, Send]()
    if chosen.sns_topic:
        channels["sns"] = partial(send_to_topic, lake)
    if chosen.webhook:
        channels["webhook"] = partial(send_to_webhook, chosen.webhook.get_secret_value())
    if chosen.recipients:
        channels["mail"] = partial(send_mail, chosen, lake.settings.site)
    return channels


def send_to_topic(lake: Lake, alert: Alert) -> None:
    """Publish an alert to the SNS topic."""
    sns.publish(lake, lake.settings.alerts.sns_topic, alert.title, alert.text)


class _NoRedirects(request.HTTPRedirectHandler):
    """Refuses redirects: urllib would follow them with a GET, which delivers nothing."""

    def redirect_request(
        self,
        req: request.Request,
        fp: IO[bytes],
        code: int,
        msg: str,
        headers: HTTPMessage,
        newurl: str,
    ) -> None:
        """Return no further request, so that the redirect is reported as an error."""


def send_to_webhook(address: str, alert: Alert) -> None:
    """Post an alert in the form of Slack's incoming webhooks. Raises WebhookFailed."""
    body = json.dumps({"text": slack_text(alert)}).encode()
    headers = {"Content-Type": "application/json; charset=utf-8"}
    try:
        post = request.Request(address, body, headers)  # noqa: S310 - http only, by the settings
        request.build_opener(_NoRedirects).open(post, timeout=SECONDS).close()
    except HTTPError as error:
        raise WebhookFailed(
            f"The webhook of [alerts] did not accept the alert: it answered {error.code}. Check "
            "CLICKSTREAM_ALERTS__WEBHOOK. The next check sends the alert again."
        ) from None
    except (OSError, HTTPException, ValueError) as error:
        reason = type(getattr(error, "reason", None) or error).__name__
        raise WebhookFailed(
            f"The webhook of [alerts] can't be reached ({reason}). Check the network and "
            "CLICKSTREAM_ALERTS__WEBHOOK. The next check sends the alert again."
        ) from None


def slack_text(alert: Alert) -> str:
    """Return an alert in Slack's mrkdwn, which has three characters with a meaning."""
    lines = [f"*{_escape(alert.title)}*", _escape(alert.summary)]
    lines += [f"• {label}: {_escape(sentence)}" for label, sentence in alert.parts]
    link = alert.link if alert.link.startswith("http") else ""
    return "\n".join([*lines, f"<{link}|Runbook>" if link else f"Runbook: {alert.link}"])


def _escape(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def send_mail(chosen: AlertSettings, site: SiteSettings, alert: Alert) -> None:
    """Mail an alert to the recipients. Raises MailUnavailable, MailRefused or SettingsError.

    It is sent if the server accepts one recipient; refused ones are logged, without addresses.
    """
    message = build_mail(chosen, site, alert)
    with translate_smtp_errors(OF_ALERTS), _open_client(chosen) as client:
        refused = client.send_message(message)
    for reason in describe_refusals(refused):
        _log.warning(f"The mail server refused an alert for {reason}")


def build_mail(chosen: AlertSettings, site: SiteSettings, alert: Alert) -> EmailMessage:
    """Build the mail of an alert: plain text, with headers by which mailboxes can sort it."""
    domain = next(iter(site.domains), "clickstream.invalid")
    message = EmailMessage(policy=SMTP)
    message["Subject"] = alert.title
    message["From"] = chosen.sender
    message["To"] = ", ".join(chosen.recipients)
    message["Date"] = format_datetime(alert.at)
    message["Message-ID"] = f"<alert.{digest_texts((site.name, alert.id), 12)}@{domain}>"
    message["Auto-Submitted"] = "auto-generated"  # RFC 3834: no out-of-office replies
    message["List-Id"] = f"<alerts.clickstream.{domain}>"  # RFC 2919
    message.set_content(alert.text, cte="quoted-printable")
    return message


@contextmanager
def _open_client(chosen: AlertSettings) -> Iterator[smtplib.SMTP]:
    """Connect to the mail server, with TLS wherever it is offered, and log in."""
    address, context = urlsplit(chosen.mail_server), ssl.create_default_context()
    host, port = address.hostname or "", address.port or 25
    if address.scheme == "smtps":
        client: smtplib.SMTP = smtplib.SMTP_SSL(host, port, timeout=SECONDS, context=context)
    else:
        client = smtplib.SMTP(host, port, timeout=SECONDS)
    try:
        is_encrypted = address.scheme == "smtps"
        client.ehlo()
        if not is_encrypted and client.has_extn("starttls"):
            client.starttls(context=context)
            is_encrypted = True
        if address.username:
            _log_in(client, address.username, chosen, is_encrypted or is_loopback(host))
        yield client
        with suppress(smtplib.SMTPException, OSError):  # the server has accepted the mail
            client.quit()
    finally:
        client.close()


def _log_in(client: smtplib.SMTP, user: str, chosen: AlertSettings, is_safe: bool) -> None:
    if not is_safe:
        raise MailNotConfigured(
            f"The mail server of [alerts] {chosen.mail_server} offers no TLS, so the password was "
            "not sent. Use smtps://, or a server with STARTTLS."
        )
    password = chosen.mail_password.get_secret_value() if chosen.mail_password else ""
    client.login(user, password)
