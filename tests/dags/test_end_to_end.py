"""The hourly DAG with a real local AWS and a real Airflow, from log line to view."""

from __future__ import annotations

import json
import logging
from datetime import UTC, date, datetime
from typing import Any

import pytest
from tests.support.access_log import BOT, Client, append
from tests.support.dag_runs import states
from tests.support.lake_settings import ROOT
from tests.support.lakes import build_all

from clickstream.errors import AwsRefused, UnbalancedHour
from clickstream.hours import Hour
from clickstream.lake import athena, fact_files
from clickstream.pipeline.hour.build import check_hour
from clickstream.pipeline.hour.states import StitchedHour
from clickstream.pipeline.proof.verify import verify
from clickstream.pipeline.pull.host import pull_source
from clickstream.tables import BALANCE

pytestmark = pytest.mark.airflow

DAY = date(2026, 11, 20)
ANA, BEN, CHO = Client("203.0.113.7"), Client("198.51.100.9"), Client("203.0.113.99")
ROBOT = Client("192.0.2.1", BOT)


@pytest.fixture
def dag(airflow_home, home, monkeypatch) -> Any:
    """Return the hourly DAG, without the pause before a retry."""
    from airflow.dag_processing.dagbag import DagBag

    from clickstream_airflow.defaults import DEFAULT_ARGS

    monkeypatch.setitem(DEFAULT_ARGS, "retries", 0)
    return DagBag(dag_folder=ROOT / "dags").dags["clickstream_hourly"]


def run_hour(dag, hour: str, **options) -> Any:
    """Make a test run that builds `hour`; Airflow gives it the interval before its logical date."""
    return dag.test(logical_date=Hour.parse(hour).end, **options)


def open_lake() -> Any:
    from clickstream_airflow.lake import open_lake

    return open_lake()


def ledger(lake) -> list[dict[str, Any]]:
    return lake_query(lake, "select * from hour_ledger order by hour_at")


def lake_query(lake, sql: str) -> list[dict[str, Any]]:
    return athena.query(lake, sql).records()


def xcom_values(run) -> list[Any]:
    from airflow.models.xcom import XComModel
    from airflow.utils.session import create_session
    from sqlalchemy import select

    with create_session() as session:
        return session.scalars(select(XComModel.value).filter_by(run_id=run.run_id)).all()


def hour_tasks(*hours: str) -> set[tuple[str, str]]:
    steps = ("clean_hits", "build_sessions", "check_hour", "register_tables")
    return {(f"build_hour.{step}", hour) for step in steps for hour in hours}


ONCE = {
    (task, "")
    for task in ("wait_until_settled", "list_hosts", "hours_to_build", "every_source_pulled")
} | {
    *((task, "") for task in ("refresh_views", "find_suspects", "refresh_facts")),
    ("every_hour_published", ""),
    ("report_run", ""),
    ("pull_logs", "web-1"),
    ("pull_logs", "web-2"),
}


@pytest.mark.lake
def test_three_hours_from_log_line_to_view(dag, home, caplog) -> None:
    """Ana's session crosses two hours; late lines join it to her next session."""
    caplog.set_level(logging.INFO, logger="clickstream")
    append(
        home / "web-1" / "access.log",
        [
            ANA.get("2026-11-20T05:50:00", "/", referrer="https://www.google.com/search"),
            ANA.get("2026-11-20T05:50:01", "/style.css"),
            ANA.get("2026-11-20T05:55:00", "/menu", referrer="https://cafe.example/"),
        ],
    )
    append(
        home / "web-2" / "access.log",
        [
            ROBOT.get("2026-11-20T05:10:00", "/robots.txt"),
            ROBOT.get("2026-11-20T05:10:01", "/menu"),
            "no line of an access log",
            BEN.get("2026-11-20T05:20:00", "/gone", status=404),
        ],
    )
    first = run_hour(dag, "2026-11-20T05")
    assert states(first) == dict.fromkeys(ONCE | hour_tasks("2026-11-20T05"), "success")
    assert "Hour 2026-11-20T05 published" in caplog.text

    append(
        home / "web-1" / "access.log",
        [
            ANA.get("2026-11-20T06:10:00", "/order"),
            BEN.get(
                "2026-11-20T06:30:00", "/menu?utm_source=news&utm_medium=email&utm_campaign=winter"
            ),
        ],
    )
    run_hour(dag, "2026-11-20T06")
    append(
        home / "web-1" / "access.log",
        [
            CHO.get("2026-11-20T05:59:30", "/menu"),
            ANA.get("2026-11-20T06:35:00", "/cakes"),
            ANA.get("2026-11-20T07:00:00", "/"),
        ],
    )
    last = run_hour(dag, "2026-11-20T07")
    reopened = hour_tasks("2026-11-20T05", "2026-11-20T06", "2026-11-20T07")
    assert states(last) == dict.fromkeys(ONCE | reopened, "success")

    lake = open_lake()
    check_ledger(lake)
    check_views(lake)
    assert verify(lake).is_proven
    for value in [*xcom_values(first), *xcom_values(last)]:
        assert len(json.dumps(value)) < 2_000


def check_ledger(lake) -> None:
    rows = ledger(lake)
    assert [row["lines"] for row in rows] == [8, 3, 1]
    assert [row["late_lines"] for row in rows] == [1, 1, 0]
    for row in rows:
        assert row["lines"] == sum(row[kind] for kind in BALANCE) + row["rejected"]
    total = {kind: sum(row[kind] for row in rows) for kind in (*BALANCE, "rejected")}
    assert {kind: n for kind, n in total.items() if n} == {
        "page_requests": 7,
        "assets": 1,
        "bots": 2,
        "client_errors": 1,
        "rejected": 1,
    }


def check_views(lake) -> None:
    sessions = lake_query(
        lake,
        "select landing_page, exit_page, page_views, requests, duration_seconds, is_bounce"
        " from sessions order by started_at",
    )
    assert [tuple(row.values()) for row in sessions] == [
        ("/", "/", 5, 6, 4200, False),
        ("/menu", "/menu", 1, 1, 0, True),
        ("/menu", "/menu", 1, 1, 0, True),
    ]
    (traffic,) = lake_query(lake, "select * from daily_traffic")
    assert traffic.pop("pages_per_session") == pytest.approx(7 / 3)
    assert traffic.pop("bounce_rate") == pytest.approx(2 / 3)
    assert traffic.pop("engagement_rate") == pytest.approx(1 / 3)
    assert traffic == {
        "site": "cafe",
        "visitors": 3,
        "sessions": 3,
        "page_views": 7,
        "bot_requests": 2,
        "converted_sessions": 0,
        "mean_session_seconds": 1400.0,
        "median_session_seconds": 0.0,
        "event_date": DAY,
    }
    pages = lake_query(lake, "select page, page_views, visitors, entries, exits from top_pages")
    assert sorted(tuple(row.values()) for row in pages) == [
        ("/", 2, 1, 1, 1),
        ("/cakes", 1, 1, 0, 0),
        ("/menu", 3, 3, 2, 2),
        ("/order", 1, 1, 0, 0),
    ]
    sources = lake_query(
        lake, "select channel, source, medium, campaign, page_views from traffic_sources"
    )
    assert sorted(tuple(row.values()) for row in sources) == [
        ("Direct", "none", "none", "none", 1),
        ("Email", "news", "email", "winter", 1),
        ("Organic Search", "google", "organic", "none", 5),
    ]


def test_an_hour_built_again_by_hand_has_the_same_rows(dag, home) -> None:
    append(
        home / "web-1" / "access.log",
        [ANA.get("2026-11-20T05:50:00", "/"), ANA.get("2026-11-20T06:10:00", "/menu")],
    )
    lake = open_lake()
    for source in lake.settings.sources:
        pull_source(lake, source)
    build_all(lake, Hour.parse("2026-11-20T05"), Hour.parse("2026-11-20T06"), "by hand")
    before = [without_run(row) for row in ledger(lake)]
    asked = dag.test(
        logical_date=datetime(2026, 11, 21, 9, 30, tzinfo=UTC), run_conf={"hour": "2026-11-20T05"}
    )
    assert states(asked) == dict.fromkeys(ONCE | hour_tasks("2026-11-20T05"), "success")
    rows = ledger(lake)
    assert [without_run(row) for row in rows] == before
    assert [row["published_by"] == asked.run_id for row in rows] == [True, False]


def without_run(row: dict[str, Any]) -> dict[str, Any]:
    return {k: v for k, v in row.items() if k not in ("published_at", "published_by")}


@pytest.mark.lake
def test_a_server_that_is_down_fails_the_run_and_delays_no_other_host(dag, home, caplog) -> None:
    append(home / "web-1" / "access.log", [ANA.get("2026-11-20T05:50:00", "/")])
    (home / "web-2").rmdir()
    run = run_hour(dag, "2026-11-20T05")
    seen = states(run)
    assert run.state == "failed"
    assert seen["every_source_pulled", ""] == "upstream_failed"
    assert [task for task, state in seen.items() if state == "failed"] == [("pull_logs", "web-2")]
    (last_line,) = [record.message for record in caplog.records if record.levelname == "ERROR"]
    assert "web-2 does not exist: mount its disk" in last_line
    assert last_line.endswith("Correct this, then clear the task; nothing is lost. (CS-206)")
    (row,) = ledger(open_lake())
    assert (row["page_requests"], row["missing_sources"]) == (1, "web-2")

    (home / "web-2").mkdir()
    back = run_hour(dag, "2026-11-20T06")
    assert back.state == "success"
    assert "Hour 2026-11-20T05 no longer lacks web-2; it is complete." in caplog.text
    assert [row["missing_sources"] for row in ledger(open_lake())] == [None, None]


@pytest.mark.lake
def test_hours_are_built_from_raw_if_no_host_can_be_listed(dag, home, monkeypatch) -> None:
    append(home / "web-1" / "access.log", [ANA.get("2026-11-20T05:50:00", "/")])
    lake = open_lake()
    pull_source(lake, lake.settings.sources[0])

    def refuse(_lake: Any) -> None:
        raise AwsRefused("AWS refused: DescribeInstances, UnauthorizedOperation.")

    monkeypatch.setattr("clickstream.pipeline.hosts.listing.list_hosts", refuse)
    run = run_hour(dag, "2026-11-20T05")
    seen = states(run)
    assert run.state == "failed"
    assert seen["list_hosts", ""] == "failed"
    assert seen["every_source_pulled", ""] == "upstream_failed"
    assert seen["build_hour.register_tables", "2026-11-20T05"] == "success"
    (row,) = ledger(lake)
    assert (row["page_requests"], row["missing_sources"]) == (1, "web-2")


@pytest.mark.lake
def test_an_hour_that_fails_leaves_the_run_red_and_the_other_hours_facts_are_refreshed(
    dag, home, monkeypatch
) -> None:
    append(
        home / "web-1" / "access.log",
        [ANA.get("2026-11-20T05:50:00", "/"), ANA.get("2026-11-20T06:50:00", "/menu")],
    )
    run_hour(dag, "2026-11-20T05")
    append(home / "web-1" / "access.log", [BEN.get("2026-11-20T05:30:00", "/")])
    append(home / "web-2" / "access.log", [CHO.get("2026-11-20T06:30:00", "/")])
    broken = check_hour

    def check(lake: Any, built: StitchedHour) -> StitchedHour:
        if str(built.hour).endswith("T06"):
            raise UnbalancedHour("The line balance does not close, for this test.")
        return broken(lake, built)

    monkeypatch.setattr("clickstream.pipeline.hour.build.check_hour", check)
    run = run_hour(dag, "2026-11-20T06")
    seen = states(run)
    assert run.state == "failed"
    assert seen["build_hour.check_hour", "2026-11-20T06"] == "failed"
    assert seen["refresh_facts", ""] == "success"
    assert seen["every_hour_published", ""] == "upstream_failed"
    stored = fact_files.read_manifest(open_lake())
    assert stored is not None
    file = stored.manifest.files["hour_facts"][DAY]
    facts = fact_files.read_file(open_lake(), file)
    assert facts is not None
    assert facts["lines"].to_pylist() == [2]


def test_a_refused_file_fails_at_once_and_delays_no_other_file(dag, home, monkeypatch) -> None:
    monkeypatch.setenv("CLICKSTREAM_SOURCES", f'[{{name = "web-1", path = "{home / "web-1"}"}}]')
    for task in dag.tasks:
        task.retries = 2  # as it is in earnest: what a retry cannot repair is not tried again
    append(home / "web-1" / "access.log", [ANA.get("2026-11-20T05:50:00", "/")])
    append(home / "web-1" / "other-access.log", ["what is this"])
    run = run_hour(dag, "2026-11-20T05")
    failed = [task for task in run.get_task_instances() if task.state == "failed"]
    assert [(task.task_id, task.try_number) for task in failed] == [("pull_logs", 1)]
    assert [row["page_requests"] for row in ledger(open_lake())] == [1]


def test_without_the_connection_the_environment_leads_to_aws(
    airflow_home, home, local_aws, monkeypatch
) -> None:
    monkeypatch.delenv("AIRFLOW_CONN_AWS_DEFAULT")
    for name, value in local_aws.environment().items():
        monkeypatch.setenv(name, value)
    lake = open_lake()
    assert lake.settings.aws.endpoint_url == local_aws.endpoint
    assert ledger(lake) == []
