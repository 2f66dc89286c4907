"""A person's browser: requests a page and the static files of the page, and has a cache."""

from __future__ import annotations

from random import Random

from clickstream.demo.cafe import menu, trouble
from clickstream.demo.cafe.arrivals import DIRECTLY, CafeArrival
from clickstream.demo.cafe.rules import SECOND, CafeRules
from clickstream.demo.cafe.weblog import SLOWEST, Ask, Client, Receipt, Reply, Request, log

_CONFIRMATION = menu.MenuPage("confirmation", "/cafe/orderConfirmation.php", 5_870)


class Browser:
    """One browser, from its first request to its last. `history` has its requests so far."""

    def __init__(
        self, rng: Random, rules: CafeRules, client: Client, now: int, has_cache: bool = False
    ) -> None:
        self.history: list[Request] = []
        self.now = now
        self.client = client
        self._rng = rng
        self._rules = rules
        self._origin = f"https://{rng.choice(rules.domains)}"
        self._has_cache = has_cache
        self._loaded: set[str] = set()
        self._shown = DIRECTLY
        self._here = "-"

    def wait(self, milliseconds: int) -> None:
        """Let time pass after the last response."""
        self.now += milliseconds

    def wait_exactly(self, seconds: int) -> None:
        """Let an exact number of seconds pass after the last request, by the times in the log."""
        last = self.history[-1].received // SECOND
        self.now = (last + seconds) * SECOND + self._rng.randrange(SECOND)

    def come_back(self) -> None:
        """Start another visit with a filled cache, so that files may be answered with 304."""
        self._has_cache = True
        self._loaded.clear()

    def land(self, page: menu.MenuPage, arrival: CafeArrival) -> int:
        """Open a page from outside the site, and return the status."""
        return self._open(page, arrival)

    def follow(self, page: menu.MenuPage) -> int:
        """Open a page by a link on the current page, and return the status."""
        return self._open(page, DIRECTLY._replace(referrer=self._here))

    def reload(self, page: menu.MenuPage) -> int:
        """Open the current page again with the same referrer and query, and return the status."""
        return self._open(page, self._shown)

    def redirect(self, short: str, arrival: CafeArrival) -> None:
        """Request a short link, which the server answers with a redirect."""
        target = f"{short}?{arrival.query}" if arrival.query else short
        self._ask(Ask("GET", target, arrival.referrer, arrival.source), 301, 237, 20)

    def post(self, path: str, status: int, size: int | None, goal: str = "") -> None:
        """Send the form of the current page."""
        self._ask(Ask("POST", path, self._here, goal=goal), status, size, 400)

    @property
    def is_order_form_failing(self) -> bool:
        """Whether the order form and its target answer 500 now."""
        return trouble.is_failing(self._rules, menu.ORDER, self.now)

    def confirm(self, receipt: Receipt) -> None:
        """Open the confirmation of an order, also again."""
        whole, cents = divmod(receipt.total_cents, 100)
        page = _CONFIRMATION._replace(query=f"order={receipt.number}&total={whole}.{cents:02}")
        referrer = f"{self._origin}{menu.ORDER.path}"
        self._open(page, DIRECTLY._replace(referrer=referrer), receipt)

    def _open(
        self, page: menu.MenuPage, arrival: CafeArrival, receipt: Receipt | None = None
    ) -> int:
        query = "&".join(filter(None, (page.query, arrival.query)))
        target = f"{page.path}?{query}" if query else page.path
        status = self._status(page)
        size = {304: None, 500: 614}.get(status, page.size + self._rng.randrange(200))
        goal = "order" if receipt else ""
        ask = Ask("GET", target, arrival.referrer, arrival.source, receipt=receipt, goal=goal)
        self._ask(ask, status, size, 20 if page.is_static else 150)
        self._shown = arrival
        self._here = f"{self._origin}{target}"
        if status in (200, 304):
            self._pull_in(page)
        return status

    def _status(self, page: menu.MenuPage) -> int:
        if page.step == "missing":
            return 404
        if trouble.is_failing(self._rules, page, self.now):
            return 500
        is_cached = page.is_static and self._has_cache and self._rng.random() < 0.5
        return 304 if is_cached else 200

    def _pull_in(self, page: menu.MenuPage) -> None:
        """Request the page's static files that are not loaded yet, several at a time."""
        files = [*menu.LAYOUT.items(), *((path, menu.IMAGES[path]) for path in page.images)]
        for path, size in files:
            if path in self._loaded:
                continue
            self._loaded.add(path)
            is_cached = self._has_cache and self._rng.random() < 0.7
            if is_cached and self._rng.random() < 0.5:
                continue  # the cached file is fresh: no request
            self.now += self._rng.randrange(60)
            reply = Reply(304, None, 2) if is_cached else Reply(200, size, self._took(size // 500))
            ask = Ask("GET", path, self._here, is_asset=True)
            self.history.append(log(self.client, self.now, ask, reply))

    def _ask(self, ask: Ask, status: int, size: int | None, usual: int) -> None:
        """Send a request, and wait for the response."""
        reply = Reply(status, size, self._took(usual))
        self.history.append(log(self.client, self.now, ask, reply))
        self.now += reply.took

    def _took(self, usual: int) -> int:
        return min(SLOWEST, 3 + round(self._rng.expovariate(1 / (usual + 1))))
