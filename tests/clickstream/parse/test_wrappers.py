"""Lines of a server inside of lines of Docker, Kubernetes, Compose, syslog, or of an export."""

from __future__ import annotations

from urllib.parse import urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.clickstream.parse.builders import AT, WRAPPERS, docker, json_line
from tests.clickstream.parse.strategies import records

from clickstream.dashboard.visits.masking import Mask
from clickstream.parse import detect, parse
from clickstream.parse.formats import FORMATS, compile_format
from clickstream.parse.line_patterns import FOREIGN, MISFIT
from clickstream.parse.long_lines import LONGEST_LINE_BYTES
from clickstream.parse.proposals import propose_format
from clickstream.parse.wrappers import unwrap

COMBINED = FORMATS["combined"].example


@pytest.mark.parametrize("name", WRAPPERS)
@pytest.mark.parametrize("newline", [b"\n", b"\r\n"])
@given(st.lists(records, min_size=1, max_size=4))
def test_a_wrapped_log_has_the_rows_of_the_plain_one(name, newline, some) -> None:
    lines = [record.line.decode() for record in some]
    wrapped = newline.join(WRAPPERS[name](line).encode() for line in lines)
    plain = parse("\n".join(lines).encode(), "combined")
    assert parse(wrapped, "combined").table.to_pylist() == plain.table.to_pylist()
    assert detect(wrapped).name == detect("\n".join(lines).encode()).name


@pytest.mark.parametrize("name", WRAPPERS)
@given(st.lists(records, min_size=1, max_size=3))
def test_wrapped_json_has_the_rows_of_plain_json(name, some) -> None:
    lines = [json_line(record).decode() for record in some]
    wrapped = "\n".join(map(WRAPPERS[name], lines)).encode()
    plain = parse("\n".join(lines).encode(), "json")
    assert parse(wrapped, "json").table.to_pylist() == plain.table.to_pylist()


LOGS = {
    "nginx in docker": ("combined", docker(COMBINED)),
    "nginx in Kubernetes": ("combined", f"{AT} stdout F {COMBINED}"),
    "nginx in compose": ("combined", f"nginx-1  | {COMBINED}"),
    "nginx over syslog": ("combined", f"<190>Nov 20 05:00:00 web1 nginx: {COMBINED}"),
    "nginx over syslog, RFC 5424": ("combined", f"<190>1 {AT} web1 nginx - - - {COMBINED}"),
    "Apache with hosts in compose": (
        "combined_vhost",
        f"web-1  | {FORMATS['combined_vhost'].example}",
    ),
    "combined in quotes": ("combined", f'"{COMBINED}"'),
    "combined and response times": (
        "combined_extended",
        f'{COMBINED} rt=0.003 uct="0.000" uht="0.003" urt="0.003"',
    ),
    "main and response times": ("combined_extended", f'{COMBINED} "198.51.100.9, -" 0.003 -'),
    "ingress-nginx in Kubernetes": (
        "ingress_nginx",
        f"{AT} stdout F {FORMATS['ingress_nginx'].example}",
    ),
    "Traefik in docker": ("traefik_clf", docker(FORMATS["traefik_clf"].example)),
    "Caddy in Kubernetes": (
        "json",
        f'{AT} stderr F {{"level":"info","ts":1795150800.5,"request":{{"remote_ip":"192.0.2.7",'
        '"proto":"HTTP/1.1","method":"GET","host":"a.example","uri":"/menu","headers":'
        '{"User-Agent":["Mozilla/5.0"]}},"duration":0.002,"size":512,"status":200}',
    ),
    "Caddy by journalctl": (
        "json",
        'Nov 20 05:00:00 web1 caddy[7]: {"ts":1795150800.5,"request":{"remote_ip":"192.0.2.7",'
        '"method":"GET","uri":"/menu"},"size":512,"status":200}',
    ),
    "Traefik, JSON": (
        "json",
        '{"ClientAddr":"192.0.2.7:51234","ClientHost":"192.0.2.7","DownstreamContentSize":512,'
        '"DownstreamStatus":200,"Duration":1234567,"OriginStatus":200,"RequestHost":"a.example",'
        '"RequestMethod":"GET","RequestPath":"/menu","RequestProtocol":"HTTP/1.1","StartUTC":'
        '"2026-11-20T05:00:00Z","level":"info","msg":"","time":"2026-11-20T05:00:01Z"}',
    ),
    "Envoy": ("envoy", FORMATS["envoy"].example.replace(".310Z", ".000Z")),
    "Istio in Kubernetes": (
        "envoy",
        f'{AT} stdout F [2026-11-20T05:00:00.000Z] "GET /menu HTTP/2" 200 - via_upstream - "-" 0 '
        '512 3 2 "192.0.2.7,10.0.0.3" "Mozilla/5.0" "cc21d9b0" "a.example" "10.0.0.9:80" '
        "inbound|80|| 127.0.0.6:1 10.1.1.1:80 10.0.0.3:0 outbound_.80_._.a default",
    ),
    "AWS load balancer": ("alb", FORMATS["alb"].example.replace("127531Z", "000000Z")),
    "Varnish (varnishncsa)": ("combined", COMBINED.replace(" /menu", " http://a.example/menu")),
    "HAProxy over syslog in docker": (
        "haproxy",
        docker(f"<134>Nov 20 05:00:00 haproxy[7]: {FORMATS['haproxy'].example}"),
    ),
}


@pytest.mark.parametrize("name", LOGS)
def test_logs_of_containers_and_proxies_are_recognised_and_read(name: str) -> None:
    log_format, line = LOGS[name]
    assert detect(f"{line}\n{line}".encode()).name == log_format
    [row] = parse(line.encode(), log_format).table.to_pylist()
    path = urlsplit(row["target"]).path
    assert (row["client"], path, row["status"], row["bytes"]) == ("192.0.2.7", "/menu", 200, 512)
    assert f"{row['at']}" == "2026-11-20 05:00:00"


def test_lines_with_and_without_a_wrapper_are_in_the_order_of_the_file() -> None:
    lines = [COMBINED.replace("/menu", f"/{number}") for number in range(6)]
    wrappers = [str, docker, WRAPPERS["compose"]] * 2
    mixed = [wrap(line) for wrap, line in zip(wrappers, lines, strict=True)]
    mixed.insert(3, "db-1   | ready to accept connections")
    parsed = parse("\n".join(mixed).encode(), "combined")
    assert parsed.requests["target"].tolist() == [f"/{number}" for number in range(6)]
    assert parsed.rejects["line_number"].tolist() == [4]
    assert parsed.rejects["line"].tolist() == [mixed[3]], "the whole line is kept"
    assert parsed.rejects["reason"].tolist() == [FOREIGN]


TIME = "[20/Nov/2026:05:00:00 +0000]"
ASKED = '"GET /menu HTTP/1.1"'
RESEMBLING = {
    "%h | %t | %r | %s": f"192.0.2.7 | {TIME} | GET /menu HTTP/1.1 | 200",
    '"%h" %t "%r" %s "%b"': f'"192.0.2.7" {TIME} {ASKED} 200 "5"',
    '"%h","%t","%r","%s"': f'"192.0.2.7","{TIME}",{ASKED},"200"',
    "$time_iso8601 $host $remote_addr $request_uri $status": (
        "2026-11-20T05:00:00+00:00 a.example 192.0.2.7 /menu 200"
    ),
}


@pytest.mark.parametrize(("text", "line"), RESEMBLING.items())
def test_a_format_that_resembles_a_wrapper_is_read_as_it_is(text: str, line: str) -> None:
    [row] = parse(line.encode(), compile_format("mine", text)).table.to_pylist()
    assert (row["client"], row["target"], row["status"]) == ("192.0.2.7", "/menu", 200)


@pytest.mark.parametrize(
    "line",
    [
        '{"log":"access","stream":"other","status":200}',
        '{"log":7,"stream":"stdout"}',
        '{"log":"cut',
        r'{"log":"a\nb\n","stream":"stdout"}',
        r'"a \x22 \"b"',
        "10.0.0.1  | a",
        "Nov 20 05:00:00 ",
    ],
)
def test_a_line_that_only_begins_like_a_wrapper_is_left_as_it_is(line: str) -> None:
    assert unwrap(line.encode()).decode() == line


def test_wrappers_around_wrappers_end_at_some_depth() -> None:
    line = ("a  | " * (LONGEST_LINE_BYTES // 5) + COMBINED).encode()
    assert parse(line, "combined", longest=len(line)).rejects["reason"].tolist() == [FOREIGN]


def test_a_masked_line_is_shown_without_its_wrapper() -> None:
    shown = Mask(frozenset()).line(docker(COMBINED).encode() + b"\n", "combined")
    assert shown.startswith("[…] - - [20/Nov/2026:05:00:00 +0000] ")
    assert '"GET /menu HTTP/1.1" 200 512' in shown


OWN_KEYS = '{"t": "{time}", "http": {"from": "{client}", "url": "{target}"}, "code": "{status}"}'


def test_json_lines_with_own_keys_are_read_also_nested_ones() -> None:
    line = '{"t":"2026-11-20T05:00:00Z","x":1,"http":{"from":"192.0.2.7","url":"/menu"},"code":200}'
    other = line.replace('"x":1', '"x":[1]').replace("/menu", r"/\u0061")
    known = compile_format("mine", OWN_KEYS)
    parsed = parse(f"{line}\n{line}\n{other}\n{{}}".encode(), known)
    assert parsed.requests["target"].tolist() == ["/menu", "/menu", "/a"]
    assert parsed.requests["client"].unique().tolist() == ["192.0.2.7"]
    assert parsed.rejects["reason"].tolist() == [MISFIT]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (OWN_KEYS.replace("{status}", "{state}"), "{state} of the key 'code' is unknown"),
        (OWN_KEYS.replace("{client}", "-"), "lacks {client} or {address}"),
    ],
)
def test_own_keys_that_can_not_be_used_are_refused(text: str, message: str) -> None:
    with pytest.raises(Exception, match=message):
        compile_format("mine", text)


PROPOSED = {
    "bars": "192.0.2.7 | 2026-11-20T05:00:00+00:00 | GET /menu HTTP/1.1 | 200 | 512 | A/5 (X; Y)",
    "no quotes": '192.0.2.7 - - [20/Nov/2026:05:00:00 +0000] GET /menu HTTP/1.1 200 512 "-" "x"',
    "a port": '2026-11-20 05:00:00,123 INFO 192.0.2.7:1234 "GET /menu HTTP/1.1" 200 {x}',
    "CSV": "192.0.2.7,2026-11-20 05:00:00,GET,/menu,200,512",
    "JSON": '{"ts":"2026-11-20T05:00:00Z","remote":"192.0.2.7","verb":"GET","url":"/menu",'
    '"code":200,"bytes":512,"ua":"Mozilla/5.0"}',
    "ECS": '{"@timestamp":"2026-11-20T05:00:00.123Z","source":{"address":"192.0.2.7"},"http":'
    '{"request":{"method":"GET"},"response":{"status_code":200}},"url":{"original":"/menu"}}',
}


@pytest.mark.parametrize("name", PROPOSED)
def test_a_proposed_format_reads_the_line(name: str) -> None:
    line = PROPOSED[name].encode()
    [row] = parse(line, compile_format("proposal", propose_format([line]))).table.to_pylist()
    assert (row["client"], row["method"], row["target"], row["status"]) == (
        "192.0.2.7",
        "GET",
        "/menu",
        200,
    )


@pytest.mark.parametrize(
    "line",
    [
        "Dear diary,",
        '[2026-11-20T05:00:00Z] "GET /menu HTTP/1.1" 200 - "10.0.0.1:80" 192.0.2.7:4711',
        '{"ts":"2026-11-20T05:00:00Z","level":"info"}',
        "{broken",
        "[1]",
    ],
)
def test_no_format_is_proposed_that_could_be_wrong(line: str) -> None:
    """The first address of the second line is that of another server."""
    assert propose_format([line.encode()]) == ""
