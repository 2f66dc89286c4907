"""What is believed of a proxy: users in a header, the browser's address, and https."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.clickstream.dashboard.access.builders import (
    OWN_PAGE,
    PAGE,
    PASSWORD,
    browser,
    build_app,
    log_in,
    logged_in,
    with_account,
)
from tests.support.examples import many_examples

from clickstream.dashboard.access.guard import Surroundings
from clickstream.dashboard.access.peers import ForwardedPeers, client_address, is_https
from clickstream.dashboard.access.proxies import HeaderLogin, account_name
from clickstream.dashboard.web.surroundings import describe_logins, login_warnings, surroundings_of
from clickstream.settings import DashboardSettings

NETWORKS = ("10.0.0.0/16", "2001:db8:1::/48")
PROXY = "10.0.7.7"
USER = "X-Forwarded-User"


@pytest.fixture
def app(tmp_path: Path) -> Any:
    with_account(tmp_path)
    proxy = HeaderLogin.of(USER, NETWORKS)
    return build_app(tmp_path, Surroundings(networks=NETWORKS, proxy=proxy))


@pytest.mark.parametrize(
    "peer", [PROXY, "10.0.0.0", "10.0.255.255", "::ffff:10.0.7.7", "2001:db8:1::9"]
)
def test_a_user_of_the_proxy_is_logged_in(app: Any, peer: str) -> None:
    visitor = browser(app, peer, headers={USER: "ana@cafe.example", **PAGE})
    assert visitor.get("/").text == "<p>ana@cafe.example"
    assert visitor.post("/ask", headers=OWN_PAGE).text == "<p>ana@cafe.example"
    assert visitor.get("/login").headers["location"] == "/"


@pytest.mark.parametrize(
    "peer",
    [
        *("127.0.0.1", "::1", "10.1.0.1", "9.255.255.255", "::ffff:10.1.0.1", "2001:db8:2::9"),
        *("10.0.7", "10.0.7.7.evil.example", "testclient", "", "10.0.7.7, 10.0.7.7", "0xa000707"),
    ],
)
def test_the_header_of_anybody_else_is_ignored(app: Any, peer: str) -> None:
    visitor = browser(app, peer, headers={USER: "owner", **PAGE})
    assert visitor.get("/").headers["location"] == "/login"


def test_x_forwarded_for_makes_nobody_a_proxy(app: Any) -> None:
    """The address that connects counts, whatever it writes."""
    headers = {USER: "owner", "X-Forwarded-For": PROXY, **PAGE}
    for peer in ("127.0.0.1", "192.0.2.1"):
        assert browser(app, peer, headers=headers).get("/").status_code == 303


@pytest.mark.parametrize(
    "headers",
    [
        [(USER, "ana"), (USER, "ben")],
        [(USER, "ana"), (USER, "ana")],
        [(USER, "ana, ben")],
        [(USER, "")],
        [(USER, " ")],
        [(USER, "a\tb")],
        [(USER, "x" * 129)],
        [(USER, "ana\x7f")],
        [("X_Forwarded_User", "ana")],
        [("X-Forwarded_User", "ana")],
        [("X-Forwarded-Users", "ana")],
        [("Forwarded-User", "ana")],
        [("X-Forwarded-Email", "ana")],
    ],
    ids=str,
)
def test_anything_but_one_name_in_the_exact_header_is_ignored(app: Any, headers: Any) -> None:
    visitor = browser(app, PROXY)
    answer = visitor.get("/", headers=[*headers, ("Accept", "text/html")])
    assert (answer.status_code, answer.headers.get("location")) == (303, "/login")


def test_a_name_in_another_encoding_is_ignored() -> None:
    headers = [(USER.lower().encode(), b"\xff\xfe")]
    scope = {"type": "http", "scheme": "http", "headers": headers, "client": (PROXY, 1)}
    read = ForwardedPeers(None, NETWORKS)._read(scope)  # type: ignore[arg-type]
    assert HeaderLogin.of(USER, NETWORKS).account_of(read) is None


def test_a_name_may_be_in_any_script(app: Any) -> None:
    visitor = browser(app, PROXY, headers={USER: "Zoë Ølgod".encode(), **PAGE})
    assert visitor.get("/").content.decode() == "<p>Zoë Ølgod"


@many_examples
@given(st.text(max_size=140))
def test_the_name_of_an_account_is_one_line_of_plain_text(text: str) -> None:
    name = account_name(text)
    assert name is None or (name == text.strip() and name.isprintable() and "," not in name)


def test_the_proxy_s_user_counts_more_than_a_session(app: Any, tmp_path: Path) -> None:
    cookies = logged_in(app, tmp_path).cookies
    by_proxy = browser(app, PROXY, cookies=cookies)
    assert by_proxy.get("/").text == "<p>ana"
    assert by_proxy.get("/", headers={USER: "ben"}).text == "<p>ben"


@pytest.mark.parametrize(
    ("peer", "proto", "is_secure"),
    [
        (PROXY, ["https"], True),
        ("::ffff:10.0.7.7", ["HTTPS"], True),
        ("127.0.0.1", ["https"], True),
        (PROXY, ["http"], False),
        (PROXY, ["http", "https"], False),
        (PROXY, ["https, http"], False),
        ("192.0.2.1", ["https"], False),
        (PROXY, [], False),
    ],
)
def test_a_session_is_secure_where_the_browser_spoke_https(
    app: Any, peer: str, proto: list[str], is_secure: bool
) -> None:
    visitor = browser(app, peer)
    visitor.headers = httpx.Headers([("X-Forwarded-Proto", one) for one in proto])
    answer = log_in(visitor)
    cookie = answer.headers["set-cookie"].split("; ")[1:]
    flags = ["Path=/", "Max-Age=1209600", "HttpOnly", "SameSite=Lax"]
    assert cookie == ([*flags, "Secure"] if is_secure else flags)
    assert ("strict-transport-security" in answer.headers) == is_secure


def test_failed_logins_are_counted_by_the_browser_behind_the_proxies(app: Any) -> None:
    def fail(client: str, name: str) -> int:
        chain = f"198.51.100.9, {client}, 10.0.1.1"
        visitor = browser(app, PROXY, headers={"X-Forwarded-For": chain})
        return int(log_in(visitor, name, "not the password").status_code)

    assert [fail("203.0.113.5", f"name{n}") for n in range(6)] == [401] * 5 + [429]
    assert fail("203.0.113.6", "other") == 401


def test_a_stranger_s_chain_of_addresses_changes_nothing(app: Any) -> None:
    codes = []
    for number in range(6):
        visitor = browser(app, "192.0.2.1", headers={"X-Forwarded-For": f"203.0.113.{number}"})
        codes.append(log_in(visitor, f"name{number}", "not the password").status_code)
    assert codes == [401] * 5 + [429]


@many_examples
@given(
    st.sampled_from([PROXY, "127.0.0.1", "192.0.2.1", "unknown", ""]),
    st.text(st.characters(max_codepoint=255), max_size=60),
    st.text(st.characters(max_codepoint=255), max_size=12),
)
def test_any_header_is_read_without_an_error(peer: str, chain: str, proto: str) -> None:
    headers = [(b"x-forwarded-for", chain.encode("latin-1"))]
    headers.append((b"x-forwarded-proto", proto.encode("latin-1")))
    scope = {"type": "http", "scheme": "http", "headers": headers, "client": (peer, 1)}
    read = ForwardedPeers(None, NETWORKS)._read(scope)  # type: ignore[arg-type]
    assert client_address(read)
    assert is_https(read) in (True, False)


@pytest.mark.parametrize(
    ("peer", "forwarded", "is_open"),
    [
        ("127.0.0.1", "", True),
        ("::1", "", True),
        ("10.9.0.5", "", True),
        ("::ffff:10.9.0.5", "", True),
        (PROXY, "10.9.0.5", True),
        (PROXY, "", False),
        ("192.0.2.1", "", False),
        ("127.0.0.1", "192.0.2.1", False),
        ("192.0.2.1", "127.0.0.1", False),
        ("192.0.2.1", "10.9.0.5", False),
        ("testclient", "", False),
    ],
)
def test_metrics_need_no_login_on_this_machine_and_in_their_networks(
    tmp_path: Path, peer: str, forwarded: str, is_open: bool
) -> None:
    """The address of the client counts, as the last trusted proxy reports it."""
    around = Surroundings(networks=NETWORKS, scrapers=["10.9.0.0/16"])
    headers = {"X-Forwarded-For": forwarded} if forwarded else {}
    scraper = browser(build_app(tmp_path, around), peer, headers=headers)
    assert scraper.get("/metrics").status_code == (200 if is_open else 401)
    for path in ("/", "/metrics/", "/metrics/x", "/stored"):
        assert scraper.get(path).status_code == 401


def test_settings_name_the_proxy_and_the_start_says_who_can_log_in() -> None:
    chosen = DashboardSettings(
        url="https://dashboard.example",
        proxy_header=USER,
        proxy_networks=("10.0.0.0/16",),
    )
    around = surroundings_of(chosen)
    assert around.names == ["dashboard.example"]
    assert isinstance(around.proxy, HeaderLogin)
    assert describe_logins(chosen) == (
        "Logins: the header X-Forwarded-User from 10.0.0.0/16, then accounts and one-time links."
    )
    assert describe_logins(DashboardSettings()) == "Logins: accounts and one-time links."


@pytest.mark.parametrize(
    ("networks", "host", "says"),
    [
        (("10.0.0.0/16",), "127.0.0.1", None),
        (("10.0.0.0/16",), "0.0.0.0", "It listens on 0.0.0.0."),
        (("0.0.0.0/0",), "127.0.0.1", "Any computer in 0.0.0.0/0"),
        (("10.0.0.0/16", "::/0"), "::", "Any computer in ::/0"),
    ],
)
def test_a_header_that_others_could_send_is_warned_of(
    networks: tuple[str, ...], host: str, says: str | None
) -> None:
    chosen = DashboardSettings(proxy_header=USER, proxy_networks=networks)
    warnings = [*login_warnings(chosen, host)]
    assert [says in warning for warning in warnings if says] == ([True] if says else [])
    assert bool(warnings) == bool(says)
    assert [*login_warnings(DashboardSettings(), host)] == []


def test_passwords_and_sessions_work_beside_a_proxy(app: Any, tmp_path: Path) -> None:
    visitor = browser(app, PROXY)
    assert log_in(visitor, password=PASSWORD).status_code == 303
    assert visitor.get("/").text == "<p>ana"
