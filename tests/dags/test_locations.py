"""The DAG of plans of locations with a real local AWS and a real Airflow, from tables to facts."""

from __future__ import annotations

import logging
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest
from tests.support.dag_runs import states
from tests.support.lake_settings import ROOT
from tests.support.town_lake import CANDIDATES, SALES, store_towns, stored_plan

pytestmark = pytest.mark.airflow

MONDAY = datetime(2026, 11, 23, 4, 30, tzinfo=UTC)
DAY = date(2026, 11, 23)


@pytest.fixture
def dag(airflow_home, monkeypatch) -> Any:
    from airflow.dag_processing.dagbag import DagBag

    from clickstream_airflow.defaults import DEFAULT_ARGS

    monkeypatch.setitem(DEFAULT_ARGS, "retries", 0)
    path = ROOT / "dags" / "clickstream_locations.py"
    return DagBag(dag_folder=path).dags["clickstream_locations"]


def open_lake() -> Any:
    from clickstream_airflow.lake import open_lake

    return open_lake()


def test_a_plan_is_stored_replaced_and_in_the_facts(dag, home: Path, caplog) -> None:
    from clickstream.lake import fact_files

    caplog.set_level(logging.INFO)
    settings = home / "clickstream.toml"
    skipped = {"plan_locations": "skipped", "refresh_facts": "skipped", "report_run": "success"}

    def run() -> dict[str, str]:
        caplog.clear()
        ran = dag.test(logical_date=MONDAY)
        return {task: state for (task, _), state in states(ran).items() if task != "refresh_views"}

    assert run() == skipped
    assert "it needs orders, so add a source to [[sales]]" in caplog.text
    settings.write_text(settings.read_text(encoding="utf-8") + SALES, encoding="utf-8")
    assert run() == skipped
    assert "write it with `clickstream locations candidates`" in caplog.text

    store_towns(open_lake(), date(2026, 11, 22))
    (home / "candidates.csv").write_text(CANDIDATES, encoding="utf-8")
    assert {*run().values()} == {"success"}
    assert "Left out: Line 4, Sea: it has no coordinates" in caplog.text
    assert f"Plan of {DAY}: Busy is the first of 2" in caplog.text
    first = stored_plan(open_lake())
    assert [(one["event_date"], one["name"]) for one in first] == [(DAY, "Busy"), (DAY, "Quiet")]

    assert {*run().values()} == {"success"}
    again = stored_plan(open_lake())
    differ = {"run_id", "planned_at"}
    assert [{k: v for k, v in one.items() if k not in differ} for one in again] == [
        {k: v for k, v in one.items() if k not in differ} for one in first
    ]
    manifest = fact_files.read_manifest(open_lake()).manifest
    assert manifest.files["location_facts"][DAY].rows == 2

    (home / "candidates.csv").write_text("name,place\nSea,\n", encoding="utf-8")
    assert run()["plan_locations"] == "failed"
    assert "There is no candidate to plan with. Line 2, Sea" in caplog.text
    assert stored_plan(open_lake()) == again
