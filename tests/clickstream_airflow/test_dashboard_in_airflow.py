"""The dashboard in Airflow's own API server: who may read, who may write, and how it refuses."""

from __future__ import annotations

import asyncio
import json
import os
import re
import stat
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.support.access_log import Client, append
from tests.support.lake_settings import ROOT, write_settings
from tests.support.lakes import build_all
from tests.support.localaws_process import CREDENTIALS

from clickstream.core.hours import Hour
from clickstream.pipeline.publish.facts import refresh_facts
from clickstream.pipeline.pull.host import pull_source

pytestmark = pytest.mark.airflow

ANA = Client("203.0.113.7")
HOUR = Hour.parse("2026-11-20T05")
PREFIX = "/clickstream-dashboard"
DAY = "from=2026-11-20&to=2026-11-20"
SAME_ORIGIN = {"Sec-Fetch-Site": "same-origin"}
NOTE = {"tab": "overview", "query": f"?{DAY}", "day": "2026-11-20", "hour": "", "text": "Free cake"}


@pytest.fixture(scope="module")
def published(local_aws, tmp_path_factory) -> Iterator[Path]:
    """Create a directory with the settings of a lake with one published hour and its facts."""
    directory = tmp_path_factory.mktemp("lake")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AIRFLOW_CONN_AWS_DEFAULT", connection_to(local_aws))
        path = write_settings(directory, "in_airflow", ["web-1"])
        patch.setenv("CLICKSTREAM_SETTINGS", str(path))
        publish(directory)
        yield directory


def connection_to(local_aws: Any) -> str:
    extra = {"region_name": "eu-west-1", "endpoint_url": local_aws.endpoint}
    return json.dumps({"conn_type": "aws", "login": "test", "password": "test", "extra": extra})


def publish(directory: Path) -> None:
    from clickstream_airflow.lake import open_lake

    lines = [ANA.get(f"{HOUR}:50:0{second}", "/") for second in range(3)]
    append(directory / "web-1" / "access.log", lines)
    lake = open_lake()
    pull_source(lake, lake.settings.sources[0])
    build_all(lake, HOUR, HOUR, "by hand")
    refresh_facts(lake)


@pytest.fixture(autouse=True)
def settings(published, monkeypatch, local_aws) -> None:
    """Use the settings and the connection of the published lake in each test."""
    monkeypatch.setenv("AIRFLOW_CONN_AWS_DEFAULT", connection_to(local_aws))
    monkeypatch.setenv("CLICKSTREAM_SETTINGS", str(published / "clickstream.toml"))


@pytest.fixture(scope="module")
def server(airflow_home) -> Iterator[Any]:
    """Return Airflow's API server with the plugins of this project, without a login."""
    from airflow.api_fastapi.app import create_app, purge_cached_app
    from fastapi.testclient import TestClient

    purge_cached_app()
    yield TestClient(create_app(apps="core"), raise_server_exceptions=False)
    purge_cached_app()


@pytest.fixture
def log_in(server) -> Iterator[Any]:
    """Return a function that returns a browser in which a user of a role has logged in."""
    from airflow.api_fastapi.app import get_auth_manager
    from airflow.api_fastapi.auth.managers.simple.user import SimpleAuthManagerUser

    def log_in(role: str, name: str = "ana") -> Any:
        user = SimpleAuthManagerUser(username=name, role=role)
        server.cookies.set("_token", get_auth_manager().generate_jwt(user))
        return server

    yield log_in
    server.cookies.clear()


@pytest.fixture
def app(log_in) -> Any:
    """Return the dashboard's application, after a first request has built it."""
    from airflow import plugins_manager

    assert log_in("viewer").get(f"{PREFIX}/version").status_code == 200
    log_in("viewer").cookies.clear()
    apps = plugins_manager.get_fastapi_plugins()[0]
    (entry,) = [one for one in apps if one["url_prefix"] == PREFIX]
    return entry["app"]._app


def requests_of(app: Any) -> Iterator[tuple[str, str]]:
    """Return a request for each route of the application and each of its methods."""
    for route in app.routes:
        path = re.sub(r"\{[^}]+\}", "x", route.path)
        for method in sorted(route.methods):
            yield method, path


def test_no_route_answers_without_a_login(app, server) -> None:
    asked = list(requests_of(app))
    assert len(asked) > 20
    assert {("POST", "/notes"), ("GET", "/static/x"), ("GET", "/healthz")} <= set(asked)
    for method, path in [*asked, ("GET", "/static/page.css"), ("GET", "/no/such/page")]:
        answer = server.request(method, PREFIX + path, headers=SAME_ORIGIN)
        assert answer.status_code == 401, (method, path)
        assert "AnyCompany" not in answer.text


def test_a_browser_without_a_login_is_led_to_airflow(server) -> None:
    answer = server.get(f"{PREFIX}/trust")
    assert "Log in to Airflow in this browser, then reload this page." in answer.text
    assert '<a href="/">Open Airflow</a>' in answer.text
    framed = server.get(f"{PREFIX}/trust", headers={"Sec-Fetch-Dest": "iframe"})
    assert "Log in to Airflow" in framed.text
    assert "<a " not in framed.text


def test_a_forged_login_is_refused(server) -> None:
    server.cookies.set("_token", "e30.e30.e30")
    try:
        assert server.get(f"{PREFIX}/trust").status_code in (401, 403)
    finally:
        server.cookies.clear()


def test_a_user_without_the_web_ui_may_not_see_the_dashboard(log_in, monkeypatch) -> None:
    from airflow.api_fastapi.app import get_auth_manager

    browser = log_in("viewer")
    monkeypatch.setattr(get_auth_manager(), "is_authorized_view", lambda **_: False)
    answer = browser.get(f"{PREFIX}/trust")
    assert answer.status_code == 403
    assert "may not see the web UI" in answer.text


def test_the_first_page_has_the_facts_of_the_lake(log_in) -> None:
    page = log_in("viewer").get(f"{PREFIX}/hours/{HOUR}")
    assert page.status_code == 200
    assert page.url.path == f"{PREFIX}/trust"
    assert "all of its 3 lines are accounted for" in page.text


def test_a_viewer_may_read_and_not_write(log_in) -> None:
    browser = log_in("viewer")
    page = browser.get(f"{PREFIX}/?{DAY}")
    assert page.status_code == 200
    assert "Add a note" not in page.text
    assert "Log out" not in page.text
    for path in ("notes", "notes/x/delete", "panels/hour"):
        answer = browser.post(f"{PREFIX}/{path}", data=NOTE, headers=SAME_ORIGIN)
        assert answer.status_code == 403, path
        assert "You can view these pages but not change anything" in answer.text


@pytest.mark.parametrize("role", ["user", "op", "admin"])
def test_a_user_who_may_trigger_the_hourly_dag_may_write(log_in, role) -> None:
    browser = log_in(role, f"{role} of ana")
    note = NOTE | {"text": f"Written by {role}"}
    answer = browser.post(f"{PREFIX}/notes", data=note, headers=SAME_ORIGIN)
    assert answer.status_code == 200
    assert answer.url.path == f"{PREFIX}/"
    assert f"{role} of ana" in answer.text
    assert f"Written by {role}" in log_in("viewer").get(f"{PREFIX}/?{DAY}").text


def test_a_user_who_may_write_may_query_athena(log_in) -> None:
    answer = log_in("admin").post(f"{PREFIX}/panels/hour?{DAY}", headers=SAME_ORIGIN)
    assert answer.status_code == 200
    assert "compared: all equal" in answer.text


@pytest.mark.parametrize(
    "headers", [{"Sec-Fetch-Site": "cross-site"}, {"Origin": "https://evil.example"}, {}]
)
def test_forms_of_other_sites_are_refused(log_in, headers) -> None:
    answer = log_in("admin").post(f"{PREFIX}/notes", data=NOTE, headers=headers)
    assert answer.status_code == 403
    assert "did not come from a page of the dashboard" in answer.text


def test_the_dashboard_sets_no_cookie(log_in) -> None:
    browser = log_in("viewer")
    for path in ("/", "/trust", "/static/page.css", "/version"):
        answer = browser.get(PREFIX + path)
        assert "set-cookie" not in answer.headers
        assert "frame-ancestors 'self'" in answer.headers["Content-Security-Policy"]


def test_notes_are_in_the_directory_and_the_copy_is_separate(log_in, published) -> None:
    log_in("viewer").get(f"{PREFIX}/")
    kept = published / "var" / "dashboard"
    assert (kept / "airflow-1" / "facts.duckdb").is_file()
    assert not (kept / "facts.duckdb").exists()


def test_an_error_page_leads_back_by_a_relative_link(log_in) -> None:
    browser = log_in("viewer")
    for path, base in (("/trust?range=x", ""), ("/panels/none", "../"), ("/hours/x/y", "../../")):
        page = browser.get(PREFIX + path)
        assert page.status_code in (400, 404)
        assert f'href="{base}./"' in page.text
        assert f'href="{base}static/page.css' in page.text


@pytest.fixture
def own_app(airflow_home) -> Any:
    """Return the plugin's dashboard as Airflow mounts it, before the first request."""
    from fastapi import FastAPI
    from fastapi.testclient import TestClient

    from clickstream_airflow.dashboard import DashboardApp

    airflow = FastAPI()
    airflow.mount(PREFIX, DashboardApp())
    return TestClient(airflow, raise_server_exceptions=False)


def token_of(role: str) -> dict[str, str]:
    from airflow.api_fastapi.app import get_auth_manager
    from airflow.api_fastapi.auth.managers.simple.user import SimpleAuthManagerUser

    user = SimpleAuthManagerUser(username="ana", role=role)
    return {"_token": get_auth_manager().generate_jwt(user)}


def test_every_request_is_refused_if_the_login_check_is_missing(
    own_app, monkeypatch, server
) -> None:
    monkeypatch.delitem(sys.modules, "clickstream_airflow.dashboard.login", raising=False)
    monkeypatch.delattr(sys.modules["clickstream_airflow.dashboard"], "login", raising=False)
    monkeypatch.setitem(sys.modules, "airflow.api_fastapi.core_api.security", None)
    own_app.cookies.update(token_of("admin"))
    for path in ("/", "/trust", "/static/page.css", "/healthz"):
        answer = own_app.get(PREFIX + path)
        assert answer.status_code == 503
        assert "lacks the login check" in answer.text


def test_a_role_that_airflow_does_not_know_is_refused(log_in) -> None:
    """A signed token may name it: the role was removed after the login."""
    browser = log_in("barista")
    for method, path in (("GET", "/trust"), ("GET", "/panels/trend.csv"), ("POST", "/notes")):
        assert browser.request(method, PREFIX + path).status_code == 403


def refusal_of(own_app: Any) -> str:
    """Return the page that shows a user why the dashboard is not available.

    Others get no reason.
    """
    assert own_app.get(f"{PREFIX}/trust").status_code == 401
    own_app.cookies.update(token_of("viewer"))
    answer = own_app.get(f"{PREFIX}/trust")
    assert answer.status_code == 503
    assert "Traceback" not in answer.text
    return str(answer.text)


def test_missing_packages_are_one_sentence(own_app, monkeypatch, server) -> None:
    for name in [one for one in sys.modules if one.startswith("clickstream.dashboard.web.app")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.delitem(sys.modules, "clickstream_airflow.dashboard.app", raising=False)
    monkeypatch.delitem(sys.modules, "clickstream.dashboard.ask.fact_copy", raising=False)
    monkeypatch.delitem(sys.modules, "clickstream.dashboard.ask.engines", raising=False)
    monkeypatch.delitem(sys.modules, "clickstream.dashboard.ask.answers", raising=False)
    monkeypatch.setitem(sys.modules, "duckdb", None)
    text = refusal_of(own_app)
    assert "packages are not installed beside Airflow (duckdb is missing)" in text
    assert "(CS-107)" in text
    assert "Install clickstream[dashboard] there" in text


def test_a_directory_that_can_not_be_written_is_one_sentence(
    own_app, monkeypatch, tmp_path, server
) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("CLICKSTREAM_DASHBOARD__DIRECTORY", str(tmp_path / "file" / "below"))
    text = refusal_of(own_app)
    assert "Can&#39;t write" in text
    assert "Set directory in the section [dashboard]" in text
    assert "(CS-604)" in text


def test_a_dashboard_that_failed_is_built_by_a_later_request(
    own_app, monkeypatch, tmp_path, server
) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("CLICKSTREAM_DASHBOARD__DIRECTORY", str(tmp_path / "file" / "below"))
    refusal_of(own_app)
    monkeypatch.setenv("CLICKSTREAM_DASHBOARD__DIRECTORY", str(tmp_path / "kept"))
    page = own_app.get(f"{PREFIX}/hours/{HOUR}")
    assert page.status_code == 200
    assert "all of its 3 lines are accounted for" in page.text


def test_without_a_connection_the_environment_gives_the_address_of_aws(
    own_app, monkeypatch, tmp_path, local_aws, server
) -> None:
    """As in the local stack, whose Airflow has no connection."""
    monkeypatch.delenv("AIRFLOW_CONN_AWS_DEFAULT")
    monkeypatch.setenv("AWS_ENDPOINT_URL", local_aws.endpoint)
    for name, value in CREDENTIALS.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("CLICKSTREAM_DASHBOARD__DIRECTORY", str(tmp_path))
    own_app.cookies.update(token_of("viewer"))
    page = own_app.get(f"{PREFIX}/hours/{HOUR}")
    assert "all of its 3 lines are accounted for" in page.text


def test_aws_out_of_reach_is_one_sentence_on_a_page(own_app, monkeypatch, tmp_path, server) -> None:
    extra = {"region_name": "eu-west-1", "endpoint_url": "http://127.0.0.1:1"}
    nowhere = {"conn_type": "aws", "login": "test", "password": "test", "extra": extra}
    monkeypatch.setenv("AIRFLOW_CONN_AWS_DEFAULT", json.dumps(nowhere))
    monkeypatch.setenv("CLICKSTREAM_DASHBOARD__DIRECTORY", str(tmp_path))
    own_app.cookies.update(token_of("viewer"))
    page = own_app.get(f"{PREFIX}/hours/{HOUR}")
    assert page.status_code == 200
    assert "data can&#39;t be read" in page.text
    assert "The dashboard has no data for this hour, and can&#39;t read new data" in page.text


def refreshers() -> int:
    return sum(thread.name == "dashboard-refresh" for thread in threading.enumerate())


def test_many_first_requests_build_one_dashboard(own_app, monkeypatch, tmp_path, server) -> None:
    import httpx

    monkeypatch.setenv("CLICKSTREAM_DASHBOARD__DIRECTORY", str(tmp_path))
    before = refreshers()

    async def ask_all() -> list[int]:
        transport = httpx.ASGITransport(own_app.app)
        async with httpx.AsyncClient(
            transport=transport, base_url="http://testserver", cookies=token_of("viewer")
        ) as client:
            asked = [client.get(f"{PREFIX}/trust?{DAY}") for _ in range(20)]
            return [answer.status_code for answer in await asyncio.gather(*asked)]

    assert asyncio.run(ask_all()) == [200] * 20
    assert refreshers() == before + 1


HOLD = """
import sys
from pathlib import Path
from clickstream.dashboard.ask.fact_copy import FactCopy
copies = [FactCopy(Path(name), lambda file: None) for name in sys.argv[1:]]
print("open", flush=True)
sys.stdin.read()
"""


def test_each_worker_has_its_own_copy_and_leftover_copies_are_deleted(tmp_path, published) -> None:
    from clickstream_airflow.dashboard.app import open_engine
    from clickstream_airflow.lake import refer_to_lake

    for number in (2, 3, 4):
        place = tmp_path / f"airflow-{number}"
        place.mkdir()
    held = [str(tmp_path / f"airflow-{number}") for number in (1, 3)]
    with subprocess.Popen(
        [sys.executable, "-c", HOLD, *held], stdin=-1, stdout=-1, text=True, cwd=ROOT
    ) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == "open\n"
        os.environ["CLICKSTREAM_DASHBOARD__DIRECTORY"] = str(tmp_path)
        try:
            engine = open_engine(refer_to_lake())
        finally:
            del os.environ["CLICKSTREAM_DASHBOARD__DIRECTORY"]
        assert engine is not None
        assert sorted(one.name for one in tmp_path.glob("airflow-*")) == [
            *("airflow-1", "airflow-2", "airflow-3"),
        ]
        assert stat.S_IMODE((tmp_path / "airflow-2").stat().st_mode) == 0o700
        engine.close()
        other.communicate("")


def test_it_works_where_airflow_is_served_below_a_path(server, monkeypatch, tmp_path) -> None:
    from fastapi import FastAPI
    from fastapi.testclient import TestClient

    from clickstream_airflow.dashboard import DashboardApp

    monkeypatch.setenv("AIRFLOW__API__BASE_URL", "https://example.org/airflow/")
    monkeypatch.setenv("CLICKSTREAM_DASHBOARD__DIRECTORY", str(tmp_path))
    airflow = FastAPI()
    airflow.mount(f"/airflow{PREFIX}", DashboardApp())
    browser = TestClient(airflow)
    assert '<a href="/airflow/">Open Airflow</a>' in browser.get(f"/airflow{PREFIX}/trust").text
    browser.cookies.update(token_of("viewer"))
    paths = ("", "trust?range=x", f"hours/{HOUR}", "panels/hour")
    pages = {path: browser.get(f"/airflow{PREFIX}/{path}") for path in paths}
    assert [page.status_code for page in pages.values()] == [200, 400, 200, 200]
    assert f"/airflow{PREFIX}/trust?from=" in str(pages[f"hours/{HOUR}"].url)
    assert 'href="./"' in pages["trust?range=x"].text
    for page in pages.values():
        assert not re.search(r'(?:href|src|action)="/(?!/)', page.text)
