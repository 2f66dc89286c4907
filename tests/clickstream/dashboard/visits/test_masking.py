"""Masked lines show what the lake keeps of a request, and nothing else that a format may log."""

from __future__ import annotations

import json
from collections.abc import Callable
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clickstream.dashboard.visits.masking import MASK, Mask
from clickstream.parse import Format
from clickstream.parse.formats import FORMATS, compile_format

OURS = Mask(frozenset({"table"}), ("cafe.example",))
WHEN = "[20/Nov/2026:05:00:00 +0000]"
AGENT = "Mozilla/5.0 (X11; Linux x86_64) Chrome/120.0.0.0"
W3C = (
    "#Fields: date time c-ip cs-username cs-method cs-uri-stem cs-uri-query sc-status cs(Cookie)\n"
)

Secrets = tuple[str, str, str, str]
Write = Callable[[Secrets], str]

words = st.text("abcdefghijklmnopqrstuvwxyz0123456789", min_size=6, max_size=12).map("k".__add__)
addresses = st.one_of(st.ip_addresses(v=4), st.ip_addresses(v=6)).map(str)
secrets = st.tuples(addresses, words, words, words)


def combined(secret: Secrets) -> str:
    address, user, value, path = secret
    return (
        f'{address} - {user} {WHEN} "GET /menu?table=5&mail={value} HTTP/1.1" 200 512 '
        f'"https://www.search.example/{path}?q={value}" "{AGENT}"'
    )


def as_json(secret: Secrets) -> str:
    address, user, value, path = secret
    entry = {
        "time": "2026-11-20T05:00:00Z",
        "remoteIP": address,
        "user": {"name": user, "cookies": [value]},
        "request": f"/menu?table=5&mail={value}",
        "status": 200,
        "userAgent": AGENT,
        "referer": f"https://www.search.example/{path}",
    }
    return json.dumps(entry)


def as_w3c(secret: Secrets) -> str:
    address, user, value, path = secret
    return f"2026-11-20 05:00:00 {address} {user} GET /menu table=5&mail={value} 200 {path}"


LOGS: dict[str, tuple[Format, Write, str]] = {
    "combined": (FORMATS["combined"], combined, ""),
    "main": (FORMATS["main"], lambda s: f'{combined(s)} "{s[0]}, 10.0.0.1"', ""),
    "own": (
        compile_format("own", '%h %l %u %t "%r" %>s %b "%{Referer}i" "%{User-Agent}i" %{sid}C %D'),
        lambda s: f"{combined(s)} {s[2]} 1200",
        "",
    ),
    "json": (FORMATS["json"], as_json, ""),
    "w3c": (FORMATS["w3c"], as_w3c, W3C),
}


@pytest.mark.parametrize("name", LOGS)
@given(secret=secrets)
def test_no_format_shows_who_sent_a_request(name: str, secret: Secrets) -> None:
    known, write, header = LOGS[name]
    shown = OURS.line(f"{write(secret)}\n".encode(), known, header.encode())
    for one in (*secret, quote(secret[0])):
        assert one not in shown.replace(AGENT, "")
    for kept in ("/menu", "table=5", f"mail={MASK}", "200"):
        assert kept in shown, shown
    assert name == "w3c" or AGENT in shown
    assert name == "w3c" or f"https://www.search.example/{MASK}" in shown


@pytest.mark.parametrize("name", FORMATS)
def test_lines_of_every_format_remain_useful_without_their_addresses(name: str) -> None:
    *above, line = FORMATS[name].example.splitlines(keepends=True)
    header = FORMATS[name].header_after(b"", "".join(above).encode())
    shown = OURS.line(line.encode(), FORMATS[name], header)
    for address in ("192.0.2.7", "198.51.100.9", "10.0.0."):
        assert address not in shown
    assert "/menu" in shown
    assert "200" in shown


@given(garbage=st.binary(max_size=80), name=st.sampled_from([*FORMATS]))
def test_a_line_that_is_no_request_is_masked_as_a_whole(garbage: bytes, name: str) -> None:
    line = b"192.0.2.7 " + garbage.replace(b"\n", b" ") + b"\n"
    assert "192.0.2.7" not in OURS.line(line, FORMATS[name])


def test_pages_of_the_site_itself_remain_in_referrers() -> None:
    line = combined(("192.0.2.7", "-", "x", "x")).replace(
        "https://www.search.example/x?q=x", "https://www.cafe.example/order?table=5&step=2"
    )
    shown = OURS.line(line.encode(), FORMATS["combined"])
    assert f'"https://www.cafe.example/order?table=5&step={MASK}"' in shown


@pytest.mark.parametrize(
    ("referrer", "shown"),
    [
        ("https://198.51.100.3/a", f"https://{MASK}/{MASK}"),
        ("https://user:pass@www.search.example/", "https://www.search.example/"),
        ("https://user:pass@www.cafe.example/", MASK),
        ("mailto:ana@mail.example", MASK),
        ("ana", MASK),
    ],
)
def test_referrers_show_no_more_than_the_host_of_another_site(referrer: str, shown: str) -> None:
    line = combined(("192.0.2.7", "-", "x", "x"))
    line = line.replace("https://www.search.example/x?q=x", referrer)
    assert f' 512 "{shown}" "' in OURS.line(line.encode(), FORMATS["combined"])


def test_addresses_in_user_agents_are_masked_and_versions_are_not() -> None:
    line = combined(("192.0.2.7", "-", "x", "x")).replace("X11;", "via 198.51.100.3; 2001:db8::9;")
    shown = OURS.line(line.encode(), FORMATS["combined"])
    assert f"(via {MASK}; {MASK}; Linux x86_64) Chrome/120.0.0.0" in shown
