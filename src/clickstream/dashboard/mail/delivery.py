"""Sends the mail of a week once, even if attempts are killed, repeated or run in parallel.

An attempt claims the week's mark before it transfers the message, and sets the mark to "sent" after
the mail server has accepted it. If an attempt ends in between, its claim remains. The next attempt
can't know whether the mail was sent, and does not send it again by itself.
"""

from __future__ import annotations

import logging
import smtplib
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage
from typing import Any

from clickstream.core.errors import ClickstreamError, MailUnavailable, UnknownDelivery
from clickstream.core.smtp_errors import (
    Refusals,
    describe_refusals,
    translate_smtp_error,
    translate_smtp_errors,
)
from clickstream.core.wording import shown_name
from clickstream.lake import Lake, digest_marks
from clickstream.lake.digest_marks import DigestMark
from clickstream.lake.records import Stored

log = logging.getLogger("clickstream")

LONGEST_SENDING = timedelta(minutes=15)
"""The time limit of an attempt: an older claim belongs to a run that has ended."""

SEND_AGAIN = (
    "It may have been sent, so no attempt sends it again, also if you clear the task. Ask a "
    "recipient; to send it anyway, trigger the DAG with this week in the form and tick "
    "*Send again*."
)
"""Contains "clear the task", so that tasks do not add advice to clear the task."""

OpenClient = Callable[[], AbstractContextManager[smtplib.SMTP]]
"""Opens a connection to the mail server, logged in."""


@dataclass(frozen=True)
class Delivered:
    """The mail was sent: the number of recipients, and the server's reasons to refuse others."""

    recipients: int
    refused: tuple[str, ...] = ()


@dataclass(frozen=True)
class SentBefore:
    """An earlier attempt has sent the mail, so this one sent nothing."""

    mark: DigestMark


@dataclass(frozen=True)
class _Claim:
    """A claimed mark, and the mark that it replaced."""

    stored: Stored[DigestMark]
    former: Stored[DigestMark] | None


def deliver(
    lake: Lake,
    week: str,
    message: EmailMessage,
    open_client: OpenClient,
    run: str,
    is_repeat: bool = False,
) -> Delivered | SentBefore:
    """Send the mail of a week through a client, unless it was sent before.

    With `is_repeat`, send it even if another run has sent it or may have sent it. Raises
    UnknownDelivery if this attempt or an earlier one was interrupted during the transfer. Raises
    MailUnavailable or MailRefused if the server did not accept the message; the mark is then
    restored.
    """
    former = digest_marks.read_mark(lake, week)
    # A repeat ignores marks of other runs. Its own mark records what its earlier attempts did.
    if former and not (is_repeat and former.value.run != run):
        return _sent_before(week, former.value, run)
    with _connect(open_client) as client:
        claim = _claim(lake, week, run, former)
        if isinstance(claim, SentBefore):
            return claim
        refused = _transfer(lake, week, claim, client, message)
        return _mark_sent(lake, week, claim, message, refused)


@contextmanager
def _connect(open_client: OpenClient) -> Iterator[smtplib.SMTP]:
    """Connect to the mail server; translate errors of the connection."""
    with ExitStack() as stack:
        with translate_smtp_errors():
            client = stack.enter_context(open_client())
        yield client


def _claim(
    lake: Lake, week: str, run: str, former: Stored[DigestMark] | None
) -> _Claim | SentBefore:
    """Claim a week's mark. Raises UnknownDelivery, or MailUnavailable if another run is sending."""
    mark = DigestMark("sending", run, datetime.now(UTC))
    if stored := digest_marks.write_mark(lake, week, mark, former):
        return _Claim(stored, former)
    winner = digest_marks.read_mark(lake, week)
    if winner is None:
        raise MailUnavailable(f"Another run tried to send the mail of {week} just now.")
    return _sent_before(week, winner.value, run)


def _sent_before(week: str, mark: DigestMark, run: str) -> SentBefore:
    """Return the mark of a sent mail; raise an error if it is not certain that it was sent."""
    if mark.state == "sent":
        return SentBefore(mark)
    began = f"{mark.at:%d %b %Y, %H:%M} UTC"
    if mark.run != run and datetime.now(UTC) - mark.at < LONGEST_SENDING:
        raise MailUnavailable(
            f"The run {mark.run} began to send the mail of {week} at {began} and may still be "
            "sending it, so it is not sent a second time."
        )
    raise UnknownDelivery(
        f"The run {mark.run} began to send the mail of {week} at {began} and "
        f"ended before the mail server confirmed it. {SEND_AGAIN}"
    )


def _transfer(
    lake: Lake, week: str, claim: _Claim, client: smtplib.SMTP, message: EmailMessage
) -> Refusals:
    """Transfer the message. Restore the mark if the server certainly did not accept it."""
    watch = _TransferWatch(client)
    try:
        return client.send_message(message)
    except smtplib.SMTPServerDisconnected as error:
        raise _broken_off(lake, week, claim, watch, error) from None
    except smtplib.SMTPException as error:  # a reply, which refuses the message
        _take_back(lake, week, claim)
        raise translate_smtp_error(error) from None
    except OSError as error:
        raise _broken_off(lake, week, claim, watch, error) from None
    except BaseException:  # a fault of ours, or the end of the task
        if not watch.has_begun:
            _take_back(lake, week, claim)
        raise


class _TransferWatch:
    """Detects when a client begins to transfer the message itself, with the command DATA.

    If the connection breaks before that, nothing was sent; afterwards, the result is unknown.
    """

    def __init__(self, client: smtplib.SMTP) -> None:
        self.has_begun = False
        self._data = client.data
        client.data = self._begin  # type: ignore[method-assign, assignment]

    def _begin(self, content: Any) -> Any:
        self.has_begun = True
        return self._data(content)


def _broken_off(
    lake: Lake, week: str, claim: _Claim, watch: _TransferWatch, error: Exception
) -> ClickstreamError:
    """Return the error of a broken connection; the claim remains if the mail may have been sent."""
    if not watch.has_begun:
        _take_back(lake, week, claim)
        return translate_smtp_error(error)
    return UnknownDelivery(
        f"The connection to the mail server broke while the mail of {week} was transferred "
        f"({shown_name(' '.join(str(error).split()))}). {SEND_AGAIN}"
    )


def _take_back(lake: Lake, week: str, claim: _Claim) -> None:
    """Restore the mark from before the claim, so that a later attempt sends the mail."""
    if claim.former:
        digest_marks.write_mark(lake, week, claim.former.value, claim.stored)
    else:
        digest_marks.remove_mark(lake, week, claim.stored)


def _mark_sent(
    lake: Lake, week: str, claim: _Claim, message: EmailMessage, refused: Refusals
) -> Delivered:
    """Mark the mail as sent. A failure to store the mark does not undo the delivery."""
    number = len(message["To"].addresses) - len(refused)
    run = claim.stored.value.run
    mark = DigestMark(
        "sent", run, datetime.now(UTC), number, len(refused), str(message["Message-ID"])
    )
    try:
        is_stored = digest_marks.write_mark(lake, week, mark, claim.stored) is not None
        problem = "another run changed it"
    except ClickstreamError as error:
        is_stored, problem = False, str(error)
    if not is_stored:
        log.warning(
            f"The mail of {week} was sent, but its mark {lake.uri(digest_marks.key_of(week))} "
            f"could not be changed: {problem} The next run will report that it may have been sent."
        )
    return Delivered(number, tuple(describe_refusals(refused)))
