"""Sends the mail of a week once, though attempts are killed, repeated or made at the same time.

The week's mark is claimed before the message is transferred, and becomes "sent" after the mail
server accepted it. An attempt that ends in between leaves its claim: the next one can't know
whether the mail was sent, and does not send it again by itself.
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

from clickstream.dashboard.digest.names import shown_name
from clickstream.dashboard.digest.smtp_errors import (
    Refusals,
    describe_refusals,
    translate_smtp_error,
    translate_smtp_errors,
)
from clickstream.errors import ClickstreamError, MailUnavailable, UnknownDelivery
from clickstream.lake import Lake, digest_marks
from clickstream.lake.digest_marks import DigestMark, StoredMark

log = logging.getLogger("clickstream")

LONGEST_SENDING = timedelta(minutes=15)
"""The time limit of an attempt: a claim of another run that is older was left behind."""

SEND_AGAIN = (
    "It may have been sent, so no attempt sends it again, also if you clear the task. Ask a "
    "recipient; to send it anyway, trigger the DAG with this week in the form and tick "
    "*Send again*."
)
"""Says "clear the task", so that tasks do not add that this would help."""

OpenClient = Callable[[], AbstractContextManager[smtplib.SMTP]]
"""Opens a connection to the mail server, logged in."""


@dataclass(frozen=True)
class Delivered:
    """The mail was sent: to how many recipients, and why the server refused the others."""

    recipients: int
    refused: tuple[str, ...] = ()


@dataclass(frozen=True)
class SentBefore:
    """The mail was sent by an earlier attempt, so nothing was sent now."""

    mark: DigestMark


@dataclass(frozen=True)
class _Claim:
    """A claimed mark, and the one that it replaced."""

    stored: StoredMark
    former: StoredMark | None


def deliver(
    lake: Lake,
    week: str,
    message: EmailMessage,
    open_client: OpenClient,
    run: str,
    is_repeat: bool = False,
) -> Delivered | SentBefore:
    """Send the mail of a week through a client, unless it was sent before.

    With `is_repeat` it is sent although another run has sent it, or may have. Raises
    UnknownDelivery if an earlier attempt broke off or this one does, MailUnavailable or MailRefused
    if the server did not accept the message; then the mark is as it was.
    """
    former = digest_marks.read_mark(lake, week)
    # A repeat overrules marks of other runs. Its own tells what its earlier attempts did.
    if former and not (is_repeat and former.mark.run != run):
        return _sent_before(week, former.mark, run)
    with _connect(open_client) as client:
        claim = _claim(lake, week, run, former)
        if isinstance(claim, SentBefore):
            return claim
        refused = _transfer(lake, week, claim, client, message)
        return _mark_sent(lake, week, claim, message, refused)


@contextmanager
def _connect(open_client: OpenClient) -> Iterator[smtplib.SMTP]:
    """A connection to the mail server; errors of opening it are translated."""
    with ExitStack() as stack:
        with translate_smtp_errors():
            client = stack.enter_context(open_client())
        yield client


def _claim(lake: Lake, week: str, run: str, former: StoredMark | None) -> _Claim | SentBefore:
    """Claim the mark of a week. Raises UnknownDelivery, or MailUnavailable while another sends."""
    mark = DigestMark("sending", run, datetime.now(UTC))
    if stored := digest_marks.write_mark(lake, week, mark, former):
        return _Claim(stored, former)
    winner = digest_marks.read_mark(lake, week)
    if winner is None:
        raise MailUnavailable(f"Another run tried to send the mail of {week} just now.")
    return _sent_before(week, winner.mark, run)


def _sent_before(week: str, mark: DigestMark, run: str) -> SentBefore:
    """The mark of a mail that was sent; raises an error for one that was not sent for sure."""
    if mark.state == "sent":
        return SentBefore(mark)
    began = f"{mark.at:%d %b %Y, %H:%M} UTC"
    if mark.run != run and datetime.now(UTC) - mark.at < LONGEST_SENDING:
        raise MailUnavailable(
            f"The run {mark.run} began to send the mail of {week} at {began} and may still be "
            "sending it, so it is not sent a second time."
        )
    raise UnknownDelivery(
        f"The run {mark.run} began to send the mail of {week} at {began} and ended before it knew "
        f"whether the mail server accepted it. {SEND_AGAIN}"
    )


def _transfer(
    lake: Lake, week: str, claim: _Claim, client: smtplib.SMTP, message: EmailMessage
) -> Refusals:
    """Transfer the message. If the server did not accept it for sure, take the claim back."""
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
    """Notices when a client begins to transfer the message itself, by the command DATA.

    A connection that breaks before it has sent nothing; afterwards nobody can tell.
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
    """The error of a connection that broke; the claim stays if the mail may have been sent."""
    if not watch.has_begun:
        _take_back(lake, week, claim)
        return translate_smtp_error(error)
    return UnknownDelivery(
        f"The connection to the mail server broke while the mail of {week} was transferred "
        f"({shown_name(' '.join(str(error).split()))}). {SEND_AGAIN}"
    )


def _take_back(lake: Lake, week: str, claim: _Claim) -> None:
    """Make the mark what it was before the claim, so that a further attempt sends."""
    if claim.former:
        digest_marks.write_mark(lake, week, claim.former.mark, claim.stored)
    else:
        digest_marks.remove_mark(lake, week, claim.stored)


def _mark_sent(
    lake: Lake, week: str, claim: _Claim, message: EmailMessage, refused: Refusals
) -> Delivered:
    """Mark the mail as sent. A mark that can't be stored does not undo what was sent."""
    number = len(message["To"].addresses) - len(refused)
    run = claim.stored.mark.run
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
            f"could not be changed: {problem} A further run will say that it may have been sent."
        )
    return Delivered(number, tuple(describe_refusals(refused)))
