"""Requests of people: their clients, their steps through the site, their pauses and later visits.

Some pauses are 1,799, 1,800 or 1,801 seconds long, to test the limit at which a session ends.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from itertools import count
from random import Random

from clickstream.core.hours import Hour
from clickstream.demo.cafe import addresses, agents, menu, story
from clickstream.demo.cafe.advertising import caused_by, is_switched_off, without_campaign
from clickstream.demo.cafe.arrivals import DIRECTLY, CafeArrival, arrive
from clickstream.demo.cafe.browser import Browser
from clickstream.demo.cafe.rules import (
    HOUR,
    MINUTE,
    SECOND,
    CafeRules,
    dice,
    first_order_number,
    how_many,
    some_moment,
    visitors_in,
)
from clickstream.demo.cafe.weblog import Client, Receipt, Request

LEAVE = "leave"
NEXT: dict[str, dict[str, int]] = {
    "home": {"menu": 36, "product": 12, "locations": 9, "about": 6, "blog": 7, LEAVE: 30},
    "menu": {"product": 48, "order": 14, "gallery": 5, "home": 4, LEAVE: 29},
    "product": {"menu": 26, "product": 20, "order": 16, LEAVE: 38},
    "gallery": {"gallery": 30, "menu": 30, LEAVE: 40},
    "order": {"buy": 55, "menu": 15, LEAVE: 30},
    "buy": {"see receipt again": 6, "home": 14, "locations": 10, LEAVE: 70},
    "see receipt again": {LEAVE: 1},
    "about": {"menu": 25, "locations": 20, "home": 5, LEAVE: 50},
    "locations": {"menu": 30, "about": 8, LEAVE: 62},
    "blog": {"post": 60, "menu": 10, LEAVE: 30},
    "post": {"post": 15, "blog": 10, "menu": 14, "sign up": 8, LEAVE: 53},
    "sign up": {"home": 30, LEAVE: 70},
    "missing": {"home": 40, "menu": 20, LEAVE: 40},
    "failed": {"try again": 60, "home": 10, LEAVE: 30},
    "order failed": {"try again": 30, "home": 5, LEAVE: 65},
    "search": {"home": 30, LEAVE: 70},
}
"""The next steps after each step, with their weights."""

TEMPERS: dict[str, dict[str, dict[str, int]]] = {
    "usual": {},
    "eager": {
        "menu": {"product": 42, "order": 22, LEAVE: 20},
        "product": {"menu": 18, "product": 14, "order": 28, LEAVE: 34},
        "order": {"buy": 64, "menu": 12, LEAVE: 24},
    },
    "mistaken": {
        "menu": {"product": 15, "home": 3, "order": 1, LEAVE: 81},
        "product": {"menu": 8, "order": 1, LEAVE: 91},
        "order": {"buy": 4, "menu": 8, LEAVE: 88},
    },
}
"""Weights that differ from NEXT by temper: visitors of successful and of useless campaigns."""

_WAYS = {
    (temper, step): (tuple(ways), tuple(ways.values()))
    for temper, differing in TEMPERS.items()
    for step, ways in (NEXT | differing).items()
}
_SENT_TO = "/cafe/processOrder.php"
_SHARE_OF_REGULARS = 0.3
_SHARE_OF_OFFICES = 0.12
_ONE_TABLET_IN = 720
_MOST_STEPS = 25
_NEAR_HALF_AN_HOUR = (1799, 1800, 1801)


def people(rules: CafeRules, hour: Hour) -> Iterator[Request]:
    """Yield all requests of the people who arrive in the hour, person by person."""
    rng = dice(rules, hour, "people")
    order_numbers = count(first_order_number(hour))
    growth = 1 + story.GROWTH * story.progress(rules, hour)
    for _ in range(how_many(rng, visitors_in(rules, hour) * growth)):
        if rng.randrange(_ONE_TABLET_IN) == 0:
            yield from _tablet(rng, rules, hour)
        else:
            yield from _person(rng, rules, hour, order_numbers)


def _person(
    rng: Random, rules: CafeRules, hour: Hour, order_numbers: Iterator[int]
) -> list[Request]:
    """Simulate one person: mostly one visit, sometimes more with pauses between them."""
    is_regular = rng.random() < _SHARE_OF_REGULARS
    progress = story.progress(rules, hour)
    client = rng.choice(regulars(rules)) if is_regular else _choose_client(rng, progress)
    browser = Browser(rng, rules, client, some_moment(rng, hour), has_cache=is_regular)
    happened = _visit(rng, rules, browser, arrive(rng, progress), order_numbers)
    while rng.random() < 0.1:
        if rng.random() < 0.3:
            browser.wait_exactly(rng.choice(_NEAR_HALF_AN_HOUR))
        else:
            browser.wait(rng.randrange(31 * MINUTE, 4 * HOUR))
        browser.come_back()
        happened += _visit(rng, rules, browser, arrive(rng, progress), order_numbers)
    return happened


def _tablet(rng: Random, rules: CafeRules, hour: Hour) -> list[Request]:
    """Simulate a partner shop's tablet, which reloads the menu for 20 to 25.5 hours.

    Its pauses are shorter than 30 minutes, so that sessions cross midnight.
    """
    client = Client(addresses.address_in(rng, addresses.TABLETS), agents.TABLET, "HTTP/2.0")
    browser = Browser(rng, rules, client, some_moment(rng, hour))
    goes_dark = browser.now + rng.randrange(20 * HOUR, 25 * HOUR + 30 * MINUTE)
    browser.land(menu.MENU, DIRECTLY)
    while browser.now < goes_dark:
        browser.wait(rng.randrange(9 * MINUTE, 29 * MINUTE))
        browser.reload(menu.MENU)
    return browser.history


@lru_cache(maxsize=8)
def regulars(rules: CafeRules) -> tuple[Client, ...]:
    """Return the people who come on many days."""
    rng = dice(rules, "always", "regulars")
    return tuple(_choose_client(rng) for _ in range(50 + 4 * rules.visitors_per_hour))


def _choose_client(rng: Random, progress: float = 0.0) -> Client:
    """Choose a client; people in one office share an address, and some also a user agent."""
    at_work = rng.random() < _SHARE_OF_OFFICES
    address = rng.choice(addresses.OFFICES) if at_work else addresses.home_address(rng, progress)
    protocol = "HTTP/1.1" if rng.random() < 0.2 else "HTTP/2.0"
    return Client(address, agents.pick(rng, agents.BROWSERS), protocol)


def _visit(
    rng: Random,
    rules: CafeRules,
    browser: Browser,
    arrival: CafeArrival,
    order_numbers: Iterator[int],
) -> list[Request]:
    """Simulate one visit, from the arrival until the person leaves, and return its requests.

    A visit that does not happen, because its campaign is switched off, has none. It is simulated
    all the same, so that all other visits have the same random choices and order numbers.
    """
    before = len(browser.history)
    cause = caused_by(rules, browser.client, browser.now, arrival)
    is_off = is_switched_off(rules, browser.client, browser.now, arrival)
    visit = _Visit(rng, browser, order_numbers, cause)
    visit.walk(without_campaign(arrival) if is_off else arrival)
    return [] if is_off and cause else browser.history[before:]


class _Visit:
    """The steps of one visit. Each method returns the resulting step."""

    def __init__(
        self, rng: Random, browser: Browser, order_numbers: Iterator[int], cause: str
    ) -> None:
        self._rng = rng
        self._browser = browser
        self._order_numbers = order_numbers
        self._cause = cause
        self._page = menu.HOME

    def walk(self, arrival: CafeArrival) -> None:
        """Take all steps from the arrival until the person leaves."""
        step = self.begin(arrival)
        for _ in range(_MOST_STEPS):
            ways, weights = _WAYS[arrival.temper, step]
            way = self._rng.choices(ways, weights)[0]
            if way == LEAVE:
                return
            self.read()
            step = self.go(way)

    def begin(self, arrival: CafeArrival) -> str:
        """Arrive on the first page, in some cases by a short link."""
        landing = arrival.landing
        if landing == "short link":
            short, self._page = self._rng.choice(list(menu.SHORT_LINKS.items()))
            self._browser.redirect(short, arrival)
        else:
            self._page = self._rng.choice(menu.PAGES[landing])
        return self._outcome(self._browser.land(self._page, arrival))

    def read(self) -> None:
        """Wait on the page: mostly about half a minute, rarely about half an hour."""
        chance = self._rng.random()
        if chance < 0.006:
            self._browser.wait_exactly(self._rng.choice(_NEAR_HALF_AN_HOUR))
        elif chance < 0.02:
            self._browser.wait(self._rng.randrange(20 * MINUTE, 45 * MINUTE))
        else:
            seconds = self._rng.lognormvariate(3.4, 1.0)
            self._browser.wait(round(min(seconds, 1500) * SECOND))

    def go(self, way: str) -> str:
        """Take the next step."""
        match way:
            case "buy":
                return self._buy()
            case "see receipt again":
                self._browser.confirm(self._receipt)
                return way
            case "sign up":
                self._browser.post("/cafe/newsletter.php", 200, 512, goal="newsletter")
                return way
            case "try again":
                return self._outcome(self._browser.reload(self._page))
        self._page = self._rng.choice(menu.PAGES[way])
        return self._outcome(self._browser.follow(self._page))

    def _outcome(self, status: int) -> str:
        if status != 500:
            return self._page.step
        return "order failed" if self._page is menu.ORDER else "failed"

    def _buy(self) -> str:
        """Order one to four products, unless the form fails."""
        if self._browser.is_order_form_failing:
            self._browser.post(_SENT_TO, 500, 614)
            return "order failed"
        products = self._rng.sample(menu.PRODUCTS, self._rng.randint(1, 4))
        basket = tuple((product, self._rng.randint(1, 3)) for product in products)
        total = sum(product.price_cents * quantity for product, quantity in basket)
        self._receipt = Receipt(next(self._order_numbers), total, basket, self._cause)
        self._browser.post(_SENT_TO, self._rng.choice((302, 303)), 0)
        self._browser.confirm(self._receipt)
        return "buy"
