from __future__ import annotations

import asyncio
import logging
import threading
from pathlib import Path
from typing import Any
from urllib.parse import urljoin, urlsplit

import httpx
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from starlette.responses import PlainTextResponse
from starlette.testclient import TestClient
from tests.clickstream.dashboard.access.builders import (
    ORIGIN,
    OWN_PAGE,
    PAGE,
    browser,
    build_app,
    log_in,
    with_account,
)

from clickstream.dashboard.access.accounts import Account, Accounts
from clickstream.dashboard.access.login import CHECKED_AT_ONCE, FREE_FAILURES, MOST_WAITING, Wording
from clickstream.dashboard.access.origins import safe_path

PIECES = st.sampled_from(
    [
        *(
            "/",
            "//",
            "\\",
            "\t",
            "\n",
            "\r",
            "\0",
            " ",
            ".",
            "..",
            "@",
            ":",
            "?",
            "#",
            "%2f",
            "%5c",
        ),
        *("evil.example", "http:", "https:", "javascript:alert(1)", "login", "pages", "é", "／"),
    ]
)
HOSTILE = st.one_of(st.lists(PIECES, max_size=8).map("".join), st.text(max_size=40))


def address_that_a_browser_opens(location: str) -> str:
    """What the URL standard makes of a Location header on a page of the dashboard."""
    text = location.strip("".join(map(chr, range(0x21))))
    for dropped in "\t\n\r":
        text = text.replace(dropped, "")
    return urljoin(f"{ORIGIN}/login", text.replace("\\", "/"))


@pytest.fixture
def visitor(tmp_path: Path) -> TestClient:
    with_account(tmp_path)
    return browser(build_app(tmp_path))


@given(HOSTILE)
@example("//evil.example")
@example("/\\evil.example")
@example("/\t/evil.example")
@example("\\\\evil.example")
@example("https:evil.example")
@example("/\ud800")
def test_what_follows_a_login_stays_on_the_dashboard(path: str) -> None:
    safe = safe_path(path)
    assert safe == path or safe == "/"
    safe.encode()
    reached = urlsplit(address_that_a_browser_opens(safe))
    assert f"{reached.scheme}://{reached.netloc}" == ORIGIN


@given(st.lists(st.text("abcxyz0189-_.~", min_size=1), min_size=1, max_size=4))
def test_the_dashboard_s_own_pages_are_kept(parts: list[str]) -> None:
    path = f"/pages/{'/'.join(parts)}?range=7d&page=%2Fmenu"
    assert safe_path(path) == path


@pytest.mark.parametrize("path", ["/login", "/login?next=/login", "/logout", "/" + "a" * 3000])
def test_a_login_leads_neither_to_itself_nor_to_endless_paths(path: str) -> None:
    assert safe_path(path) == "/"


@pytest.mark.parametrize(
    ("next_path", "location"),
    [
        ("/?range=7d&page=%2Fmenu", "/?range=7d&page=%2Fmenu"),
        ("/café", "/caf%C3%A9"),
        ("//evil.example", "/"),
        ("https://evil.example/", "/"),
    ],
)
def test_a_login_leads_to_the_page_that_was_asked_for(
    visitor: TestClient, next_path: str, location: str
) -> None:
    answer = log_in(visitor, next=next_path)
    assert (answer.status_code, answer.headers["location"]) == (303, location)
    again = visitor.get("/login", params={"next": next_path})
    assert (again.status_code, again.headers["location"]) == (303, location)


def test_the_way_from_a_page_over_the_login_leads_back_to_the_page(visitor: TestClient) -> None:
    asked = visitor.get("/?range=7d&page=%2Fmenu", headers=PAGE)
    page = visitor.get(asked.headers["location"], headers=PAGE)
    assert 'name="next" value="/?range=7d&amp;page=%2Fmenu"' in page.text
    answer = log_in(visitor, next="/?range=7d&page=%2Fmenu")
    assert visitor.get(answer.headers["location"]).text == "<p>ana"


@pytest.mark.parametrize(
    ("client", "headers", "is_secure"),
    [
        ("127.0.0.1", {}, False),
        ("127.0.0.1", {"X-Forwarded-Proto": "https"}, True),
        ("::1", {"X-Forwarded-Proto": "https"}, True),
        ("127.0.0.1", {"X-Forwarded-Proto": "http"}, False),
        ("192.0.2.1", {"X-Forwarded-Proto": "https"}, False),
    ],
)
def test_the_cookie_is_secure_if_the_browser_or_a_local_proxy_speaks_https(
    tmp_path: Path, client: str, headers: dict[str, str], is_secure: bool
) -> None:
    with_account(tmp_path)
    visitor = browser(build_app(tmp_path), client, headers=headers)
    answer = log_in(visitor)
    flags = answer.headers["set-cookie"].split("; ")[1:]
    expected = ["Path=/", "Max-Age=1209600", "HttpOnly", "SameSite=Lax"]
    assert flags == expected + ["Secure"] * is_secure
    assert ("strict-transport-security" in answer.headers) == is_secure


def test_the_cookie_is_secure_over_https_itself(tmp_path: Path) -> None:
    with_account(tmp_path)
    visitor = browser(build_app(tmp_path), "192.0.2.1", base_url="https://127.0.0.1:8095")
    assert log_in(visitor).headers["set-cookie"].endswith("; Secure")


def test_a_failed_login_says_the_same_of_known_and_unknown_accounts(
    visitor: TestClient, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.WARNING)
    known, unknown = (log_in(visitor, name, "wrong password") for name in ("ana", "eve"))
    assert known.status_code == unknown.status_code == 401
    assert known.text.replace('"ana"', '"eve"') == unknown.text
    assert "set-cookie" not in known.headers
    assert caplog.messages[0] == "Login to 'ana' failed from 127.0.0.1."
    assert "eve" not in caplog.messages[1]  # people type passwords into the wrong field


def test_failed_logins_have_to_wait_and_are_told_how_long(visitor: TestClient) -> None:
    for _ in range(FREE_FAILURES):
        assert log_in(visitor, password="wrong password").status_code == 401
    refused = log_in(visitor)
    assert refused.status_code == 429
    seconds = int(refused.headers["retry-after"])
    assert 1 <= seconds <= 5
    assert f"Wait {seconds} seconds" in refused.text


@pytest.mark.parametrize(
    ("client", "forwarded", "is_throttled"),
    [
        ("127.0.0.1", ["198.51.100.{n}"], False),
        ("127.0.0.1", ["198.51.100.{n}, 203.0.113.1"], True),
        ("127.0.0.1", ["nonsense{n}"], True),
        ("192.0.2.1", ["198.51.100.{n}"], True),
        ("2001:db8::{n}", [], True),
        ("2001:db8:0:{n}::1", [], False),
    ],
)
def test_addresses_are_those_of_browsers_as_far_as_a_local_proxy_says_so(
    tmp_path: Path, client: str, forwarded: list[str], is_throttled: bool
) -> None:
    app = build_app(tmp_path)
    for n in range(FREE_FAILURES + 1):
        visitor = browser(app, client.format(n=n))
        headers = [("X-Forwarded-For", value.format(n=n)) for value in forwarded]
        answer = visitor.post(
            "/login", data={"name": f"user{n}"}, headers=[*OWN_PAGE.items(), *headers]
        )
    assert (answer.status_code == 429) == is_throttled


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"", 401),
        (b"name", 401),
        (b"\xff\xfe=%ff&password=%00", 401),
        (b"&".join(b"a=1" for _ in range(50)), 400),
        (b"password=" + b"x" * 20_000, 413),
    ],
)
def test_odd_forms_are_refused(visitor: TestClient, body: bytes, status: int) -> None:
    headers = {**OWN_PAGE, "Content-Type": "application/x-www-form-urlencoded"}
    assert visitor.post("/login", content=body, headers=headers).status_code == status


def test_what_was_typed_shows_as_text(visitor: TestClient) -> None:
    page = log_in(visitor, '"><script>alert(1)</script>', "wrong password", next="/'\"<b>")
    assert "<script>" not in page.text
    assert "<b>" not in page.text


def test_the_page_names_its_language_and_the_site(tmp_path: Path) -> None:
    wording = Wording("en-AU", "Café <Ana>")
    visitor = browser(build_app(tmp_path, wording=wording))
    page = visitor.get("/login").text
    assert '<html lang="en-AU">' in page
    assert "Café &lt;Ana&gt;" in page


def test_the_page_is_not_kept_and_loads_nothing_of_another_site(visitor: TestClient) -> None:
    answer: Any = visitor.get("/login")
    assert answer.headers["cache-control"] == "no-store"
    assert "style=" not in answer.text
    assert "<script" not in answer.text
    assert "http" not in answer.text.replace("http-equiv", "")


def test_a_flood_of_logins_is_refused_and_delays_no_other_request(tmp_path: Path) -> None:
    """Passwords are checked two at a time; the checks here wait until the test lets them end."""
    with_account(tmp_path)
    app = build_app(tmp_path)
    app.add_api_route("/healthz", health)
    go_on, verify = threading.Event(), Accounts.verify

    def verify_when_told(accounts: Accounts, name: str, password: str) -> Account | None:
        go_on.wait()
        return verify(accounts, name, password)

    async def flood() -> tuple[int, list[httpx.Response]]:
        transport = httpx.ASGITransport(app, client=("127.0.0.1", 1))
        async with httpx.AsyncClient(transport=transport, base_url=ORIGIN) as client:

            def log_in_as(number: int) -> Any:
                form = {"name": f"nobody {number}", "password": "wrong password"}
                headers = OWN_PAGE | {"X-Forwarded-For": f"198.51.100.{number}"}
                return client.post("/login", data=form, headers=headers)

            logins = [asyncio.create_task(log_in_as(number)) for number in range(100)]
            await asyncio.wait(logins, return_when=asyncio.FIRST_COMPLETED)
            alive = await client.get("/healthz")
            go_on.set()
            return alive.status_code, [await one for one in logins]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Accounts, "verify", verify_when_told)
        alive, answers = asyncio.run(flood())
    assert alive == 200
    checked = [answer for answer in answers if answer.status_code == 401]
    busy = [answer for answer in answers if answer.status_code == 503]
    assert len(checked) <= CHECKED_AT_ONCE + MOST_WAITING
    assert {answer.headers["retry-after"] for answer in busy} == {"5"}
    assert "Many people log in just now" in busy[0].text


async def health() -> PlainTextResponse:
    return PlainTextResponse("ok")
