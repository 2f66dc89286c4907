"""The log directory of a small tea shop, as logrotate leaves it, and its true figures.

nginx writes the format `main` behind a proxy, 10.0.0.1, with a clock at +0100. Two weeks have a
file for each day of that clock, of which the older ones are compressed. There are also logs of
errors, and the host's own health checks. The figures are counted while visits are planned, not from
the lines. Only one site is in the directory.
"""

from __future__ import annotations

import gzip
import random
from collections import Counter
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta, timezone
from pathlib import Path

ZONE = timezone(timedelta(hours=1))
FIRST = datetime(2026, 11, 10, tzinfo=ZONE)
DAYS = 14
PROXY = "10.0.0.1"
OWN = "https://tee.example"
CHECKS_OF_A_DAY = 96
FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0"
IPHONE = (
    "Mozilla/5.0 (iPhone; CPU iPhone OS 18_1 like Mac OS X) AppleWebKit/605.1.15 "
    "(KHTML, like Gecko) Version/18.1 Mobile/15E148 Safari/604.1"
)
GOOGLEBOT = "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)"
GPTBOT = "Mozilla/5.0 (compatible; GPTBot/1.2; +https://openai.com/gptbot)"
ERROR = "2026/11/20 17:00:00 [error] 7#7: *1 open() failed (2: No such file)\n"
ARRIVALS = {
    "Direct": ("/", "-"),
    "Organic Search": ("/", "https://www.google.com/"),
    "Email": ("/sorten?utm_source=brief&utm_medium=email&utm_campaign=advent", "-"),
    "Referral": ("/sorten", "https://tea-lovers.example/best"),
}
CHANNELS = ("Direct", "Organic Search", "Direct", "Email", "Referral")


@dataclass
class RotatedShop:
    """True figures: by date of the log's clock, except for the counts of the whole log."""

    visits: Counter[date] = field(default_factory=Counter)
    views: Counter[date] = field(default_factory=Counter)
    orders: Counter[date] = field(default_factory=Counter)
    channels: Counter[str] = field(default_factory=Counter)
    bots: Counter[str] = field(default_factory=Counter)
    missing: Counter[str] = field(default_factory=Counter)
    visitors: int = 0
    checks: int = 0
    lines: int = 0


def write_rotated_shop(directory: Path) -> RotatedShop:  # noqa: C901
    """Write the logs into an empty directory; equal at each call."""
    rng, shop = random.Random(62), RotatedShop()
    logged: list[tuple[datetime, str]] = []

    def log(
        at: datetime,
        target: str,
        person: str,
        agent: str,
        status: int = 200,
        referrer: str = "-",
        peer: str = PROXY,
    ) -> None:
        request = f'{peer} - - [{at:%d/%b/%Y:%H:%M:%S %z}] "GET {target} HTTP/1.1" {status} 512'
        logged.append((at, f'{request} "{referrer}" "{agent}" "{person}"\n'))

    def view(at: datetime, page: str, person: str, agent: str, referrer: str) -> None:
        shop.views[at.date()] += 1
        log(at, page, person, agent, referrer=referrer)
        log(at, "/tee.css", person, agent, referrer=f"{OWN}{page.partition('?')[0]}")

    for day in range(DAYS):
        midnight = FIRST + timedelta(days=day)
        for number in range(12 + rng.randrange(6)):
            # A visitor comes on one day only. One visit a day reads on past midnight of the clock,
            # and one begins in the hour after midnight, which is of the day before in UTC.
            shop.visitors += 1
            person, agent = f"203.0.{day}.{number}", IPHONE if number % 3 == 0 else FIREFOX
            minute = {0: 24 * 60 - 1, 1: 20}.get(number, rng.randrange(90, 22 * 60))
            at = midnight + timedelta(minutes=minute, seconds=rng.randrange(30))
            channel = CHANNELS[rng.randrange(len(CHANNELS))]
            page, referrer = ARRIVALS[channel]
            shop.visits[at.date()] += 1
            shop.channels[channel] += 1
            began = at.date()
            pages = ["/sorten/assam", "/sorten/sencha", "/korb", "/kasse/danke"]
            for next_page in [*pages[: rng.randrange(5)], None]:
                if page == "/kasse/danke":
                    shop.orders[began] += 1
                view(at, page, person, agent, referrer)
                if next_page is None:
                    break
                at += timedelta(seconds=rng.randrange(35, 300))
                page, referrer = next_page, f"{OWN}{page.partition('?')[0]}"
            if number % 5 == 0:
                shop.missing["/sorten/mate"] += 1
                log(at + timedelta(seconds=9), "/sorten/mate", person, agent, 404, f"{OWN}{page}")
        for number in range(20):
            name, agent = ("Googlebot", GOOGLEBOT) if number % 4 else ("GPTBot", GPTBOT)
            shop.bots[name] += 1
            log(midnight + timedelta(hours=1 + number), "/sorten", "198.51.100.9", agent)
        for number in range(CHECKS_OF_A_DAY):
            shop.checks += 1
            at = midnight + timedelta(minutes=15 * number)
            log(at, "/healthz", "-", "curl/8.5.0", peer="127.0.0.1")

    logged.sort(key=lambda entry: entry[0])
    shop.lines = len(logged)
    for age in range(DAYS):
        day = (FIRST + timedelta(days=DAYS - 1 - age)).date()
        # The last visit of the last day ends on the next one.
        text = "".join(
            line for at, line in logged if at.date() == day or (age == 0 and at.date() > day)
        )
        for name, lines in (("access.log", text), ("error.log", ERROR)):
            path = directory / (f"{name}.{age}" if age else name)
            if age < 2:
                path.write_text(lines)
            else:
                compressed = gzip.compress(lines.encode(), mtime=0)
                path.with_name(f"{path.name}.gz").write_bytes(compressed)
    return shop
