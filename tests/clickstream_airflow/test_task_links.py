"""The link on task instances to the dashboard, and the sections of the runbook about tasks."""

from __future__ import annotations

from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from tests.support.lake_settings import ROOT

from clickstream.core.hours import Hour, hour_range

pytestmark = pytest.mark.airflow

HOUR = Hour.parse("2026-11-20T05")
IN_AIRFLOW = "/plugin/cafe-dashboard/clickstream-dashboard/hours"


@pytest.fixture(scope="module")
def tasks(airflow_home) -> list[tuple[str, str]]:
    """Return every task of every DAG, as DAG id and task id."""
    from airflow.dag_processing.dagbag import DagBag

    dags = DagBag(dag_folder=ROOT / "dags").dags.values()
    return [(dag.dag_id, task.task_id) for dag in dags for task in dag.tasks]


@pytest.fixture(scope="module")
def make_run(airflow_home) -> Any:
    """Return a function that creates a run of a DAG, due one second after the previous one."""
    from tests.support.airflow_worker import create_run, sync_dags

    sync_dags()
    due = iter(HOUR.end + timedelta(seconds=second) for second in range(1, 60))
    return lambda dag_id, conf=None: create_run(dag_id, next(due), conf)


def key(dag_id: str, task_id: str, run_id: str = "any", map_index: int = -1) -> Any:
    return SimpleNamespace(dag_id=dag_id, task_id=task_id, run_id=run_id, map_index=map_index)


def link(ti_key: Any) -> str:
    from clickstream_airflow.task_links import DashboardLink

    return DashboardLink().get_link(None, ti_key=ti_key)


def link_of(run: Any, task_id: str, map_index: int = -1) -> str:
    return link(key(run.dag_id, task_id, run.run_id, map_index))


def test_every_task_has_a_section_in_the_runbook(tasks) -> None:
    runbook = (ROOT / "docs" / "runbook.md").read_text(encoding="utf-8").splitlines()
    names = {task_id.rpartition(".")[2] for _, task_id in tasks}
    assert len(names) > 15
    assert [name for name in sorted(names) if f"### {name}" not in runbook] == []


def test_each_task_leads_to_its_section_of_the_runbook_if_the_docs_have_an_address(
    tasks, monkeypatch
) -> None:
    from clickstream_airflow.task_links import RunbookLink

    def runbook(dag_id: str, task_id: str) -> str:
        return RunbookLink().get_link(None, ti_key=key(dag_id, task_id))

    assert {runbook(*task) for task in tasks} == {""}
    monkeypatch.setenv("CLICKSTREAM_DASHBOARD__DOCS_URL", "https://git.example/cafe/docs/")
    address = "https://git.example/cafe/docs/runbook.md#"
    assert all(runbook(*task).startswith(address) for task in tasks)
    assert runbook("clickstream_daily", "sweep_files") == f"{address}sweep_files"
    assert runbook("clickstream_hourly", "build_hour.clean_hits") == f"{address}clean_hits"
    assert runbook("reads_fresh_data", "hours") == ""
    monkeypatch.setenv("CLICKSTREAM_SITE__TIME_ZONE", "Nowhere")
    assert runbook("clickstream_daily", "sweep_files") == ""


def test_tasks_that_build_hours_have_a_link(tasks, monkeypatch) -> None:
    from clickstream_airflow import task_links

    monkeypatch.setattr(task_links, "hours_of_instance", lambda _: (HOUR, HOUR))
    linked = {task for task in tasks if link(key(*task))}
    hourly = {task for task in tasks if task[0] == "clickstream_hourly"}
    assert linked == hourly | {("clickstream_reprocess", "rebuild_day")}
    assert link(key("reads_fresh_data", "hours")) == ""


def test_a_task_leads_to_its_hour_on_the_dashboard(make_run) -> None:
    run = make_run("clickstream_hourly")
    assert link_of(run, "list_hosts") == f"{IN_AIRFLOW}/2026-11-20T05"


def test_a_range_leads_to_its_days_on_the_dashboard(make_run) -> None:
    asked = {"from": "2026-11-01", "to": "2026-11-20T06", "reason": "a test"}
    run = make_run("clickstream_reprocess", asked)
    assert link_of(run, "rebuild_day") == f"{IN_AIRFLOW}/2026-11-01T00/2026-11-20T06"


def test_a_task_that_builds_no_hour_has_no_link(make_run) -> None:
    run = make_run("clickstream_hourly", {"hour": "2026-13-01T05"})
    assert link_of(run, "list_hosts") == ""
    assert link_of(run, "pull_logs", 17) == ""  # this instance does not exist


def test_airflow_s_api_shows_the_link(make_run) -> None:
    from airflow.api_fastapi.app import create_app, get_auth_manager, purge_cached_app
    from airflow.api_fastapi.auth.managers.simple.user import SimpleAuthManagerUser
    from fastapi.testclient import TestClient

    run = make_run("clickstream_hourly")
    purge_cached_app()
    client = TestClient(create_app(apps="core"))
    token = get_auth_manager().generate_jwt(SimpleAuthManagerUser(username="ana", role="viewer"))
    client.cookies.set("_token", token)
    instance = f"dags/{run.dag_id}/dagRuns/{run.run_id}/taskInstances/list_hosts"
    links = client.get(f"/api/v2/{instance}/links").json()["extra_links"]
    assert {name: one for name, one in links.items() if one} == {
        "Hour on the dashboard": f"{IN_AIRFLOW}/2026-11-20T05"
    }
    purge_cached_app()


def test_where_no_address_names_a_framed_page_the_dashboard_is_shown_alone(
    make_run, monkeypatch
) -> None:
    from clickstream_airflow import addresses

    monkeypatch.setattr(addresses, "names_framed_pages", lambda: False)
    run = make_run("clickstream_hourly")
    assert link_of(run, "list_hosts") == "/clickstream-dashboard/hours/2026-11-20T05"


@pytest.mark.parametrize(
    ("url", "address"),
    [
        ("", ""),
        ("https://cafe.example", "https://cafe.example/trust"),
        ("https://cafe.example/numbers/", "https://cafe.example/numbers/trust"),
        ("no address", ""),
    ],
)
def test_before_airflow_3_1_the_link_leads_to_the_separate_dashboard(
    monkeypatch, url: str, address: str
) -> None:
    from clickstream_airflow import task_links

    monkeypatch.setattr(task_links, "has_external_views", lambda: False)
    monkeypatch.setenv("CLICKSTREAM_DASHBOARD__URL", url)
    assert link(key("clickstream_hourly", "pull_logs")) == address
    assert link(key("clickstream_daily", "sweep_files")) == ""


def test_the_link_follows_airflow_to_the_path_at_which_it_is_served(make_run, monkeypatch) -> None:
    monkeypatch.setenv("AIRFLOW__API__BASE_URL", "https://example.org/airflow/")
    address = link_of(make_run("clickstream_hourly"), "list_hosts")
    assert address.startswith("/airflow/plugin/cafe-dashboard/airflow/clickstream-dashboard/hours/")


def hours_of(run: Any, task_id: str, name: str | None) -> list[str]:
    """Return the hours of a task instance; `name` is its map index as the UI shows it."""
    from clickstream_airflow.task_links import span_of

    instance = SimpleNamespace(dag_id=run.dag_id, task_id=task_id, rendered_map_index=name)
    first, last = span_of(instance, run)  # type: ignore[arg-type]
    return [str(hour) for hour in hour_range(first, last)]


@pytest.mark.parametrize(
    ("task_id", "name", "hour"),
    [
        ("build_hour.clean_hits", "2026-11-19T22", "2026-11-19T22"),
        ("build_hour.clean_hits", "0", "2026-11-20T05"),
        ("build_hour.clean_hits", None, "2026-11-20T05"),
        ("pull_logs", "T-web-1", "2026-11-20T05"),
    ],
)
def test_the_task_of_a_reopened_hour_has_that_hour(make_run, task_id, name, hour) -> None:
    assert hours_of(make_run("clickstream_hourly"), task_id, name) == [hour]


def test_a_day_s_task_has_the_hours_of_the_day_that_the_range_has(make_run) -> None:
    asked = {"from": "2026-11-19T22", "to": "2026-11-20T02", "reason": "a test"}
    run = make_run("clickstream_reprocess", asked)
    assert hours_of(run, "rebuild_day", "2026-11-19") == ["2026-11-19T22", "2026-11-19T23"]
    assert hours_of(run, "rebuild_day", "2026-11-20")[-1] == "2026-11-20T02"
    assert len(hours_of(run, "rebuild_day", "0")) == 5


def test_new_visitor_ids_build_hours_outside_the_range(make_run) -> None:
    asked = {"from": "2026-11-20T05", "to": "2026-11-20T05", "new_visitor_ids": True}
    run = make_run("clickstream_reprocess", asked | {"reason": "a test"})
    assert len(hours_of(run, "rebuild_day", "2026-11-02")) == 24
