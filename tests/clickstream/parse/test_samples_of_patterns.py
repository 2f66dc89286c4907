"""Sample lines that other log tools keep: each is read right, or refused for a known reason."""

from __future__ import annotations

from typing import Any

import pandas as pd
import pytest
from tests.support.shared_data import shared

from clickstream.parse import detect, parse
from clickstream.parse.formats import compile_format
from clickstream.parse.frames import Parsed

pytestmark = pytest.mark.shared_data

CHROME = (
    "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/535.11 (KHTML, like Gecko) "
    "Chrome/17.0.963.56 Safari/535.11"
)
PLAIN = {
    "client": "1.2.3.4",
    "at": pd.Timestamp("2012-02-10 21:42:07"),
    "method": "GET",
    "target": "/",
    "protocol": "HTTP/1.1",
    "status": 301,
    "bytes": 368,
    "referrer": None,
    "user_agent": CHROME,
}

FIRST_LINES: dict[str, tuple[str, dict[str, Any]]] = {
    "alb.log": (
        "alb",
        {
            "client": "1.2.3.4",
            "at": pd.Timestamp("2020-01-01 00:55:04"),
            "method": "GET",
            "target": "https://www.example.com:443/path/index.html",
            "protocol": "HTTP/1.1",
            "status": 200,
            "bytes": 24950,
            "referrer": "",
            "user_agent": CHROME,
        },
    ),
    "elb.log": (
        "elb",
        {
            "client": "1.2.3.4",
            "at": pd.Timestamp("2015-05-13 23:39:43"),
            "method": "GET",
            "target": "https://www.example.com:443/path/index.html",
            "protocol": "HTTP/1.1",
            "status": 200,
            "bytes": 57,
            "referrer": "",
            "user_agent": CHROME,
        },
    ),
    "s3.log": ("s3", {**PLAIN, "target": "/index", "status": 200}),
    "haproxy.log": (
        "haproxy",
        {
            "client": "4.3.2.1",
            "at": pd.Timestamp("2018-09-25 06:05:27"),
            "method": "POST",
            "target": "/user/",
            "protocol": "HTTP/1.1",
            "status": 200,
            "bytes": 7456,
            "referrer": "",
            "user_agent": "",
        },
    ),
    "gandi.log": ("gandi", PLAIN),
    "ovh.log": ("ovh", PLAIN),
    "icecast2.log": ("icecast2", PLAIN | {"protocol": "HTTP/1.0"}),
    "common.log": (
        "common",
        PLAIN | {"protocol": "HTTP/1.0", "referrer": "", "user_agent": ""},
    ),
    "ncsa_extended.log": ("combined", PLAIN | {"protocol": "HTTP/1.0"}),
    "common_complete.log": ("combined_vhost", PLAIN | {"protocol": "HTTP/1.0"}),
    "common_vhost.log": (
        "common_vhost",
        PLAIN | {"protocol": "HTTP/1.0", "referrer": "", "user_agent": ""},
    ),
    "static_ignores.log": (
        "combined_vhost",
        PLAIN | {"protocol": "HTTP/1.0", "status": 200, "at": pd.Timestamp("2012-02-10 21:41:07")},
    ),
    "logs_to_tests.log": (
        "combined",
        {
            "client": "203.38.78.246",
            "at": pd.Timestamp("2013-02-05 07:01:26"),
            "method": "GET",
            "status": 200,
            "bytes": 192,
            "referrer": "http://clearcode.cc/",
        },
    ),
}

REFUSED = {
    # What is no line of the format: a remark among the lines, an empty line.
    "elb.log": {2: "not an access-log line"},
    "logs_to_tests.log": {4: "empty line", 5: "not an access-log line"},
}


def assert_first_is(parsed: Parsed, expected: dict[str, Any]) -> None:
    row = parsed.requests.iloc[0]
    assert {key: None if pd.isna(row[key]) else row[key] for key in expected} == expected


@pytest.mark.parametrize("name", FIRST_LINES)
def test_the_format_is_found_and_each_line_is_read_or_refused(name: str) -> None:
    data = shared("format-samples", name).read_bytes()
    log_format, expected = FIRST_LINES[name]
    found = detect(data)
    assert getattr(found, "name", found) == log_format
    parsed = parse(data, log_format)
    assert_first_is(parsed, expected)
    rejects = parsed.rejects.set_index("line_number")["reason"].astype("str")
    assert rejects.to_dict() == REFUSED.get(name, {})


def test_a_time_in_an_own_spelling_is_read() -> None:
    data = shared("format-samples", "custom_regex_custom_date.log").read_bytes()
    mine = compile_format("mine", '%h %l %u [%{%B - %d, %Y:%H:%M:%S}t] "%r" %>s %b')
    assert_first_is(
        parse(data, mine),
        PLAIN
        | {"at": pd.Timestamp("2012-02-10 16:42:07"), "protocol": "HTTP/1.0"}
        | {"referrer": "", "user_agent": ""},
    )


def test_a_connection_without_a_request_is_a_line_without_a_method() -> None:
    data = shared("format-samples", "elb.log").read_bytes()
    row = parse(data, "elb").requests.iloc[1]
    assert (row["client"], row["status"], row["bytes"]) == ("192.168.131.39", 0, 305)
    assert pd.isna(row["method"])


def test_lines_with_other_fields_than_the_string_has_are_refused() -> None:
    data = shared("format-samples", "ncsa_extended.log").read_bytes()
    mine = compile_format("mine", '%h %l %u %t "%r" %>s %b "%{Referer}i"')
    assert parse(data, mine).rejects["reason"].tolist() == ["fields do not fit the format"]
