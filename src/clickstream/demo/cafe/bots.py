"""Requests of machines: crawlers, the uptime monitor, and scanners.

On one day of the story (see `story`), there are several times as many crawls: by a crawler with a
known name, and by one that sends a browser's user agent and is detectable only by its behaviour.
"""

from __future__ import annotations

from collections.abc import Iterator
from random import Random

from clickstream.demo.cafe import addresses, agents, menu, story, trouble
from clickstream.demo.cafe.rules import (
    MINUTE,
    SECOND,
    CafeRules,
    dice,
    how_many,
    milliseconds,
    some_moment,
)
from clickstream.demo.cafe.weblog import Ask, Client, Reply, Request, log
from clickstream.hours import Hour

WAVE_CRAWLS, HIDDEN_CRAWLS = 5, 0.5
"""Crawls per hour of the wave's named and hidden crawler, as multiples of `bots_per_hour`."""

_READABLE = tuple(page for pages in menu.PAGES.values() for page in pages)

PROBES: dict[str, int] = {
    "/wp-login.php": 404,
    "/.env": 404,
    "/.git/config": 404,
    "/xmlrpc.php": 404,
    "/phpmyadmin/index.php?lang=en": 404,
    "/admin": 404,
    "/backup.zip": 404,
    "/cgi-bin/%%32%65%%32%65/bin/sh": 400,
    "/?q=<script>alert(1)</script>": 200,
    '/cafe/menu.php?id=1\'+or+\\"1\\"=\\"1': 403,
    "/server-status": 403,
}
"""Targets of scanners, as Apache logs them, and the status of the response."""

STRAYS: tuple[tuple[str, int, int | None], ...] = (
    (r"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\x9a\x1f", 400, 484),
    (r"\x16\x03\x01", 400, 484),
    (r"\x03", 400, 484),
    ("PRI * HTTP/2.0", 400, 484),
    ("-", 408, None),
    ("-", 400, 0),
)
"""Bytes that are not an HTTP request, as Apache logs them: TLS on the wrong port, timeouts, aborts.

Each has the logged request, status and size.
"""


def crawlers(rules: CafeRules, hour: Hour) -> Iterator[Request]:
    """Yield the crawls that start in the hour: robots.txt first, then pages at a regular pace."""
    rng = dice(rules, hour, "crawlers")
    for _ in range(how_many(rng, rules.bots_per_hour)):
        address = addresses.address_in(rng, addresses.CRAWLERS)
        client = Client(address, agents.pick(rng, agents.CRAWLERS), is_machine=True)
        yield from _crawl(rng, rules, client, some_moment(rng, hour))


def wave(rules: CafeRules, hour: Hour) -> Iterator[Request]:
    """Yield the crawls of the wave of bots that start in the hour."""
    if not story.is_wave(rules, hour):
        return
    rng = dice(rules, hour, "wave")
    for _ in range(how_many(rng, WAVE_CRAWLS * rules.bots_per_hour)):
        address = addresses.address_in(rng, addresses.CRAWLERS)
        client = Client(address, agents.WAVE_CRAWLER, is_machine=True)
        yield from _crawl(rng, rules, client, some_moment(rng, hour))
    for address in _hidden_addresses(rng, how_many(rng, HIDDEN_CRAWLS * rules.bots_per_hour)):
        client = Client(address, agents.HIDDEN_CRAWLER, is_machine=True)
        yield from _hidden_crawl(rng, client, milliseconds(hour))


def _hidden_addresses(rng: Random, number: int) -> list[str]:
    """Choose different addresses, so that no two crawls of an hour have the same visitor."""
    found = {addresses.address_in(rng, addresses.HIDDEN_CRAWLERS): None for _ in range(number)}
    return list(found)


def _hidden_crawl(rng: Random, client: Client, now: int) -> Iterator[Request]:
    """Yield a crawl within one hour, because bot verdicts by behaviour are made for each hour.

    It requests robots.txt first, then many pages without their static files.
    """
    now += rng.randrange(10 * MINUTE)
    yield log(client, now, Ask("GET", "/robots.txt"), Reply(200, 143, 4))
    for _ in range(rng.randint(25, 60)):
        now += rng.randrange(5 * SECOND, 45 * SECOND)
        page = rng.choice(menu.PRODUCT_PAGES)
        yield log(client, now, Ask("GET", page.path), Reply(200, page.size, 60))


def _crawl(rng: Random, rules: CafeRules, client: Client, now: int) -> Iterator[Request]:
    pace = rng.randrange(2, 40) * SECOND
    if rng.random() < 0.6:
        yield log(client, now, Ask("GET", "/robots.txt"), Reply(200, 143, 4))
    for _ in range(rng.randint(1, 14)):
        now += pace + rng.randrange(SECOND)
        page = rng.choice(_READABLE)
        status = _status(rules, page, now)
        yield log(client, now, Ask("GET", page.path), Reply(status, page.size, 180))
        if "Chrome" in client.agent:
            yield from _render(rng, client, page, now)


def _render(rng: Random, client: Client, page: menu.MenuPage, now: int) -> Iterator[Request]:
    """Yield the requests for pictures of a crawler that runs a browser."""
    for path in page.images[:3]:
        now += rng.randrange(100, SECOND)
        ask = Ask("GET", path, is_asset=True)
        yield log(client, now, ask, Reply(200, menu.IMAGES[path], 30))


def _status(rules: CafeRules, page: menu.MenuPage, now: int) -> int:
    if page.step == "missing":
        return 404
    return 500 if trouble.is_failing(rules, page, now) else 200


def monitor(rules: CafeRules, hour: Hour) -> Iterator[Request]:
    """Yield the requests of the uptime monitor, one each minute."""
    rng = dice(rules, hour, "monitor")
    client = Client(addresses.MONITOR, agents.MONITOR, is_machine=True)
    for minute in range(60):
        now = milliseconds(hour) + minute * MINUTE + rng.randrange(2 * SECOND)
        yield log(client, now, Ask("HEAD", "/"), Reply(200, None, 25))


def scanners(rules: CafeRules, hour: Hour) -> Iterator[Request]:
    """Yield the scans that start in the hour, and about as many invalid requests."""
    rng = dice(rules, hour, "scanners")
    for _ in range(how_many(rng, rules.scanners_per_hour)):
        now = some_moment(rng, hour)
        address = addresses.address_in(rng, addresses.SCANNERS)
        client = Client(address, agents.pick(rng, agents.SCANNERS), is_machine=True)
        for probe in rng.sample(list(PROBES), rng.randint(2, len(PROBES))):
            now += rng.randrange(50, 3 * SECOND)
            yield log(client, now, Ask("GET", probe), Reply(PROBES[probe], 1_245, 12))
    for _ in range(how_many(rng, rules.scanners_per_hour)):
        yield _stray(rng, some_moment(rng, hour))


def _stray(rng: Random, now: int) -> Request:
    client = Client(addresses.address_in(rng, addresses.SCANNERS), "-", is_machine=True)
    sent, status, size = rng.choice(STRAYS)
    return log(client, now, Ask("", sent), Reply(status, size, 1))
