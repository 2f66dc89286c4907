"""LogFormat and log_format strings: what they come to mean, and why some can't be read."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.support.cases import each_case
from tests.support.examples import many_examples

from clickstream.core.errors import InputError
from clickstream.parse import parse
from clickstream.parse.formats import DECLARED, compile_format
from clickstream.parse.layouts.format_strings import layout_of

COMBINED = '%h %l %u %t "%r" %>s %b "%{Referer}i" "%{User-Agent}i"'
LINE = b'192.0.2.7 - - [20/Nov/2026:05:00:00 +0000] "GET /a HTTP/1.1" 200 10 "-" "UA"'
NGINX = (
    '$remote_addr - $remote_user [$time_local] "$request" $status $body_bytes_sent '
    '"$http_referer" "$http_user_agent"'
)


def row(text: str, line: str) -> dict[str, Any]:
    parsed = parse(line.encode(), compile_format("mine", text))
    assert parsed.rejects.empty, parsed.rejects["reason"].tolist()
    return {k: None if pd.isna(v) else v for k, v in parsed.requests.iloc[0].items()}


def texts(text: str, line: str) -> dict[str, bytes]:
    rows = compile_format("mine", text).read(line.encode(), b"")
    assert not rows.refused
    return {name: t.values[t.codes[0]].as_py() for name, t in rows.texts.items()}


@pytest.mark.parametrize(
    "text",
    [
        COMBINED,
        COMBINED.replace('"', r"\""),
        f"\n{COMBINED}\n",
        f'LogFormat "{COMBINED.replace(chr(34), chr(92) + chr(34))}" combined',
        "%{c}a %l %{HTTP_USER}e [%{begin:%d/%b/%Y:%T %z}t] "
        '"%r" %s %B "%{referer}i" "%{USER-AGENT}i"',
        NGINX,
        f"log_format main {NGINX!r};",
        "log_format  main  escape=default\n  '$remote_addr - $remote_user [$time_local] '\n"
        '  \'"$request" $status $body_bytes_sent \'\n  "\\"$http_referer\\" "\n'
        "  '\"${http_user_agent}\"';\n",
        '{client} {} {:spaced} [{time:%d/%b/%Y:%T %z}] "{request}" {status} {size} '
        '"{referrer}" "{user_agent}"',
    ],
)
def test_spellings_of_one_format_read_the_same_requests(text: str) -> None:
    expected = parse(LINE, "combined").requests
    got = parse(LINE, compile_format("mine", text)).requests
    pd.testing.assert_frame_equal(got.astype("str"), expected.astype("str"))


def test_every_text_that_can_be_logged_is_read() -> None:
    apache = (
        '%V:%{local}p %a:%{remote}p %{X-Forwarded-For}i %t "%r" %>s %I %O "%{Cookie}i" %{visitor}C '
        "%{Sec-GPC}i %{dnt}i %400,501{Referer}i %D"
    )
    line = (
        "example.com:443 2001:db8::1:55008 198.51.100.9, 203.0.113.4 [20/Nov/2026:05:00:00 +0000] "
        '"GET /a HTTP/1.1" 200 5 10 "a=b; c=d" v7 1 - - 99'
    )
    assert texts(apache, line) == {
        "host": b"example.com",
        "client": b"2001:db8::1",
        "forwarded": b"198.51.100.9, 203.0.113.4",
        "request": b"GET /a HTTP/1.1",
        "cookie": b"v7",
        "sec_gpc": b"1",
        "dnt": b"-",
        "referrer": b"-",
        "duration_us": b"99",
    }
    nginx = (
        '$http_host $host $remote_addr "$http_x_forwarded_for" [$time_iso8601] $msec '
        "$request_method $uri $args $server_protocol $status $bytes_sent $cookie_v $http_sec_gpc"
    )
    line = (
        'h:1 h 192.0.2.7 "-" [2026-11-20T05:00:00+00:00] 1.5 GET /a q=1 HTTP/2.0 200 10 v7 1'
    ).replace("1.5", "1795150800.500")
    assert texts(nginx, line) == {
        "host": b"h",
        "client": b"192.0.2.7",
        "forwarded": b"-",
        "method": b"GET",
        "target": b"/a?q=1",
        "protocol": b"HTTP/2.0",
        "cookie": b"v7",
        "sec_gpc": b"1",
    }


@pytest.mark.parametrize(
    ("address", "client"),
    [
        ("192.0.2.7:2817", "192.0.2.7"),
        ("[2001:db8::1]:2817", "2001:db8::1"),
        ("[2001:db8::1]", "2001:db8::1"),
        ("2001:db8::1:2817", "2001:db8::1"),
        ("fe80::1%eth0:2817", "fe80::1%eth0"),
        ("-", None),
    ],
)
def test_the_port_is_no_part_of_the_client(address: str, client: str | None) -> None:
    line = f"{address} [20/Nov/2026:05:00:00 +0000] /a 200"
    assert row("%a:%{remote}p %t %U%q %s", line)["client"] == client
    assert (
        row("$remote_addr:$remote_port [$time_local] $request_uri $status", line)["client"]
        == client
    )


def test_without_a_client_the_first_address_that_was_forwarded_is_it() -> None:
    line = '198.51.100.9, 203.0.113.4 - - [20/Nov/2026:05:00:00 +0000] "GET /a HTTP/1.1" 200'
    text = '%{X-Forwarded-For}i %l %u %t "%r" %>s'
    assert row(text, line)["client"] == "198.51.100.9"
    assert row(text, line.replace("198.51.100.9, 203.0.113.4", "-"))["client"] is None


@pytest.mark.parametrize(
    ("text", "path", "query", "target"),
    [
        ("%h %t %m %U%q %s", "/a", "?b=1", "/a?b=1"),
        ("%h %t %m %U%q %s", "/a", "", "/a"),
        ("%h %t %m %U %q %s", "/a", " ?b=1", "/a?b=1"),
        ("%h %t %m %U %q %s", "/a", " ", "/a"),
        (
            "$remote_addr [$time_local] $request_method $uri$is_args$args $status",
            "/a",
            "?b",
            "/a?b",
        ),
        ("$remote_addr [$time_local] $request_method $uri?$args $status", "/a", "?-", "/a"),
        (
            "$remote_addr [$time_local] $request_method $request_uri $args $status",
            "/?q",
            " q",
            "/?q",
        ),
    ],
)
def test_path_and_query_are_the_target(text: str, path: str, query: str, target: str) -> None:
    line = f"192.0.2.7 [20/Nov/2026:05:00:00 +0000] GET {path}{query} 200"
    assert row(text, line)["target"] == target


def test_texts_without_quotes_may_hold_spaces() -> None:
    line = "192.0.2.7 - john doe [20/Nov/2026:05:00:00 +0000] GET /a b HTTP/1.1 200 -"
    assert row("%h %l %u %t %r %>s %b", line)["target"] == "/a b"
    line = "192.0.2.7 1795150800 /a 200 Mozilla/5.0 (X11; Linux)"
    assert row("%h %{sec}t %U %s %{User-Agent}i", line)["user_agent"] == "Mozilla/5.0 (X11; Linux)"


def test_half_a_time_beside_a_whole_one_is_passed_over() -> None:
    line = "192.0.2.7 [20/Nov/2026:05:00:00 +0000] 06:00:00 /a 200"
    assert row("%h %t %{%T}t %U %s", line)["at"] == pd.Timestamp("2026-11-20 05:00:00")


def test_a_user_whose_name_is_empty_is_read_only_in_quotes() -> None:
    line = '192.0.2.7 - "" [20/Nov/2026:05:00:00 +0000] "GET /a HTTP/1.1" 200 -'
    assert row('%h %l %u %t "%r" %>s %b', line)["target"] == "/a"
    parsed = parse(line.replace('""', "").encode(), compile_format("mine", '%h %l %u %t "%r" %>s'))
    assert parsed.requests.empty


def test_a_line_that_can_be_read_in_two_ways_is_refused() -> None:
    text = "%h %l %u %t %r %>s %b"
    line = b"192.0.2.7 - x [20/Nov/2026:05:00:00 +0000] y [20/Nov/2026:05:00:00 +0000] /a 200 -"
    parsed = parse(line, compile_format("mine", text))
    assert parsed.rejects["reason"].tolist() == ["fields do not fit the format"]


def test_lines_of_json_are_a_format_string_too() -> None:
    text = (
        """log_format j escape=json '{"at":"$time_iso8601","ip":"$remote_addr",'"""
        """'"r":"$request","status":$status,"ua":"$http_user_agent"}';"""
    )
    line = (
        r'{"at":"2026-11-20T05:00:00+00:00","ip":"192.0.2.7","r":"GET /a HTTP/1.1",'
        r'"status":200,"ua":"Moz \"LG\" \\"}'
    )
    assert row(text, line)["user_agent"] == r"Moz \"LG\" \\"


REFUSED = {
    "nothing": ("", r"no %directives and no \$variables"),
    "both languages": ("%h $request", r"both %directives and \$variables"),
    "unknown directive": (f"{COMBINED} %G", r"%G at character 56 can't be used: known directives"),
    "no name": ("%h %t %r %s %i", r"%i at character 13 .* needs a name"),
    "percent at the end": ("%h %t %r %s %", r"% at character 13 .* no such directive"),
    "unknown escape": (r"%h\q%t", r"\\q at character 3"),
    "strftime": ("%h %{%Y-%j}t", r"%\{%Y-%j\}t at character 4 can't be used: %j is not supported"),
    "begin alone": ("%h %{begin:}t", "write a format after the colon"),
    "half a time": ("%h %{%H:%M}t %r %s", r"lacks the time .* does not have the year and month"),
    "no time": ('%h "%r" %s', "lacks the time"),
    "no status": ('%h %t "%r"', r"lacks the status \(Apache: %>s"),
    "no request": ("%h %t %s %m", "lacks the request"),
    "no client": ("%t %s %r", "lacks the client"),
    "neighbours": ("%h%l %t %r %s", r"no text between %h \(character 1\) and %l \(char"),
    "two bare texts": ("%h %t %r %s %{User-Agent}i", "can both contain spaces"),
    "twice": ("%{%Y %m %b %d %R}t %h %U %s", "has the month twice"),
    "two widths": ("%{%Y %B %d %R}t.%{sec}t %h %U %s %{%B %s}t", "is not a usable time"),
    "newline": ("%h\n%t %r %s", "is not allowed between fields"),
    "escape=none": (f"log_format x escape=none '{NGINX}';", "escape=none can't be read"),
    "quotes": (f"log_format x '{NGINX};", "quotes do not match"),
    "no variable": ("$remote_addr $- [$time_local]", r"\$- .*at character 14 is not a variable"),
    "plain, unknown": (
        "{time:%s} {agent}",
        r"\{agent\} is unknown .* allowed in braces are a meaning",
    ),
    "plain, time": ("{time:%q}", "%q"),
    "plain, brace": ("{time:%s} {client", "expected '}' before end of string"),
}


@each_case("name", REFUSED)
def test_a_string_that_can_not_be_read_is_refused_with_its_place(name: str) -> None:
    text, why = REFUSED[name]
    with pytest.raises(InputError, match=f"(?s)Format mine.*{why}"):
        layout_of("mine", text)


def test_the_strings_of_the_documentation_can_be_read() -> None:
    page = (Path(__file__).parents[3] / "docs" / "formats.md").read_text(encoding="utf-8")
    blocks = re.findall(r"```toml\n(\[formats\].*?)```", page, re.DOTALL)
    own = {name: text for block in blocks for name, text in tomllib.loads(block)["formats"].items()}
    assert {"edge", "shop", "proxy"} <= own.keys()
    for name, text in own.items():
        assert compile_format(name, text).name == name


ALB = DECLARED["alb"].example
ELB = DECLARED["elb"].example
S3 = DECLARED["s3"].example
HAPROXY = DECLARED["haproxy"].example
SYSLOG = "<134>Nov 20 05:00:01 edge haproxy[6801]: "


@pytest.mark.parametrize(
    ("name", "line", "expected"),
    [
        ("alb", ALB + ' TID_1 "a new field" 7', {"client": "192.0.2.7", "status": 200}),
        ("alb", ALB.partition(' "-" 0 ')[0], {"bytes": 512}),
        ("alb", ALB.replace("192.0.2.7:", "[2001:db8::1]:"), {"client": "2001:db8::1"}),
        ("alb", ALB.replace("Mozilla/5.0", r"A \x22B\x22"), {"user_agent": r"A \x22B\x22"}),
        ("elb", ELB.partition(" ECDHE")[0], {"target": "https://www.example.com:443/menu"}),
        ("s3", S3.removesuffix(" -"), {"user_agent": "Mozilla/5.0"}),
        (
            "s3",
            S3.replace('"GET /menu HTTP/1.1" 200', "- 204").replace('"-" "Mozilla/5.0"', "- -"),
            {"target": None, "status": 204, "referrer": None, "user_agent": None},
        ),
        ("haproxy", SYSLOG + HAPROXY, {"client": "192.0.2.7", "target": "/menu"}),
        ("haproxy", HAPROXY.replace(' "', ' {www.example.com|A (b) c} {} "'), {"target": "/menu"}),
        ("haproxy", SYSLOG + HAPROXY.replace(' "', ' {a b} "'), {"target": "/menu"}),
        ("haproxy", HAPROXY.replace(" 200 ", " -1 "), {"status": 0}),
        ("haproxy", HAPROXY.replace("192.0.2.7", "2001:db8::1"), {"client": "2001:db8::1"}),
        ("haproxy", HAPROXY + " 0/0/0/0/0 -/TLSv1.3", {"status": 200}),
    ],
)
def test_variants_of_declared_formats_are_read_field_by_field(
    name: str, line: str, expected: dict[str, Any]
) -> None:
    parsed = parse(line.encode(), name)
    assert parsed.rejects.empty, parsed.rejects["reason"].tolist()
    got = parsed.requests.iloc[0]
    assert {key: None if pd.isna(got[key]) else got[key] for key in expected} == expected


_FRAGMENTS = st.sampled_from(
    [
        *"%h %r %U %q %m %>s %b %u %{ %} %{Referer}i %{%F}t %{%T %z}t %{sec}t %v:%p %B %%".split(),
        *"$remote_addr $msec $request $uri $args ${ $ $is_args $upstream_addr escape=json".split(),
        *"{time:%s} {time:%F %T} {client} {address} {request} {x!r} {:spaced} {} {rest} {".split(),
        *(" ", '"', "'", "[", "]", "\\", ":", "|", "\n", "\x00", "é", "{a.b[0]!s:{x}}"),
    ]
)
_PLAIN = '{address} {} [{time:%F %T}] "{request}" {:spaced} "{referrer!r}" {status} {size}{rest}'
_PLACES = st.integers(0, 80)


@many_examples
@given(
    st.sampled_from([COMBINED, NGINX, _PLAIN]),
    st.lists(st.tuples(_PLACES, _PLACES, _FRAGMENTS | st.text(max_size=2)), max_size=3),
    st.binary(max_size=60),
)
def test_any_text_is_a_format_or_refused_by_name(
    text: str, changes: list[tuple[int, int, str]], line: bytes
) -> None:
    for place, kept_from, fragment in changes:
        text = text[:place] + fragment + text[min(place, kept_from) :]
    try:
        mine = compile_format("mine", text)
    except InputError as error:
        refusal = str(error)
        assert refusal.startswith("Format mine")
        return
    rows = mine.read(line, b"")
    assert rows.lines == len(rows.line) + len(rows.refused)
