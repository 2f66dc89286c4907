"""The assets of the tables: a DAG of other people is scheduled when an hour was published."""

from __future__ import annotations

from typing import Any

import pytest
from tests.support.access_log import Client, append
from tests.support.lake_settings import ROOT

from clickstream.hours import Hour
from clickstream.tables import TABLES

pytestmark = pytest.mark.airflow

ANA = Client("203.0.113.7")


@pytest.fixture
def dag(airflow_home, home, monkeypatch) -> Any:
    from airflow.dag_processing.dagbag import DagBag
    from tests.support.airflow_worker import sync_dags, unpause

    import clickstream_dags

    monkeypatch.setitem(clickstream_dags.DEFAULT_ARGS, "retries", 0)
    sync_dags("dags")
    sync_dags("probe")
    unpause("reads_fresh_data")
    return DagBag(dag_folder=ROOT / "dags").dags["clickstream_hourly"]


def events(run) -> dict[str, list[Any]]:
    """The extras of the events that a run has emitted, by the asset's name."""
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


def queued_consumers() -> set[str]:
    from airflow.models.asset import AssetDagRunQueue
    from airflow.utils.session import create_session
    from sqlalchemy import delete, select

    with create_session() as session:
        queued = set(session.scalars(select(AssetDagRunQueue.target_dag_id)))
        session.execute(delete(AssetDagRunQueue))
        return queued


def test_a_published_hour_updates_the_asset_of_each_table(dag, home) -> None:
    hour = "2026-11-20T05"
    append(home / "web-1" / "access.log", [ANA.get(f"{hour}:50:00", "/")])
    run = dag.test(logical_date=Hour.parse(hour).end)
    assert run.state == "success"
    assert events(run) == {f"clickstream.{table.name}": [{"hours": [hour]}] for table in TABLES}
    assert queued_consumers() == {"reads_fresh_data"}


def test_a_run_that_publishes_nothing_updates_no_asset(dag, home, monkeypatch) -> None:
    monkeypatch.setenv("CLICKSTREAM_CHANNELS__RULES", "nowhere.toml")
    hour = "2026-11-20T06"
    append(home / "web-1" / "access.log", [ANA.get(f"{hour}:50:00", "/")])
    run = dag.test(logical_date=Hour.parse(hour).end)
    assert run.state == "failed"
    assert events(run) == {}
    assert queued_consumers() == set()


def test_the_names_of_the_assets_are_those_of_the_tables() -> None:
    import clickstream_dags

    assert list(clickstream_dags.ASSETS) == [table.name for table in TABLES]


def test_only_the_task_that_publishes_updates_assets(dag) -> None:
    tasks = [task.task_id for task in dag.tasks if task.outlets]
    assert tasks == ["build_hour.register_tables"]
