"""Lines that parsers get wrong: each is read exactly, or refused for the reason given."""

import random
from typing import Any

import pandas as pd
import pytest

from clickstream.parse import REASONS, parse

HEAD = b"192.0.2.7 - - [29/Mar/2026:01:59:59 +0100] "
TAIL = b'"GET /a HTTP/1.1" 200 10 "-" "UA"'

READ: dict[str, tuple[bytes, dict[str, Any]]] = {
    "plain": (
        HEAD + b'"GET /a HTTP/1.1" 200 1000 "https://example.org/" "Mozilla/5.0"',
        {
            "client": "192.0.2.7",
            "at": pd.Timestamp("2026-03-29 00:59:59"),
            "method": "GET",
            "target": "/a",
            "protocol": "HTTP/1.1",
            "status": 200,
            "bytes": 1000,
            "referrer": "https://example.org/",
            "user_agent": "Mozilla/5.0",
        },
    ),
    "nothing logged": (
        HEAD + b'"GET /a HTTP/1.1" 304 - "-" ""',
        {"bytes": None, "referrer": None, "user_agent": None},
    ),
    "quote escaped by Apache": (
        HEAD + rb'"GET /a HTTP/1.1" 200 1 "-" "Moz \"LG\" x"',
        {"user_agent": r"Moz \"LG\" x"},
    ),
    "quote escaped by nginx": (
        HEAD + rb'"GET /a HTTP/1.1" 200 1 "-" "Moz \x22LG\x22 x"',
        {"user_agent": r"Moz \x22LG\x22 x"},
    ),
    "escaped quote in the target": (
        HEAD + rb'"GET /?q=\"on HTTP/1.1" 200 1 "-" "UA"',
        {"target": r"/?q=\"on"},
    ),
    "agent ends in a backslash": (
        HEAD + rb'"GET /a HTTP/1.1" 200 1 "-" "Moz \\"',
        {"user_agent": r"Moz \\"},
    ),
    "TLS on the wrong port": (
        HEAD + rb'"\x16\x03\x01\x02" 400 226 "-" "-"',
        {"method": None, "target": r"\x16\x03\x01\x02", "protocol": None, "status": 400},
    ),
    "no request": (
        HEAD + b'"-" 408 0 "-" "-"',
        {"method": None, "target": None, "protocol": None, "status": 408},
    ),
    "HTTP/0.9": (HEAD + b'"GET /a" 200 1 "-" "-"', {"method": None, "target": "GET /a"}),
    "IPv6 and HTTP/2": (
        b'2001:db8::1 - - [29/Mar/2026:03:00:00 +0200] "GET /a HTTP/2.0" 200 1 "-" "UA"',
        {"client": "2001:db8::1", "at": pd.Timestamp("2026-03-29 01:00:00")},
    ),
    "IPv6 with its zone": (
        b"fe80::1%eth0 - - [29/Mar/2026:03:00:00 +0200] " + TAIL,
        {"client": "fe80::1%eth0"},
    ),
    "user name": (b"192.0.2.7 - bob [29/Mar/2026:03:00:00 +0000] " + TAIL, {"target": "/a"}),
    "user name with a space": (
        b"192.0.2.7 - john doe [29/Mar/2026:03:00:00 +0000] " + TAIL,
        {"client": "192.0.2.7", "at": pd.Timestamp("2026-03-29 03:00:00")},
    ),
    "user name that looks like a time": (
        b"192.0.2.7 - x [01/Jan/2001:00:00:00 +0000] [29/Mar/2026:03:00:00 +0000] " + TAIL,
        {"at": pd.Timestamp("2026-03-29 03:00:00")},
    ),
    "empty user name": (b'192.0.2.7 - "" [29/Mar/2026:03:00:00 +0000] ' + TAIL, {"target": "/a"}),
    "byte that is not UTF-8": (
        HEAD + b'"GET /caf\xe9 HTTP/1.1" 200 1 "-" "UA"',
        {"target": r"/caf\xe9"},
    ),
    "UTF-8": (HEAD + '"GET /café HTTP/1.1" 200 1 "-" "UA"'.encode(), {"target": "/café"}),
    "NUL": (HEAD + b'"GET /n\x00x HTTP/1.1" 200 1 "-" "UA"', {"target": "/n\x00x"}),
    "space in the target": (HEAD + b'"GET /h i HTTP/1.1" 200 1 "-" "UA"', {"target": "/h i"}),
    "9 kB target": (
        HEAD + b'"GET /' + b"A" * 9000 + b' HTTP/1.1" 414 1 "-" "UA"',
        {"target": "/" + "A" * 9000},
    ),
    "CRLF": (HEAD + TAIL + b"\r", {"user_agent": "UA"}),
    "CRLF after an escaped quote": (
        HEAD + rb'"GET /a HTTP/1.1" 200 1 "-" "\""' + b"\r",
        {"user_agent": r"\""},
    ),
    "half-hour offset": (
        b"192.0.2.7 - - [29/Mar/2026:00:00:00 -0030] " + TAIL,
        {"at": pd.Timestamp("2026-03-29 00:30:00")},
    ),
    "leap second": (
        b"192.0.2.7 - - [31/Dec/2016:23:59:60 +0000] " + TAIL,
        {"at": pd.Timestamp("2016-12-31 23:59:59")},
    ),
    "empty referrer and agent": (
        HEAD + b'"GET /a HTTP/1.1" 200 1 "" ""',
        {"referrer": None, "user_agent": None},
    ),
    "18 digits of bytes": (
        HEAD + b'"GET /a HTTP/1.1" 200 999999999999999999 "-" "UA"',
        {"bytes": 999_999_999_999_999_999},
    ),
    "status that nginx gives up with": (
        HEAD + b'"GET /a HTTP/1.1" 000 0 "-" "UA"',
        {"status": 0},
    ),
}

REFUSED: dict[str, tuple[bytes, str]] = {
    "empty": (b"", "empty line"),
    "spaces": (b"  \r", "empty line"),
    "cut inside the agent": (HEAD + b'"GET /a HTTP/1.1" 200 1 "-" "Moz', "cut short"),
    "cut after a backslash": (HEAD + b'"GET /a HTTP/1.1" 200 1 "-" "Moz \\', "cut short"),
    "cut inside the request": (HEAD + b'"GET /a', "cut short"),
    "cut inside the status": (HEAD + b'"GET /a HTTP/1.1" 20', "cut short"),
    "cut inside the time": (b"192.0.2.7 - - [29/Mar/20", "cut short"),
    "common line": (HEAD + b'"GET /a HTTP/1.1" 200 1', "cut short"),
    "bare quote in the agent": (
        HEAD + b'"GET /a HTTP/1.1" 200 1 "-" "Moz "LG" x"',
        "fields do not fit the format",
    ),
    "closing quote escaped": (
        HEAD + rb'"GET /a HTTP/1.1" 200 1 "-" "a\"',
        "cut short",
    ),
    "text between the quoted fields": (
        HEAD + b'"GET /a HTTP/1.1" 200 1 "-" x "UA"',
        "fields do not fit the format",
    ),
    "two spaces between the quoted fields": (
        HEAD + b'"GET /a HTTP/1.1" 200 1 "-"  "UA"',
        "fields do not fit the format",
    ),
    "field too many": (HEAD + TAIL + b' "192.0.2.9"', "fields do not fit the format"),
    "space at the end": (HEAD + TAIL + b" ", "fields do not fit the format"),
    "bytes with a sign": (
        HEAD + b'"GET /a HTTP/1.1" 200 -1 "-" "UA"',
        "fields do not fit the format",
    ),
    "19 digits of bytes": (
        HEAD + b'"GET /a HTTP/1.1" 200 1000000000000000000 "-" "UA"',
        "fields do not fit the format",
    ),
    "status of two digits": (
        HEAD + b'"GET /a HTTP/1.1" 20 10 "-" "UA"',
        "fields do not fit the format",
    ),
    "virtual host before the client": (
        b"www.example.com 192.0.2.7 - - [29/Mar/2026:01:59:59 +0100]  " + TAIL,
        "fields do not fit the format",
    ),
    "no user": (b"192.0.2.7 - [29/Mar/2026:01:59:59 +0100] " + TAIL, "not an access-log line"),
    "error log": (
        b"2026/11/01 00:00:00 [error] 12#12: *1 open() failed",
        "not an access-log line",
    ),
    "binary": (bytes(range(14, 256)), "not an access-log line"),
    "month that is none": (
        b"192.0.2.7 - - [29/Foo/2026:01:00:00 +0000] " + TAIL,
        "impossible time",
    ),
    "30 February": (b"192.0.2.7 - - [30/Feb/2026:01:00:00 +0000] " + TAIL, "impossible time"),
    "minute 99": (b"192.0.2.7 - - [29/Mar/2026:01:99:00 +0000] " + TAIL, "impossible time"),
    "year 0001": (b"192.0.2.7 - - [29/Mar/0001:01:00:00 +0000] " + TAIL, "impossible time"),
    "year 1970": (b"192.0.2.7 - - [01/Jan/1970:00:00:00 +0000] " + TAIL, "impossible time"),
    "far future": (b"192.0.2.7 - - [01/Jan/2101:00:00:00 +0000] " + TAIL, "impossible time"),
    "time with a space": (
        b"192.0.2.7 - - [29/Mar/2026 01:00:00 +0000] " + TAIL,
        "not an access-log line",
    ),
    "time without its zone": (
        b"192.0.2.7 - - [29/Mar/2026:01:59:59] " + TAIL,
        "not an access-log line",
    ),
}


@pytest.mark.parametrize("name", READ)
def test_hard_line_is_read_exactly(name: str) -> None:
    line, expected = READ[name]
    parsed = parse(line + b"\n", "combined")
    assert parsed.rejects.empty
    row = parsed.requests.iloc[0]
    assert {key: None if pd.isna(row[key]) else row[key] for key in expected} == expected


@pytest.mark.parametrize("name", REFUSED)
def test_bad_line_is_refused_with_its_reason(name: str) -> None:
    line, reason = REFUSED[name]
    parsed = parse(line + b"\n", "combined")
    assert parsed.requests.empty
    assert parsed.rejects["reason"].tolist() == [reason]
    assert reason in REASONS


def test_every_line_keeps_to_itself_among_all_the_others() -> None:
    """No line, however broken, changes what its neighbours are read as."""
    lines = [line for line, _ in READ.values()] + [line for line, _ in REFUSED.values()]
    mixed = random.Random(1).sample(lines, len(lines))
    parsed = parse(b"\n".join(mixed) + b"\n", "combined")
    alone = {line: parse(line + b"\n", "combined").requests for line in lines}
    assert len(set(mixed)) == len(lines) == parsed.lines
    for _, row in parsed.requests.iterrows():
        expected = alone[mixed[row["line_number"] - 1]].iloc[0]
        pd.testing.assert_series_equal(row[1:], expected[1:], check_names=False)


def test_common_lines_have_no_referrer_and_combined_ones_are_refused() -> None:
    data = HEAD + b'"GET /a HTTP/1.0" 301 -\r\n' + HEAD + TAIL + b"\n" + HEAD + b'"-" 408 12'
    parsed = parse(data, "common")
    assert parsed.requests["line_number"].tolist() == [1, 3]
    assert parsed.requests["bytes"].tolist() == [pd.NA, 12]
    assert (parsed.requests[["referrer", "user_agent"]] == "").all(axis=None)
    assert parsed.rejects["reason"].tolist() == ["fields do not fit the format"]


def test_clocks_that_are_put_forward_and_back_within_a_file() -> None:
    """Each line's own offset counts: 02:30 comes never on one day and twice on another."""
    times = (
        *("29/Mar/2026:01:59:59 +0100", "29/Mar/2026:03:00:00 +0200"),
        *("25/Oct/2026:02:30:00 +0200", "25/Oct/2026:02:30:00 +0100"),
    )
    lines = [b"192.0.2.7 - - [%b] %b" % (time.encode(), TAIL) for time in times]
    at = parse(b"\n".join(lines), "combined").requests["at"]
    assert at.diff().iloc[[1, 3]].tolist() == [pd.Timedelta(seconds=1), pd.Timedelta(hours=1)]
    assert at.iloc[0] == pd.Timestamp("2026-03-29 00:59:59")
