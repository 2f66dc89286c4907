"""What kind a request is, and that the kinds add up."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.clickstream.clean.requests_made import KEY, RULES, line, requests

from clickstream.clean import KINDS, balance, clean
from clickstream.tables import BALANCE

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
]


@pytest.mark.parametrize(("target", "method", "status", "kind"), CASES)
def test_kind(target: str, method: str, status: int, kind: str) -> None:
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
        ),
        RULES,
        KEY,
    )
    assert balance(labelled) == {
        "pages": 1,
        "assets": 2,
        "bots": 2,
        "redirects": 1,
        "client_errors": 1,
        "server_errors": 1,
        "others": 1,
    }


case = st.builds(
    line,
    st.sampled_from(["/", "/a.css", "/robots.txt", "/menu?q=1"]),
    method=st.sampled_from(["GET", "POST"]),
    status=st.integers(100, 599),
    agent=st.sampled_from(["-", "curl/8.0", "Mozilla/5.0 Firefox/145.0"]),
)


@settings(max_examples=40, deadline=None)
@given(st.lists(case, max_size=12))
def test_balance_adds_up(lines: list[str]) -> None:
    counts = balance(clean(requests(*lines), RULES, KEY))
    assert tuple(counts) == BALANCE
    assert sum(counts.values()) == len(lines)
