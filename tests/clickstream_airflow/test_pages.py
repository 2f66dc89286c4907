"""The pages in Airflow's own API server: who may read them, and what they show."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from tests.support.access_log import Client, append
from tests.support.lakes import build_all

from clickstream.hours import Hour, hour_range
from clickstream.pipeline.pull import pull_source
from clickstream.tables import HOUR_LEDGER

pytestmark = pytest.mark.airflow

ANA = Client("203.0.113.7")
HOUR = Hour.parse("2026-11-20T05")
RUNBOOK = "/clickstream/docs/runbook.md"


@pytest.fixture(scope="module")
def server(airflow_home) -> Iterator[Any]:
    """Return Airflow's API server with the plugins of this project, without a login."""
    from airflow.api_fastapi.app import create_app, purge_cached_app
    from fastapi.testclient import TestClient

    purge_cached_app()
    # Not used as a context: the execution API of the tasks is not needed.
    yield TestClient(create_app(apps="core"), raise_server_exceptions=False)
    purge_cached_app()


@pytest.fixture
def browser(server) -> Iterator[Any]:
    """Return a browser in which a viewer of the DAGs has logged in."""
    yield log_in(server, "viewer")
    server.cookies.clear()


def log_in(server: Any, role: str) -> Any:
    from airflow.api_fastapi.app import get_auth_manager
    from airflow.api_fastapi.auth.managers.simple.user import SimpleAuthManagerUser

    token = get_auth_manager().generate_jwt(SimpleAuthManagerUser(username="ana", role=role))
    server.cookies.set("_token", token)
    return server


@pytest.fixture(scope="module")
def make_run(airflow_home) -> Any:
    """Return a function that creates a run of a DAG, due one second after the previous one."""
    from tests.support.airflow_worker import create_run, sync_dags

    sync_dags()
    due = iter(HOUR.end + timedelta(seconds=second) for second in range(1, 60))
    return lambda dag_id, conf=None: create_run(dag_id, next(due), conf)


def ledger_page(browser: Any, run: Any, task_id: str, map_index: int = -1) -> Any:
    asked = {"run_id": run.run_id, "map_index": map_index}
    return browser.get(f"/clickstream/ledger/{run.dag_id}/{task_id}", params=asked)


@pytest.mark.parametrize(
    "path",
    [
        *(RUNBOOK, "/clickstream/pages.css", "/clickstream/docs/no-such-page.md"),
        "/clickstream/ledger/clickstream_hourly/pull_logs?run_id=any",
        "/clickstream/dashboard/clickstream_hourly/pull_logs?run_id=any",
    ],
)
def test_nobody_reads_a_page_without_a_login(server, path: str) -> None:
    answer = server.get(path)
    assert answer.status_code == 401
    assert "Log in to Airflow in this browser, then open the link again." in answer.text


def test_a_forged_login_is_refused(server) -> None:
    server.cookies.set("_token", "e30.e30.e30")
    try:
        assert server.get(RUNBOOK).status_code in (401, 403)
    finally:
        server.cookies.clear()


@pytest.mark.parametrize("path", ["/openapi.json", "/docs", "/redoc", "/docs/oauth2-redirect"])
def test_the_framework_adds_no_page_of_its_own(server, path: str) -> None:
    assert server.get(f"/clickstream{path}").status_code in (401, 404)


def test_a_user_who_may_not_read_the_dag_may_not_read_its_hours(
    browser, make_run, monkeypatch
) -> None:
    from airflow.api_fastapi.app import get_auth_manager

    monkeypatch.setattr(get_auth_manager(), "is_authorized_dag", lambda **_: False)
    assert dashboard_of(browser, make_run("clickstream_hourly"), "list_hosts").status_code == 403
    answer = ledger_page(browser, make_run("clickstream_hourly"), "list_hosts")
    assert answer.status_code == 403
    assert "2026-11-20" not in answer.text


def test_the_runbook_is_a_page_with_the_sections_of_the_tasks(browser) -> None:
    page = browser.get(RUNBOOK)
    assert page.status_code == 200
    assert page.headers["Content-Security-Policy"] == "default-src 'none'; style-src 'self'"
    assert '<h3 id="clean_hits">' in page.text
    assert 'href="airflow.md"' in page.text
    assert browser.get("/clickstream/docs/airflow.md").status_code == 200
    assert browser.get("/clickstream/pages.css").headers["Content-Type"].startswith("text/css")


def test_a_page_that_does_not_exist_says_so(browser) -> None:
    answer = browser.get("/clickstream/docs/no-such-page.md")
    assert answer.status_code == 404
    assert "The documentation has no page docs/no-such-page.md." in answer.text


def test_an_hour_that_is_not_published_says_what_to_do(browser, make_run, home) -> None:
    page = ledger_page(browser, make_run("clickstream_hourly"), "list_hosts")
    assert page.status_code == 200
    assert "2026-11-20T05" in page.text
    assert "not published yet" in page.text
    assert "Reload this page when the task that publishes is green." in page.text
    assert '/clickstream/docs/runbook.md#list_hosts"' in page.text


def test_the_row_of_a_published_hour_is_shown_with_the_meanings(browser, make_run, home) -> None:
    publish(home)
    page = ledger_page(browser, make_run("clickstream_hourly"), "hours_to_build")
    assert "1 line, published 20" in page.text
    for column in HOUR_LEDGER.columns:
        assert f"<code>{column.name}</code>" in page.text
    assert "Requests for static assets, by people and bots." in page.text
    assert "by hand" in page.text


def publish(home: Any) -> None:
    from clickstream_airflow.lake import open_lake

    append(home / "web-1" / "access.log", [ANA.get(f"{HOUR}:50:00", "/")])
    lake = open_lake()
    pull_source(lake, lake.settings.sources[0])
    build_all(lake, HOUR, HOUR, "by hand")


def test_a_range_has_each_of_its_hours(browser, make_run, home) -> None:
    publish(home)
    asked = {"from": "2026-11-20T04", "to": "2026-11-20T06", "reason": "a test"}
    page = ledger_page(browser, make_run("clickstream_reprocess", asked), "rebuild_day")
    shown = [f"<strong>2026-11-20T0{hour}</strong>" in page.text for hour in range(3, 8)]
    assert shown == [False, True, True, True, False]
    assert page.text.count("not published yet") == 2


def dashboard_of(browser: Any, run: Any, task_id: str, map_index: int = -1) -> Any:
    asked = {"run_id": run.run_id, "map_index": map_index}
    address = f"/clickstream/dashboard/{run.dag_id}/{task_id}"
    return browser.get(address, params=asked, follow_redirects=False)


IN_AIRFLOW = "/plugin/cafe-dashboard/clickstream-dashboard/hours"


def test_a_task_leads_to_its_hour_on_the_dashboard(browser, make_run) -> None:
    answer = dashboard_of(browser, make_run("clickstream_hourly"), "list_hosts")
    assert answer.status_code == 302
    assert answer.headers["location"] == f"{IN_AIRFLOW}/2026-11-20T05"


def test_where_no_address_names_a_framed_page_the_dashboard_is_shown_alone(
    browser, make_run, monkeypatch
) -> None:
    from clickstream_airflow import addresses

    monkeypatch.setattr(addresses, "names_framed_pages", lambda: False)
    answer = dashboard_of(browser, make_run("clickstream_hourly"), "list_hosts")
    assert answer.headers["location"] == "/clickstream-dashboard/hours/2026-11-20T05"


def test_a_range_leads_to_its_days_on_the_dashboard(browser, make_run) -> None:
    asked = {"from": "2026-11-01", "to": "2026-11-20T06", "reason": "a test"}
    answer = dashboard_of(browser, make_run("clickstream_reprocess", asked), "rebuild_day")
    assert answer.headers["location"] == f"{IN_AIRFLOW}/2026-11-01T00/2026-11-20T06"


def test_a_task_that_builds_no_hour_leads_nowhere(browser, make_run) -> None:
    run = make_run("clickstream_hourly", {"hour": "2026-13-01T05"})
    answer = dashboard_of(browser, run, "list_hosts")
    assert answer.status_code == 409
    assert "is not an hour: there is no month 13" in answer.text
    assert dashboard_of(browser, run, "list_hosts", 17).status_code == 404


def test_each_hour_of_the_ledger_leads_to_the_dashboard(browser, make_run, home) -> None:
    page = ledger_page(browser, make_run("clickstream_hourly"), "list_hosts")
    assert f'href="{IN_AIRFLOW}/2026-11-20T05"' in page.text


def hours_of(run: Any, task_id: str, name: str | None) -> list[str]:
    """Return the hours of a task instance; `name` is its map index as the UI shows it."""
    from clickstream_airflow.pages import ledger_rows

    instance = SimpleNamespace(dag_id=run.dag_id, task_id=task_id, rendered_map_index=name)
    first, last = ledger_rows.span_of(instance, run)  # type: ignore[arg-type]
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
def test_the_task_of_a_reopened_hour_shows_that_hour(make_run, task_id, name, hour) -> None:
    assert hours_of(make_run("clickstream_hourly"), task_id, name) == [hour]


def test_a_day_s_task_shows_the_hours_of_the_day_that_the_range_has(make_run) -> None:
    asked = {"from": "2026-11-19T22", "to": "2026-11-20T02", "reason": "a test"}
    run = make_run("clickstream_reprocess", asked)
    assert hours_of(run, "rebuild_day", "2026-11-19") == ["2026-11-19T22", "2026-11-19T23"]
    assert hours_of(run, "rebuild_day", "2026-11-20")[-1] == "2026-11-20T02"
    assert len(hours_of(run, "rebuild_day", "0")) == 5


def test_new_visitor_ids_build_hours_outside_the_range(make_run) -> None:
    asked = {"from": "2026-11-20T05", "to": "2026-11-20T05", "new_visitor_ids": True}
    run = make_run("clickstream_reprocess", asked | {"reason": "a test"})
    assert len(hours_of(run, "rebuild_day", "2026-11-02")) == 24


def test_a_task_instance_that_does_not_exist_is_not_found(browser, make_run) -> None:
    run = make_run("clickstream_hourly")
    assert ledger_page(browser, run, "pull_logs", 17).status_code == 404


def test_aws_out_of_reach_is_one_sentence(browser, make_run, home, monkeypatch) -> None:
    nowhere = {"region_name": "eu-west-1", "endpoint_url": "http://127.0.0.1:1"}
    facts = {"conn_type": "aws", "login": "test", "password": "test", "extra": nowhere}
    monkeypatch.setenv("AIRFLOW_CONN_AWS_DEFAULT", json.dumps(facts))
    page = ledger_page(browser, make_run("clickstream_hourly"), "list_hosts")
    assert page.status_code == 200
    assert "Can&#39;t reach AWS: " in page.text
    assert "Traceback" not in page.text


def test_an_invalid_hour_is_one_sentence(browser, make_run) -> None:
    run = make_run("clickstream_hourly", {"hour": "2026-13-01T05"})
    page = ledger_page(browser, run, "list_hosts")
    assert "is not an hour: there is no month 13" in page.text
