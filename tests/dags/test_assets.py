"""The assets of the tables: a published hour starts other DAGs that use them as a schedule."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from tests.support.access_log import Client, append
from tests.support.lake_settings import ROOT

from clickstream.hours import Hour
from clickstream.tables import OF_DATES, TABLES

pytestmark = pytest.mark.airflow

ANA = Client("203.0.113.7")

OF_HOURS = [table.name for table in TABLES if table not in OF_DATES]
"""The tables that a published hour updates."""


@pytest.fixture
def dag(airflow_home, home, monkeypatch) -> Any:
    from airflow.dag_processing.dagbag import DagBag
    from tests.support.airflow_worker import sync_dags, unpause

    from clickstream_airflow.defaults import DEFAULT_ARGS

    monkeypatch.setitem(DEFAULT_ARGS, "retries", 0)
    sync_dags("dags")
    sync_dags("probe")
    unpause("reads_fresh_data")
    return DagBag(dag_folder=ROOT / "dags").dags["clickstream_hourly"]


def events(run) -> dict[str, list[Any]]:
    """Return the extras of the events that a run has emitted, by asset name."""
    from airflow.models.asset import AssetEvent, AssetModel
    from airflow.utils.session import create_session
    from sqlalchemy import select

    found: dict[str, list[Any]] = {}
    with create_session() as session:
        of_run = select(AssetModel.name, AssetEvent.extra).join(
            AssetEvent, AssetEvent.asset_id == AssetModel.id
        )
        for name, extra in session.execute(of_run.where(AssetEvent.source_run_id == run.run_id)):
            found.setdefault(name, []).append(extra)
    return found


def consumer_runs() -> list[Any]:
    """Return the runs of the other DAG that a real scheduler creates now."""
    from airflow.models.dagrun import DagRun
    from airflow.utils.session import create_session
    from airflow.utils.sqlalchemy import prohibit_commit
    from sqlalchemy import select
    from tests.support.airflow_worker import scheduler

    runs = select(DagRun).where(DagRun.dag_id == "reads_fresh_data")
    with scheduler() as runner, create_session() as session:
        before = {run.id for run in session.scalars(runs)}
        with prohibit_commit(session) as guard:
            runner._create_dagruns_for_dags(guard, session)
        created = [run for run in session.scalars(runs) if run.id not in before]
        for run in created:
            run.state = "running"
        return created


def test_a_published_hour_updates_the_assets_and_starts_other_dags(dag, home, tmp_path) -> None:
    from airflow.utils.session import create_session
    from tests.support.airflow_worker import attempt

    hour = "2026-11-20T05"
    append(home / "web-1" / "access.log", [ANA.get(f"{hour}:50:00", "/")])
    run = dag.test(logical_date=Hour.parse(hour).end)
    assert run.state == "success"
    assert events(run) == {f"clickstream.{name}": [{"hours": [hour]}] for name in OF_HOURS}
    (consumer,) = consumer_runs()
    assert attempt(consumer, "hours", tmp_path, bundle="probe").state == "success"
    with create_session() as session:
        (ti,) = session.merge(consumer).get_task_instances(session=session)
        assert ti.xcom_pull(task_ids="hours", session=session) == [hour]


def test_a_run_that_publishes_nothing_updates_no_asset(dag, home, monkeypatch) -> None:
    monkeypatch.setenv("CLICKSTREAM_CHANNELS__RULES", "nowhere.toml")
    hour = "2026-11-20T06"
    append(home / "web-1" / "access.log", [ANA.get(f"{hour}:50:00", "/")])
    run = dag.test(logical_date=Hour.parse(hour).end)
    assert run.state == "failed"
    assert events(run) == {}
    assert consumer_runs() == []


def test_the_example_of_the_page_is_the_dag_of_these_tests() -> None:
    page = (ROOT / "docs" / "airflow.md").read_text(encoding="utf-8")
    example = page.partition("```python\n")[2].partition("```")[0]
    probe = (Path(__file__).parent / "probe" / "reads_fresh_data.py").read_text(encoding="utf-8")
    assert example == probe.partition("\n\n")[2]


def test_the_names_of_the_assets_are_those_of_the_tables() -> None:
    from clickstream_airflow.defaults import ASSETS

    assert list(ASSETS) == OF_HOURS


def test_only_the_task_that_publishes_updates_assets(dag) -> None:
    tasks = [task.task_id for task in dag.tasks if task.outlets]
    assert tasks == ["build_hour.register_tables"]
