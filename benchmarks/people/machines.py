"""Simulated machines of several kinds, which the bench mixes into logs."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from random import Random

from benchmarks.people.lines import DAY, Line, Site, own_address, pick, some_time

Machines = Callable[[Random, Site, int, int], Iterator[Line]]
"""Yields the lines of a number of machines on a day: `machines(rng, site, day, number)`."""

_NAMED = (
    "Mozilla/5.0 AppleWebKit/537.36 (KHTML, like Gecko; compatible; GPTBot/1.3; "
    "+https://openai.com/gptbot)",
    "Mozilla/5.0 (compatible; AhrefsBot/7.0; +http://ahrefs.com/robot/)",
    "Mozilla/5.0 (compatible; bingbot/2.0; +http://www.bing.com/bingbot.htm)",
)
_CURRENT = (
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) "
    "Chrome/{}.0.0.0 Safari/537.36"
)
_PREVIEW = (
    "WhatsApp/2.24.6 A",
    "facebookexternalhit/1.1 (+http://www.facebook.com/externalhit_uatext.php)",
)


def page_of(site: Site, line: Line, *, assets: bool, delay: int = 1) -> Iterator[Line]:
    """Yield a page view, and the files that the page loads."""
    yield line
    if assets:
        here = f"https://{site.domain}{line.target}"
        for file in site.pages[line.target]:
            yield line._replace(at=line.at + delay, target=file, referrer=here, size=12_000)


def named(rng: Random, site: Site, day: int, number: int) -> Iterator[Line]:
    """Yield crawlers that say their names."""
    for _ in range(number):
        address, agent = own_address(rng), rng.choice(_NAMED)
        for step in range(rng.randrange(1, 6)):
            at = some_time(rng, site, day) + step
            yield Line(at, address, rng.choice(list(site.pages)), 200, 9000, "", agent)


def busy_address(rng: Random, site: Site, day: int, number: int) -> Iterator[Line]:
    """Yield one address with a browser's agent that reads one page after the other."""
    address, agent = own_address(rng), pick(rng, site.agents)
    at = day + rng.randrange(DAY // 2)
    for _ in range(number):
        at = min(at + rng.randrange(1, 6), day + DAY - 1)
        yield Line(at, address, rng.choice(list(site.pages)), 200, 9000, "", agent)


class _Fleet:
    """What the machines of one fleet have in common, chosen by chance."""

    def __init__(self, rng: Random, site: Site) -> None:
        self._rng, self._site = rng, site
        newest = rng.randrange(100, 150)
        own = {_CURRENT.format(newest): 1.0} if rng.random() < 0.3 else {}
        few = {pick(rng, site.agents): 1.0 for _ in range(rng.choice((1, 3, 8)))}
        self._agents = own or (site.agents if rng.random() < 0.4 else few)
        self._protocol = rng.choice(("HTTP/1.1", "HTTP/2.0"))
        self._pages = rng.sample(list(site.pages), min(rng.choice((1, 2, 6, 99)), len(site.pages)))
        self._referrers = rng.choice(
            (
                [""],
                [""],
                ["https://www.google.com/"],
                [f"https://ref-{n}.example/" for n in range(9)],
            )
        )
        self._is_by_night = rng.random() < 0.5

    def first(self, day: int, address: str = "") -> Line:
        """Return the first page view of one machine."""
        rng = self._rng
        at = day + rng.randrange(DAY - 60) if self._is_by_night else some_time(rng, self._site, day)
        target = rng.choice(self._pages)
        address = address or own_address(rng)
        referrer, agent = rng.choice(self._referrers), pick(rng, self._agents)
        return Line(at, address, target, 200, 9000, referrer, agent, "GET", self._protocol)


def without_assets(rng: Random, site: Site, day: int, number: int) -> Iterator[Line]:
    """Yield a fleet of one-page machines that load no files."""
    fleet = _Fleet(rng, site)
    for _ in range(number):
        yield from page_of(site, fleet.first(day), assets=False)


def headless(rng: Random, site: Site, day: int, number: int) -> Iterator[Line]:
    """Yield a fleet of one-page machines with a real browser, which loads all files."""
    fleet = _Fleet(rng, site)
    for _ in range(number):
        yield from page_of(site, fleet.first(day), assets=True)


def two_networks(rng: Random, site: Site, day: int, number: int) -> Iterator[Line]:
    """Yield a headless fleet from two small networks, with all agents and referrers of people."""
    networks = [
        f"{rng.randrange(130, 190)}.{rng.randrange(256)}.{rng.randrange(256)}" for _ in "ab"
    ]
    for n in range(number):
        address = f"{networks[n % 2]}.{1 + n // 2 % 254}"
        line = Line(some_time(rng, site, day), address, rng.choice(list(site.pages)), 200, 9000,
                    pick(rng, site.referrers), pick(rng, site.agents))  # fmt: skip
        yield from page_of(site, line, assets=rng.random() < 0.8)


def paced(rng: Random, site: Site, day: int, number: int) -> Iterator[Line]:
    """Yield machines that request one page every four hours."""
    fleet, with_assets = _Fleet(rng, site), rng.random() < 0.5
    for _ in range(number):
        line = fleet.first(day)
        start = (line.at - day) % 14_400
        for n in range(6):
            at = min(day + start + n * 14_400 + rng.randrange(30), day + DAY - 5)
            yield from page_of(site, line._replace(at=at), assets=with_assets)


def previews(rng: Random, site: Site, day: int, number: int) -> Iterator[Line]:
    """Yield previews of links by name, and prefetches with a browser's agent from one operator."""
    networks = [f"{rng.randrange(60, 80)}.{rng.randrange(256)}.{n}" for n in range(4)]
    pages = rng.sample(list(site.pages), min(4, len(site.pages)))
    for _ in range(number):
        at, page = some_time(rng, site, day), rng.choice(pages)
        if rng.random() < 0.3:
            yield Line(at, own_address(rng), page, 200, 9000, "", rng.choice(_PREVIEW))
            continue
        address = f"{rng.choice(networks)}.{rng.randrange(1, 255)}"
        agent, referrer = pick(rng, site.agents), rng.choice(("", "https://www.google.com/"))
        yield Line(at, address, page, 200, 9000, referrer, agent)


def two_pages(rng: Random, site: Site, day: int, number: int) -> Iterator[Line]:
    """Yield a fleet that walks two pages each, with files, three seconds apart."""
    fleet = _Fleet(rng, site)
    for _ in range(number):
        first = fleet.first(day)
        yield from page_of(site, first, assets=True)
        target = rng.choice([page for page in site.pages if page != first.target])
        here = f"https://{site.domain}{first.target}"
        second = first._replace(at=first.at + 3, target=target, referrer=here)
        yield from page_of(site, second, assets=True)


MACHINES: dict[str, Machines] = {
    "named bots": named,
    "one busy address": busy_address,
    "fleet without assets": without_assets,
    "headless fleet with assets": headless,
    "paced fleet": paced,
    "previews and prefetch": previews,
    "two small networks": two_networks,
    "two pages, three seconds": two_pages,
}
"""Kinds of machines by name."""


def imitate(rng: Random, one_page_visits: Sequence[Sequence[Line]], number: int) -> Iterator[Line]:
    """Yield machines that imitate people who read one page, in every field but the address.

    `one_page_visits` are the lines of such people on the same day. No log can decide this case.
    """
    for _ in range(number):
        address = own_address(rng)
        yield from (line._replace(address=address) for line in rng.choice(one_page_visits))
