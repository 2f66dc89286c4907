"""Formats that a string describes, each declared once: its string, and a line of it."""

from __future__ import annotations

from typing import NamedTuple

_AWS = "{time:%Y-%m-%dT%H:%M:%S.%fZ} {} {address} {} {} {} {} {status} {} {} {size} "
_HAPROXY = (
    "{address} [{time:%d/%b/%Y:%H:%M:%S.%3f}] {} {} {} {status} {size} {} {} {} {} "
    '{:spaced} "{request}"{rest}'
)


class Declared(NamedTuple):
    """A format: the strings that its lines may follow, in their order, and a line of it."""

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
    "icecast2": Declared(
        ('%h %l %u %t "%r" %>s %b "%{Referer}i" "%{User-Agent}i" %T',),
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
            '"{request!r}" {status} {} {size} {} {} {} "{referrer!r}" "{user_agent!r}"{rest}',
        ),
        "79a59df900b949e5 www.example.com [20/Nov/2026:05:00:00 +0000] 192.0.2.7 - "
        '3E57427F33A59F07 WEBSITE.GET.OBJECT menu "GET /menu HTTP/1.1" 200 - 512 512 10 9 '
        '"-" "Mozilla/5.0" -',
    ),
    "haproxy": Declared(
        (_HAPROXY, "{}[{}]: " + _HAPROXY),
        "192.0.2.7:55008 [20/Nov/2026:05:00:00.584] www~ cafe/web1 0/0/0/72/72 200 512 - - ---- "
        '5/4/0/1/0 0/0 "GET /menu HTTP/1.1"',
    ),
}
"""Formats by name, the more special after the more general."""
