"""The links on task instances, and the sections of the runbook that they lead to."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from tests.support.lake_settings import ROOT

pytestmark = pytest.mark.airflow

RUN_ID = "scheduled__2026-11-20T13:00:00+00:00"


def key(dag_id: str, task_id: str, map_index: int = -1) -> Any:
    return SimpleNamespace(dag_id=dag_id, task_id=task_id, run_id=RUN_ID, map_index=map_index)


@pytest.fixture(scope="module")
def tasks(airflow_home) -> list[tuple[str, str]]:
    """Return every task of every DAG, as DAG id and task id."""
    from airflow.dag_processing.dagbag import DagBag

    dags = DagBag(dag_folder=ROOT / "dags").dags.values()
    return [(dag.dag_id, task.task_id) for dag in dags for task in dag.tasks]


def runbook(dag_id: str, task_id: str) -> str:
    from clickstream_airflow.task_links import RunbookLink

    return RunbookLink().get_link(None, ti_key=key(dag_id, task_id))


def ledger(dag_id: str, task_id: str, map_index: int = -1) -> str:
    from clickstream_airflow.task_links import LedgerLink

    return LedgerLink().get_link(None, ti_key=key(dag_id, task_id, map_index))


def dashboard(dag_id: str, task_id: str, map_index: int = -1) -> str:
    from clickstream_airflow.task_links import DashboardLink

    return DashboardLink().get_link(None, ti_key=key(dag_id, task_id, map_index))


def test_every_task_has_a_section_in_the_runbook(tasks) -> None:
    from clickstream_airflow.pages import docs_pages

    page = docs_pages.render((ROOT / "docs" / "runbook.md").read_text(encoding="utf-8"))
    linked = {runbook(*task) for task in tasks}
    assert len(linked) > 15
    for link in linked:
        address, _, section = link.partition("#")
        assert address == "/clickstream/docs/runbook.md"
        assert f'<h3 id="{section}">' in page.html, section


def test_tasks_that_build_hours_lead_to_the_ledger(tasks) -> None:
    linked = {(dag_id, task_id) for dag_id, task_id in tasks if ledger(dag_id, task_id)}
    hourly = {task for task in tasks if task[0] == "clickstream_hourly"}
    assert linked == hourly | {("clickstream_reprocess", "rebuild_day")}


def test_tasks_that_lead_to_the_ledger_lead_to_the_dashboard(tasks) -> None:
    for task in tasks:
        expected = ledger(*task).replace("/clickstream/ledger/", "/clickstream/dashboard/")
        assert dashboard(*task) == expected


@pytest.mark.parametrize(
    ("url", "link"),
    [
        ("", ""),
        ("https://cafe.example", "https://cafe.example/trust"),
        ("https://cafe.example/numbers/", "https://cafe.example/numbers/trust"),
        ("no address", ""),
    ],
)
def test_before_airflow_3_1_the_link_leads_to_the_separate_dashboard(
    monkeypatch, url: str, link: str
) -> None:
    from clickstream_airflow import task_links

    monkeypatch.setattr(task_links, "has_external_views", lambda: False)
    monkeypatch.setenv("CLICKSTREAM_DASHBOARD__URL", url)
    assert dashboard("clickstream_hourly", "pull_logs") == link
    assert dashboard("clickstream_daily", "sweep_files") == ""


def test_the_link_to_the_ledger_names_the_task_instance() -> None:
    link = urlsplit(ledger("clickstream_hourly", "build_hour.clean_hits", 3))
    assert link.path == "/clickstream/ledger/clickstream_hourly/build_hour.clean_hits"
    assert parse_qs(link.query) == {"run_id": [RUN_ID], "map_index": ["3"]}


def test_tasks_of_other_projects_have_no_links() -> None:
    assert runbook("reads_fresh_data", "hours") == ""
    assert ledger("reads_fresh_data", "hours") == ""


def test_links_follow_airflow_to_the_path_at_which_it_is_served(monkeypatch) -> None:
    monkeypatch.setenv("AIRFLOW__API__BASE_URL", "https://example.org/airflow/")
    link = runbook("clickstream_daily", "sweep_files")
    assert link == "/airflow/clickstream/docs/runbook.md#sweep_files"
    assert dashboard("clickstream_hourly", "pull_logs").startswith("/airflow/clickstream/dashboard")


def test_no_links_where_a_browser_can_not_log_in_to_the_pages(monkeypatch) -> None:
    """Airflow 3.0.6 checks a header that a browser does not send for a link."""
    from airflow.api_fastapi.core_api import security

    async def get_user_of_airflow_3_0(token_str: str) -> Any: ...

    monkeypatch.setattr(security, "get_user", get_user_of_airflow_3_0)
    assert runbook("clickstream_daily", "sweep_files") == ""
    assert ledger("clickstream_hourly", "pull_logs") == ""
    assert dashboard("clickstream_hourly", "pull_logs") == ""
