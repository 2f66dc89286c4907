from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.clickstream.dashboard.access.builders import (
    PAGE,
    browser,
    build_app,
    logged_in,
    with_account,
)

from clickstream.dashboard.access.guard import Surroundings
from clickstream.dashboard.access.origins import host_name

EXACT = {
    "content-security-policy": "default-src 'none'; script-src 'self'; style-src 'self'; "
    "img-src 'self'; connect-src 'self'; form-action 'self'; base-uri 'none'; "
    "frame-ancestors 'self'",
    "x-content-type-options": "nosniff",
    "referrer-policy": "same-origin",
    "cross-origin-opener-policy": "same-origin",
    "permissions-policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
    "cache-control": "private, no-cache",
}


@pytest.mark.parametrize(
    ("path", "status", "cache_control"),
    [
        ("/", 200, "private, no-cache"),
        ("/stored", 200, "private, max-age=60"),
        ("/missing", 404, "private, no-cache"),
        ("/crash", 500, "private, no-cache"),
        ("/static/login.css", 200, "private, no-cache"),
        ("/static/missing", 404, "private, no-cache"),
        ("/login", 303, "no-store"),
        ("/logout", 405, "private, no-cache"),
        ("/login/once/x", 303, "no-store"),
    ],
)
def test_every_answer_has_the_security_headers(
    tmp_path: Path, path: str, status: int, cache_control: str
) -> None:
    with_account(tmp_path)
    answer = logged_in(build_app(tmp_path), tmp_path).get(path)
    assert answer.status_code == status
    expected = {**EXACT, "cache-control": cache_control}
    assert {name: answer.headers.get(name) for name in expected} == expected
    assert "strict-transport-security" not in answer.headers


def test_refusals_have_them_too(tmp_path: Path) -> None:
    visitor = browser(build_app(tmp_path))
    refusals = [
        visitor.get("/", headers=PAGE),
        visitor.get("/"),
        visitor.post("/login"),
        visitor.get("/", headers={"Host": "evil.example"}),
    ]
    assert [answer.status_code for answer in refusals] == [303, 401, 403, 400]
    for answer in refusals:
        assert {name: answer.headers.get(name) for name in EXACT} == EXACT


@pytest.mark.parametrize(
    ("host", "is_known"),
    [
        ("127.0.0.1", True),
        ("127.0.0.1:8095", True),
        ("localhost:9000", True),
        ("LOCALHOST", True),
        ("[::1]:8095", True),
        ("dashboard.example", True),
        ("Dashboard.Example:443", True),
        ("dashboard.example.", True),
        ("evil.example", False),
        ("127.0.0.1.evil.example", False),
        ("localhost.evil.example:8095", False),
        ("evil.example#127.0.0.1", False),
        ("127.0.0.1@evil.example", False),
        ("evil.example/127.0.0.1", False),
        ("127.0.0.1:port", False),
        ("127.0.0.2", False),
        ("0.0.0.0:8095", False),
        ("", False),
        (":8095", False),
        ("sub.dashboard.example", False),
    ],
)
def test_only_the_dashboard_s_own_names_are_answered(
    tmp_path: Path, host: str, is_known: bool
) -> None:
    around = Surroundings(hosts=["dashboard.example"])
    answer = browser(build_app(tmp_path, around)).get("/login", headers={"Host": host})
    assert answer.status_code == (200 if is_known else 400)
    assert is_known or "[dashboard]" in answer.text


def test_the_name_in_url_is_answered_and_a_health_check_has_any(tmp_path: Path) -> None:
    around = Surroundings(url="https://dashboard.example:8443/figures")
    visitor = browser(build_app(tmp_path, around))
    assert visitor.get("/login", headers={"Host": "dashboard.example"}).status_code == 200
    assert visitor.get("/login", headers={"Host": "10.0.3.7:8095"}).status_code == 400
    assert visitor.get("/healthz", headers={"Host": "10.0.3.7:8095"}).text == "ok"


@given(st.text(st.characters(max_codepoint=255), max_size=30))
def test_the_name_in_any_host_header_is_read_without_an_error(header: str) -> None:
    assert host_name(header) == host_name(header).lower()


def test_plain_http_never_gets_the_header_that_forbids_it(tmp_path: Path) -> None:
    app = build_app(tmp_path)
    https = {"X-Forwarded-Proto": "https"}
    by_proxy = browser(app).get("/healthz", headers=https)
    forged = browser(app, "192.0.2.1").get("/healthz", headers=https)
    assert by_proxy.headers["strict-transport-security"] == "max-age=31536000"
    assert "strict-transport-security" not in forged.headers
