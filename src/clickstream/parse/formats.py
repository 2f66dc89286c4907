"""The table of log formats: name, example line and reader of each.

Most formats are declared by a format string. `apache`, `nginx` or `format_strings` turns the string
into fields and literals, and `assemble` builds a layout from them. The layouts of combined and
common are built here, because a text of several shapes is before their time. `layout_rows` reads
lines by the layout, most of them with `layout_scan`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from clickstream.parse import w3c
from clickstream.parse.json import json_lines
from clickstream.parse.json.json_names import parse_own_keys
from clickstream.parse.layouts import layout_rows
from clickstream.parse.layouts.format_strings import layout_of
from clickstream.parse.layouts.layout import LineLayout, Slot
from clickstream.parse.line_patterns import FORWARDED_HEADS, PLAIN_HEADS, VHOST_HEADS
from clickstream.parse.rows import NO_ROWS, Rows
from clickstream.parse.times import CLOCK_FORMAT

_AWS = "{time:%Y-%m-%dT%H:%M:%S.%fZ} {} {address} {} {} {duration_s} {} {status} {} {} {size} "
_ENVOY = '[{time:%Y-%m-%dT%H:%M:%S.%fZ}] "{request}" {status} '
_HAPROXY = (
    "{address} [{time:%d/%b/%Y:%H:%M:%S.%3f}] {} {} {}/{}/{}/{}/{duration_ms} {status} {size} "
    '{} {} {} {} {:spaced} "{request}"{rest}'
)


class Declared(NamedTuple):
    """A format: its format strings, in the order in which they are tried, and an example line."""

    strings: tuple[str, ...]
    example: str


DECLARED: dict[str, Declared] = {
    "ovh": Declared(
        ('%h %v %u %t "%r" %>s %b "%{Referer}i" "%{User-Agent}i"',),
        "192.0.2.7 www.example.com - [20/Nov/2026:05:00:00 +0000] "
        '"GET /menu HTTP/1.1" 200 512 "-" "Mozilla/5.0"',
    ),
    "main": Declared(
        (
            '$remote_addr - $remote_user [$time_local] "$request" $status $body_bytes_sent '
            '"$http_referer" "$http_user_agent" "$http_x_forwarded_for"',
        ),
        '192.0.2.7 - - [20/Nov/2026:05:00:00 +0000] "GET /menu HTTP/1.1" 200 512 '
        '"-" "Mozilla/5.0" "198.51.100.9"',
    ),
    "gandi": Declared(
        ('%v %h %l %u %t (%T s) "%r" %>s %b "%{Referer}i" "%{User-Agent}i"',),
        "www.example.com 192.0.2.7 - - [20/Nov/2026:05:00:00 +0000] (0 s) "
        '"GET /menu HTTP/1.1" 200 512 "-" "Mozilla/5.0"',
    ),
    "ingress_nginx": Declared(
        (
            '$remote_addr - $remote_user [$time_local] "$request" $status $body_bytes_sent '
            '"$http_referer" "$http_user_agent" $request_length $request_time '
            "[$proxy_upstream_name] [$proxy_alternative_upstream_name] $upstream_addr "
            "$upstream_response_length $upstream_response_time $upstream_status $req_id",
        ),
        '192.0.2.7 - - [20/Nov/2026:05:00:00 +0000] "GET /menu HTTP/1.1" 200 512 '
        '"-" "Mozilla/5.0" 385 0.003 [shop-web-80] [] 10.0.0.2:8080 512 0.003 200 '
        "7b1a3c0d9e8f4a5b6c7d8e9f0a1b2c3d",
    ),
    "icecast2": Declared(
        ('%h %l %u %t "%r" %>s %b "%{Referer}i" "%{User-Agent}i" %{seconds}o',),
        '192.0.2.7 - - [20/Nov/2026:05:00:00 +0000] "GET /menu HTTP/1.1" 200 512 '
        '"-" "Mozilla/5.0" 17',
    ),
    "traefik_clf": Declared(
        (
            '%h %l %u %t "%r" %>s %b "%{Referer}i" "%{User-Agent}i" '
            '%{requests}n "%{router}n" "%{server}n" %{duration}nms',
        ),
        '192.0.2.7 - - [20/Nov/2026:05:00:00 +0000] "GET /menu HTTP/1.1" 200 512 '
        '"-" "Mozilla/5.0" 17 "cafe@docker" "http://10.0.0.2:80" 3ms',
    ),
    "alb": Declared(
        ("{} " + _AWS + '"{request}" "{user_agent}" {} {} {} "{}" "{host}"{rest}',),
        "https 2026-11-20T05:00:00.127531Z app/cafe/50dc6c495c0c9188 192.0.2.7:2817 10.0.0.1:80 "
        '0.000 0.102 0.000 200 200 225 512 "GET https://www.example.com:443/menu HTTP/1.1" '
        '"Mozilla/5.0" ECDHE-RSA-AES128-GCM-SHA256 TLSv1.2 '
        "arn:aws:elasticloadbalancing:eu-west-1:123456789012:targetgroup/cafe/73e2d6bc24d8a067 "
        '"Root=1-58337262-36d228ad5d99923122bbe354" "www.example.com" "-" 0 '
        '2026-11-20T05:00:00.025000Z "forward" "-" "-" "10.0.0.1:80" "200" "-" "-"',
    ),
    "elb": Declared(
        (
            _AWS + '"{request}" "{user_agent}"{rest}',
            _AWS + '"{request}" {} {}',
            _AWS + '"{request}"',
        ),
        "2026-11-20T05:00:00.127531Z cafe 192.0.2.7:2817 10.0.0.1:80 0.000 0.001 0.000 200 200 0 "
        '512 "GET https://www.example.com:443/menu HTTP/1.1" "Mozilla/5.0" '
        "ECDHE-RSA-AES128-GCM-SHA256 TLSv1.2",
    ),
    "s3": Declared(
        (
            "{} {host} [{time:%d/%b/%Y:%H:%M:%S %z}] {client} {} {} {} {} "
            '"{request!r}" {status} {} {size} {} {duration_ms} {} "{referrer!r}" '
            '"{user_agent!r}"{rest}',
        ),
        "79a59df900b949e5 www.example.com [20/Nov/2026:05:00:00 +0000] 192.0.2.7 - "
        '3E57427F33A59F07 WEBSITE.GET.OBJECT menu "GET /menu HTTP/1.1" 200 - 512 512 10 9 '
        '"-" "Mozilla/5.0" -',
    ),
    "envoy": Declared(
        (
            _ENVOY
            + '{} {} {size} {duration_ms} {} "{forwarded}" "{user_agent}" "{}" "{host}" "{}"',
            _ENVOY + '{} {} {} "{}" {} {size} {duration_ms} {} "{forwarded}" "{user_agent}" "{}" '
            '"{host}" "{}"{rest}',
        ),
        '[2026-11-20T05:00:00.310Z] "GET /menu HTTP/1.1" 200 - 0 512 3 2 "192.0.2.7" '
        '"Mozilla/5.0" "cc21d9b0-cf5c-432b-8c7e-98aeb7988cd2" "www.example.com" "10.0.0.2:80"',
    ),
    "haproxy": Declared(
        (_HAPROXY,),
        "192.0.2.7:55008 [20/Nov/2026:05:00:00.584] www~ cafe/web1 0/0/0/72/72 200 512 - - ---- "
        '5/4/0/1/0 0/0 "GET /menu HTTP/1.1"',
    ),
}
"""Formats by name; more specific formats come after more general ones."""


@dataclass(frozen=True)
class Format:
    """A log format: its name, an example line (or its format string), and its reader.

    `read` takes whole lines and the header that applies to the first. The header is b"" if there is
    none, and always if `has_header` is False. `may_read` is a quick test of one line without a
    header: if it returns False, `read` refuses the line.
    """

    name: str
    example: str
    read: Callable[[bytes, bytes], Rows]
    may_read: Callable[[bytes], bool]
    has_header: bool = False

    def header_after(self, header: bytes, data: bytes) -> bytes:
        """Return the header that applies after some lines; `header` applies to the first."""
        return w3c.header_after(data, header) if self.has_header else b""


def _layout_of_heads(heads: tuple[bytes, ...], *more: Slot, open_ended: bool = False) -> LineLayout:
    """Build the layout `head [time] "request" status size`, with more fields at its end."""
    slots = (
        Slot("head", "head", b'"', heads=heads),
        Slot("time", "time", b"]", time=CLOCK_FORMAT),
        Slot("request", "text", b'"', quoted=True),
        Slot("status", "status", b" "),
        Slot("size", "size", b" "),
        *more,
    )
    literals = (b"", b" [", b"] ", b" ", b" ", *[b" "] * len(more), b"")
    return LineLayout(slots, literals, open_ended)


_COMMON = ' - - [20/Nov/2026:05:00:00 +0000] "GET /menu HTTP/1.1" 200 512'
_COMBINED = f'{_COMMON} "-" "Mozilla/5.0"'
_OF_COMBINED = tuple(Slot(name, "text", b'"', quoted=True) for name in ("referrer", "user_agent"))
_FORWARDED = Slot("forwarded", "addresses", b'"', quoted=True)


def _of_heads(variant: str, start: str, heads: tuple[bytes, ...]) -> dict[str, Format]:
    """Build the formats combined and common with some heads; `start` is that of an example line."""
    formats = {
        f"combined{variant}": (f"{start}{_COMBINED}", _layout_of_heads(heads, *_OF_COMBINED)),
        f"common{variant}": (f"{start}{_COMMON}", _layout_of_heads(heads)),
    }
    return {
        name: _of_layouts(name, example, (layout,)) for name, (example, layout) in formats.items()
    }


_MARKS = re.compile("[%${]")


def is_format_string(text: str) -> bool:
    """Return whether a text can only be a format string, and not the name of a format."""
    return bool(_MARKS.search(text))


def compile_format(name: str, text: str) -> Format:
    """Build the format that an Apache `LogFormat` or nginx `log_format` string describes.

    `text` may also be the whole directive of the server's configuration, a plain string (see
    `format_strings`), or an object with the keys of JSON lines (see `parse_own_keys`). Raises
    InputError, which names the unsupported part of the string, its place, and what is supported.
    """
    if own := parse_own_keys(name, text):
        return Format(name, text, lambda data, _: json_lines.read(data, own), _may_be_json)
    return _of_strings(name, text, (text,))


def _of_strings(name: str, example: str, strings: Sequence[str]) -> Format:
    return _of_layouts(name, example, tuple(layout_of(name, text) for text in strings))


def _of_layouts(name: str, example: str, layouts: tuple[LineLayout, ...]) -> Format:
    def may_read(line: bytes) -> bool:
        return any(layout.match(line) is not None for layout in layouts)

    return Format(name, example, lambda data, _: layout_rows.read(data, layouts), may_read)


_EXTENDED = _of_layouts(
    "combined_extended",
    f'192.0.2.7{_COMBINED} "198.51.100.9" 0.003 0.002',
    (
        _layout_of_heads(PLAIN_HEADS, *_OF_COMBINED, _FORWARDED, open_ended=True),
        _layout_of_heads(PLAIN_HEADS, *_OF_COMBINED, open_ended=True),
    ),
)
"""Combined lines with more fields, of which the first may be that of `X-Forwarded-For`."""


def _may_be_json(line: bytes) -> bool:
    return line.startswith(b"{")


_W3C_EXAMPLE = (
    "#Fields: date time c-ip cs-method cs-uri-stem sc-status\n"
    "2026-11-20 05:00:00 192.0.2.7 GET /menu 200"
)
_JSON_EXAMPLE = (
    '{"time": "2026-11-20T05:00:00Z", "remoteIP": "192.0.2.7", "method": "GET", '
    '"request": "/menu", "status": "200"}'
)

FORMATS: Mapping[str, Format] = {
    _EXTENDED.name: _EXTENDED,
    **_of_heads("_forwarded", "192.0.2.7, 10.0.0.1", FORWARDED_HEADS),
    **_of_heads("", "192.0.2.7", PLAIN_HEADS),
    **{
        name: _of_strings(name, declared.example, declared.strings)
        for name, declared in DECLARED.items()
    },
    **_of_heads("_vhost", "www.example.com:443 192.0.2.7", VHOST_HEADS),
    "w3c": Format("w3c", _W3C_EXAMPLE, w3c.read, lambda _: False, has_header=True),
    "json": Format(
        "json",
        _JSON_EXAMPLE,
        lambda data, _: json_lines.read(data),
        _may_be_json,
    ),
}
"""All formats that `parse` reads, by name; more specific ones come after more general ones."""

CONTINUATION = Format("_continuation", "", lambda _data, _header: NO_ROWS, may_read=lambda _: False)
"""The format of the rest of a line whose beginning is stored and counted elsewhere.

Such data counts as no line.
"""
