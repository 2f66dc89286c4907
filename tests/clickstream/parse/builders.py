"""Records of requests, and the lines that servers write for them in each format."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from urllib.parse import quote

HEAD = b"192.0.2.7 - - [29/Mar/2026:01:59:59 +0100] "
TAIL = b'"GET /a HTTP/1.1" 200 10 "-" "UA"'


@dataclass(frozen=True)
class Record:
    client: str
    user: str
    at: datetime
    method: str
    target: str
    protocol: str
    status: int
    size: int | None
    referrer: str
    user_agent: str

    @property
    def line(self) -> bytes:
        time = self.at.strftime("%d/%b/%Y:%H:%M:%S %z")
        size = "-" if self.size is None else self.size
        return (
            f'{self.client} - {self.user} [{time}] "{self.method} {self.target} {self.protocol}" '
            f'{self.status} {size} "{self.referrer}" "{self.user_agent}"'
        ).encode()

    @property
    def utc(self) -> datetime:
        return self.at.astimezone(UTC).replace(tzinfo=None)


_UNCODED = "!$&'()*+,-./:;=?@_"
COLUMNS = (
    *("date", "time", "s-ip", "cs-method", "cs-uri-stem", "cs-uri-query", "c-ip", "cs-version"),
    *("cs(User-Agent)", "cs(Referer)", "sc-status", "sc-bytes"),
)


def host_line(record: Record) -> bytes:
    """As Apache's vhost_combined."""
    return b"www.example.com:443 " + record.line


def json_line(record: Record) -> bytes:
    """As nginx with `escape=json`."""
    return json.dumps(
        {
            "time_local": record.at.strftime("%d/%b/%Y:%H:%M:%S %z"),
            "remote_addr": record.client,
            "request": f"{record.method} {record.target} {record.protocol}",
            "status": record.status,
            "body_bytes_sent": "" if record.size is None else str(record.size),
            "http_referer": record.referrer,
            "http_user_agent": record.user_agent,
            "upstream": ["anything", {"else": None}],
        },
        ensure_ascii=False,
    ).encode()


def fields_line(columns: Sequence[str]) -> bytes:
    return f"#Fields: {' '.join(columns)}".encode()


def w3c_line(record: Record, columns: Sequence[str]) -> bytes:
    """As IIS: spaces become `+`, nothing becomes `-`."""
    at, (stem, _, query) = record.utc, record.target.partition("?")
    values = {
        "date": at.strftime("%Y-%m-%d"),
        "time": at.strftime("%H:%M:%S"),
        "s-ip": "192.0.2.200",
        "cs-method": record.method,
        "cs-uri-stem": stem,
        "cs-uri-query": query or "-",
        "c-ip": record.client,
        "cs-version": record.protocol,
        "cs(User-Agent)": record.user_agent.replace(" ", "+"),
        "cs(Referer)": record.referrer.replace(" ", "+"),
        "sc-status": str(record.status),
        "sc-bytes": "-" if record.size is None else str(record.size),
    }
    return " ".join(values[column] for column in columns).encode()


CLOUDFRONT = (
    *("date", "time", "x-edge-location", "sc-bytes", "c-ip", "cs-method", "cs(Host)"),
    *("cs-uri-stem", "sc-status", "cs(Referer)", "cs(User-Agent)", "cs-uri-query"),
    *("cs-protocol-version", "x-host-header", "x-forwarded-for"),
)


def cloudfront_line(record: Record, times_coded: int = 1) -> bytes:
    """As CloudFront: tabs between values, and what is special in them percent-coded.

    The user agent is coded `times_coded` times.
    """
    at, (stem, _, query) = record.utc, record.target.partition("?")
    agent = record.user_agent
    for _ in range(times_coded):
        agent = quote(agent, safe=_UNCODED)
    values = {
        "date": at.strftime("%Y-%m-%d"),
        "time": at.strftime("%H:%M:%S"),
        "x-edge-location": "FRA2-C1",
        "sc-bytes": "-" if record.size is None else str(record.size),
        "c-ip": record.client,
        "cs-method": record.method,
        "cs(Host)": "d111111abcdef8.cloudfront.net",
        "cs-uri-stem": quote(stem, safe=_UNCODED),
        "sc-status": str(record.status),
        "cs(Referer)": quote(record.referrer, safe=_UNCODED),
        "cs(User-Agent)": agent,
        "cs-uri-query": quote(query, safe=_UNCODED) or "-",
        "cs-protocol-version": record.protocol,
        "x-host-header": "www.example.com",
        "x-forwarded-for": "-",
    }
    return "\t".join(values[column] for column in CLOUDFRONT).encode()


HOST = "www.example.com:443"
FORWARDED = "198.51.100.9, 203.0.113.4"
_TIMED = "{client} - {user} [{time}] "
_COMMON = _TIMED + '"{request}" {status} {size}'
_REST = ' "{referrer}" "{user_agent}"'
_AWS = "{iso_time} cafe {address} 10.0.0.1:80 0.000 0.102 0.000 {status} 200 225 {size} "
_ENVOY = '[{iso_time}] "{request}" {status} '
_HAPROXY = (
    "{address} [{milliseconds}] www~ cafe/web1 0/0/0/72/72 {status} {size} - - ---- 5/4/0/1/0 0/0 "
)
TEMPLATES = {
    "combined": _COMMON + _REST,
    "common": _COMMON,
    "combined_forwarded": "{client}, 10.0.0.1 - {user} [{time}] "
    + '"{request}" {status} {size}'
    + _REST,
    "common_forwarded": '{client}, 10.0.0.1 - {user} [{time}] "{request}" {status} {size}',
    "traefik_clf": _COMMON + _REST + ' 17 "cafe@docker" "http://10.0.0.2:80" 3ms',
    "ovh": "{client} {host} {user} [{time}] " + '"{request}" {status} {size}' + _REST,
    "main": _COMMON + _REST + ' "{forwarded}"',
    "combined_extended": _COMMON + _REST + ' "{forwarded}" 0.003 "0.002"',
    "ingress_nginx": _COMMON + _REST + " 385 0.003 [shop-80] [] 10.0.0.2:80 512 0.003 200 7b1a",
    "gandi": "{host} " + _TIMED + '(0 s) "{request}" {status} {size}' + _REST,
    "icecast2": _COMMON + _REST + " 17",
    "alb": f'h2 {_AWS}"{{request}}" "{{user_agent}}" - - arn "Root=1-5" "{{host}}" "-" 0 more',
    "elb": _AWS + '"{request}" "{user_agent}" - -',
    "elb without agents": _AWS + '"{request}"',
    "s3": '79a59df9 {host} [{time}] {client} - 3E57 WEBSITE.GET.OBJECT menu "{request}" '
    '{status} - {size} 512 10 9 "{referrer}" "{user_agent}" -',
    "envoy": _ENVOY + '- 0 {size} 3 2 "{client}" "{user_agent}" "cc21" "{host}" "-"',
    "envoy of Istio": _ENVOY
    + 'UF via_upstream - "-" 0 {size} 3 - "{client}, 10.0.0.3" "{user_agent}" "cc21" "{host}" '
    '"10.0.0.9:80" outbound|80||a - 10.1.1.1:80 10.0.0.3:0 - default',
    "haproxy": _HAPROXY + '"{request}"',
    "haproxy by syslog": "Nov 20 05:00:00 web haproxy[7]: " + _HAPROXY + '{{a b|c}} "{request}"',
    "combined_vhost": "{host} " + _COMMON + _REST,
    "common_vhost": "{host} " + _COMMON,
}
"""Lines by the name of their format, or of one with something added behind a space."""


def _from_template(template: str) -> Callable[[Record], bytes]:
    def line(record: Record) -> bytes:
        address = f"[{record.client}]" if ":" in record.client else record.client
        return template.format(
            **(vars(record) | {"size": "-" if record.size is None else record.size}),
            request=f"{record.method} {record.target} {record.protocol}",
            time=record.at.strftime("%d/%b/%Y:%H:%M:%S %z"),
            iso_time=record.utc.strftime("%Y-%m-%dT%H:%M:%S.127531Z"),
            milliseconds=record.utc.strftime("%d/%b/%Y:%H:%M:%S.584"),
            address=f"{address}:2817",
            host=HOST,
            forwarded=FORWARDED,
        ).encode()

    return line


LINES: dict[str, Callable[[Record], bytes]] = {
    **{name: _from_template(template) for name, template in TEMPLATES.items()},
    "w3c": lambda record: w3c_line(record, COLUMNS),
    "json": json_line,
}


def log_of(name: str, some: Sequence[Record]) -> bytes:
    """The records as a log in the format."""
    header = [fields_line(COLUMNS)] if name == "w3c" else []
    return b"".join(line + b"\n" for line in (*header, *map(LINES[name], some)))


AT = "2026-11-20T05:00:00.123456789Z"


def docker(line: str) -> str:
    """As Go's JSON encoder, which also escapes <, > and &."""
    text = json.dumps({"log": line + "\n", "stream": "stdout", "time": AT}, ensure_ascii=False)
    text = text.replace('{"log": ', '{"log":')
    return text.replace("<", r"\u003c").replace(">", r"\u003e").replace("&", r"\u0026")


def doubled(line: str) -> str:
    return '"{}"'.format(line.replace('"', '""'))


WRAPPERS: dict[str, Callable[[str], str]] = {
    "docker": docker,
    "CRI": lambda line: f"{AT} stdout F {line}",
    "CRI with an offset": lambda line: f"2026-11-20T06:00:00.1+01:00 stderr F {line}",
    "compose": lambda line: f"web-1  | {line}",
    "compose with times": lambda line: f"shop_nginx-12     | {AT} {line}",
    "syslog": lambda line: f"Nov  2 05:00:00 web1 nginx: {line}",
    "syslog with a priority": lambda line: f"<190>Nov 20 05:00:00 web1 nginx[12]: {line}",
    "syslog without a host": lambda line: f"<190>Nov 20 05:00:00 nginx: {line}",
    "syslog by rsyslog": lambda line: f"2026-11-20T05:00:00.123456+00:00 10.0.0.7 nginx: {line}",
    "syslog of RFC 5424": lambda line: (
        f'<190>1 {AT} web1 nginx 12 ID47 [a@1 b="c\\]"][d@1] \ufeff{line}'
    ),
    "CSV": doubled,
    "JSON text": lambda line: json.dumps(line, ensure_ascii=False),
    "syslog in docker": lambda line: docker(f"<190>Nov 20 05:00:00 web1 nginx: {line}"),
}
"""What other programs write around a line of a server."""
