"""Translates errors of SMTP to errors with one sentence and a remedy.

Replies of mail servers are untrusted text, so they are shortened and shown on one line.
"""

from __future__ import annotations

import smtplib
import ssl
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

from clickstream.core.errors import (
    ClickstreamError,
    MailNotConfigured,
    MailRefused,
    MailUnavailable,
)
from clickstream.core.wording import quantity, shorten, shown_name

PERMANENT = 500
"""Replies from 500 on are permanent: another attempt would fail, too (RFC 5321, 4.2.1)."""

LONGEST_REPLY = 200

_RETRY = "Nothing was sent; a further attempt may succeed."

Refusals = Mapping[str, tuple[int, bytes]]
"""The replies to recipients that a server refused, by address."""


@dataclass(frozen=True)
class MailAdvice:
    """What to do about a permanent error: sentences about the server, recipients and TLS."""

    correct: str
    recipients: str
    tls: str
    retry: str


OF_DIGEST = MailAdvice(
    "Correct the connection or [digest], then clear the task.",
    "Correct [digest] recipients, then clear the task.",
    'In the connection\'s extras set "disable_ssl": true for STARTTLS (port 587), or '
    '"disable_tls": true for TLS from the start (port 465).',
    "Then clear the task",
)
OF_ALERTS = MailAdvice(
    "Correct [alerts].",
    "Correct [alerts] recipients.",
    "Begin [alerts] mail_server with smtp:// for STARTTLS (port 587), or with smtps:// for TLS "
    "from the start (port 465).",
    "The next check sends the alert again",
)


@contextmanager
def translate_smtp_errors(advice: MailAdvice = OF_DIGEST) -> Iterator[None]:
    """Raise MailUnavailable, MailRefused or SettingsError for errors of SMTP and of its socket."""
    try:
        yield
    except (smtplib.SMTPException, OSError) as error:
        raise translate_smtp_error(error, advice) from None


def translate_smtp_error(error: Exception, advice: MailAdvice = OF_DIGEST) -> ClickstreamError:
    """Return an error that states what the mail server did, and what to do."""
    if isinstance(error, smtplib.SMTPRecipientsRefused):
        reasons = shorten(describe_refusals(error.recipients))
        if all(code >= PERMANENT for code, _ in error.recipients.values()):
            return MailRefused(
                f"The mail server refused every recipient: {reasons}. Nothing was sent. "
                f"{advice.recipients}"
            )
        return MailUnavailable(f"The mail server accepted no recipient: {reasons}. {_RETRY}")
    if isinstance(error, smtplib.SMTPResponseException):
        return _of_reply(error, advice)
    if isinstance(error, smtplib.SMTPNotSupportedError):
        return MailRefused(
            f"The mail server does not offer what the connection asks for: {_line(error)}. "
            f"Nothing was sent. {advice.correct}"
        )
    if isinstance(error, ssl.SSLCertVerificationError):
        return MailNotConfigured(
            f"The certificate of the mail server is not trusted: {_line(error)}. Name the host by "
            "the name that its certificate has, or install the certificate of its authority. "
            f"{advice.retry}; nothing was sent."
        )
    if isinstance(error, ssl.SSLError):
        return MailNotConfigured(
            f"TLS with the mail server failed: {_line(error)}. {advice.tls} {advice.retry}; "
            "nothing was sent."
        )
    return MailUnavailable(f"Can't reach the mail server: {_line(error)}. {_RETRY}")


def describe_refusals(refused: Refusals) -> list[str]:
    """List the replies to refused recipients, without addresses, with the number of recipients."""
    counts: dict[str, int] = {}
    for address, (code, reply) in refused.items():
        text = f"{code} {_text(reply)}".replace(address, "…").strip()
        counts[text] = counts.get(text, 0) + 1
    return [f"{quantity(number, 'recipient')}: {text}" for text, number in counts.items()]


def _of_reply(error: smtplib.SMTPResponseException, advice: MailAdvice) -> ClickstreamError:
    subject = "the message"
    if isinstance(error, smtplib.SMTPAuthenticationError):
        subject = "the login"
    elif isinstance(error, smtplib.SMTPSenderRefused):
        subject = "the sender"
    elif isinstance(error, smtplib.SMTPConnectError | smtplib.SMTPHeloError):
        subject = "the connection"
    reply = f"{error.smtp_code} {_text(error.smtp_error)}"
    if error.smtp_code >= PERMANENT:
        correct = f"Nothing was sent. {advice.correct}"
        return MailRefused(f"The mail server refused {subject}: {reply}. {correct}")
    return MailUnavailable(f"The mail server temporarily refused {subject}: {reply}. {_RETRY}")


def _text(reply: bytes | str) -> str:
    text = reply.decode("utf-8", "replace") if isinstance(reply, bytes) else str(reply)
    return shown_name(" ".join(text.split()), LONGEST_REPLY).rstrip(".")


def _line(error: Exception) -> str:
    return _text(str(error)) or type(error).__name__
