"""Lines that parsers get wrong: how each is read, or the reason for which it is refused."""

from __future__ import annotations

from typing import Any

import pandas as pd
from tests.clickstream.parse.builders import HEAD, TAIL

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
