"""The weekly mail by Airflow, a real mail server, and facts in a real local AWS."""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from tests.support.cases import each_case
from tests.support.dag_runs import read_dag
from tests.support.fact_lake import store_facts, weeks_of_visits
from tests.support.lake_settings import write_settings
from tests.support.smtp_server import MailServer, self_signed
from tests.support.task_calls import Call, build_run, call_task

from clickstream.dashboard import mail
from clickstream.dashboard.mail import Digest, Week, build_digest
from clickstream.lake import Lake, digest_marks, fact_files
from clickstream.lake.digest_marks import DigestMark

pytestmark = pytest.mark.airflow

DIGEST = "clickstream_digest"
LAST_WEEK = Week.last_complete(datetime.now(UTC), ZoneInfo("UTC"))
WEEK_BEFORE = Week.of(LAST_WEEK.first - timedelta(days=1))
NUMBERS = count()
WITH_FACTS = f"digest_{uuid.uuid4().hex[:12]}"
RECIPIENTS = ["owner@cafe.example", "partner@cafe.example"]
SENT = f"The mail of {LAST_WEEK} was sent to 2 recipients."


@pytest.fixture
def server(monkeypatch) -> Iterator[MailServer]:
    """Return a mail server that Airflow's connection names."""
    with MailServer() as server:
        connect(monkeypatch, server.port)
        yield server


def connect(monkeypatch, port: int, **options: Any) -> None:
    extra = {"disable_ssl": True, "disable_tls": True, "retry_limit": 0, "timeout": 5}
    facts = {"conn_type": "smtp", "host": "127.0.0.1", "port": port, "extra": extra, **options}
    monkeypatch.setenv("AIRFLOW_CONN_SMTP_DEFAULT", json.dumps(facts))


@pytest.fixture
def settings_file(request, tmp_path: Path, connection: None, monkeypatch) -> Path:
    """Write the settings of a lake, with recipients and a sender.

    Tests that need facts share one lake. Each other test has its own lake.
    """
    name = WITH_FACTS if "lake" in request.fixturenames else f"digest_{uuid.uuid4().hex[:12]}"
    path = write_settings(tmp_path, name, ["web-1"])
    monkeypatch.setenv("CLICKSTREAM_SETTINGS", str(path))
    mail = f'[digest]\nrecipients = {json.dumps(RECIPIENTS)}\nsender = "news@cafe.example"\n'
    path.write_text(f"{path.read_text()}\n{mail}")
    return path


@pytest.fixture
def lake(settings_file: Path, monkeypatch) -> Lake:
    """Return a lake with facts of the last complete week and of the week before, and no mark."""
    from clickstream_airflow.lake import open_lake

    opened = open_lake()
    if fact_files.read_manifest(opened) is None:
        store_facts(opened, weeks_of_visits(LAST_WEEK))
    for week in (str(LAST_WEEK), str(WEEK_BEFORE)):
        if sent := digest_marks.read_mark(opened, week):
            assert digest_marks.remove_mark(opened, week, sent)
    monkeypatch.setattr(mail, "build_digest", build_once)
    return opened


DIGESTS: dict[Week, Digest] = {}


def build_once(lake: Lake, week: Week, moment: datetime) -> Digest:
    """Build the content of a week's mail for all tests, whose facts are the same."""
    if week not in DIGESTS:
        DIGESTS[week] = build_digest(lake, week, moment)
    return DIGESTS[week]


@pytest.fixture
def send(bag, settings_file, caplog) -> Callable[..., Call]:
    """Return a function that calls the task in a run, by default in a new one without a form."""
    caplog.set_level("INFO", logger="clickstream")
    task = bag.dags[DIGEST].get_task("send_digest")

    def call(run: Any = None, **conf: Any) -> Call:
        caplog.clear()
        return call_task(task, run or new_run(conf))

    return call


def new_run(conf: dict[str, Any] | None = None) -> Any:
    return build_run(run_id=f"manual__{next(NUMBERS)}", conf=conf)


def test_a_run_mails_the_last_complete_week_and_the_next_run_does_not(
    airflow_home, lake, server, send, caplog
) -> None:
    run = read_dag(DIGEST).test()
    assert run.state == "success"
    assert SENT in caplog.text
    (received,) = server.received
    assert received.recipients == RECIPIENTS
    assert received.sender == "news@cafe.example"
    assert received.message["Subject"] == f"cafe, Week {LAST_WEEK.number}: 40 visits, 0.0%"
    assert send().state == "skipped"
    assert f"The mail of {LAST_WEEK} was sent to 2 recipients on " in caplog.text
    assert f"by the run {run.run_id}" in caplog.text
    assert len(server.received) == 1


def test_send_again_sends_once_more(send, lake, server) -> None:
    assert send().state == "success"
    assert send(week=str(LAST_WEEK), send_again=True).state == "success"
    assert len(server.received) == 2
    identities = {one.message["Message-ID"] for one in server.received}
    assert len(identities) == 2, "a mailbox shows one of several mails with one Message-ID"


def test_a_week_that_the_form_names_is_sent(send, lake, server, caplog) -> None:
    send(week=str(WEEK_BEFORE))
    assert f"The mail of {WEEK_BEFORE} was sent to 2 recipients." in caplog.text
    # The week before it has no facts: it is not compared, and the mail says so.
    body = server.received[0].message.get_body(("plain",))
    assert "! This week or " in body.get_content()


@each_case(
    "week, says",
    [("2025-W53", "There is no week 2025-W53"), ("2999-W01", "2999-W01 is not over yet")],
)
def test_a_week_that_can_not_be_mailed_fails_at_once(send, server, week, says) -> None:
    made = send(week=week)
    assert made.state == "failed"
    assert says in made.last_line
    assert made.last_line.endswith(" Trigger the DAG again with another week. (CS-102)")


def test_without_recipients_the_task_is_skipped_and_says_what_to_set(
    send, settings_file, caplog
) -> None:
    settings_file.write_text(settings_file.read_text().partition("[digest]")[0])
    assert send().state == "skipped"
    assert "The weekly mail has no recipients: set [digest] recipients to send it." in caplog.text


def test_without_the_connection_the_task_is_skipped_and_says_what_to_add(send, caplog) -> None:
    assert send().state == "skipped"
    assert "Airflow has no connection smtp_default, which [digest] connection names" in caplog.text


def test_a_week_without_facts_is_tried_again(send, server) -> None:
    made = send()
    assert made.state == "up_for_retry"
    assert f"There are no facts yet, so there is nothing to mail about {LAST_WEEK}." in (
        made.last_line
    )
    assert server.received == []


def test_after_an_interrupted_attempt_the_next_one_sends_nothing(send, lake, server) -> None:
    run = new_run()
    mark = DigestMark("sending", run.run_id, datetime.now(UTC))
    assert digest_marks.write_mark(lake, str(LAST_WEEK), mark, None)
    made = send(run)
    assert made.state == "failed"
    assert f"The run {run.run_id} began to send the mail of {LAST_WEEK}" in made.last_line
    assert made.last_line.endswith(
        "trigger the DAG with this week in the form and tick *Send again*. (CS-503)"
    )
    assert server.received == []


@pytest.mark.parametrize(
    ("reply", "state", "says"),
    [
        ("550 5.7.1 Not you", "failed", "The mail server refused the sender: 550 5.7.1 Not you."),
        (
            "451 4.3.0 Try later",
            "up_for_retry",
            "temporarily refused the sender: 451 4.3.0 Try later.",
        ),
    ],
)
def test_the_reply_of_the_server_decides_whether_it_is_tried_again(
    send, lake, server, reply, state, says
) -> None:
    run = new_run()
    server.rules.sender = reply
    made = send(run)
    assert made.state == state
    assert says in made.last_line
    server.rules.sender = ""
    assert send(run).state == "success"
    assert len(server.received) == 1


def test_recipients_that_the_server_refused_are_counted_with_the_reason(
    send, lake, server, caplog
) -> None:
    server.rules.recipients = {RECIPIENTS[1]: "550 5.1.1 No such user"}
    assert send().state == "success"
    assert "The mail server refused 1 recipient: 550 5.1.1 No such user." in caplog.text
    assert (
        f"{LAST_WEEK} was sent to 1 recipient; 1 other refused by the mail server." in caplog.text
    )


def test_starttls_and_login_are_those_of_the_connection(send, lake, tmp_path, monkeypatch) -> None:
    """Use the extra that docs/digest.md names; refuse a certificate that is not trusted."""
    with MailServer(self_signed(tmp_path)) as server:
        server.rules.login = ("cafe", "right")

        def send_with(password: str, **extra: str) -> Call:
            options = {"disable_ssl": True, **extra}
            connect(monkeypatch, server.port, extra=options, login="cafe", password=password)
            return send()

        refused = send_with("right")
        assert refused.state == "failed"
        assert "The certificate of the mail server is not trusted: " in refused.last_line
        wrong = send_with("wrong", ssl_context="none")
        assert wrong.state == "failed"
        assert "The mail server refused the login: 535" in wrong.last_line
        assert server.received == []
        assert send_with("right", ssl_context="none").state == "success"
        assert len(server.received) == 1


def test_a_mail_server_that_is_down_is_tried_again(send, lake, monkeypatch) -> None:
    connect(monkeypatch, 1)
    made = send()
    assert made.state == "up_for_retry"
    assert "Can't reach the mail server: " in made.last_line


def test_the_sender_may_be_that_of_the_connection(
    send, lake, server, settings_file, monkeypatch
) -> None:
    text = settings_file.read_text()
    settings_file.write_text(text.replace('sender = "news@cafe.example"', ""))
    made = send()
    assert made.state == "failed"
    assert "The weekly mail has no sender: set [digest] sender, or from_email" in made.last_line
    extra = {"disable_ssl": True, "disable_tls": True, "from_email": "airflow@cafe.example"}
    connect(monkeypatch, server.port, extra=extra)
    assert send().state == "success"
    assert server.received[0].sender == "airflow@cafe.example"


def due(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@each_case(
    "kind, fields, week",
    [
        ("scheduled", {"data_interval_end": due("2026-11-23T07:00")}, "2026-W47"),
        ("backfill", {"data_interval_end": due("2026-11-16T07:00")}, "2026-W46"),
        ("manual", {}, "2026-W47"),
        ("manual", {"conf": {"week": "2026-W01"}}, "2026-W01"),
        (
            "backfill",
            {"data_interval_end": due("2026-11-16T07:00"), "conf": {"week": "2026-W01"}},
            "2026-W46",
        ),
    ],
)
def test_the_week_of_a_run(kind: str, fields: dict[str, Any], week: str) -> None:
    from clickstream_airflow.weekly_mail import resolve_week

    run = build_run(kind, run_after=due("2026-11-25T12:00"), **fields)
    assert str(resolve_week(run, ZoneInfo("UTC"))) == week


def test_a_backfill_mails_only_the_last_complete_week(send, lake, server, caplog) -> None:
    def send_week(week: Week) -> str:
        monday = datetime.combine(week.last, datetime.min.time(), UTC) + timedelta(days=1, hours=7)
        return send(build_run("backfill", data_interval_end=monday)).state

    assert send_week(WEEK_BEFORE) == "skipped"
    assert f"The mail of {WEEK_BEFORE} is not sent: a backfill mails only" in caplog.text
    assert send_week(LAST_WEEK) == "success"
    assert len(server.received) == 1


def test_the_dag_runs_on_mondays_at_seven_in_the_time_of_the_site(
    airflow_home, settings_file
) -> None:
    text = settings_file.read_text().replace("[site]", '[site]\ntime_zone = "America/New_York"')
    settings_file.write_text(text)
    timetable = read_dag(DIGEST).timetable
    start, end = datetime(2026, 10, 26, 11, tzinfo=UTC), datetime(2026, 11, 2, 12, tzinfo=UTC)
    assert timetable.summary == "0 7 * * 1"
    assert timetable.infer_manual_data_interval(run_after=end) == (start, end)


def test_settings_that_can_not_be_read_leave_the_dag_and_say_so(
    airflow_home, settings_file
) -> None:
    settings_file.write_text("[site\n")
    documentation = read_dag(DIGEST).doc_md
    assert documentation.startswith("**The settings can't be read, so the schedule is")
    assert "clickstream.toml" in documentation
