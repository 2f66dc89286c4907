"""The DAG of plans of locations with a real local AWS and a real Airflow, from tables to facts."""

from __future__ import annotations

import logging
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest
from tests.support.dag_runs import read_dag
from tests.support.task_calls import Call, build_run, call_task
from tests.support.town_lake import CANDIDATES, SALES, store_towns, stored_plan

pytestmark = [pytest.mark.airflow, pytest.mark.usefixtures("few_views")]

LOCATIONS = "clickstream_locations"
MONDAY = datetime(2026, 11, 23, 4, 30, tzinfo=UTC)
DAY = date(2026, 11, 23)


def open_lake() -> Any:
    from clickstream_airflow.lake import open_lake

    return open_lake()


def test_a_plan_is_stored_replaced_and_in_the_facts(bag, home: Path, caplog) -> None:
    from clickstream.lake import fact_files

    caplog.set_level(logging.INFO, logger="clickstream")
    settings = home / "clickstream.toml"
    task = bag.dags[LOCATIONS].get_task("plan_locations")

    def plan() -> Call:
        caplog.clear()
        return call_task(task, build_run(logical_date=MONDAY))

    assert plan().state == "skipped"
    assert "it needs orders, so add a source to [[sales]]" in caplog.text
    settings.write_text(settings.read_text(encoding="utf-8") + SALES, encoding="utf-8")
    assert plan().state == "skipped"
    assert "write it with `clickstream locations candidates`" in caplog.text

    store_towns(open_lake(), date(2026, 11, 22))
    (home / "candidates.csv").write_text(CANDIDATES, encoding="utf-8")
    planned = plan()
    assert planned.state == "success", planned.last_line
    assert "Left out: Line 4, Sea: it has no coordinates" in caplog.text
    assert f"Plan of {DAY}: Busy is the first of 2" in caplog.text
    first = stored_plan(open_lake())
    assert [(one["event_date"], one["name"]) for one in first] == [(DAY, "Busy"), (DAY, "Quiet")]

    assert read_dag(LOCATIONS).test(logical_date=MONDAY).state == "success"
    again = stored_plan(open_lake())
    differ = {"run_id", "planned_at"}
    assert [{k: v for k, v in one.items() if k not in differ} for one in again] == [
        {k: v for k, v in one.items() if k not in differ} for one in first
    ]
    manifest = fact_files.read_manifest(open_lake()).value
    assert manifest.files["location_facts"][DAY].rows == 2

    (home / "candidates.csv").write_text("name,place\nSea,\n", encoding="utf-8")
    failed = plan()
    assert failed.state == "failed"
    assert "There is no candidate to plan with. Line 2, Sea" in failed.last_line
    assert stored_plan(open_lake()) == again
