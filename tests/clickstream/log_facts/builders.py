"""Lines of visitors over the edges of hours and of a day."""

from __future__ import annotations

import random
from datetime import timedelta

from tests.support.access_log import BOT, Client

from clickstream.hours import Hour

FIRST, LAST = Hour.parse("2026-11-20T22"), Hour.parse("2026-11-21T00")
PATHS = ["/", "/menu", "/menu/cakes", "/?utm_source=news&utm_medium=email", "/a.css", "/gone"]


def lines_of_visitors(seed: int) -> list[str]:
    """Visitors over hour edges, of whom some show in one hour only that they are bots."""
    rng, lines = random.Random(seed), []
    for number in range(30):
        client = Client(f"192.0.2.{number}", *([BOT] if number % 10 == 0 else []))
        at = FIRST.start + timedelta(seconds=rng.randrange(9000))
        while at < LAST.end:
            betrays_itself = number % 3 == 1 and at >= FIRST.next.start
            path = "/robots.txt" if betrays_itself and rng.random() < 0.5 else rng.choice(PATHS)
            status = 404 if path == "/gone" else 200
            lines.append((at, client.get(f"{at:%Y-%m-%dT%H:%M:%S}", path, status) + "\n"))
            at += timedelta(seconds=rng.choice([5, 60, 600, 900, 1799, 1801]))
    return [line for _, line in sorted(lines)]
