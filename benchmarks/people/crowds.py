"""Simulated people: ordinary visitors of a site, and sudden crowds that mostly leave at once."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from random import Random

from benchmarks.people.lines import Line, Site, own_address, pick, some_time

_IN_APP = (
    "Mozilla/5.0 (iPhone; CPU iPhone OS 18_6 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like "
    "Gecko) Mobile/15E148 Instagram 401.0.0.20.75 (iPhone15,3; iOS 18_6; de_DE; de; scale=3.00)"
)

Crowd = Callable[[Random, Site, int, int], Iterator[Line]]
"""Yields the lines of a number of people on a day: `crowd(rng, site, day, number)`."""


def visit(
    rng: Random,
    site: Site,
    at: int,
    *,
    address: str = "",
    agent: str = "",
    referrer: str | None = None,
    landing: str = "",
    read_on: float | None = None,
) -> Iterator[Line]:
    """Yield the lines of one person's visit; what is not given is chosen as on a usual day."""
    address, agent = address or own_address(rng), agent or pick(rng, site.agents)
    shown = pick(rng, site.referrers) if referrer is None else referrer
    page = landing or rng.choice(list(site.pages))
    protocol = rng.choice(("HTTP/1.1", "HTTP/2.0", "HTTP/2.0"))
    has_cache, loaded = rng.random() < site.cached, set[str]()
    goes_on = site.read_on if read_on is None else read_on
    for _ in range(20):
        yield Line(at, address, page, 200, 9000, shown, agent, protocol=protocol)
        here = f"https://{site.domain}{page}"
        for file in site.pages[page.partition("?")[0]]:
            if file in loaded or (has_cache and rng.random() < 0.4):
                continue
            loaded.add(file)
            is_old = has_cache and rng.random() < 0.6
            status, size = (304, 0) if is_old else (200, 12_000)
            yield Line(at + rng.randrange(2), address, file, status, size, here, agent,
                       protocol=protocol)  # fmt: skip
        if rng.random() > goes_on:
            return
        goes_on = max(goes_on, 0.55) if goes_on > 0.05 else goes_on
        at += 1 + int(min(rng.lognormvariate(3.3, 1.1), 1500))
        shown, page = here, rng.choice(list(site.pages))


def ordinary(rng: Random, site: Site, day: int, number: int) -> Iterator[Line]:
    """Yield the visits of a usual day; one in ten comes from an office with one address."""
    for _ in range(number):
        office = f"81.20.30.{rng.randrange(1, 9)}" if rng.random() < 0.1 else ""
        at = some_time(rng, site, day)
        yield from visit(rng, site, at, address=office)
        if rng.random() < 0.05:
            yield from visit(rng, site, at + rng.randrange(2000, 20_000))


def newspaper(rng: Random, site: Site, day: int, number: int) -> Iterator[Line]:
    """Yield readers of an article: one referrer, two landing pages, most leave at once."""
    pages = rng.sample(list(site.pages), 2)
    begins, leave = day + rng.randrange(5, 15) * 3600, rng.uniform(0.7, 0.85)
    for _ in range(number):
        at = begins + int(rng.expovariate(1 / 9000)) % 30_000
        yield from visit(rng, site, at, referrer="https://www.daily-herald.example/food",
                         landing=rng.choice(pages), read_on=(1 - leave) * _ease(site))  # fmt: skip


def mail(rng: Random, site: Site, day: int, number: int) -> Iterator[Line]:
    """Yield readers of a mail without tags: no referrer, one page, within three hours."""
    page, begins, leave = rng.choice(list(site.pages)), day + rng.randrange(6, 18) * 3600, 0.75
    for _ in range(number):
        at = begins + int(rng.expovariate(1 / 3000)) % 18_000
        yield from visit(rng, site, at, referrer="", landing=page,
                         read_on=(1 - leave) * _ease(site))  # fmt: skip


def post(rng: Random, site: Site, day: int, number: int) -> Iterator[Line]:
    """Yield readers of a post in a social network: most in the app's browser, on one page."""
    page, begins, leave = rng.choice(list(site.pages)), day + rng.randrange(7, 18) * 3600, 0.8
    for _ in range(number):
        at = begins + int(rng.expovariate(1 / 6000)) % 21_000
        agent = _IN_APP if rng.random() < 0.7 else pick(rng, site.agents)
        yield from visit(rng, site, at, referrer="https://l.instagram.com/", agent=agent,
                         landing=page, read_on=(1 - leave) * _ease(site))  # fmt: skip


def _ease(site: Site) -> float:
    """Return how much of the usual reading a crowd of this site has; at most all of it."""
    return min(1.0, site.read_on / 0.5)


CROWDS: dict[str, Crowd] = {"newspaper": newspaper, "mail": mail, "post": post}
"""Sudden crowds of people by name."""
