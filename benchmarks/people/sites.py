"""The sites of the bench: a café, a shop, a blog and a small site, all simulated."""

from __future__ import annotations

from datetime import UTC, datetime
from random import Random

from benchmarks.people.crowds import ordinary
from benchmarks.people.lines import DAY, Site, combined
from clickstream.core.hours import Hour
from clickstream.demo.cafe import CafeRules, simulate
from clickstream.demo.cafe.agents import BROWSERS
from clickstream.demo.cafe.arrivals import PARTNERS, POSTS, SEARCHES
from clickstream.demo.cafe.menu import LAYOUT, PAGES
from clickstream.demo.cafe.rules import WEEKDAY

CAFE_DOMAIN = "www.anycompany-cafe.example"

_AGENTS = {agent: float(weight) for agent, weight in BROWSERS.items()}
_REFERRERS = {"": 40.0} | {
    source.referrer: float(source.weight) for source in (*SEARCHES, *POSTS, *PARTNERS)
}
CAFE = Site(
    CAFE_DOMAIN,
    {
        page.path: (*LAYOUT, *page.images)
        for name in ("home", "menu", "product", "about", "locations", "blog", "post")
        for page in PAGES[name]
    },
    _AGENTS,
    _REFERRERS,
    WEEKDAY,
)
"""What machines and crowds on the café's site are simulated from; its usual people are its own."""


def _site(name: str, pages: int, files: int, read_on: float, cached: float) -> Site:
    layout = ("/static/0.css", "/static/1.css", "/favicon.ico")
    own = {
        f"/{name}/{n}" if n else "/": (*layout, *(f"/images/{n}-{m}.jpg" for m in range(n % files)))
        for n in range(pages)
    }
    return Site(f"{name}.example", own, _AGENTS, _REFERRERS, WEEKDAY, read_on, cached)


SHOP = _site("shop", 60, 7, 0.7, 0.35)
BLOG = _site("blog", 40, 3, 0.06, 0.3)
SMALL = _site("workshop", 8, 4, 0.5, 0.2)


def cafe_log(seed: int, day: int, visitors_per_hour: int) -> bytes:
    """Return the café's log of one day, with its usual bots."""
    rules = CafeRules(seed=seed, visitors_per_hour=visitors_per_hour, bots_per_hour=3)
    first = Hour(_start(day))
    history = simulate(first, Hour(_start(day + 23 * 3600)), rules)
    return b"".join(line.raw for line in history.lines)


def simulated_log(site: Site, seed: int, day: int, visitors: int) -> bytes:
    """Return the log of the usual people of one day; their number differs by weekday."""
    rng = Random(f"{seed} {site.domain} {day}")
    weekend = 0.7 if day // DAY % 7 in (2, 3) else 1.0
    number = max(1, round(rng.gauss(visitors * weekend, (visitors * weekend) ** 0.5)))
    return combined(ordinary(rng, site, day, number))


def _start(at: int) -> datetime:
    return datetime.fromtimestamp(at, UTC)
