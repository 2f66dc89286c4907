"""What kind a request is, and that the kinds add up."""

from dataclasses import fields
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.clickstream.clean.builders import BROWSER, KEY, RULES, line, requests
from tests.support.cases import each_case

from clickstream.clean import clean
from clickstream.clean.pages import INDEX_FILES
from clickstream.clean.request_kinds import (
    KINDS,
    PATH_KINDS,
    KindRules,
    balance,
    is_health_checker,
    kind_of,
    path_kind,
)
from clickstream.clean.urls import TargetRules, split_target
from clickstream.tables import BALANCE

RULE = KindRules()

CASES = [
    ("/", "GET", 200, "page"),
    ("/menu", "GET", 304, "page"),
    ("/menu?file=a.css", "GET", 200, "page"),
    ("/v1.2/", "GET", 200, "page"),
    ("/menu", "HEAD", 200, "other"),
    ("/order", "POST", 200, "other"),
    ("/menu", "GET", 204, "other"),
    ("/menu", "GET", 206, "other"),
    ("/menu", "POST", 304, "other"),
    ("/old", "GET", 301, "redirect"),
    ("/old", "POST", 302, "redirect"),
    ("/gone", "GET", 404, "client_error"),
    ("/menu", "GET", 499, "client_error"),
    ("/menu", "GET", 503, "server_error"),
    ("/menu", "GET", 0, "other"),
    ("/a.css?v=3", "GET", 200, "asset"),
    ("/A.PNG", "GET", 404, "asset"),
    ("/app.min.js", "HEAD", 500, "asset"),
    ("/favicon.ico", "GET", 301, "asset"),
    ("/robots.txt", "GET", 200, "other"),
    ("/robots.txt", "GET", 404, "other"),
    ("*", "OPTIONS", 200, "other"),
    ("/.well-known/security.txt", "GET", 200, "other"),
    ("/sitemap.xml", "GET", 200, "other"),
    ("/menu.pdf", "GET", 200, "download"),
    ("/menu.PDF", "GET", 206, "download"),
    ("/menu.pdf", "GET", 304, "download"),
    ("/menu.pdf", "HEAD", 200, "other"),
    ("/menu.pdf", "GET", 404, "client_error"),
    ("/menu?file=a.pdf", "GET", 200, "page"),
    ("/healthz", "GET", 200, "health_check"),
    ("/Healthz/", "HEAD", 503, "health_check"),
    ("/health", "GET", 404, "client_error"),
    ("/server-status", "GET", 403, "client_error"),
    ("/health-tips", "GET", 200, "page"),
    ("/api/orders", "GET", 200, "api"),
    ("/api/orders", "POST", 201, "api"),
    ("/api/orders", "POST", 422, "client_error"),
    ("/api/health", "GET", 200, "health_check"),
    ("/apiary", "GET", 200, "page"),
    ("/v1/menu", "GET", 200, "api"),
    ("/graphql", "POST", 200, "api"),
    ("/data/menu.json", "GET", 200, "api"),
    ("/manifest.json", "GET", 200, "asset"),
    ("/api/logo.png", "GET", 200, "asset"),
]


@each_case("target, method, status, kind", CASES)
def test_a_request_has_the_kind_of_its_target_method_and_status(
    target: str, method: str, status: int, kind: str
) -> None:
    labelled = clean(
        requests(line(target, method=method, status=f"{status:03}")),  # type: ignore[arg-type]
        RULES,
        KEY,
    )
    assert labelled["kind"].tolist() == [kind]


def test_line_that_is_not_http_goes_by_its_status() -> None:
    labelled = clean(
        requests(
            line(request=r"\x16\x03\x01", status=400),
            line(request="-", status=408),
            line(request="GET /a.css", status=200),
        ),
        RULES,
        KEY,
    )
    assert labelled["kind"].tolist() == ["client_error", "client_error", "other"]
    assert labelled[["method", "path", "query"]].isna().all(axis=None)


def test_kinds_are_a_closed_set_whatever_comes() -> None:
    assert tuple(clean(requests(line()), RULES, KEY)["kind"].cat.categories) == KINDS
    assert tuple(clean(requests(), RULES, KEY)["kind"].cat.categories) == KINDS


def test_balance_counts_a_bots_assets_as_assets() -> None:
    bot = "Googlebot/2.1 (+http://www.google.com/bot.html)"
    labelled = clean(
        requests(
            line("/"),
            line("/", agent=bot),
            line("/a.css"),
            line("/a.css", agent=bot),
            line("/gone", status=404),
            line("/gone", status=404, agent=bot),
            line("/old", status=301),
            line("/", status=500),
            line("/", method="HEAD"),
            line("/menu.pdf"),
            line("/ping"),
            line("/api/menu"),
        ),
        RULES,
        KEY,
    )
    assert counted(labelled) == {
        "page_requests": 1,
        "assets": 2,
        "downloads": 1,
        "bots": 2,
        "redirects": 1,
        "client_errors": 1,
        "server_errors": 1,
        "health_checks": 1,
        "api_calls": 1,
        "others": 1,
    }


def counted(labelled: pd.DataFrame) -> dict[str, int]:
    return balance(labelled["kind"].cat.codes.to_numpy(), labelled["is_bot"].to_numpy())


case = st.builds(
    line,
    st.sampled_from(["/", "/a.css", "/robots.txt", "/menu?q=1", "/a.pdf", "/ping", "/api/a"]),
    method=st.sampled_from(["GET", "POST"]),
    status=st.integers(100, 599),
    agent=st.sampled_from(["-", "curl/8.0", "Mozilla/5.0 Firefox/145.0"]),
)


@given(st.lists(case, max_size=12))
def test_the_balance_counts_every_line_once(lines: list[str]) -> None:
    labelled = clean(requests(*lines), RULES, KEY)
    counts = counted(labelled)
    assert tuple(counts) == BALANCE
    assert sum(counts.values()) == len(lines)


@pytest.mark.parametrize(
    ("agent", "expected"),
    [
        ("ELB-HealthChecker/2.0", True),
        ("kube-probe/1.31", True),
        ("googlehc/1.0", True),
        ("Mozilla/5.0 (compatible;Cloudflare-Healthchecks/1.0;)", True),
        (BROWSER, False),
        ("curl/8.0", False),
    ],
)
def test_health_checkers_are_recognized_by_their_user_agent(agent: str, expected: bool) -> None:
    assert is_health_checker(agent, KindRules()) is expected


statuses = st.integers(100, 599)


@given(st.sampled_from([-1, *range(len(PATH_KINDS))]), st.booleans(), statuses)
def test_whatever_a_health_checker_asks_is_a_health_check(
    path: int, get: bool, status: int
) -> None:
    kind = kind_of(
        np.array([path]), np.array([True]), np.array([get]), np.array([status], np.int16)
    )
    assert [KINDS[code] for code in kind] == ["health_check"]


agents = st.sampled_from(["-", "curl/8.0", "Googlebot/2.1", "UptimeRobot/2.0", BROWSER])


@given(st.sampled_from(KindRules().health_paths), agents, st.sampled_from([200, 301, 500, 503]))
def test_a_health_check_is_counted_as_one_whoever_asks(path: str, agent: str, status: int) -> None:
    labelled = clean(requests(line(path, agent=agent, status=status)), RULES, KEY)
    assert counted(labelled)["health_checks"] == 1


@each_case("client", ["127.0.0.1", "127.8.0.1", "::1"])
def test_tools_and_monitors_on_the_server_itself_are_health_checkers(client: str) -> None:
    """A proxy on the server has the same address; crawlers and people come through it."""
    tools = [line("/", client=client, agent=agent) for agent in ("-", "curl/8.0", "UptimeRobot/2")]
    others = [line("/", client=client, agent=agent) for agent in (BROWSER, "Googlebot/2.1")]
    elsewhere = line("/", agent="curl/8.0")
    counts = counted(clean(requests(*tools, *others, elsewhere), RULES, KEY))
    assert (counts["health_checks"], counts["bots"], counts["page_requests"]) == (3, 2, 1)


extensions = st.sampled_from([*KindRules().asset_extensions, *KindRules().download_extensions])


@given(extensions, st.sampled_from(["/menu", "/", "/a/b.html"]))
def test_an_extension_counts_in_the_path_only(extension: str, path: str) -> None:
    assert path_kind(split_target(f"{path}?file=x.{extension}", TargetRules()).path, RULE) is None
    assert path_kind(f"/x.{extension}", RULE) in ("asset", "download")


@given(st.text())
def test_every_path_has_a_kind_or_none_whatever_its_case(path: str) -> None:
    assert path_kind(path, RULE) in (None, *PATH_KINDS)


@given(st.sampled_from([*KindRules().health_paths, "/robots.txt", "/API/x", "/a.Pdf", "/x.CSS"]))
def test_kinds_do_not_depend_on_the_case_of_the_path(path: str) -> None:
    assert path_kind(path.upper(), RULE) == path_kind(path.lower(), RULE) is not None


def test_rules_take_the_place_of_the_defaults() -> None:
    rules = KindRules(
        api_prefixes=("/backend/",), health_paths=("/up",), download_extensions=("BREW",)
    )
    told = [path_kind(path, rules) for path in ("/backend", "/api/x", "/up", "/a.brew", "/a.pdf")]
    assert told == ["api", None, "health_check", "download", None]


def test_the_docs_list_every_default() -> None:
    text = " ".join((Path(__file__).parents[3] / "docs" / "cleaning.md").read_text().split())
    for field in fields(KindRules):
        assert ", ".join(f"`{one}`" for one in getattr(RULE, field.name)) in text
    assert ", ".join(f"`{one}`" for one in INDEX_FILES) in text
