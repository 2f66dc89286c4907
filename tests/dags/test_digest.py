"""The weekly mail by a real Airflow, a real mail server, and facts in a real local AWS."""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from tests.support.fact_lake import store_facts, weeks_of_visits
from tests.support.lake_settings import ROOT, write_settings
from tests.support.smtp_server import MailServer, self_signed

from clickstream.dashboard.digest import Week
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
    digest = f'[digest]\nrecipients = {json.dumps(RECIPIENTS)}\nsender = "news@cafe.example"\n'
    path.write_text(f"{path.read_text()}\n{digest}")
    return path


@pytest.fixture
def lake(settings_file: Path) -> Lake:
    """Return a lake with facts of the last complete week and of the week before, and no mark."""
    from clickstream_airflow.lake import open_lake

    opened = open_lake()
    if fact_files.read_manifest(opened) is None:
        store_facts(opened, weeks_of_visits(LAST_WEEK))
    for week in (str(LAST_WEEK), str(WEEK_BEFORE)):
        if sent := digest_marks.read_mark(opened, week):
            assert digest_marks.remove_mark(opened, week, sent)
    return opened


@pytest.fixture
def make_attempt(airflow_home, tmp_path: Path) -> Callable[..., Any]:
    """Return a function that makes the next attempt of the task, in a new or a given run."""
    from tests.support.airflow_worker import attempt, create_run, sync_dags

    sync_dags()

    def make(conf: dict[str, Any] | None = None, run: Any = None) -> Any:
        due = datetime.now(UTC) + timedelta(seconds=next(NUMBERS))
        return attempt(run or create_run(DIGEST, due, conf), "send_digest", tmp_path)

    return make


@pytest.fixture
def new_run(make_attempt) -> Callable[..., Any]:
    from tests.support.airflow_worker import create_run

    def create(conf: dict[str, Any] | None = None) -> Any:
        return create_run(DIGEST, datetime.now(UTC) + timedelta(seconds=next(NUMBERS)), conf)

    return create


def text_of(made: Any) -> str:
    return "\n".join(made.shown)


def test_the_mail_of_the_last_complete_week_is_sent_once(make_attempt, lake, server) -> None:
    first = make_attempt()
    assert (first.state, SENT in text_of(first)) == ("success", True), text_of(first)
    (received,) = server.received
    assert received.recipients == RECIPIENTS
    assert received.sender == "news@cafe.example"
    assert received.message["Subject"] == f"cafe, Week {LAST_WEEK.number}: 40 visits"
    second = make_attempt()
    assert second.state == "skipped"
    assert f"The mail of {LAST_WEEK} was sent to 2 recipients on " in text_of(second)
    assert len(server.received) == 1


def test_a_run_of_the_whole_dag_sends_the_mail(airflow_home, lake, server, caplog) -> None:
    from airflow.dag_processing.dagbag import DagBag

    caplog.set_level("INFO", logger="clickstream")
    run = DagBag(dag_folder=ROOT / "dags").dags[DIGEST].test()
    assert run.state == "success"
    assert len(server.received) == 1
    assert SENT in caplog.text


def test_send_again_sends_once_more(make_attempt, lake, server) -> None:
    make_attempt()
    again = make_attempt({"week": str(LAST_WEEK), "send_again": True})
    assert again.state == "success", text_of(again)
    assert len(server.received) == 2
    identities = {one.message["Message-ID"] for one in server.received}
    assert len(identities) == 2, "a mailbox shows one of several mails with one Message-ID"


def test_a_week_that_the_form_names_is_sent(make_attempt, lake, server) -> None:
    made = make_attempt({"week": str(WEEK_BEFORE)})
    assert f"The mail of {WEEK_BEFORE} was sent to 2 recipients." in text_of(made)
    # The week before it has no facts: it is not compared, and the mail says so.
    body = server.received[0].message.get_body(("plain",))
    assert "! This week or " in body.get_content()


@pytest.mark.parametrize(
    ("week", "says"),
    [("2025-W53", "There is no week 2025-W53"), ("2999-W01", "2999-W01 is not over yet")],
)
def test_a_week_that_can_not_be_mailed_fails_at_once(
    make_attempt, lake, server, week, says
) -> None:
    made = make_attempt({"week": week})
    assert made.state == "failed"
    assert says in made.last_line
    assert made.last_line.endswith(" Trigger the DAG again with another week. (CS-102)")
    assert server.received == []


def test_without_recipients_the_task_is_skipped_and_says_what_to_set(
    make_attempt, home, server
) -> None:
    made = make_attempt()
    assert made.state == "skipped"
    assert "The weekly mail has no recipients: set [digest] recipients to send it." in text_of(made)


def test_without_the_connection_the_task_is_skipped_and_says_what_to_add(
    make_attempt, lake
) -> None:
    made = make_attempt()
    assert made.state == "skipped"
    assert "Airflow has no connection smtp_default, which [digest] connection names" in text_of(
        made
    )


def test_a_week_without_facts_is_tried_again(make_attempt, settings_file, server) -> None:
    made = make_attempt()
    assert made.state == "up_for_retry"
    assert (
        f"There are no facts yet, so there is nothing to mail about {LAST_WEEK}." in made.last_line
    )
    assert server.received == []


def test_after_an_interrupted_attempt_the_next_one_sends_nothing(
    make_attempt, new_run, lake, server
) -> None:
    run = new_run()
    mark = DigestMark("sending", run.run_id, datetime.now(UTC))
    assert digest_marks.write_mark(lake, str(LAST_WEEK), mark, None)
    made = make_attempt(run=run)
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
    make_attempt, new_run, lake, server, reply, state, says
) -> None:
    run = new_run()
    server.rules.sender = reply
    made = make_attempt(run=run)
    assert made.state == state, text_of(made)
    assert says in made.last_line
    assert len(made.errors) == 1, made.errors
    server.rules.sender = ""
    assert make_attempt(run=run).state == "success"
    assert len(server.received) == 1


def test_recipients_that_the_server_refused_are_counted_with_the_reason(
    make_attempt, lake, server
) -> None:
    server.rules.recipients = {RECIPIENTS[1]: "550 5.1.1 No such user"}
    made = make_attempt()
    assert made.state == "success"
    assert "The mail server refused 1 recipient: 550 5.1.1 No such user." in text_of(made)
    assert f"{LAST_WEEK} was sent to 1 recipient; 1 other refused by the mail server." in text_of(
        made
    )


def test_a_refused_login_fails_at_once(make_attempt, lake, server, monkeypatch) -> None:
    server.rules.login = ("cafe", "right")
    connect(monkeypatch, server.port, login="cafe", password="wrong")
    made = make_attempt()
    assert made.state == "failed"
    assert "The mail server refused the login: 535" in made.last_line
    connect(monkeypatch, server.port, login="cafe", password="right")
    assert make_attempt().state == "success"


def test_starttls_and_login_are_those_of_the_connection(
    make_attempt, lake, tmp_path, monkeypatch
) -> None:
    """Use the extra that docs/digest.md names; refuse a certificate that is not trusted."""
    with MailServer(self_signed(tmp_path)) as server:
        server.rules.login = ("cafe", "right")
        login = {"login": "cafe", "password": "right"}
        connect(monkeypatch, server.port, extra={"disable_ssl": True}, **login)
        refused = make_attempt()
        assert refused.state == "failed"
        assert "The certificate of the mail server is not trusted: " in refused.last_line
        assert server.received == []
        connect(
            monkeypatch, server.port, extra={"disable_ssl": True, "ssl_context": "none"}, **login
        )
        assert make_attempt().state == "success"
        assert len(server.received) == 1


def test_a_mail_server_that_is_down_is_tried_again(make_attempt, lake, monkeypatch) -> None:
    connect(monkeypatch, 1)
    made = make_attempt()
    assert made.state == "up_for_retry"
    assert "Can't reach the mail server: " in made.last_line


def test_the_sender_may_be_that_of_the_connection(
    make_attempt, lake, server, settings_file, monkeypatch
) -> None:
    text = settings_file.read_text()
    settings_file.write_text(text.replace('sender = "news@cafe.example"', ""))
    made = make_attempt()
    assert made.state == "failed"
    assert "The weekly mail has no sender: set [digest] sender, or from_email" in made.last_line
    extra = {"disable_ssl": True, "disable_tls": True, "from_email": "airflow@cafe.example"}
    connect(monkeypatch, server.port, extra=extra)
    assert make_attempt().state == "success"
    assert server.received[0].sender == "airflow@cafe.example"


def run_of(kind: str, **values: Any) -> Any:
    facts = {"conf": None, "run_after": None, "data_interval_end": None}
    return SimpleNamespace(run_type=kind, **facts | values)


@pytest.mark.parametrize(
    ("run", "week"),
    [
        (run_of("scheduled", data_interval_end="2026-11-23T07:00"), "2026-W47"),
        (run_of("backfill", data_interval_end="2026-11-16T07:00"), "2026-W46"),
        (run_of("manual", run_after="2026-11-25T12:00"), "2026-W47"),
        (run_of("manual", run_after="2026-11-25T12:00", conf={"week": "2026-W01"}), "2026-W01"),
        (
            run_of("backfill", data_interval_end="2026-11-16T07:00", conf={"week": "2026-W01"}),
            "2026-W46",
        ),
    ],
)
def test_the_week_of_a_run(run: Any, week: str) -> None:
    from clickstream_airflow.run_week import resolve_week

    for name in ("run_after", "data_interval_end"):
        if text := getattr(run, name):
            setattr(run, name, datetime.fromisoformat(text).replace(tzinfo=UTC))
    assert str(resolve_week(run, ZoneInfo("UTC"))) == week


def test_a_backfill_mails_only_the_last_complete_week(
    make_attempt, lake, server, monkeypatch
) -> None:
    from airflow.models.serialized_dag import SerializedDagModel
    from airflow.utils.types import DagRunTriggeredByType, DagRunType

    states = {}
    for weeks in (1, 0):
        begin = datetime.combine(LAST_WEEK.first, datetime.min.time(), UTC) - timedelta(weeks=weeks)
        start, end = begin + timedelta(hours=7), begin + timedelta(days=7, hours=7)
        run = SerializedDagModel.get_dag(DIGEST).create_dagrun(
            run_id=f"backfill__{start.isoformat()}",
            logical_date=start,
            data_interval=(start, end),
            run_after=end,
            run_type=DagRunType.BACKFILL_JOB,
            triggered_by=DagRunTriggeredByType.BACKFILL,
            state="running",
        )
        states[weeks] = make_attempt(run=run)
    assert states[1].state == "skipped"
    assert f"The mail of {WEEK_BEFORE} is not sent: a backfill mails only" in text_of(states[1])
    assert states[0].state == "success", text_of(states[0])
    assert len(server.received) == 1


def test_the_dag_runs_on_mondays_at_seven_in_the_time_of_the_site(
    airflow_home, settings_file
) -> None:
    from airflow.dag_processing.dagbag import DagBag

    text = settings_file.read_text().replace("[site]", '[site]\ntime_zone = "America/New_York"')
    settings_file.write_text(text)
    timetable = DagBag(dag_folder=ROOT / "dags" / "clickstream_digest.py").dags[DIGEST].timetable
    start, end = datetime(2026, 10, 26, 11, tzinfo=UTC), datetime(2026, 11, 2, 12, tzinfo=UTC)
    assert timetable.summary == "0 7 * * 1"
    assert timetable.infer_manual_data_interval(run_after=end) == (start, end)


def test_settings_that_can_not_be_read_leave_the_dag_and_say_so(
    airflow_home, settings_file
) -> None:
    from airflow.dag_processing.dagbag import DagBag

    settings_file.write_text("[site\n")
    bag = DagBag(dag_folder=ROOT / "dags" / "clickstream_digest.py")
    assert bag.import_errors == {}
    assert bag.dags[DIGEST].doc_md.startswith("**The settings can't be read, so the schedule is")
    assert "clickstream.toml" in bag.dags[DIGEST].doc_md
