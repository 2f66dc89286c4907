"""One line of each server whose log has a header or holds JSON, field by field."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from tests.support.shared_data import shared

from clickstream.core.errors import InputError
from clickstream.parse import detect, parse
from clickstream.parse.formats import FORMATS

# Name of the sample: its format, entries, refused ones, and the first entry (with the end of its
# user agent alone).
SAMPLES: dict[str, tuple[str, int, int, dict[str, Any]]] = {
    "iis": (
        "w3c", 1, 0,
        {
            "at": "2012-04-01 00:00:13", "status": 200, "bytes": 27028, "client": "1.2.3.4",
            "method": "GET", "target": "/foo/bar?topCat1=divinity&submit=Search",
            "protocol": "HTTP/1.1", "referrer": "-", "host": "example.com",
            "duration_ms": "1687", "user_agent": " Gecko/20100722 Firefox/3.6.7",
        },
    ),
    "incapsula_w3c": (
        "w3c", 1, 1,
        {
            "at": "2017-06-28 07:26:35", "status": 200, "bytes": -1, "method": "GET",
            "client": "123.123.123.123", "forwarded": "123.123.123.123", "protocol": "HTTP",
            "target": "/page.php?variable=test", "referrer": "",
            "user_agent": " Chrome/58.0.3029.110 Safari/537.36",
        },
    ),
    "netscaler": (
        "w3c", 1, 0,
        {
            "at": "2012-08-16 11:55:13", "status": 302, "bytes": 355, "client": "172.20.1.0",
            "method": "GET", "target": "/Citrix/XenApp/Wan/auth/login.jsp",
            "protocol": "HTTP/1.1", "referrer": "-",
            "duration_ms": "",
            "user_agent": "; .NET CLR 3.5.21022)",
        },
    ),
    "amazon_cloudfront_web": (
        "w3c", 1, 0,
        {
            "at": "2014-05-23 01:13:11", "status": 200, "bytes": 182, "client": "192.0.2.10",
            "method": "GET", "target": "/view/my/file.html", "protocol": "HTTP/1.1",
            "referrer": "https://example.com/", "host": "example.com", "forwarded": "-",
            "duration_ms": "1.000",
            "user_agent": " (KHTML, like Gecko) Chrome/10.0.649.0 Safari/534.17",
        },
    ),
    "shoutcast": (
        "w3c", 1, 0,
        {
            "at": "2015-12-07 10:37:05", "status": 200, "bytes": 65580, "client": "1.2.3.4",
            "target": "/stream?title=UKR%20Nights",
            "user_agent": "NSPlayer/10.0.0.3702 WMFSDK/10.0",
        },
    ),
    "splitted_date_and_time": (
        "w3c", 1, 0,
        {
            "at": "2015-12-07 10:37:05", "status": 200, "bytes": 65580, "client": "1.2.3.4",
            "target": "/stream?title=UKR%20Nights",
            "user_agent": "NSPlayer/10.0.0.3702 WMFSDK/10.0",
        },
    ),
    "caddy_json": (
        "json", 3, 0,
        {
            "at": "2023-12-23 23:17:54", "status": 200, "bytes": 3609, "client": "1.2.3.4",
            "method": "GET", "target": "/beta/", "protocol": "HTTP/2.0", "host": "example.com",
            "sec_gpc": "1", "dnt": "1", "referrer": None, "duration_s": "0.001335486",
            "accept": "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/jxl,"
            "image/webp,*/*;q=0.8",
            "accept_language": "en-IE", "sec_fetch_mode": "navigate",
            "user_agent": " Gecko/20100101 Firefox/121.0",
        },
    ),
    "traefik_json": (
        "json", 1, 0,
        {
            "at": "2023-08-11 11:39:21", "status": 200, "bytes": 15, "client": "1.2.3.4",
            "method": "GET", "target": "/my/app/auth?id=1234&user=dude", "protocol": "HTTP/1.1",
            "host": "localhost", "referrer": "www.example.com", "user_agent": "Prometheus/2.40.5",
            "duration_ns": "10002425284",
        },
    ),
}  # fmt: skip


def first_entry(data: bytes, log_format: str) -> dict[str, Any]:
    """What is read of the first entry; a text that it has no place for is None."""
    rows = FORMATS[log_format].read(data, b"")
    texts = {
        name: column.values[int(column.codes[0])].as_py().decode() if column.codes[0] >= 0 else None
        for name, column in rows.texts.items()
    }
    at = datetime.fromtimestamp(int(rows.seconds[0]), UTC).strftime("%Y-%m-%d %H:%M:%S")
    return {"at": at, "status": int(rows.status[0]), "bytes": int(rows.size[0]), **texts}


@pytest.mark.shared_data
@pytest.mark.parametrize("name", SAMPLES)
def test_a_sample_is_read_field_by_field(name: str) -> None:
    log_format, entries, refused, expected = SAMPLES[name]
    data = shared("format-samples", f"{name}.log").read_bytes()
    detected = detect(data)
    assert (detected.name, detected.read, detected.seen) == (log_format, entries, entries + refused)
    found = first_entry(data, log_format)
    assert found["user_agent"].endswith(expected["user_agent"])
    assert found | {"user_agent": expected["user_agent"]} == expected


@pytest.mark.shared_data
def test_a_sample_of_nginx_whose_recipe_leaves_out_the_method() -> None:
    data = shared("format-samples", "nginx_json.log").read_bytes()
    row = first_entry(data, detect(data).name)
    assert (row["at"], row["status"], row["bytes"]) == ("2013-10-10 14:52:00", 200, 192)
    assert (row["client"], row["host"]) == ("1.2.3.4", "www.piwik.org")
    assert row["referrer"] == "http://clearcode.cc/"
    assert (row["method"], row["protocol"]) == (None, None)
    assert row["target"].startswith("/piwik.php?action_name=Clearcode%20-")
    assert row["user_agent"].endswith("Chrome/24.0.1312.57 Safari/537.17")


@pytest.mark.shared_data
@pytest.mark.parametrize(
    ("name", "missing"),
    [("iis_custom", "lacks date and time:"), ("amazon_cloudfront_rtmp", "lacks sc-status:")],
)
def test_a_sample_that_lacks_what_is_needed_is_refused_by_name(name: str, missing: str) -> None:
    with pytest.raises(InputError, match=missing):
        detect(shared("format-samples", f"{name}.log").read_bytes())


@pytest.mark.shared_data
def test_the_advanced_logging_of_iis_is_read_where_its_times_are_utc() -> None:
    data = shared("format-samples", "iis_custom.log").read_bytes()
    data = data.replace(b"date-local time-local", b"date time")
    parsed = parse(data, "w3c")
    assert parsed.requests["status"].tolist() == [200, 301, 404]
    assert parsed.requests["user_agent"].str.startswith("Mozilla/5.0 (").all()
    assert parsed.rejects["reason"].unique().tolist() == ["empty line"]
    row = first_entry(data, "w3c")
    assert (row["client"], row["host"]) == ("70.95.0.0", "xzy.example.com")


def test_what_visitors_ask_for_is_read_from_w3c() -> None:
    data = (
        b"#Fields: date time c-ip cs-method cs-uri-stem sc-status cs-host X-Forwarded-For "
        b"cs(Sec-GPC) cs(DNT)\n2026-11-20 05:00:00 192.0.2.7 GET / 200 cafe.example 192.0.2.9 1 -\n"
    )
    row = first_entry(data, "w3c")
    assert (row["host"], row["forwarded"]) == ("cafe.example", "192.0.2.9")
    assert (row["sec_gpc"], row["dnt"]) == ("1", "-")


@pytest.mark.parametrize(
    "own",
    [
        {"http_host": "a.example", "http_x_forwarded_for": "x", "http_sec_gpc": "1", "http_dnt": 1},
        {"RequestHost": "a.example", "request_X-Forwarded-For": "x", "request_Sec-Gpc": "1",
         "request_Dnt": "1"},
    ],
)  # fmt: skip
def test_what_visitors_ask_for_is_read_from_json(own: dict[str, Any]) -> None:
    entry = {"time": "2026-11-20T05:00:00Z", "ip": "192.0.2.7", "path": "/", "status": 200, **own}
    row = first_entry(json.dumps(entry).encode(), "json")
    assert (row["host"], row["forwarded"]) == ("a.example", "x")
    assert (row["sec_gpc"], row["dnt"]) == ("1", "1")


def test_an_optional_field_of_another_kind_costs_no_line() -> None:
    entry = {"time": "2026-11-20T05:00:00Z", "ip": "192.0.2.7", "path": "/", "status": 200}
    row = first_entry(json.dumps({**entry, "host": {"name": "web-1"}}).encode(), "json")
    assert row["host"] == ""


def test_a_request_line_tells_the_method_where_no_key_does() -> None:
    entry = {"time": "2026-11-20T05:00:00Z", "ip": "192.0.2.7", "status": 200}
    row = first_entry(json.dumps({**entry, "request": "GET /a HTTP/1.1"}).encode(), "json")
    assert (row["method"], row["target"], row["protocol"]) == ("GET", "/a", "HTTP/1.1")
