"""Log lines of visitors who attack whatever shows the log: scripts, SQL, formulas, long texts."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from urllib.parse import quote

CAMPAIGNS = (
    "<img src=x onerror=alert(1)>",
    '"><script src=https://evil.example/x.js></script>',
    "'; drop table session_facts; --",
    '=HYPERLINK("https://evil.example","open")',
    "@SUM(1+1)*cmd|' /C calc'!A0",
    "{{7*7}}${7*7}",
    "?metric=nothing&range=own#<b>&amp;",
    "no-space-" * 30,
    "\u202egpj.exe \U0001f9c1",
)
"""Campaigns of links that attackers spread; each brings one visit fewer than the one before."""

PATHS = (
    "/cafe/<svg onload=alert(2)>",
    "/cafe/javascript:alert(3)",
    "/cafe/=1+1.php",
    "/cafe/" + "longest-pastry-" * 60,
)
REFERRERS = (
    "https://evil.example/<script>alert(4)</script>",
    "javascript:alert(5)",
    "https://xss.example/'onmouseover='alert(6)",
)
AGENTS = (
    "<script>alert(7)</script>/1.0 (+https://evil.example/bot)",
    "EvilBot/1.0 (<img src=x onerror=alert(8)>; +https://evil.example/bot)",
    "=cmd|'/C calc'!A0-bot",
)
BROWSER = "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:145.0) Gecko/20100101 Firefox/145.0"
MOST_VISITS = 12


def hostile_lines(hour: datetime) -> Iterator[bytes]:
    """Lines of the hour (aware, UTC): the visits of each campaign, path and referrer; bots."""
    for number, (target, referrer, agent) in enumerate(_attacks()):
        yield _line(hour, number, target, referrer, agent)


def _attacks() -> Iterator[tuple[str, str, str]]:
    """Target, referrer and user agent of each line."""
    for rank, campaign in enumerate(CAMPAIGNS):
        tags = f"utm_source={quote(campaign)}&utm_campaign={quote(campaign)}"
        yield from [(f"/cafe/menu.php?{tags}", "-", BROWSER)] * (MOST_VISITS - rank)
    others = (
        *((quote(path), "-", BROWSER) for path in PATHS),
        *(("/cafe/menu.php", referrer, BROWSER) for referrer in REFERRERS),
        *(("/cafe/menu.php", "-", agent) for agent in AGENTS),
    )
    for line in others:
        yield from [line] * MOST_VISITS


def failed_orders(hour: datetime, many: int) -> Iterator[bytes]:
    """Lines of the hour in which the order form answers 500, once to each of the people.

    Every other one looks at the menu before; who sees no page at all makes no visit.
    """
    for number in range(many):
        if number % 2:
            yield _line(hour, 1000 + number, "/cafe/menu.php")
        line = _line(hour, 1000 + number, "/cafe/order.php", "https://www.anycompany-cafe.example/")
        yield line.replace(b'" 200 5120', b'" 500 612')


def plain_visits(hour: datetime, many: int) -> Iterator[bytes]:
    """Lines of harmless visits, each of another address."""
    for number in range(many):
        yield _line(hour, 2000 + number, "/cafe/menu.php")


def _line(
    hour: datetime, number: int, target: str, referrer: str = "-", agent: str = BROWSER
) -> bytes:
    at = hour + timedelta(seconds=number % 1000 * 3)
    address = f"198.51.{100 + number // 250}.{1 + number % 250}"
    stamp = at.strftime("%d/%b/%Y:%H:%M:%S +0000")
    request = f"GET {target} HTTP/1.1"
    return f'{address} - - [{stamp}] "{request}" 200 5120 "{referrer}" "{agent}"\n'.encode()
