"""The nginx configuration of docs/access.md before a dashboard: who gets in, and as whom."""

from __future__ import annotations

import http.client
import re
import socket
import threading
import time
from base64 import b64encode
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import uvicorn
from tests.clickstream.dashboard.access.builders import build_app, with_account
from tests.support.nginx import running_nginx

from clickstream.dashboard.access.shares import Share, Shares
from clickstream.dashboard.ask.view import TABS, View
from clickstream.dashboard.web.surroundings import surroundings_of
from clickstream.settings import DashboardSettings

DOCS = Path(__file__).parents[2] / "docs" / "access.md"
USER = "X-Forwarded-User"
START_SECONDS = 300


@dataclass(frozen=True)
class Answer:
    """What came back."""

    status: int
    headers: Mapping[str, str]
    text: str


def ask(
    port: int, path: str = "/", headers: Any = None, source: str = "127.0.0.1", method: str = "GET"
) -> Answer:
    """Send one request from an address of this machine."""
    connection = http.client.HTTPConnection(
        "127.0.0.1", port, timeout=30, source_address=(source, 0)
    )
    connection.putrequest(method, path, skip_host=True)
    for name, value in [("Host", "127.0.0.1"), *(headers or [])]:
        connection.putheader(name, value)
    connection.endheaders()
    with connection.getresponse() as answer:
        found = Answer(answer.status, dict(answer.getheaders()), answer.read().decode())
    connection.close()
    return found


def basic(name: str, password: str) -> tuple[str, str]:
    return "Authorization", f"Basic {b64encode(f'{name}:{password}'.encode()).decode()}"


ANA = basic("ana@cafe.example", "four words are long")


@contextmanager
def running(app: Any) -> Iterator[int]:
    """Serve an application as `clickstream dashboard` does, and yield its port."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        config = uvicorn.Config(app, log_level="warning", access_log=False, proxy_headers=False)
        server = uvicorn.Server(config)
        thread = threading.Thread(target=server.run, args=([listener],))
        thread.start()
        deadline = time.monotonic() + START_SECONDS
        while not server.started and thread.is_alive() and time.monotonic() < deadline:
            time.sleep(0.05)
        yield listener.getsockname()[1]
        server.should_exit = True
        thread.join(START_SECONDS)


@dataclass(frozen=True)
class Site:
    """The ports of nginx and of the dashboard, and the dashboard's share links."""

    nginx: int
    dashboard: int
    shares: Shares


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    """The dashboard behind nginx, as docs/access.md configures both."""
    kept = tmp_path / "dashboard"
    kept.mkdir()
    with_account(kept)
    (tmp_path / "logs").mkdir()
    (tmp_path / "tmp").mkdir()
    passwords = tmp_path / "passwords"
    passwords.write_text("ana@cafe.example:{PLAIN}four words are long\n")
    shares = Shares(kept, lambda: datetime.now(UTC))
    chosen = DashboardSettings(proxy_header=USER, proxy_networks=("127.0.0.1/32",))
    app = build_app(kept, surroundings_of(chosen), shares=shares)
    with running(app) as port:
        documented = re.search(r"```nginx\n(# Behind nginx.*?)```", DOCS.read_text(), re.DOTALL)
        assert documented
        locations = documented[1].replace("/etc/nginx/dashboard.passwords", str(passwords))
        locations = locations.replace("127.0.0.1:8095", f"127.0.0.1:{port}")
        with running_nginx(tmp_path, tmp_path / "logs", locations) as nginx:
            yield Site(nginx.port, port, shares)


def test_a_user_of_nginx_is_logged_in_under_their_name(site: Site) -> None:
    assert ask(site.nginx).status == 401
    assert ask(site.nginx, headers=[basic("ana@cafe.example", "wrong")]).status == 401
    assert ask(site.nginx, headers=[ANA]).text == "<p>ana@cafe.example"
    posted = [ANA, ("Sec-Fetch-Site", "same-origin"), ("Content-Length", "0")]
    assert ask(site.nginx, "/ask", posted, method="POST").text == "<p>ana@cafe.example"


@pytest.mark.parametrize("name", [USER, USER.lower(), "X_Forwarded_User", "X-Forwarded_User"])
def test_a_header_that_the_browser_sends_through_nginx_is_replaced(site: Site, name: str) -> None:
    forged = [(name, "owner")]
    assert ask(site.nginx, headers=forged).status == 401
    assert ask(site.nginx, headers=[ANA, *forged]).text == "<p>ana@cafe.example"
    assert ask(site.nginx, headers=[*forged, ANA, *forged]).text == "<p>ana@cafe.example"


def test_the_same_header_from_another_address_is_ignored(site: Site) -> None:
    forged = [(USER, "owner"), ("X-Forwarded-For", "127.0.0.1"), ("Accept", "text/html")]
    answer = ask(site.dashboard, headers=forged, source="127.0.0.2")
    assert (answer.status, answer.headers["location"]) == (303, "/login")


def test_a_share_link_opens_through_nginx_without_a_password(site: Site) -> None:
    share = Share.create("Bean", 7, TABS, View(), "ana", datetime.now(UTC))
    path = site.shares.path(site.shares.add(share))
    answer = ask(site.nginx, path)
    assert (answer.status, answer.headers["location"]) == (303, f"{path.rpartition('/')[2]}/")
    assert ask(site.nginx, f"{path}/").status == 200
    forged = [(USER, "owner")]
    assert ask(site.nginx, f"{path}/", forged).text == "<p>"
    assert ask(site.nginx, "/shared/forged/").status == 404
    for trick in ("/shared/../", "/shared/%2e%2e/", f"{path}/../../", "/static/..%2f"):
        assert ask(site.nginx, trick, forged).status in (401, 400, 404), trick


def test_nginx_tells_the_scheme_and_the_browser_s_address(site: Site) -> None:
    """nginx writes both anew: what the browser claims does not pass."""
    claimed = [("X-Forwarded-Proto", "https"), ("X-Forwarded-For", "203.0.113.9"), ANA]
    assert "strict-transport-security" not in ask(site.nginx, headers=claimed).headers
    health = ask(site.dashboard, "/healthz", [("X-Forwarded-Proto", "https")])
    assert "strict-transport-security" in health.headers
