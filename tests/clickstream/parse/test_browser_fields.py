"""The header fields of browsers, from lines in the formats of the docs to session parts."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Callable, Sequence
from pathlib import Path

import pandas as pd
import pytest
from benchmarks.people.counting import parts_of_log
from hypothesis import given
from hypothesis import strategies as st

from clickstream.parse.formats import Format, compile_format

PAGE = (Path(__file__).parents[3] / "docs" / "formats.md").read_text(encoding="utf-8")
SNIPPET = PAGE.partition("## Header fields of browsers")[2].partition("```toml")[2]
FORMATS = {
    name: compile_format(name, text)
    for name, text in tomllib.loads(SNIPPET.partition("```")[0])["formats"].items()
}
HEADERS = ("Accept", "Accept-Language", "Sec-Fetch-Mode")
AGENT = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) Chrome/142.0.0.0 Safari/537.36"
W3C = f"""#Fields: date time c-ip cs-method cs-uri-stem sc-status cs(User-Agent) cs(referer) {
    " ".join(f"cs({name})" for name in HEADERS)
}
"""

Sent = Sequence[str | None]
sent = st.tuples(
    st.sampled_from([None, "*/*", "text/html,*/*;q=0.8", "TEXT/HTML"]),
    st.sampled_from([None, "en-GB,en;q=0.5", "is"]),
    st.sampled_from([None, "navigate", "cors"]),
)


def expected(values: Sent) -> str:
    """Name the fields that were sent; an Accept of any type is none of a browser."""
    accept, *others = values
    is_sent = [accept is not None and "text/html" in accept.lower(), *map(bool, others)]
    return ", ".join(name for name, is_one in zip(HEADERS, is_sent, strict=True) if is_one)


def fields_of(log: str, log_format: Format) -> str:
    """Return the header fields of a log's only session part."""
    (found,) = parts_of_log(log.encode(), log_format, "x.example")["header_fields"]
    return "" if pd.isna(found) else str(found)


def server_line(second: int, target: str, values: Sent) -> str:
    quoted = " ".join(f'"{value or "-"}"' for value in values)
    request = f'"GET {target} HTTP/2.0" 200 900 "-" "{AGENT}"'
    return f"192.0.2.7 - - [20/Nov/2026:10:00:{second:02} +0000] {request} {quoted}\n"


def w3c_line(second: int, target: str, values: Sent) -> str:
    texts = " ".join(value or "-" for value in values)
    agent = AGENT.replace(" ", "+")
    return f"2026-11-20 10:00:{second:02} 192.0.2.7 GET {target} 200 {agent} - {texts}\n"


def caddy_line(second: int, target: str, values: Sent) -> str:
    headers = {name: [v] for name, v in zip(HEADERS, values, strict=True) if v is not None}
    request = {"remote_ip": "192.0.2.7", "method": "GET", "uri": target, "proto": "HTTP/2.0"}
    request |= {"headers": headers | {"User-Agent": [AGENT]}}
    return json.dumps({"ts": 1795168800 + second, "request": request, "status": 200}) + "\n"


def nginx_json_line(second: int, target: str, values: Sent) -> str:
    names = (f"http_{name.lower().replace('-', '_')}" for name in HEADERS)
    line = {
        "time_iso8601": f"2026-11-20T10:00:{second:02}+00:00",
        "remote_addr": "192.0.2.7",
        "request": f"GET {target} HTTP/2.0",
        "status": "200",
        "http_user_agent": AGENT,
        **{name: value or "" for name, value in zip(names, values, strict=True)},
    }
    return json.dumps(line) + "\n"


@pytest.mark.parametrize(
    ("log_format", "head", "line"),
    [
        *(pytest.param(one, "", server_line, id=name) for name, one in FORMATS.items()),
        pytest.param("w3c", W3C, w3c_line, id="w3c"),
        pytest.param("json", "", caddy_line, id="caddy"),
        pytest.param("json", "", nginx_json_line, id="nginx-json"),
    ],
)
@given(values=sent, of_asset=sent, of_next=sent)
def test_parts_have_the_fields_of_their_first_page_view(
    log_format: Format,
    head: str,
    line: Callable[[int, str, Sent], str],
    values: Sent,
    of_asset: Sent,
    of_next: Sent,
) -> None:
    log = [line(1, "/logo.png", of_asset), line(2, "/", values), line(30, "/menu", of_next)]
    assert fields_of(head + "".join(log), log_format) == expected(values)


def test_a_part_without_a_page_has_none() -> None:
    log = server_line(1, "/logo.png", ("text/html", "en", "navigate"))
    assert fields_of(log, FORMATS["fields_nginx"]) == ""
