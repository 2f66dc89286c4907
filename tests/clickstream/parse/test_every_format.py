"""What holds in each of the named formats."""

from __future__ import annotations

import re

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.clickstream.parse.assertions import assert_read_back, assert_same
from tests.clickstream.parse.builders import FORWARDED, HOST, LINES, TEMPLATES, log_of
from tests.clickstream.parse.strategies import damage, noise, record_of
from tests.fuzz.reading import check_cuts, check_reading
from tests.support.cases import each_case
from tests.support.examples import examples

from clickstream.parse import parse
from clickstream.parse.formats import FORMATS

EVERYTHING = '"{request}" "{referrer}" "{user_agent}"'
QUOTED_REQUEST = re.compile(r'"GET [^"]*"')
WITH_REQUEST = [name for name, one in FORMATS.items() if QUOTED_REQUEST.search(one.example)]


def format_of(name: str) -> str:
    return name.split()[0]


def test_every_named_format_has_a_builder_of_lines() -> None:
    assert {*map(format_of, LINES)} == FORMATS.keys()


@pytest.mark.parametrize("name", LINES)
@examples(times=0.5)
@given(st.data())
def test_a_record_that_was_written_is_read_back(name: str, data: st.DataObject) -> None:
    written = data.draw(st.lists(record_of(name), max_size=4))
    parsed = parse(log_of(name, written), format_of(name))
    template = TEMPLATES.get(name, EVERYTHING)
    assert_read_back(parsed, written, [n for n in ("referrer", "user_agent") if n in template])
    columns = (
        [("host", HOST)]
        if "_forwarded" in name or "envoy" in name
        else [("host", HOST), ("forwarded", FORWARDED)]
    )
    for column, text in columns:
        assert {*parsed.requests[column].dropna()} <= {text if f"{{{column}}}" in template else ""}


@st.composite
def broken_logs(draw: st.DrawFn, name: str) -> bytes:
    """Lines of a format, some with a byte or two replaced, dropped or doubled, and noise."""
    lines = log_of(name, draw(st.lists(record_of(name), max_size=3))).splitlines(keepends=True)
    for index in range(len(lines)):
        if draw(st.booleans()):
            place, dropped, wrong = draw(damage)
            lines[index] = lines[index][:place] + wrong + lines[index][place + dropped :]
    return b"".join(draw(st.permutations([*lines, draw(noise)])))


@pytest.mark.parametrize("name", LINES)
@given(st.data())
def test_any_line_is_the_same_in_any_company_and_by_any_way(name: str, data: st.DataObject) -> None:
    log = data.draw(st.binary() | broken_logs(name))
    check_reading(log, FORMATS[format_of(name)])


@pytest.mark.parametrize("name", FORMATS)
@examples(times=0.3)
@given(st.data(), st.integers(1, 300))
def test_a_log_may_be_cut_anywhere(name: str, data: st.DataObject, size: int) -> None:
    check_cuts(data.draw(broken_logs(name)), name, size)


@each_case("name", FORMATS)
@each_case("end", [b"\n", b"\r\n"])
def test_the_last_line_may_lack_its_newline(name: str, end: bytes) -> None:
    data = end.join([FORMATS[name].example.encode().replace(b"\n", end)] * 2)
    parsed = parse(data, name)
    assert (len(parsed.requests), parsed.rejects.empty) == (2, True)
    assert_same(parsed, parse(data + end, name))


@each_case("name", FORMATS)
@each_case(
    "right, wrong",
    [
        *(("05:00:00", "05:99:00"), ("05:00:00", "05:00:61"), ("05:00:00", "24:00:00")),
        *(("2026", "1970"), ("2026", "1989"), ("2026", "2101"), ("2026", "9999")),
    ],
)
def test_a_time_that_no_clock_shows_is_refused(name: str, right: str, wrong: str) -> None:
    parsed = parse(FORMATS[name].example.replace(right, wrong).encode(), name)
    assert parsed.rejects["reason"].tolist() == ["impossible time"]


@each_case("name", FORMATS)
def test_a_leap_second_stays_in_its_minute(name: str) -> None:
    parsed = parse(FORMATS[name].example.replace("05:00:00", "05:59:60").encode(), name)
    assert parsed.requests["at"].tolist() == [pd.Timestamp("2026-11-20 05:59:59")]


@each_case("name", FORMATS)
def test_an_ipv6_address_is_read_with_its_zone(name: str) -> None:
    address = "[fe80::1%eth0]" if "192.0.2.7:" in FORMATS[name].example else "fe80::1%eth0"
    parsed = parse(FORMATS[name].example.replace("192.0.2.7", address).encode(), name)
    assert parsed.requests["client"].tolist() == ["fe80::1%eth0"]


@each_case("name", WITH_REQUEST)
@each_case(
    "request_line, method, target",
    [
        ("-", None, None),
        (r"\x16\x03\x01\x02\x00\x01", None, r"\x16\x03\x01\x02\x00\x01"),
        ("GET /a", None, "GET /a"),
        (r"GET /?q=\"a\" HTTP/1.1", "GET", r"/?q=\"a\""),
        (f"GET /{'a' * 9000} HTTP/1.1", "GET", f"/{'a' * 9000}"),
        ("GET /a\0b HTTP/1.1", "GET", "/a\0b"),
    ],
)
def test_an_odd_request_is_a_request(
    name: str, request_line: str, method: str | None, target: str | None
) -> None:
    line = QUOTED_REQUEST.sub(lambda _: f'"{request_line}"', FORMATS[name].example, count=1)
    row = parse(line.encode(), name).requests.iloc[0]
    assert [None if pd.isna(row[k]) else row[k] for k in ("method", "target")] == [method, target]
