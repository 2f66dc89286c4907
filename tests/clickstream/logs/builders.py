"""A small log of people, a bot, assets, errors, a campaign and a reject, and its settings."""

from __future__ import annotations

import random
from datetime import timedelta

from tests.support.access_log import BOT as GOOGLEBOT
from tests.support.access_log import Client

from clickstream.core.hours import Hour
from clickstream.settings import Settings, SiteSettings

SETTINGS = Settings(site=SiteSettings(domains=("cafe.example",)))
"""The small log is too small for the site's own domain to be inferred."""


BROWSER = "Mozilla/5.0 (X11; Linux x86_64; rv:133.0) Gecko/20100101 Firefox/133.0"
BOT = "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)"


def line(
    client: str,
    time: str,
    target: str,
    status: int = 200,
    size: str = "100",
    referrer: str = "-",
    agent: str = BROWSER,
) -> str:
    """One combined line of 20 November 2026; `time` is HH:MM:SS, UTC."""
    request = f"GET {target} HTTP/1.1"
    return (
        f'{client} - - [20/Nov/2026:{time} +0000] "{request}" {status} {size} '
        f'"{referrer}" "{agent}"\n'
    )


CAMPAIGN = "/?utm_source=news%20letter&utm_medium=email&utm_campaign=autumn"
OWN = "https://cafe.example/"
LINES = [
    line("192.0.2.1", "05:00:00", "/", referrer="https://www.google.com/"),
    line("192.0.2.1", "05:00:01", "/style.css", referrer=OWN),
    line("192.0.2.1", "05:30:01", "/menu", referrer=OWN),  # 1,800 s later: the same session
    line("192.0.2.1", "06:00:02", "/menu", referrer=OWN),  # 1,801 s later: the next one
    line("192.0.2.2", "05:10:00", CAMPAIGN, size="250"),
    line("192.0.2.2", "05:10:05", "/logo.png", size="-", referrer=OWN),
    line("192.0.2.3", "05:20:00", "/gone", status=404),
    line("192.0.2.3", "05:20:01", "/old", status=301),
    line("192.0.2.4", "07:00:00", "/menu", agent=BOT),
    line("192.0.2.4", "07:00:01", CAMPAIGN, agent=BOT),
    line("192.0.2.4", "07:00:02", "/logo.png", size="-", agent=BOT),
    "this is no log line\n",
]


FIRST, LAST = Hour.parse("2026-11-20T22"), Hour.parse("2026-11-21T00")
PATHS = ["/", "/menu", "/menu/cakes", "/?utm_source=news&utm_medium=email", "/a.css", "/gone"]


def lines_of_visitors(seed: int) -> list[str]:
    """Visitors over hour edges, of whom some show in one hour only that they are bots."""
    rng, lines = random.Random(seed), []
    for number in range(30):
        client = Client(f"192.0.2.{number}", *([GOOGLEBOT] if number % 10 == 0 else []))
        at = FIRST.start + timedelta(seconds=rng.randrange(9000))
        while at < LAST.end:
            betrays_itself = number % 3 == 1 and at >= FIRST.next.start
            path = "/robots.txt" if betrays_itself and rng.random() < 0.5 else rng.choice(PATHS)
            status = 404 if path == "/gone" else 200
            lines.append((at, client.get(f"{at:%Y-%m-%dT%H:%M:%S}", path, status) + "\n"))
            at += timedelta(seconds=rng.choice([5, 60, 600, 900, 1799, 1801]))
    return [line for _, line in sorted(lines)]
