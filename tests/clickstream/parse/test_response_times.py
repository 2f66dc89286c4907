"""The response time is read in milliseconds from every unit, and never decides about a line."""

from __future__ import annotations

import json
from collections.abc import Callable
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.support.examples import examples

from clickstream.parse import Format, parse
from clickstream.parse.formats import DECLARED, FORMATS, compile_format

REQUEST = '192.0.2.7 - - [20/Nov/2026:05:00:00 +0000] "GET /menu HTTP/1.1" 200 512 "-" "UA"'
COMBINED = '%h %l %u %t "%r" %>s %b "%{Referer}i" "%{User-Agent}i"'
NGINX = (
    '$remote_addr - - [$time_local] "$request" $status $body_bytes_sent "$http_referer" '
    '"$http_user_agent"'
)
JSON = {"time": "2026-11-20T05:00:00Z", "remoteIP": "192.0.2.7", "request": "/menu", "status": 200}
W3C = "#Fields: date time c-ip cs-method cs-uri-stem sc-status time-taken{more}\n"
ENTRY = "2026-11-20 05:00:00 192.0.2.7 GET /menu 200 {value}{more}\n"

Line = Callable[[str], bytes]


def of_string(text: str, before: str = " ", after: str = "") -> tuple[Format, Line]:
    written = compile_format("mine", text)
    return written, lambda value: f"{REQUEST}{before}{value}{after}\n".encode()


def of_example(name: str, old: str, new: str) -> tuple[Format, Line]:
    """Lines like the example of a built-in format, with another response time."""
    example = DECLARED[name].example
    assert old in example
    return FORMATS[name], lambda v: (example.replace(old, new.format(v), 1) + "\n").encode()


def of_json(key: str, **more: object) -> tuple[Format, Line]:
    def line(value: str) -> bytes:
        try:
            spelled = json.loads(value)
        except ValueError:
            spelled = value
        return json.dumps({**JSON, **more, key: spelled}).encode() + b"\n"

    return FORMATS["json"], line


def of_w3c(more: str = "", value: str = "") -> tuple[Format, Line]:
    header = W3C.format(more=more)
    return FORMATS["w3c"], lambda v: (header + ENTRY.format(value=v, more=value)).encode()


LOGS: dict[str, tuple[str, tuple[Format, Line]]] = {
    "Apache %D": ("us", of_string(f"{COMBINED} %D")),
    "Apache %T": ("s", of_string(f"{COMBINED} %T")),
    "Apache %{ms}T": ("ms", of_string(f"{COMBINED} %{{ms}}T")),
    "Apache %{us}T": ("us", of_string(f"{COMBINED} %{{us}}T")),
    "Apache, quoted": ("us", of_string(f'{COMBINED} "%D"', ' "', '"')),
    "nginx": ("s", of_string(f"{NGINX} $request_time")),
    "nginx, named": ("s", of_string(f"{NGINX} rt=$request_time", " rt=")),
    "gandi": ("s", of_example("gandi", "(0 s)", "({} s)")),
    "traefik_clf": ("ms", of_example("traefik_clf", "3ms", "{}ms")),
    "alb": ("s", of_example("alb", "0.102", "{}")),
    "elb": ("s", of_example("elb", "0.001", "{}")),
    "s3": ("ms", of_example("s3", " 10 9 ", " {} 9 ")),
    "haproxy": ("ms", of_example("haproxy", "/72/72 ", "/72/{} ")),
    "JSON of nginx": ("s", of_json("request_time")),
    "JSON of Caddy": ("s", of_json("duration", resp_headers={})),
    "JSON of Traefik": ("ns", of_json("Duration", DownstreamStatus=200)),
    "JSON, in its name": ("ms", of_json("duration_ms")),
    "IIS": ("ms", of_w3c(" sc-win32-status", " 0")),
}
"""The unit of each server's response time, and how a line with one looks."""

PER_MS = {"ns": 10**6, "us": 10**3, "ms": 1, "s": Decimal("0.001")}
NUMBERS = st.integers(0, 4 * 10**6)


def response_ms(log: tuple[Format, Line], value: str) -> int | None:
    log_format, line = log
    parsed = parse(line(value), log_format)
    assert (parsed.lines, len(parsed.refused)) == (1, 0)
    found: int | None = parsed.table["response_ms"][0].as_py()
    return found


@pytest.mark.parametrize("name", LOGS)
@given(milliseconds=NUMBERS)
def test_the_unit_of_each_server_becomes_milliseconds(name: str, milliseconds: int) -> None:
    unit, log = LOGS[name]
    whole_seconds = name in ("Apache %T", "gandi")
    expected = milliseconds // 1000 * 1000 if whole_seconds else milliseconds
    spelled = Decimal(expected) * PER_MS[unit]
    text = f"{spelled:.3f}" if unit == "s" and not whole_seconds else str(int(spelled))
    assert response_ms(log, text) == expected


@pytest.mark.parametrize("name", LOGS)
@examples(times=0.5)
@given(text=st.from_regex(r"[a-ln-zA-Z0-9.+_-]{1,12}", fullmatch=True))
def test_no_text_in_the_field_changes_anything_else(name: str, text: str) -> None:
    """Without `m`, which begins the `ms` after the field of traefik_clf."""
    log_format, line = LOGS[name][1]
    usual, odd = parse(line("1"), log_format), parse(line(text), log_format)
    others = [column for column in usual.table.column_names if column != "response_ms"]
    assert odd.table.select(others).to_pylist() == usual.table.select(others).to_pylist()


@pytest.mark.parametrize("text", ["-", "-1", "1e999", "0x1", "inf", "nan", "1_000", "9" * 15])
@pytest.mark.parametrize("name", ["Apache %T", "nginx", "alb"])
def test_what_is_no_time_is_not_recorded(name: str, text: str) -> None:
    assert response_ms(LOGS[name][1], text) is None


def test_of_two_units_the_finer_one_counts() -> None:
    log = of_string(f"{COMBINED} %T/%D")
    assert response_ms(log, "0/5499") == 5
    assert response_ms(log, "7/-") == 7000


@pytest.mark.parametrize(("value", "expected"), [("0.155", 155), ("155", None), ("-", None)])
def test_whole_numbers_of_an_unknown_w3c_server_have_no_unit(
    value: str, expected: int | None
) -> None:
    assert response_ms(of_w3c(), value) == expected


def test_a_log_without_the_field_has_none() -> None:
    assert parse(REQUEST.encode(), "combined").table["response_ms"].null_count == 1
    assert response_ms((FORMATS["icecast2"], lambda v: f"{REQUEST} {v}\n".encode()), "17") is None
