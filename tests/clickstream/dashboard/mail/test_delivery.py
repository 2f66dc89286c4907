"""One mail a week by a real mail server, whatever is refused, repeated, concurrent or killed."""

from __future__ import annotations

import json
import multiprocessing
import os
import signal
import smtplib
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import pytest
from tests.support.facts import hooked
from tests.support.lakes import aws_session, settings_of_a_lake
from tests.support.localaws_process import LocalAwsProcess
from tests.support.smtp_server import HOST, SECONDS, MailServer

from clickstream.core.errors import MailRefused, MailUnavailable, SettingsError, UnknownDelivery
from clickstream.dashboard.mail import Delivered, SentBefore, deliver
from clickstream.dashboard.mail.delivery import LONGEST_SENDING
from clickstream.lake import Lake, digest_marks, open_lake
from clickstream.lake.digest_marks import DigestMark
from clickstream.settings import Settings

WEEK = "2026-W47"
RUN, OTHER_RUN = "scheduled__2026-11-23", "manual__2026-11-23"
OWNER, PARTNER = "owner@cafe.example", "partner@cafe.example"


@pytest.fixture(scope="module")
def lake_of_all(local_aws: LocalAwsProcess) -> Lake:
    return open_lake(settings_of_a_lake(local_aws.endpoint, Path("no-logs")), aws_session())


@pytest.fixture
def lake(lake_of_all: Lake) -> Iterator[Lake]:
    """A lake without marks, which it has again at the end."""
    yield lake_of_all
    for week in (WEEK, "2026-W48"):
        lake_of_all.s3.delete_object(Bucket=lake_of_all.bucket, Key=f"digest/{week}.json")


@pytest.fixture
def server() -> Iterator[MailServer]:
    with MailServer() as server:
        yield server


def mail() -> EmailMessage:
    message = EmailMessage()
    message["Subject"] = "A week"
    message["From"] = "news@cafe.example"
    message["To"] = f"The owner <{OWNER}>, {PARTNER}"
    message["Message-ID"] = "<digest.2026-W47@cafe.example>"
    message.set_content("Figures")
    return message


def send(lake: Lake, server: MailServer, run: str = RUN, **options: Any) -> Any:
    return deliver(lake, WEEK, mail(), server.client, run, **options)


def mark_of(lake: Lake) -> DigestMark | None:
    stored = digest_marks.read_mark(lake, WEEK)
    return stored.value if stored else None


def claim(lake: Lake, run: str, age: timedelta = timedelta()) -> None:
    """Leave behind what a killed run leaves."""
    mark = DigestMark("sending", run, datetime.now(UTC) - age)
    assert digest_marks.write_mark(lake, WEEK, mark, None)


def test_a_mail_is_sent_once_and_the_mark_says_when_and_to_how_many(lake, server) -> None:
    assert send(lake, server) == Delivered(2)
    (received,) = server.received
    assert received.recipients == [OWNER, PARTNER]
    assert received.message["Message-ID"] == "<digest.2026-W47@cafe.example>"
    mark = mark_of(lake)
    assert mark is not None
    assert (mark.state, mark.run, mark.recipients, mark.refused) == ("sent", RUN, 2, 0)
    assert mark.message_id == "<digest.2026-W47@cafe.example>"
    for run in (RUN, OTHER_RUN):
        assert send(lake, server, run) == SentBefore(mark)
    assert len(server.received) == 1


def test_the_mark_has_no_addresses(lake, server) -> None:
    send(lake, server)
    stored = lake.s3.get_object(Bucket=lake.bucket, Key=f"digest/{WEEK}.json")["Body"].read()
    assert b"owner" not in stored
    assert set(json.loads(stored)) == {"state", "run", "at", "recipients", "refused", "message_id"}


def test_another_week_is_another_mail(lake, server) -> None:
    send(lake, server)
    assert deliver(lake, "2026-W48", mail(), server.client, RUN) == Delivered(2)


def test_of_two_runs_at_the_same_time_one_sends(lake, server) -> None:
    """Both have read that nothing was sent, and are connected, before either claims the mark."""
    lakes = [lake, open_lake(lake.settings, aws_session())]
    both_connected = threading.Barrier(2, timeout=SECONDS)
    outcomes: list[Any] = []

    @contextmanager
    def client() -> Iterator[smtplib.SMTP]:
        with server.client() as opened:
            both_connected.wait()
            yield opened

    def run(lake: Lake, name: str) -> None:
        try:
            outcomes.append(deliver(lake, WEEK, mail(), client, name))
        except MailUnavailable as error:
            outcomes.append(str(error))

    threads = [threading.Thread(target=run, args=pair) for pair in zip(lakes, "ab", strict=True)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(SECONDS)
    assert len(server.received) == 1
    assert len(outcomes) == 2
    (other,) = [one for one in outcomes if one != Delivered(2)]
    assert isinstance(other, SentBefore) or "may still be sending it" in other


@pytest.mark.parametrize(
    ("rules", "error", "says"),
    [
        ({"sender": "550 5.7.1 Not you"}, MailRefused, "refused the sender: 550 5.7.1 Not you."),
        (
            {"sender": "451 4.3.0 Try later"},
            MailUnavailable,
            "temporarily refused the sender: 451 4.3.0",
        ),
        ({"content": "554 5.7.0 Spam"}, MailRefused, "refused the message: 554 5.7.0 Spam."),
        (
            {"content": "452 4.2.2 Full"},
            MailUnavailable,
            "temporarily refused the message: 452 4.2.2",
        ),
        (
            {"recipients": dict.fromkeys((OWNER, PARTNER), "550 5.1.1 No such user")},
            MailRefused,
            "refused every recipient: 2 recipients: 550 5.1.1 No such user.",
        ),
        (
            {"recipients": {OWNER: "550 5.1.1 Unknown", PARTNER: "450 4.2.0 Greylisted"}},
            MailUnavailable,
            "accepted no recipient: 1 recipient: 550 5.1.1 Unknown, "
            "1 recipient: 450 4.2.0 Greylisted.",
        ),
        ({"breaks_in": "MAIL"}, MailUnavailable, "Can't reach the mail server: "),
        ({"breaks_in": "RCPT"}, MailUnavailable, "Can't reach the mail server: "),
    ],
)
def test_what_the_server_did_not_accept_is_sent_by_the_next_attempt(
    lake, server, rules, error, says
) -> None:
    accepting, server.rules = server.rules, replace(server.rules, **rules)
    with pytest.raises(error) as raised:
        send(lake, server)
    assert says in str(raised.value)
    assert "Nothing was sent" in str(raised.value)
    assert mark_of(lake) is None
    server.rules = accepting
    assert send(lake, server) == Delivered(2)


def test_a_mail_that_some_recipients_get_is_sent_and_the_others_are_counted(lake, server) -> None:
    server.rules.recipients = {PARTNER: f"550 5.1.1 <{PARTNER}>: no such user"}
    sent = send(lake, server)
    assert sent == Delivered(1, ("1 recipient: 550 5.1.1 <…>: no such user",))
    mark = mark_of(lake)
    assert mark is not None
    assert (mark.state, mark.recipients, mark.refused) == ("sent", 1, 1)


def test_a_connection_that_breaks_after_the_message_leaves_the_outcome_unknown(
    lake, server
) -> None:
    server.rules.breaks_in = "DATA"
    with pytest.raises(UnknownDelivery, match="broke while the mail of 2026-W47 was transferred"):
        send(lake, server)
    server.rules.breaks_in = ""
    with pytest.raises(UnknownDelivery, match="before the mail server confirmed it"):
        send(lake, server)
    assert len(server.received) == 1, "the server had accepted it"


def test_an_unknown_outcome_says_what_happened_when_and_what_to_do(lake, server) -> None:
    claim(lake, OTHER_RUN, timedelta(days=1))
    with pytest.raises(UnknownDelivery) as raised:
        send(lake, server)
    mark = mark_of(lake)
    assert mark is not None
    text = str(raised.value)
    assert f"The run {OTHER_RUN} began to send the mail of 2026-W47 at {mark.at:%d %b %Y}" in text
    assert "tick *Send again*" in text
    assert raised.value.is_permanent
    assert (server.received, server.connections) == ([], 0)


def test_a_claim_of_another_run_is_waited_for_while_it_may_be_sending(lake, server) -> None:
    claim(lake, OTHER_RUN)
    with pytest.raises(MailUnavailable, match="may still be sending it") as raised:
        send(lake, server)
    assert not raised.value.is_permanent
    lake.s3.delete_object(Bucket=lake.bucket, Key=f"digest/{WEEK}.json")
    claim(lake, OTHER_RUN, LONGEST_SENDING)
    with pytest.raises(UnknownDelivery):
        send(lake, server)


@pytest.mark.parametrize("state", ["sending", "sent"])
def test_send_again_sends_once_more_and_its_own_attempts_do_not(lake, server, state) -> None:
    mark = DigestMark(state, RUN, datetime.now(UTC), 2)
    assert digest_marks.write_mark(lake, WEEK, mark, None)
    assert send(lake, server, OTHER_RUN, is_repeat=True) == Delivered(2)
    again = send(lake, server, OTHER_RUN, is_repeat=True)
    assert isinstance(again, SentBefore)
    assert again.mark.run == OTHER_RUN
    assert len(server.received) == 1


def test_a_refused_repeat_leaves_the_mark_as_it_was(lake, server) -> None:
    send(lake, server)
    before = mark_of(lake)
    server.rules.content = "554 5.7.0 Spam"
    with pytest.raises(MailRefused):
        send(lake, server, OTHER_RUN, is_repeat=True)
    assert mark_of(lake) == before


def test_a_mail_that_was_sent_needs_no_mail_server(lake, server) -> None:
    send(lake, server)

    @contextmanager
    def unreachable() -> Iterator[smtplib.SMTP]:
        with smtplib.SMTP(HOST, 1, timeout=SECONDS) as client:
            yield client

    assert isinstance(deliver(lake, WEEK, mail(), unreachable, RUN), SentBefore)
    with pytest.raises(MailUnavailable, match="Connection refused"):
        deliver(lake, "2026-W48", mail(), unreachable, RUN)
    assert digest_marks.read_mark(lake, "2026-W48") is None


def test_a_mark_that_can_not_be_stored_after_the_mail_is_a_warning(lake, server, caplog) -> None:
    calls = []

    def fail() -> None:
        calls.append(1)
        if len(calls) == 2:
            raise lake.s3.exceptions.ClientError(
                {"Error": {"Code": "AccessDenied", "Message": "no"}}, "PutObject"
            )

    assert send(hooked(lake, "s3", "put_object", fail), server) == Delivered(2)
    assert "The mail of 2026-W47 was sent, but its mark s3://" in caplog.text
    with pytest.raises(UnknownDelivery):
        send(lake, server)
    assert len(server.received) == 1


def _attempt(settings: Settings, port: int) -> None:
    """An attempt in a process of its own."""
    server = MailServer()
    server.port = port
    send(open_lake(settings, aws_session()), server)


def test_an_attempt_that_is_killed_while_sending_is_not_followed_by_another_mail(
    lake, server
) -> None:
    server.rules.waits_in = "DATA"
    process = multiprocessing.get_context("spawn").Process(
        target=_attempt, args=(lake.settings, server.port)
    )
    process.start()
    assert server.rules.is_waiting.wait(120)
    assert process.pid is not None
    os.kill(process.pid, signal.SIGKILL)
    process.join(SECONDS)
    server.rules.waits_in = ""
    with pytest.raises(UnknownDelivery):
        send(lake, server)
    assert len(server.received) == 1
    assert send(lake, server, OTHER_RUN, is_repeat=True) == Delivered(2)


@pytest.mark.parametrize(
    ("login", "password", "error"), [("cafe", "right", None), ("cafe", "wrong", MailRefused)]
)
def test_a_refused_login_claims_nothing(lake, server, login, password, error) -> None:
    server.rules.login = ("cafe", "right")

    @contextmanager
    def client() -> Iterator[smtplib.SMTP]:
        with server.client() as opened:
            opened.login(login, password)
            yield opened

    def attempt() -> Delivered | SentBefore:
        return deliver(lake, WEEK, mail(), client, RUN)

    assert_outcome(attempt, error, "refused the login: 535")
    assert (mark_of(lake) is None) == (error is not None)


def assert_outcome(attempt: Callable[[], Any], error: Any, says: str) -> None:
    if error is None:
        assert attempt() == Delivered(2)
        return
    with pytest.raises(error, match=says):
        attempt()


def test_tls_on_a_port_without_it_says_which_extra_to_set(lake, server) -> None:
    @contextmanager
    def client() -> Iterator[smtplib.SMTP]:
        with smtplib.SMTP_SSL(HOST, server.port, timeout=SECONDS) as opened:
            yield opened

    with pytest.raises(SettingsError, match='"disable_ssl": true for STARTTLS'):
        deliver(lake, WEEK, mail(), client, RUN)


def test_replies_of_a_server_are_one_short_line(lake, server) -> None:
    server.rules.content = "554-first\r\n554 \x1b[31m" + "x" * 400
    with pytest.raises(MailRefused) as raised:
        send(lake, server)
    text = str(raised.value)
    assert text.isprintable()
    assert len(text) < 400
