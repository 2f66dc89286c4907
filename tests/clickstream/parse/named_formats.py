"""The records of `combined_lines`, as a server writes them in each of the named formats."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from hypothesis import strategies as st
from tests.clickstream.parse.combined_lines import Record, records
from tests.clickstream.parse.other_lines import (
    COLUMNS,
    fields_line,
    json_line,
    w3c_line,
    w3c_records,
)

HOST = "www.example.com:443"
FORWARDED = "198.51.100.9, 203.0.113.4"
_TIMED = "{client} - {user} [{time}] "
_COMMON = _TIMED + '"{request}" {status} {size}'
_REST = ' "{referrer}" "{user_agent}"'
_AWS = "{iso_time} cafe {address} 10.0.0.1:80 0.000 0.102 0.000 {status} 200 225 {size} "
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
    "gandi": "{host} " + _TIMED + '(0 s) "{request}" {status} {size}' + _REST,
    "icecast2": _COMMON + _REST + " 17",
    "alb": f'h2 {_AWS}"{{request}}" "{{user_agent}}" - - arn "Root=1-5" "{{host}}" "-" 0 more',
    "elb": _AWS + '"{request}" "{user_agent}" - -',
    "elb without agents": _AWS + '"{request}"',
    "s3": '79a59df9 {host} [{time}] {client} - 3E57 WEBSITE.GET.OBJECT menu "{request}" '
    '{status} - {size} 512 10 9 "{referrer}" "{user_agent}" -',
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


def record_of(name: str) -> st.SearchStrategy[Record]:
    """Records that the format has a spelling for."""
    return w3c_records if name == "w3c" else records


def log_of(name: str, some: Sequence[Record]) -> bytes:
    """The records as a log in the format."""
    header = [fields_line(COLUMNS)] if name == "w3c" else []
    return b"".join(line + b"\n" for line in (*header, *map(LINES[name], some)))
