"""Backfills, cleared tasks and reprocessing in a running Airflow, asked for as its web UI does.

Whatever is run again, in whatever order, and whoever dies meanwhile: the lake ends in the state
that building its hours once gives, and `verify` finds nothing.
"""

from __future__ import annotations

import os
import re
import signal
import subprocess
import time
from contextlib import closing
from dataclasses import replace
from datetime import timedelta

import psycopg2
import pytest
from tests.stack.hosts import ANA, BEN, hours_ago, write
from tests.stack.runs import (
    DEADLINE_SECONDS,
    DIGEST,
    HOURLY,
    REPROCESS,
    backfill,
    clear,
    ended,
    set_run_state,
    set_task_state,
    settled,
    states_of,
    trigger,
    wait_for_state,
)
from tests.support.access_log import BOT, Client
from tests.support.facts import manifest, rows_of_facts, rows_of_views
from tests.support.required import require_program

from clickstream.alerts.store import LakeStore
from clickstream.core.hours import Hour
from clickstream.demo.stack import AirflowApi, Stack, StackError
from clickstream.demo.stack.stack import read_procfile
from clickstream.lake import Lake, athena, fact_files, hour_ledger, objects, visitor_keys
from clickstream.pipeline.proof.verify import verify

HOURS = hours_ago(45, hour=22, number=3)
FIRST, MIDDLE, LAST = HOURS
DATES = {hour.event_date for hour in HOURS}
WEEK = f"{FIRST.start:%G-W%V}"
[OLD] = hours_ago(270, hour=12, number=1)
ROBOT = Client("192.0.2.1", BOT)
RANGE = {"from": str(FIRST), "to": str(LAST), "reason": "a test"}


@pytest.fixture(scope="module")
def built_once(stack: Stack, api: AirflowApi, lake: Lake, sshd) -> list[object]:
    """What the lake holds after a backfill of the missing runs, the last hour first.

    One session never ends, one line is cut, and one visitor asks a host behind sshd.
    """
    sshd.start()  # if test_hosts did not run, or failed
    for hour in HOURS:
        lines = [ANA.get(f"{hour}:{minute:02}:00", f"/menu?{minute}") for minute in (5, 30, 55)]
        lines += [ROBOT.get(f"{hour}:40:00", "/robots.txt"), "cut in the mid"]
        write(stack, "web-2", lines)
        write(stack, "shop", [BEN.get(f"{hour}:45:00", "/order")])
    backfill(api, HOURS, reprocess="none", backwards=True)
    assert are_settled(stack, api)
    return contents(lake)


def are_settled(stack: Stack, api: AirflowApi) -> bool:
    """Whether the runs of all hours succeeded, once they are finished."""
    return settled(stack, api, HOURS) == dict.fromkeys(HOURS, "success")


def contents(lake: Lake) -> list[object]:
    """All that readers see of the hours, but for who published them and when; verified."""
    report = verify(lake, FIRST, LAST)
    assert report.is_proven, report
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
    """The rows of the dashboard's facts of the hours' dates, which are those of the views."""
    chosen = rows_of_facts(lake, DATES)
    assert chosen == rows_of_views(lake, DATES)
    # Before the last two columns are published_at and published_by, which each run changes.
    without_run = [(*row[:-4], *row[-2:]) for row in chosen["hour_facts"]]
    return chosen | {"hour_facts": without_run}


def forget_facts(lake: Lake) -> None:
    """Take the files of the hours' dates out of the manifest.

    A scheduled run may write the manifest meanwhile: then the newer one is changed. It may also
    compute these dates again at once, so nobody may rely on their absence.
    """
    while True:
        stored = fact_files.read_manifest(lake)
        kept = {
            view: {day: file for day, file in files.items() if day not in DATES}
            for view, files in stored.value.files.items()
        }
        less = replace(stored.value, version=stored.value.version + 1, files=kept)
        if fact_files.write_manifest(lake, less, stored.etag):
            return


WITHIN = f"hour_at between timestamp '{FIRST.naive:%F %T}' and timestamp '{LAST.naive:%F %T}'"


def publishers(lake: Lake) -> list[str]:
    ledger = hour_ledger.ledger_rows(lake, FIRST, LAST)
    return [ledger[hour].values["published_by"] for hour in HOURS]


def test_a_backfill_of_missing_runs_backwards_makes_every_hour(built_once, api) -> None:
    assert len(built_once[1]) == 3 * len(HOURS)
    assert api.run_states(HOURLY, FIRST, LAST) == dict.fromkeys(HOURS, "success")


@pytest.mark.deep
def test_a_backfill_of_failed_runs_builds_only_the_failed_hour(
    built_once, stack, api, lake
) -> None:
    """Only the run that someone called failed is made again."""
    before = versions(lake)
    set_run_state(api, HOURLY, api.run_ids(HOURLY, FIRST, LAST)[MIDDLE], "failed")
    backfill(api, HOURS, reprocess="failed")
    assert are_settled(stack, api)
    after = versions(lake)
    assert [before[hour] == after[hour] for hour in HOURS] == [True, False, True]
    assert contents(lake) == built_once


def versions(lake: Lake) -> dict[Hour, str]:
    ledger = hour_ledger.ledger_rows(lake, FIRST, LAST)
    return {hour: ledger[hour].version for hour in HOURS}


@pytest.mark.deep
def test_all_runs_backwards_by_the_command_line_while_someone_clears_tasks(
    built_once, stack, api, lake
) -> None:
    before = versions(lake)
    command = ["airflow", "backfill", "create", "--dag-id", HOURLY, "--run-backwards"]
    command += ["--from-date", FIRST.start.isoformat(), "--to-date", LAST.start.isoformat()]
    command += ["--max-active-runs", "4", "--reprocess-behavior", "completed"]
    api.close_backfills(HOURLY)
    subprocess.run(command, env=dict(stack.environment), capture_output=True, check=True)
    stack.wait_until("A run", lambda: "running" in states(api), DEADLINE_SECONDS)
    for run_id in api.run_ids(HOURLY, FIRST, LAST).values():
        clear(api, HOURLY, run_id, "build_hour.clean_hits", include_downstream=True)
    assert are_settled(stack, api)
    assert [before[hour] == versions(lake)[hour] for hour in HOURS] == [False] * 3
    assert contents(lake) == built_once


def states(api: AirflowApi) -> set[str]:
    return set(api.run_states(HOURLY, FIRST, LAST).values())


CLEARED = {
    "build_hour.clean_hits": {},
    "build_hour.build_sessions": {"include_past": True},
    "build_hour.check_hour": {"include_downstream": True, "include_future": True},
    "hours_to_build": {},
    "pull_logs": {"include_downstream": True},
    "list_hosts": {},
    "refresh_views": {},
    "refresh_facts": {},
}


def test_any_task_may_be_cleared(built_once, stack, api, lake) -> None:
    """One by one while the ones before still run, with what the form can take along."""
    run_ids, before = api.run_ids(HOURLY, FIRST, LAST), versions(lake)
    for task_id, options in CLEARED.items():
        assert clear(api, HOURLY, run_ids[MIDDLE], task_id, **options) > 0
    assert are_settled(stack, api)
    assert versions(lake)[MIDDLE] != before[MIDDLE]
    assert contents(lake) == built_once


def test_facts_are_made_up_for_by_a_cleared_task_also_after_a_refresh_was_killed(
    built_once, stack, api, lake
) -> None:
    """Airflow kills the process of a task that a person marks as failed."""
    run_id = api.run_ids(HOURLY, FIRST, LAST)[MIDDLE]
    forget_facts(lake)
    assert clear(api, HOURLY, run_id, "refresh_facts") > 0
    wait_for_state(stack, api, run_id, ("refresh_facts", ""), "running")
    set_task_state(api, HOURLY, run_id, "refresh_facts", "failed")
    assert settled(stack, api, HOURS)[MIDDLE] == "failed"
    if any(manifest(lake).files["hour_facts"].keys() & DATES):
        facts(lake)
    assert clear(api, HOURLY, run_id, "refresh_facts") > 0
    assert are_settled(stack, api)
    assert contents(lake) == built_once


@pytest.mark.deep
def test_facts_are_computed_again_by_the_tasks_after_a_cleared_one(
    built_once, stack, api, lake
) -> None:
    forget_facts(lake)
    run_id = api.run_ids(HOURLY, FIRST, LAST)[MIDDLE]
    assert clear(api, HOURLY, run_id, "refresh_views", include_downstream=True) > 0
    assert are_settled(stack, api)
    assert contents(lake) == built_once


@pytest.mark.deep
def test_all_runs_at_once_end_in_the_facts_of_one_clean_run(built_once, stack, api, lake) -> None:
    """With as many runs as a backfill should have; their refreshes run one by one."""
    backfill(api, HOURS, reprocess="completed", max_active_runs=10)
    assert are_settled(stack, api)
    assert contents(lake) == built_once


def test_a_week_is_mailed_once_whatever_is_triggered_cleared_and_killed(
    built_once, stack, api, lake, mail
) -> None:
    week = {"week": WEEK}  # the week of the hours
    for run in api._get(f"/dags/{DIGEST}/dagRuns")["dag_runs"]:  # the last Monday's
        set_run_state(api, DIGEST, run["dag_run_id"], "failed")
    objects.delete(lake, [f"digest/{WEEK}.json"])
    mail.received.clear()
    # The server is in the middle of the transfer when a person ends the task: nothing is accepted.
    mail.rules.waits_in = "RCPT"
    killed = trigger(api, DIGEST, week)
    assert mail.rules.is_waiting.wait(DEADLINE_SECONDS)
    set_task_state(api, DIGEST, killed, "send_digest", "failed")
    assert ended(stack, api, killed, DIGEST) == "failed"
    mail.rules.waits_in = ""
    # A process that was asked to end took its claim back; one that had no time left it, so that a
    # person has the mail sent again. Nothing was sent in either case.
    assert mail.received == []
    assert clear(api, DIGEST, killed, "send_digest") == 1
    sent = killed
    if ended(stack, api, killed, DIGEST) == "failed":
        assert mail.received == []
        sent = trigger(api, DIGEST, week | {"send_again": True})
    assert ended(stack, api, sent, DIGEST) == "success"
    [received] = mail.received
    assert received.recipients == ["owner@cafe.example"]
    assert f"Week {int(WEEK[-2:])}" in received.message["Subject"]
    assert ended(stack, api, trigger(api, DIGEST, week), DIGEST) == "success"
    assert clear(api, DIGEST, sent, "send_digest") == 1
    assert ended(stack, api, sent, DIGEST) == "success"
    assert len(mail.received) == 1


def test_reprocess_builds_each_day_in_a_task_of_its_own(built_once, stack, api, lake) -> None:
    """The trigger form's fields; then the failed day alone is cleared, and has nothing to do."""
    run_id = trigger(api, REPROCESS, RANGE)
    assert ended(stack, api, run_id, REPROCESS) == "success"
    assert states_of(api, run_id, REPROCESS)["clean_on_spark", ""] == "skipped"
    assert publishers(lake) == [run_id] * 3
    assert contents(lake) == built_once
    before = versions(lake)
    assert clear(api, REPROCESS, run_id, "rebuild_day", include_downstream=True) == 6
    assert ended(stack, api, run_id, REPROCESS) == "success"
    assert versions(lake) == before


@pytest.mark.deep
def test_reprocess_on_spark_publishes_the_range(built_once, stack, api, lake, emr) -> None:
    """The job is a real spark-submit; its task waits in the triggerer, and links to the job."""
    require_program("java", "default-jre-headless")
    swept = [key for key, _ in objects.listing(lake, "staging/")]
    objects.delete(lake, swept)
    run_id = trigger(api, REPROCESS, RANGE | {"engine": "spark"})
    wait_for_state(stack, api, run_id, ("clean_on_spark", ""), "deferred", REPROCESS)
    assert ended(stack, api, run_id, REPROCESS) == "success"
    assert states_of(api, run_id, REPROCESS)["clean_on_spark", ""] == "success"
    page = f"/dags/{REPROCESS}/dagRuns/{run_id}/taskInstances/clean_on_spark/links"
    assert api._get(page)["extra_links"]["EMR Serverless Dashboard"].startswith(emr.url)
    assert [job.returncode for job in emr.jobs] == [0]
    assert publishers(lake) == [run_id] * 3
    assert contents(lake) == built_once


def test_a_cleared_task_of_an_hour_whose_key_is_destroyed_fails_at_once(stack, api, lake) -> None:
    write(stack, "web-2", [ANA.get(f"{OLD}:05:00", "/menu")])
    run_id = trigger(api, HOURLY, {"hour": str(OLD)})
    ended(stack, api, run_id)
    before, tries = published(lake, OLD), clean_hits_of(api, run_id)["try_number"]
    destroy_key(lake, OLD)
    assert clear(api, HOURLY, run_id, "build_hour.clean_hits", include_downstream=True) > 0
    ended(stack, api, run_id)
    failed = clean_hits_of(api, run_id)
    assert (failed["state"], failed["try_number"]) == ("failed", tries + 1)
    message = api.error_lines(failed)[-1].lower()
    assert re.search(f"{str(OLD).lower()}.*destroyed.*new.visitor.ids", message), message
    assert published(lake, OLD) == before
    assert visitor_keys.KeyPeriod.of(
        OLD, lake.settings.privacy.key_days
    ) not in visitor_keys.periods(lake)


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
    end = visitor_keys.KeyPeriod.of(hour, privacy.key_days).end
    visitor_keys.destroy_expired(lake, end + timedelta(days=privacy.replay_days, seconds=1))


@pytest.mark.deep
def test_the_database_gone_in_the_middle_of_a_run(built_once, stack, api, lake) -> None:
    """Airflow's scheduler gives up without it and is started again, as docker compose does.

    Whatever state it finds its runs in then, one more clear repairs all.
    """
    run_ids = api.run_ids(HOURLY, FIRST, LAST)
    clear(api, HOURLY, run_ids[FIRST], "build_hour.clean_hits", include_downstream=True)
    stack.wait_until("The run", lambda: "running" in states(api), DEADLINE_SECONDS)
    take_the_database_away_for(stack, seconds=60)
    settled_though_processes_end(stack, api)
    for hour, state in api.run_states(HOURLY, FIRST, LAST).items():
        if state == "failed":
            clear(api, HOURLY, run_ids[hour], "list_hosts", include_downstream=True)
    assert are_settled(stack, api)
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
            settled(stack, api, HOURS)
        except StackError:
            if not stack.processes.ended():
                raise
        else:
            return


@pytest.mark.deep
def test_a_killed_scheduler_is_an_incident_until_it_is_back(stack, api, lake) -> None:
    """The stack's watch reads the shorter limit for its next check; the end takes 10 minutes."""
    file = stack.layout.root / "cafe.toml"
    text = file.read_text()
    file.write_text(f"{text}\n[alerts]\noutage_minutes = 1\n")
    os.killpg(stack.processes.pids()["scheduler"], signal.SIGKILL)
    wait_for_incidents(lake, {"airflow_silent"})
    start_again_what_has_ended(stack)
    wait_for_incidents(lake, set())
    file.write_text(text)


def wait_for_incidents(lake: Lake, rules: set[str]) -> None:
    """Wait until the open incidents about Airflow have these rules."""
    deadline = time.monotonic() + 2 * DEADLINE_SECONDS
    while {one.rule for one in LakeStore(lake).read().open} & {"airflow_silent"} != rules:
        assert time.monotonic() < deadline
        time.sleep(5)


def start_again_what_has_ended(stack: Stack) -> None:
    commands = read_procfile(stack.layout.root / "Procfile")
    while gone := stack.processes.ended():
        stack.processes.start(gone.name, commands[gone.name])
