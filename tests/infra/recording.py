"""Records what the pipeline, the dashboard and Spark request from AWS, each with its own key."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import partial
from pathlib import Path

import boto3
import pyarrow as pa
import pytest
from botocore.credentials import Credentials
from tests.clickstream.pipeline.builders import log_lines, write
from tests.support.lakes import aws_session, settings_of_a_lake
from tests.support.localaws_process import CREDENTIALS
from tests.support.localaws_thread import local_aws_in_thread
from tests.support.sales_files import pull_sales, with_sales, write_sales

from clickstream import spark
from clickstream.alerts.check import check_alerts
from clickstream.alerts.lake_state import read_lake_state
from clickstream.alerts.metrics import RunFigures, lake_metrics, report_metrics
from clickstream.core.hours import Hour
from clickstream.dashboard.ask.engines import LocalEngine, ask_athena
from clickstream.dashboard.ask.periods import Period
from clickstream.dashboard.ask.question import build_question
from clickstream.dashboard.visits.log_lines import LoggedVisit, read_log_lines
from clickstream.lake import Lake, athena, digest_marks, fact_files, open_lake, visitor_keys
from clickstream.lake.digest_marks import DigestMark
from clickstream.lake.visitor_keys import OPEN_PERIODS, KeyPeriod, OpenPeriod
from clickstream.pipeline.backfill.backfill import Steps, plan_backfill, rebuild
from clickstream.pipeline.build_settings import settings_of
from clickstream.pipeline.hosts.listing import list_hosts
from clickstream.pipeline.hour.build import build_sessions, check_hour, clean_hits
from clickstream.pipeline.proof.verify import verify
from clickstream.pipeline.proof.verify_record import record_verification
from clickstream.pipeline.publish import maintenance, publish
from clickstream.pipeline.publish.facts import refresh_facts
from clickstream.pipeline.publish.suspects import find_suspects
from clickstream.pipeline.pull.host import pull_host
from clickstream.pipeline.sales.status import newest_dates, stored_listings
from clickstream.settings import MaintenanceSettings, Settings

AIRFLOW, DASHBOARD, SPARK = "AIRFLOW", "DASHBOARD", "SPARK"
"""The access keys."""

BUCKET, DATABASE, WORKGROUP = (
    "clickstream-000000000000-us-east-1",
    "clickstream",
    "clickstream-lake",
)
FIRST = Hour.parse("2026-11-20T22")
SPARKS_HOUR = Hour.parse("2026-10-04T05")
"""An hour of an earlier key period, so that Spark needs a key that no task has created."""

SALES_DAY = date(2026, 11, 20)
LATER = datetime.now(UTC) + timedelta(days=200)
"""The maintenance's time: all raw lines and keys are past their retention."""


@dataclass(frozen=True)
class Call:
    """A recorded request: `action` must be allowed on each resource to the owner of a key."""

    who: str
    action: str
    resources: tuple[str, ...]


def record_calls(directory: Path) -> Path:
    """Run everything once on a local AWS with the bucket, database and workgroup of the stack.

    Return the file of the recorder.
    """
    file = directory / "calls.jsonl"
    workgroups = {WORKGROUP: f"s3://{BUCKET}/athena-results/"}
    with (
        local_aws_in_thread(directory / "aws", workgroups, file) as endpoint,
        pytest.MonkeyPatch.context() as patch,
    ):
        stack = partial(
            aws_session().client,
            endpoint_url=endpoint,
            region_name=CREDENTIALS["AWS_DEFAULT_REGION"],
        )
        stack("s3").create_bucket(Bucket=BUCKET)
        stack("glue").create_database(DatabaseInput={"Name": DATABASE})
        settings = settings_of_stack(endpoint, directory)
        run_pipeline(open_lake(settings, session_of(AIRFLOW)))
        clean_on_spark(settings, patch)
        show_dashboard(Lake(settings, session_of(DASHBOARD)), directory / "copy")
        maintain(open_lake(settings, session_of(AIRFLOW)))
    return file


def parse_calls(lines: Sequence[str]) -> list[Call]:
    """Return the calls of the three keys."""
    calls = map(json.loads, lines)
    return [
        Call(call["who"], call["action"], tuple(call["resources"]))
        for call in calls
        if call["who"] in (AIRFLOW, DASHBOARD, SPARK)
    ]


def settings_of_stack(endpoint: str, directory: Path) -> Settings:
    """Settings of a lake that the stack has created, with logs and sales."""
    settings = settings_of_a_lake(endpoint, directory / "logs")
    names = {
        "bucket": BUCKET,
        "database": DATABASE,
        "workgroup": WORKGROUP,
        "key_secret": "clickstream/visitor-keys",
    }
    lake = settings.lake.model_copy(update=names)
    own = {"lake": lake, "maintenance": MaintenanceSettings(raw_days=35)}
    write(directory / "logs", log_lines(1, SPARKS_HOUR, SPARKS_HOUR))
    write(directory / "logs", log_lines(2, FIRST, FIRST.next))
    write_sales(directory / "till", [SALES_DAY], orders=2)
    return with_sales(settings.model_copy(update=own), directory, ("till",))


def session_of(key: str) -> boto3.Session:
    """Return a session of an access key."""
    return aws_session(Credentials(key, CREDENTIALS["AWS_SECRET_ACCESS_KEY"]))


def run_pipeline(lake: Lake) -> None:
    """Do what the DAGs of the hour and of sales do, then verify and show the status."""
    for host in list_hosts(lake):
        pull_host(lake, host)
    for hour in publish.hours_to_build(lake, FIRST, catch_up=False).hours:
        checked = check_hour(lake, build_sessions(lake, clean_hits(lake, hour)))
        publish.register_tables(lake, checked, "tests")
    [*rebuild(lake, [FIRST.next], "tests")]
    pull_sales(lake, FIRST.end)
    publish.refresh_views(lake)
    find_suspects(lake)
    refresh_facts(lake)
    assert verify(lake, FIRST, FIRST.next).is_proven
    report_metrics(lake, RunFigures(4, 0, 0, 1.0), FIRST.next.end)
    record_verification(lake, "hours", FIRST, FIRST, [FIRST], FIRST.next.end)
    assert check_alerts(lake, FIRST.next.end).open
    newest_dates(lake, ["till"], 7, SALES_DAY)
    stored_listings(lake, ["till"])
    mark_a_mail(lake)
    leave_behind(lake)


def mark_a_mail(lake: Lake) -> None:
    """Do what a delivery of the weekly mail does to its mark; the server refuses the first one."""
    for state in ("sending", "sent"):
        former = digest_marks.read_mark(lake, "2026-W47")
        mark = digest_marks.write_mark(lake, "2026-W47", DigestMark(state, "tests", LATER), former)
        assert mark
        if state == "sending":
            digest_marks.remove_mark(lake, "2026-W47", mark)


def leave_behind(lake: Lake) -> None:
    """Leave a fact file as a killed refresh does; open and close a period for new visitor ids."""
    fact_files.write_file(lake, "hour_facts", SALES_DAY, pa.table({"lines": [1]}), "killed")
    name = KeyPeriod.of(FIRST, lake.settings.privacy.key_days).name
    OPEN_PERIODS.put(lake, name, OpenPeriod(name, LATER, "tests"))
    assert visitor_keys.open_periods(lake)
    OPEN_PERIODS.delete(lake, name)


def clean_on_spark(settings: Settings, patch: pytest.MonkeyPatch) -> None:
    """Do what the driver and a worker do; a worker uses the default session of its process."""
    patch.setattr(boto3, "DEFAULT_SESSION", session_of(SPARK))
    driver = open_lake(settings, session_of(SPARK))
    hours = plan_backfill(driver, SPARKS_HOUR, SPARKS_HOUR, "tests").todo
    assert [*hours] == [SPARKS_HOUR]
    worker = spark._cleaning(settings_of(driver), [*map(str, hours)])
    for _ in range(2):  # the second time, the hour is staged
        assert [*worker(iter([pa.record_batch({"id": [0]})]))]


def show_dashboard(lake: Lake, directory: Path) -> None:
    """Read the facts, ask Athena a question of a page, and read the lines of a visit."""
    copy = LocalEngine(lake, directory)
    assert copy.refresh()
    copy.close()
    assert read_lake_state(lake, LATER).incidents.open
    assert lake_metrics(lake, LATER).values
    assert ask_athena(lake, build_question(("visits",), (), Period(SALES_DAY, SALES_DAY)))
    (visit,) = athena.query(
        lake, "select substr(session_id, 1, 16), started_at from sessions limit 1"
    ).rows
    assert read_log_lines(lake, [LoggedVisit(*visit, seconds=0)]).lines


def maintain(lake: Lake) -> None:
    """Publish Spark's hour; do what the daily DAG does, until raw lines and keys are destroyed."""
    [*rebuild(lake, [SPARKS_HOUR], "tests", Steps.SESSIONS)]
    maintenance.compact_days(lake, LATER)
    maintenance.expire_snapshots(lake, LATER)
    announced, deleted = (
        maintenance.sweep_files(lake, now) for now in (LATER, LATER + timedelta(days=4))
    )
    assert announced.keys
    assert deleted.raw_files
