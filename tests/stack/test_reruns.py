"""Backfills, cleared tasks and reprocessing in a running Airflow, asked for as its web UI does.

Whatever is run again, in whatever order, and whoever dies meanwhile: the lake ends in the state
that building its hours once gives, and `verify` finds nothing. `make test-stack` runs this.
"""

from __future__ import annotations

import json
import re
import subprocess
import time
from collections.abc import Iterator
from contextlib import closing
from datetime import timedelta
from functools import partial
from http import HTTPStatus

import httpx
import psycopg2
import pytest
from tests.support.access_log import BOT, Client, append
from tests.support.emr_serverless import EmrServerless, emr_serverless
from tests.support.facts import Rows, rows_of_facts, rows_of_views
from tests.support.free_ports import free_ports
from tests.support.lake_settings import ROOT, write_settings
from tests.support.required import require_program
from tests.support.smtp_server import MailServer

from clickstream import pipeline
from clickstream.demo.stack import AirflowApi, Layout, Stack, StackError, running_stack
from clickstream.demo.stack.processes import read_procfile
from clickstream.hours import Hour, hour_range
from clickstream.lake import (
    Lake,
    athena,
    fact_files,
    hour_ledger,
    objects,
    visitor_keys,
)

pytestmark = [pytest.mark.stack, pytest.mark.timeout(900)]

HOURLY, REPROCESS, DIGEST = "clickstream_hourly", "clickstream_reprocess", "clickstream_digest"
FIRST, LAST = Hour.parse("2026-11-20T22"), Hour.parse("2026-11-21T00")
HOURS = list(hour_range(FIRST, LAST))
MIDDLE = HOURS[1]
OLD = Hour.parse("2026-03-01T12")
DEADLINE_SECONDS = 400
FINISHED = {"success", "failed"}
ALONE = {"CLICKSTREAM_BUILD__CATCH_UP_HOURS": "0"}
"""Scheduled runs beside the tests stay out of their range."""
ANA, ROBOT = Client("203.0.113.7"), Client("192.0.2.1", BOT)


@pytest.fixture(scope="module")
def emr() -> Iterator[EmrServerless]:
    with emr_serverless() as server:
        yield server


@pytest.fixture(scope="module")
def mail() -> Iterator[MailServer]:
    with MailServer() as server:
        yield server


def mail_variables(mail: MailServer) -> dict[str, str]:
    """Airflow's connection to the mail server, and the recipients of the weekly mail."""
    connection = {
        "conn_type": "smtp",
        "host": "127.0.0.1",
        "port": mail.port,
        "extra": {"disable_tls": True, "disable_ssl": True, "from_email": "news@cafe.example"},
    }
    return {
        "AIRFLOW_CONN_SMTP_DEFAULT": json.dumps(connection),
        "CLICKSTREAM_DIGEST__RECIPIENTS": json.dumps(["owner@cafe.example"]),
    }


@pytest.fixture(scope="module")
def stack(
    tmp_path_factory: pytest.TempPathFactory, emr: EmrServerless, mail: MailServer
) -> Iterator[Stack]:
    """The project's own DAGs over a few hours of small logs, in which one session never ends."""
    root = tmp_path_factory.mktemp("s")
    for name in ("Procfile", "dags", "plugins", "include"):
        (root / name).symlink_to(ROOT / name)
    write_settings(root, "reruns", ["web-1"])
    for hour in HOURS:
        lines = [ANA.get(f"{hour}:{minute:02}:00", f"/menu?{minute}") for minute in (5, 30, 55)]
        lines += [ROBOT.get(f"{hour}:40:00", "/robots.txt"), "cut in the mid"]
        append(root / "web-1" / "access.log", lines)
    variables = ALONE | emr.airflow_variables(ROOT / "src" / "clickstream" / "spark.py")
    variables |= mail_variables(mail)
    with running_stack(Layout(root), free_ports(), variables=variables) as running:
        emr.environment = running.environment
        for _ in running.ready_parts():
            pass
        yield running


@pytest.fixture(scope="module")
def api(stack: Stack) -> Iterator[AirflowApi]:
    with stack.airflow() as client:
        stack.wait_until("The DAGs", lambda: client.dag_exists(HOURLY), DEADLINE_SECONDS)
        stack.wait_until("The DAGs", lambda: client.dag_exists(REPROCESS), DEADLINE_SECONDS)
        yield client


@pytest.fixture(scope="module")
def built_once(stack: Stack, api: AirflowApi, lake: Lake) -> list[object]:
    """What the lake holds after a backfill of the missing runs, the last hour first."""
    backfill(stack, api, reprocess="none", backwards=True)
    assert settled(stack, api) == dict.fromkeys(HOURS, "success")
    return contents(lake)


def backfill(stack: Stack, api: AirflowApi, **options: object) -> None:
    """Start a backfill of all hours, once Airflow has closed the one before."""

    def accepted() -> bool:
        return api.create_backfill(HOURLY, FIRST, LAST, **options) is not None

    stack.wait_until("The backfill", accepted, DEADLINE_SECONDS)


def settled(stack: Stack, api: AirflowApi) -> dict[Hour, str]:
    """The states of the hours' runs, once all are finished."""

    def finished() -> bool:
        states = api.run_states(HOURLY, FIRST, LAST)
        return len(states) == len(HOURS) and set(states.values()) <= FINISHED

    stack.wait_until("The runs", finished, DEADLINE_SECONDS)
    return api.run_states(HOURLY, FIRST, LAST)


def contents(lake: Lake) -> list[object]:
    """All that readers see of the hours, but for who published them and when; verified."""
    assert pipeline.verify(lake, FIRST, LAST).is_proven
    rows = [
        sorted(map(str, athena.query(lake, f"select * from {table} where {WITHIN}").rows))
        for table in ("hits", "session_parts", "rejects")
    ]
    ledger = hour_ledger.ledger_rows(lake, FIRST, LAST)
    told = ("published_at", "published_by")
    return [
        *rows,
        [[v for k, v in ledger[hour].values.items() if k not in told] for hour in HOURS],
        facts(lake),
    ]


def facts(lake: Lake) -> dict[str, list[tuple[object, ...]]]:
    """The rows of the dashboard's facts of the hours' dates, which are those of the views.

    Other dates are left out: a scheduled run may build an hour of today meanwhile.
    """
    chosen = of_the_hours_dates(rows_of_facts(lake))
    assert chosen == of_the_hours_dates(rows_of_views(lake))
    without_run = [(*row[:-3], row[-1]) for row in chosen["hour_facts"]]
    return chosen | {"hour_facts": without_run}


def of_the_hours_dates(rows: Rows) -> Rows:
    dates = {hour.event_date for hour in HOURS}
    return {view: [row for row in found if row[-1] in dates] for view, found in rows.items()}


WITHIN = f"hour_at between timestamp '{FIRST.naive:%F %T}' and timestamp '{LAST.naive:%F %T}'"


def publishers(lake: Lake) -> list[str]:
    ledger = hour_ledger.ledger_rows(lake, FIRST, LAST)
    return [ledger[hour].values["published_by"] for hour in HOURS]


def test_a_backfill_of_missing_runs_backwards_makes_every_hour(built_once, api) -> None:
    assert len(built_once[1]) == 2 * len(HOURS)
    assert api.run_states(HOURLY, FIRST, LAST) == dict.fromkeys(HOURS, "success")


def test_a_task_leads_to_the_runbook_and_to_its_hour_in_the_ledger(built_once, stack, api) -> None:
    run_id = api.run_ids(HOURLY, FIRST, LAST)[MIDDLE]
    page = f"/dags/{HOURLY}/dagRuns/{run_id}/taskInstances/build_hour.register_tables/links"
    links = api._get(page, map_index="0")["extra_links"]
    shown = {name: api._client.get(link).text for name, link in links.items()}
    assert '<h3 id="register_tables">' in shown["Runbook"]
    assert f"<strong>{MIDDLE}</strong>" in shown["Hour in the ledger"]
    assert run_id in shown["Hour in the ledger"]
    anonymous = [httpx.get(f"{stack.ports.airflow_url}{link}") for link in links.values()]
    assert [answer.status_code for answer in anonymous] == [401, 401, 401]


def test_a_task_leads_to_its_hour_on_the_dashboard_inside_airflow(built_once, stack, api) -> None:
    run_id = api.run_ids(HOURLY, FIRST, LAST)[MIDDLE]
    page = f"/dags/{HOURLY}/dagRuns/{run_id}/taskInstances/build_hour.register_tables/links"
    link = api._get(page, map_index="0")["extra_links"]["Hour on the dashboard"]
    led = api._client.get(link)
    assert led.status_code == HTTPStatus.FOUND
    framed = led.headers["location"].removeprefix("/plugin/cafe-dashboard")
    assert framed == f"/clickstream-dashboard/hours/{MIDDLE}"

    def is_shown() -> bool:
        """The first request starts the dashboard, and its facts may lack the hour's."""
        answer = api._client.get(framed, follow_redirects=True, timeout=DEADLINE_SECONDS)
        return f"{MIDDLE} UTC" in answer.text and "Published: all of its 5 lines" in answer.text

    stack.wait_until("The hour", is_shown, DEADLINE_SECONDS)
    assert httpx.get(f"{stack.ports.airflow_url}{framed}").status_code == HTTPStatus.UNAUTHORIZED


def test_a_backfill_of_failed_runs_builds_only_the_failed_hour(
    built_once, stack, api, lake
) -> None:
    """Only the run that someone called failed is made again."""
    before = versions(lake)
    api.set_run_state(HOURLY, api.run_ids(HOURLY, FIRST, LAST)[MIDDLE], "failed")
    backfill(stack, api, reprocess="failed")
    assert settled(stack, api) == dict.fromkeys(HOURS, "success")
    after = versions(lake)
    assert [before[hour] == after[hour] for hour in HOURS] == [True, False, True]
    assert contents(lake) == built_once


def versions(lake: Lake) -> dict[Hour, str]:
    ledger = hour_ledger.ledger_rows(lake, FIRST, LAST)
    return {hour: ledger[hour].version for hour in HOURS}


def test_all_runs_backwards_by_the_command_line_while_someone_clears_tasks(
    built_once, stack, api, lake
) -> None:
    before = versions(lake)
    command = ["airflow", "backfill", "create", "--dag-id", HOURLY, "--run-backwards"]
    command += ["--from-date", FIRST.start.isoformat(), "--to-date", LAST.start.isoformat()]
    command += ["--max-active-runs", "4", "--reprocess-behavior", "completed"]
    stack.wait_until("The command", lambda: succeeds(command, stack), DEADLINE_SECONDS)
    stack.wait_until("A run", lambda: "running" in states(api), DEADLINE_SECONDS)
    for run_id in api.run_ids(HOURLY, FIRST, LAST).values():
        api.clear(HOURLY, run_id, "build_hour.clean_hits", include_downstream=True)
    assert settled(stack, api) == dict.fromkeys(HOURS, "success")
    assert [before[hour] == versions(lake)[hour] for hour in HOURS] == [False] * 3
    assert contents(lake) == built_once


def succeeds(command: list[str], stack: Stack) -> bool:
    ran = subprocess.run(command, env=dict(stack.environment), capture_output=True, check=False)
    return ran.returncode == 0


def states(api: AirflowApi) -> set[str]:
    return set(api.run_states(HOURLY, FIRST, LAST).values())


CLEARED = {
    "build_hour.clean_hits": {},
    "build_hour.build_sessions": {"include_past": True},
    "build_hour.check_hour": {"include_downstream": True, "include_future": True},
    "build_hour.register_tables": {"include_future": True},
    "hours_to_build": {},
    "pull_logs": {"include_downstream": True},
    "list_hosts": {"include_past": True},
    "refresh_views": {"include_future": True},
    "refresh_facts": {},
}


def test_any_task_may_be_cleared(built_once, stack, api, lake) -> None:
    """One by one while the ones before still run, with what the form can take along."""
    run_ids, before = api.run_ids(HOURLY, FIRST, LAST), versions(lake)
    for task_id, options in CLEARED.items():
        assert api.clear(HOURLY, run_ids[MIDDLE], task_id, **options) > 0
    assert settled(stack, api) == dict.fromkeys(HOURS, "success")
    assert versions(lake)[MIDDLE] != before[MIDDLE]
    assert contents(lake) == built_once


def test_facts_are_computed_again_by_their_task_alone_and_with_downstream(
    built_once, stack, api, lake
) -> None:
    run_id = api.run_ids(HOURLY, FIRST, LAST)[MIDDLE]
    for task_id, options in (
        ("refresh_facts", {}),
        ("refresh_views", {"include_downstream": True}),
    ):
        objects.delete(lake, [fact_files.MANIFEST_KEY])
        assert api.clear(HOURLY, run_id, task_id, **options) > 0
        assert settled(stack, api) == dict.fromkeys(HOURS, "success")
        assert contents(lake) == built_once


def test_a_refresh_of_facts_that_is_killed_is_made_up_for_when_it_is_cleared(
    built_once, stack, api, lake
) -> None:
    """Airflow kills the process of a task that a person marks as failed."""
    run_id = api.run_ids(HOURLY, FIRST, LAST)[MIDDLE]
    objects.delete(lake, [fact_files.MANIFEST_KEY])
    assert api.clear(HOURLY, run_id, "refresh_facts") > 0

    def is_running() -> bool:
        return state_of(api, run_id, "refresh_facts") == "running"

    stack.wait_until("The task", is_running, DEADLINE_SECONDS)
    api.set_task_state(HOURLY, run_id, "refresh_facts", "failed")
    assert settled(stack, api)[MIDDLE] == "failed"
    if fact_files.read_manifest(lake):
        facts(lake)
    assert api.clear(HOURLY, run_id, "refresh_facts") > 0
    assert settled(stack, api) == dict.fromkeys(HOURS, "success")
    assert contents(lake) == built_once


def state_of(api: AirflowApi, run_id: str, task_id: str) -> str:
    (state,) = (one["state"] for one in api.tasks(HOURLY, run_id) if one["task_id"] == task_id)
    return state


def test_all_runs_twice_end_in_the_facts_of_one_clean_run(built_once, stack, api, lake) -> None:
    """With as many runs at once as a backfill should have; their refreshes run one by one."""
    for _ in range(2):
        backfill(stack, api, reprocess="completed", max_active_runs=10)
        assert settled(stack, api) == dict.fromkeys(HOURS, "success")
        assert contents(lake) == built_once


def finished_run(stack: Stack, api: AirflowApi, run_id: str) -> str:
    def is_over() -> bool:
        return api.run_state(DIGEST, run_id) in FINISHED

    stack.wait_until("The mail", is_over, DEADLINE_SECONDS)
    return api.run_state(DIGEST, run_id)


def test_a_week_is_mailed_once_whatever_is_triggered_cleared_and_killed(
    built_once, stack, api, lake, mail
) -> None:
    week = {"week": "2026-W47"}  # the week of the hours
    for run in api._get(f"/dags/{DIGEST}/dagRuns")["dag_runs"]:  # the last Monday's
        api.set_run_state(DIGEST, run["dag_run_id"], "failed")
    objects.delete(lake, ["digest/2026-W47.json"])
    mail.received.clear()
    # The server is in the middle of the transfer when a person ends the task: nothing is accepted.
    mail.rules.waits_in = "RCPT"
    killed = api.trigger(DIGEST, week)
    assert mail.rules.is_waiting.wait(DEADLINE_SECONDS)
    api.set_task_state(DIGEST, killed, "send_digest", "failed")
    assert finished_run(stack, api, killed) == "failed"
    mail.rules.waits_in = ""
    # A process that was asked to end took its claim back; one that had no time left it, so that a
    # person has the mail sent again. Nothing was sent in either case.
    assert mail.received == []
    assert api.clear(DIGEST, killed, "send_digest") == 1
    sent = killed
    if finished_run(stack, api, killed) == "failed":
        assert mail.received == []
        sent = api.trigger(DIGEST, week | {"send_again": True})
    assert finished_run(stack, api, sent) == "success"
    [received] = mail.received
    assert received.recipients == ["owner@cafe.example"]
    assert "Week 47" in received.message["Subject"]
    for run_id in (api.trigger(DIGEST, week), api.trigger(DIGEST, week)):
        assert finished_run(stack, api, run_id) == "success"
    assert api.clear(DIGEST, sent, "send_digest") == 1
    assert finished_run(stack, api, sent) == "success"
    assert len(mail.received) == 1


def test_reprocess_builds_each_day_in_a_task_of_its_own(built_once, stack, api, lake) -> None:
    """The trigger form's fields; then the failed day alone is cleared, and has nothing to do."""
    conf = {"from": "2026-11-20T22", "to": "2026-11-21T00", "reason": "a test"}
    run_id = api.trigger(REPROCESS, conf)
    stack.wait_until("The run", partial(run_is, api, run_id, "success"), DEADLINE_SECONDS)
    assert tasks(api, run_id)["clean_on_spark"] == "skipped"
    assert publishers(lake) == [run_id] * 3
    assert contents(lake) == built_once
    before = versions(lake)
    assert api.clear(REPROCESS, run_id, "rebuild_day", include_downstream=True) == 5
    stack.wait_until("The run", partial(run_is, api, run_id, "success"), DEADLINE_SECONDS)
    assert versions(lake) == before


def test_reprocess_on_spark_publishes_the_range(built_once, stack, api, lake, emr) -> None:
    """The job is a real spark-submit; its task waits in the triggerer, and links to the job."""
    require_program("java", "default-jre-headless")
    swept = [key for key, _ in objects.listing(lake, "staging/")]
    objects.delete(lake, swept)
    conf = {"from": "2026-11-20T22", "to": "2026-11-21T00", "reason": "a test", "engine": "spark"}
    run_id = api.trigger(REPROCESS, conf)
    stack.wait_until("Spark", lambda: "deferred" in tasks(api, run_id).values(), DEADLINE_SECONDS)
    stack.wait_until("The run", partial(run_is, api, run_id, "success"), DEADLINE_SECONDS)
    assert tasks(api, run_id)["clean_on_spark"] == "success"
    page = f"/dags/{REPROCESS}/dagRuns/{run_id}/taskInstances/clean_on_spark/links"
    assert api._get(page)["extra_links"]["EMR Serverless Dashboard"].startswith(emr.url)
    assert [job.returncode for job in emr.jobs] == [0]
    assert publishers(lake) == [run_id] * 3
    assert contents(lake) == built_once


def tasks(api: AirflowApi, run_id: str) -> dict[str, str]:
    return {task["task_id"]: task["state"] for task in api.tasks(REPROCESS, run_id)}


def run_is(api: AirflowApi, run_id: str, state: str) -> bool:
    return api.run_state(REPROCESS, run_id) == state


def test_a_cleared_task_of_an_hour_whose_key_is_destroyed_fails_at_once(stack, api, lake) -> None:
    append(stack.layout.root / "web-1" / "access.log", [ANA.get(f"{OLD}:05:00", "/menu")])
    run_id = api.trigger(HOURLY, {"hour": str(OLD)})

    def has_ended() -> bool:
        return api.run_state(HOURLY, run_id) in FINISHED

    stack.wait_until("The run", has_ended, DEADLINE_SECONDS)
    before, tries = published(lake, OLD), clean_hits_of(api, run_id)["try_number"]
    destroy_key(lake, OLD)
    assert api.clear(HOURLY, run_id, "build_hour.clean_hits", include_downstream=True) > 0
    stack.wait_until("The run", has_ended, DEADLINE_SECONDS)
    failed = clean_hits_of(api, run_id)
    assert (failed["state"], failed["try_number"]) == ("failed", tries + 1)
    message = api.error_lines(failed)[-1].lower()
    assert re.search(f"{str(OLD).lower()}.*destroyed.*new.visitor.ids", message), message
    assert published(lake, OLD) == before
    assert visitor_keys.Period.of(OLD, lake.settings.privacy.key_days) not in visitor_keys.periods(
        lake
    )


def clean_hits_of(api: AirflowApi, run_id: str) -> dict[str, object]:
    """The task instance that cleans the run's own hour."""
    found = [one for one in api.tasks(HOURLY, run_id) if one["task_id"] == "build_hour.clean_hits"]
    return next(one for one in found if one["rendered_map_index"] == str(OLD))


def published(lake: Lake, hour: Hour) -> tuple[object, list[str]]:
    where = f"where hour_at = timestamp '{hour.naive:%F %T}'"
    parts = athena.query(lake, f"select * from session_parts {where}").rows
    assert parts
    return hour_ledger.ledger_row(lake, hour).values, sorted(map(str, parts))


def destroy_key(lake: Lake, hour: Hour) -> None:
    """Destroy the hour's visitor key, as time does."""
    privacy = lake.settings.privacy
    end = visitor_keys.Period.of(hour, privacy.key_days).end
    visitor_keys.destroy_expired(lake, end + timedelta(days=privacy.replay_days, seconds=1))


def test_the_database_gone_in_the_middle_of_a_run(built_once, stack, api, lake) -> None:
    """Airflow's scheduler gives up without it and is started again, as docker compose does.

    Whatever state it finds its runs in then, one more clear mends all.
    """
    run_ids = api.run_ids(HOURLY, FIRST, LAST)
    api.clear(HOURLY, run_ids[FIRST], "build_hour.clean_hits", include_downstream=True)
    stack.wait_until("The run", lambda: "running" in states(api), DEADLINE_SECONDS)
    take_the_database_away_for(stack, seconds=60)
    settled_though_processes_end(stack, api)
    for hour, state in api.run_states(HOURLY, FIRST, LAST).items():
        if state == "failed":
            api.clear(HOURLY, run_ids[hour], "list_hosts", include_downstream=True)
    assert settled(stack, api) == dict.fromkeys(HOURS, "success")
    assert contents(lake) == built_once


def take_the_database_away_for(stack: Stack, seconds: float) -> None:
    """End every connection, as a restart does, and let nobody connect for a while."""
    address = stack.environment["AIRFLOW__DATABASE__SQL_ALCHEMY_CONN"].replace("+psycopg2", "")
    with closing(psycopg2.connect(address.replace("/postgres?", "/template1?"))) as connection:
        connection.autocommit = True
        cursor = connection.cursor()
        cursor.execute("alter database postgres allow_connections false")
        cursor.execute(
            "select pg_terminate_backend(pid) from pg_stat_activity where datname = 'postgres'"
        )
        time.sleep(seconds)
        cursor.execute("alter database postgres allow_connections true")


def settled_though_processes_end(stack: Stack, api: AirflowApi) -> None:
    """A process may give up some seconds after the database is back, and the stack says so."""
    while True:
        start_again_what_has_ended(stack)
        try:
            settled(stack, api)
        except StackError:
            if not stack.processes.ended():
                raise
        else:
            return


def start_again_what_has_ended(stack: Stack) -> None:
    commands = read_procfile(stack.layout.root / "Procfile")
    while ended := stack.processes.ended():
        stack.processes.start(ended.name, commands[ended.name])
