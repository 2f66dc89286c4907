"""The hourly DAG with a real local AWS and a real Airflow, from log line to view and to assets."""

from __future__ import annotations

import json
import logging
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from tests.support.access_log import BOT, Client, append
from tests.support.dag_runs import read_dag, states
from tests.support.lake_settings import ROOT
from tests.support.lakes import build_all
from tests.support.task_calls import build_run, call_task

from clickstream.core.hours import Hour
from clickstream.lake import Lake, athena
from clickstream.pipeline.proof.verify import verify
from clickstream.pipeline.pull.host import pull_source
from clickstream.tables import BALANCE, OF_DATES, TABLES

pytestmark = pytest.mark.airflow

HOURLY = "clickstream_hourly"
DAY = date(2026, 11, 20)
H05, H06, H07 = (Hour.parse(f"{DAY}T{number:02}") for number in (5, 6, 7))
ANA, BEN, CHO = Client("203.0.113.7"), Client("198.51.100.9"), Client("203.0.113.99")
ROBOT = Client("192.0.2.1", BOT)
OF_HOURS = [table.name for table in TABLES if table not in OF_DATES]
"""The tables that a published hour updates."""


def open_lake() -> Lake:
    from clickstream_airflow.lake import open_lake

    return open_lake()


def pull_and_build(lake: Lake, hour: Hour) -> None:
    for source in lake.settings.sources:
        pull_source(lake, source)
    build_all(lake, hour, hour, "by hand")


def lake_query(lake: Lake, sql: str) -> list[dict[str, Any]]:
    return athena.query(lake, sql).records()


def ledger(lake: Lake) -> list[dict[str, Any]]:
    return lake_query(lake, "select * from hour_ledger order by hour_at")


def xcom_values(run: Any) -> list[Any]:
    from airflow.models.xcom import XComModel
    from airflow.utils.session import create_session
    from sqlalchemy import select

    with create_session() as session:
        return session.scalars(select(XComModel.value).filter_by(run_id=run.run_id)).all()


def hours_of_events(run: Any) -> dict[str, list[str]]:
    """Return the hours that the events of a run name, by asset."""
    from airflow.models.asset import AssetEvent, AssetModel
    from airflow.utils.session import create_session
    from sqlalchemy import select

    found: dict[str, set[str]] = {}
    with create_session() as session:
        of_run = select(AssetModel.name, AssetEvent.extra).join(
            AssetEvent, AssetEvent.asset_id == AssetModel.id
        )
        for name, extra in session.execute(of_run.where(AssetEvent.source_run_id == run.run_id)):
            found.setdefault(name, set()).update(extra["hours"])
    return {name: sorted(hours) for name, hours in found.items()}


def consumer_runs() -> list[Any]:
    """Return the runs of the other DAG that a real scheduler creates now."""
    from airflow.models.dagrun import DagRun
    from airflow.utils.session import create_session
    from airflow.utils.sqlalchemy import prohibit_commit
    from sqlalchemy import select
    from tests.support.airflow_worker import scheduler

    with scheduler() as runner, create_session() as session:
        with prohibit_commit(session) as guard:
            runner._create_dagruns_for_dags(guard, session)
        created = session.scalars(select(DagRun).where(DagRun.dag_id == "reads_fresh_data")).all()
        for run in created:
            run.state = "running"
        return [*created]


def hour_tasks(*hours: Hour) -> set[tuple[str, str]]:
    steps = ("clean_hits", "build_sessions", "check_hour", "register_tables")
    return {(f"build_hour.{step}", str(hour)) for step in steps for hour in hours}


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
def test_a_run_publishes_its_hour_and_reopened_ones_and_starts_other_dags(
    airflow_home, home, tmp_path, caplog
) -> None:
    """Ana's session crosses two hours; late lines join it to her next session."""
    from airflow.utils.session import create_session
    from tests.support.airflow_worker import attempt, sync_dags, unpause

    sync_dags("probe")
    unpause("reads_fresh_data")
    lake = open_lake()
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
    pull_and_build(lake, H05)
    append(
        home / "web-1" / "access.log",
        [
            ANA.get("2026-11-20T06:10:00", "/order"),
            BEN.get(
                "2026-11-20T06:30:00", "/menu?utm_source=news&utm_medium=email&utm_campaign=winter"
            ),
        ],
    )
    pull_and_build(lake, H06)
    append(
        home / "web-1" / "access.log",
        [
            CHO.get("2026-11-20T05:59:30", "/menu"),
            ANA.get("2026-11-20T06:35:00", "/cakes"),
            ANA.get("2026-11-20T07:00:00", "/"),
        ],
    )
    caplog.set_level(logging.INFO, logger="clickstream")
    run = read_dag(HOURLY).test(logical_date=H07.end)
    assert states(run) == dict.fromkeys(ONCE | hour_tasks(H05, H06, H07), "success")
    assert "Hour 2026-11-20T07 published" in caplog.text
    check_ledger(lake)
    check_views(lake)
    assert verify(lake).is_proven
    assert all(len(json.dumps(value)) < 2_000 for value in xcom_values(run))

    hours = [str(hour) for hour in (H05, H06, H07)]
    assert hours_of_events(run) == {f"clickstream.{name}": hours for name in OF_HOURS}
    (consumer,) = consumer_runs()
    assert attempt(consumer, "hours", tmp_path, bundle="probe").state == "success"
    with create_session() as session:
        (ti,) = session.merge(consumer).get_task_instances(session=session)
        read = {*ti.xcom_pull(task_ids="hours", session=session)}
    assert read  # hours that are published later start another run
    assert read <= {*hours}


def check_ledger(lake: Lake) -> None:
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


def check_views(lake: Lake) -> None:
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


def test_the_example_of_the_page_is_the_dag_of_these_tests() -> None:
    page = (ROOT / "docs" / "airflow.md").read_text(encoding="utf-8")
    example = page.partition("```python\n")[2].partition("```")[0]
    probe = (Path(__file__).parent / "probe" / "reads_fresh_data.py").read_text(encoding="utf-8")
    assert example == probe.partition("\n\n")[2]


def test_only_the_task_that_publishes_updates_the_assets_which_are_those_of_the_tables(bag) -> None:
    from clickstream_airflow.defaults import ASSETS

    assert list(ASSETS) == OF_HOURS
    tasks = [task.task_id for task in bag.dags[HOURLY].tasks if task.outlets]
    assert tasks == ["build_hour.register_tables"]


def test_a_host_that_is_down_and_a_refused_file_fail_at_once_and_delay_no_other_file(
    bag, home, monkeypatch
) -> None:
    sources = ", ".join(
        f'{{name = "{name}", path = "{home / name}"}}' for name in ("web-1", "web-2")
    )
    monkeypatch.setenv("CLICKSTREAM_SOURCES", f"[{sources}]")
    append(home / "web-1" / "access.log", [ANA.get("2026-11-20T05:50:00", "/")])
    append(home / "web-1" / "other-access.log", ["what is this"])
    (home / "web-2").rmdir()
    pull_logs = bag.dags[HOURLY].get_task("pull_logs")
    refused, down = (
        call_task(pull_logs, build_run(), {"host": host}) for host in ("web-1", "web-2")
    )
    assert (refused.state, down.state) == ("failed", "failed")
    assert "other-access.log" in refused.last_line
    assert refused.last_line.endswith("(CS-207)")
    assert "web-2 does not exist: mount its disk" in down.last_line
    assert down.last_line.endswith("Correct this, then clear the task; nothing is lost. (CS-206)")
    due = call_task(bag.dags[HOURLY].get_task("hours_to_build"), build_run(run_after=H05.end))
    assert due.result == [str(H05)]
    lake = open_lake()
    build_all(lake, H05, H05, "tests")
    assert [(row["page_requests"], row["missing_sources"]) for row in ledger(lake)] == [
        (1, "web-2")
    ]


def test_without_the_connection_the_environment_leads_to_aws(
    airflow_home, home, local_aws, monkeypatch
) -> None:
    monkeypatch.delenv("AIRFLOW_CONN_AWS_DEFAULT")
    for name, value in local_aws.environment().items():
        monkeypatch.setenv(name, value)
    lake = open_lake()
    assert lake.settings.aws.endpoint_url == local_aws.endpoint
    assert ledger(lake) == []
