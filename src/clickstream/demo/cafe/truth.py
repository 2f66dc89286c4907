"""True figures of a simulated log, counted during its generation and not read from its lines."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from operator import attrgetter
from typing import NamedTuple

from clickstream.core.hours import Hour
from clickstream.demo.cafe.agents import EQUIPMENT, Equipment
from clickstream.demo.cafe.places import CafePlace, place_of
from clickstream.demo.cafe.rules import HOUR, SECOND
from clickstream.demo.cafe.weblog import NOWHERE, Client, Entry, Request, VisitSource
from clickstream.tables import BALANCE

GAP = 1800
CAP = 12 * 3600
DAY = 24 * HOUR // SECOND


@dataclass(frozen=True)
class HourTruth:
    """True counts of one hour: `lines` is the sum of all kinds; `bytes` is that of sent bodies."""

    lines: int
    page_requests: int
    assets: int
    downloads: int
    bots: int
    redirects: int
    client_errors: int
    server_errors: int
    health_checks: int
    api_calls: int
    others: int
    rejected: int
    bytes: int


class PageView(NamedTuple):
    """A viewed page: its path without a final slash, and the time (UTC, whole seconds)."""

    page: str
    viewed_at: datetime


@dataclass(frozen=True)
class PersonSession:
    """One session of a person: requests of one client and user agent, assets included.

    It ends after a pause of more than 1,800 seconds, or at the first 00:00 UTC at which it has
    lasted 12 hours. Times are those of the log, in whole seconds UTC. The source is that of the
    last request with a source; Direct if none has one. `pages` has the page views in order.
    `goals` has a name for each time that a goal was met, in order. `errors` counts responses 4xx
    and 5xx except those for static files.
    """

    client: str
    user_agent: str
    started_at: datetime
    ended_at: datetime
    requests: int
    errors: int
    pages: tuple[PageView, ...]
    goals: tuple[str, ...]
    referrer_domain: str | None
    utm_source: str | None
    utm_medium: str | None
    utm_campaign: str | None
    channel: str
    source: str | None
    medium: str | None
    hours: tuple[Hour, ...]

    @property
    def visitor(self) -> tuple[str, str]:
        """The visitor as a log shows it: address and user agent."""
        return self.client, self.user_agent

    @property
    def duration_seconds(self) -> int:
        """Seconds from the first request to the last."""
        return int((self.ended_at - self.started_at).total_seconds())

    @property
    def page_views(self) -> int:
        """How many pages were viewed, reloads included."""
        return len(self.pages)

    @property
    def landing_page(self) -> str | None:
        """The first viewed page; None if there is none."""
        return self.pages[0].page if self.pages else None

    @property
    def exit_page(self) -> str | None:
        """The last viewed page; None if there is none."""
        return self.pages[-1].page if self.pages else None

    @property
    def conversions(self) -> int:
        """How often a goal was met."""
        return len(self.goals)

    @property
    def is_bounce(self) -> bool:
        """Whether exactly one page was viewed."""
        return self.page_views == 1

    @property
    def is_engaged(self) -> bool:
        """Whether it has two page views, met a goal, or lasted more than 10 seconds."""
        return self.page_views > 1 or self.conversions > 0 or self.duration_seconds > 10

    @property
    def equipment(self) -> Equipment:
        """Device, browser and system."""
        return EQUIPMENT[self.user_agent]

    @property
    def place(self) -> CafePlace:
        """Country, region and city."""
        return place_of(self.client)


@dataclass(frozen=True)
class Order:
    """One order, at the time its confirmation page was first seen.

    `caused_by` is the campaign without which it would not have happened; empty for none.
    """

    number: int
    confirmed_at: datetime
    total_cents: int
    caused_by: str = ""


@dataclass(frozen=True)
class Truth:
    """True figures by hour, session (sorted by start, then visitor) and order.

    Sessions are cut to the simulated range, like the log.
    """

    hours: Mapping[Hour, HourTruth]
    sessions: tuple[PersonSession, ...]
    orders: tuple[Order, ...]

    @property
    def total(self) -> HourTruth:
        """The sums over all hours."""
        names = HourTruth.__dataclass_fields__
        return HourTruth(**{n: sum(getattr(h, n) for h in self.hours.values()) for n in names})

    @property
    def order_cents(self) -> int:
        """The total of all orders, in cents."""
        return sum(order.total_cents for order in self.orders)


@dataclass
class _Session:
    """A session that may continue."""

    client: Client
    started: int
    last: int
    requests: int = 0
    errors: int = 0
    source: VisitSource = NOWHERE
    pages: list[PageView] = field(default_factory=list)
    goals: list[str] = field(default_factory=list)
    hours: dict[Hour, None] = field(default_factory=dict)

    def continues_at(self, seconds: int) -> bool:
        """Whether a request at that time still belongs to the session."""
        midnight = seconds // DAY * DAY
        is_capped = midnight > self.last and midnight - self.started >= CAP
        return seconds - self.last <= GAP and not is_capped

    def add(self, request: Request, seconds: int, hour: Hour) -> None:
        """Add the next request."""
        self.last = seconds
        self.requests += 1
        self.errors += request.kind in ("client_errors", "server_errors")
        self.hours[hour] = None
        if any(request.ask.source):
            self.source = request.ask.source
        if request.kind == "page_requests":
            path = request.ask.target.partition("?")[0].rstrip("/") or "/"
            self.pages.append(PageView(path, _moment(seconds)))
        if request.ask.goal and request.status in (200, 304):
            self.goals.append(request.ask.goal)

    def finish(self) -> PersonSession:
        """Return the finished session."""
        return PersonSession(
            self.client.address,
            self.client.agent,
            _moment(self.started),
            _moment(self.last),
            self.requests,
            self.errors,
            tuple(self.pages),
            tuple(self.goals),
            *self.source[:4],
            channel=self.source.channel or "Direct",
            source=self.source.source,
            medium=self.source.medium,
            hours=tuple(self.hours),
        )


class TruthTally:
    """Counts complete hours, which must be added in order."""

    def __init__(self) -> None:
        self._hours: dict[Hour, HourTruth] = {}
        self._open: dict[tuple[str, str], _Session] = {}
        self._ended: list[_Session] = []
        self._orders: dict[int, Order] = {}

    def add(self, hour: Hour, entries: Sequence[Entry]) -> None:
        """Count one hour's entries, given in the order of the log."""
        requests = [entry for entry in entries if isinstance(entry, Request)]
        rejected = len(entries) - len(requests)
        kinds = Counter(request.kind for request in requests)
        self._hours[hour] = HourTruth(
            lines=len(entries),
            **{kind: kinds[kind] for kind in BALANCE},
            rejected=rejected,
            bytes=sum(request.size or 0 for request in requests),
        )
        people = [request for request in requests if not request.client.is_machine]
        for request in sorted(people, key=lambda request: request.received // SECOND):
            self._sessionize(request, hour)
            if receipt := request.ask.receipt:
                at = _moment(request.received // SECOND)
                order = Order(receipt.number, at, receipt.total_cents, receipt.caused_by)
                self._orders.setdefault(receipt.number, order)

    def truth(self) -> Truth:
        """Return the true figures of all hours so far."""
        sessions = [session.finish() for session in (*self._ended, *self._open.values())]
        sessions.sort(key=attrgetter("started_at", "client", "user_agent"))
        return Truth(dict(self._hours), tuple(sessions), tuple(self._orders.values()))

    def _sessionize(self, request: Request, hour: Hour) -> None:
        key = (request.client.address, request.client.agent)
        seconds = request.received // SECOND
        session = self._open.get(key)
        if session is None or not session.continues_at(seconds):
            if session is not None:
                self._ended.append(session)
            session = self._open[key] = _Session(request.client, seconds, seconds)
        session.add(request, seconds, hour)


def _moment(seconds: int) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)
