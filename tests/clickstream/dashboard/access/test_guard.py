from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient
from starlette.websockets import WebSocketDisconnect
from tests.clickstream.dashboard.access.builders import (
    ORIGIN,
    OWN_PAGE,
    PAGE,
    PASSWORD,
    browser,
    build_app,
    log_in,
    logged_in,
    with_account,
)
from tests.support.cases import each_case

from clickstream.dashboard.access.accounts import Accounts
from clickstream.dashboard.access.sessions import RENEW_AFTER_SECONDS, SessionCookies


@pytest.fixture
def app(tmp_path: Path) -> Any:
    with_account(tmp_path)
    return build_app(tmp_path)


@pytest.fixture
def ana(app: Any, tmp_path: Path) -> TestClient:
    return logged_in(app, tmp_path)


@pytest.mark.parametrize(
    ("path", "leads_to"),
    [
        ("/", "/login"),
        ("/page?range=7d&x=a b", "/login?next=/page%3Frange%3D7d%26x%3Da%2520b"),
        ("/missing", "/login?next=/missing"),
        ("/openapi.json", "/login?next=/openapi.json"),
        ("/statics", "/login?next=/statics"),
        ("/login/other", "/login?next=/login/other"),
    ],
)
def test_a_page_leads_to_the_login_and_back(app: Any, path: str, leads_to: str) -> None:
    answer = browser(app).get(path, headers=PAGE)
    assert (answer.status_code, answer.headers["location"]) == (303, leads_to)


@each_case("method", ["GET", "HEAD", "OPTIONS", "POST", "PUT", "DELETE", "PATCH"])
@each_case("path", ["/", "/ask", "/missing", "/%73tatic", "/healthz/x", "//login"])
def test_everything_else_is_refused_without_a_session(app: Any, method: str, path: str) -> None:
    headers = {"Sec-Fetch-Site": "same-origin"}
    answer = browser(app).request(method, ORIGIN + path, headers=headers)
    assert answer.status_code == 401
    assert "location" not in answer.headers


def test_no_path_climbs_out_of_an_open_directory(app: Any) -> None:
    for path in ("/static/%2e%2e/ask", "/static/..%2fask", "/login/once/..%2f..%2fask"):
        assert browser(app).get(ORIGIN + path).status_code == 401


def test_style_sheets_and_the_health_check_need_no_session(app: Any) -> None:
    visitor = browser(app)
    assert visitor.get("/static/login.css").status_code == 200
    assert visitor.get("/healthz").text == "ok"


def test_websockets_are_refused_even_with_a_session(ana: TestClient) -> None:
    with pytest.raises(WebSocketDisconnect), ana.websocket_connect("ws://127.0.0.1:8095/live"):
        pass


def test_a_session_opens_pages_which_know_the_account(ana: TestClient) -> None:
    assert ana.get("/").text == "<p>ana"
    assert ana.post("/ask", headers=OWN_PAGE).text == "<p>ana"


@each_case(
    "headers",
    [
        {},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Sec-Fetch-Site": "cross-site", "Origin": ORIGIN},
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Origin": "http://127.0.0.1:8080"},
        {"Origin": ORIGIN + ".evil.example"},
        {"Origin": "ftp://127.0.0.1:8095"},
    ],
)
@each_case("path", ["/ask", "/login", "/logout", "/missing"])
def test_other_sites_can_change_nothing(
    ana: TestClient, headers: dict[str, str], path: str
) -> None:
    assert ana.post(path, headers=headers).status_code == 403
    assert ana.get("/").text == "<p>ana"


@pytest.mark.parametrize(
    "headers", [{"Origin": ORIGIN}, {"Sec-Fetch-Site": "same-origin"}, {"Sec-Fetch-Site": "none"}]
)
def test_own_pages_can(ana: TestClient, headers: dict[str, str]) -> None:
    assert ana.post("/ask", headers=headers).status_code == 200


def test_logging_out_ends_the_sessions_of_all_the_account_s_browsers(
    app: Any, tmp_path: Path, ana: TestClient
) -> None:
    phone = logged_in(app, tmp_path)
    answer = ana.post("/logout", headers=OWN_PAGE)
    assert (answer.status_code, answer.headers["location"]) == (303, "/login")
    assert "Max-Age=0" in answer.headers["set-cookie"]
    assert [visitor.get("/").status_code for visitor in (ana, phone)] == [401, 401]
    assert log_in(ana).status_code == 303


def test_a_get_does_not_log_out(ana: TestClient) -> None:
    assert ana.get("/logout").status_code == 405
    assert ana.get("/").status_code == 200


def test_a_stolen_cookie_is_worth_nothing_after_a_change_of_the_password(
    tmp_path: Path, ana: TestClient
) -> None:
    Accounts(tmp_path).set_password("ana", "another long password")
    assert ana.get("/").status_code == 401


def test_a_session_is_renewed_once_a_day_while_it_is_used(
    app: Any, tmp_path: Path, ana: TestClient
) -> None:
    assert "set-cookie" not in ana.get("/").headers
    accounts = Accounts(tmp_path)
    sessions = SessionCookies(tmp_path, accounts)
    account = accounts.list()[0]
    yesterday = SessionCookies(tmp_path, accounts, lambda: time.time() - RENEW_AFTER_SECONDS - 5)
    visitor = browser(app, cookies={sessions.cookie_name: yesterday.start(account)})
    renewed = visitor.get("/").headers["set-cookie"]
    assert renewed.startswith(f"{sessions.cookie_name}=")
    session = sessions.read(renewed.split("=", 1)[1].split(";")[0])
    assert session is not None
    assert not session.is_due_for_renewal


def test_damaged_accounts_let_nobody_in(tmp_path: Path, ana: TestClient) -> None:
    (tmp_path / "accounts.json").write_text("{")
    assert ana.get("/").status_code == 500
    assert log_in(ana, password=PASSWORD).status_code == 500
