"""The truth about a simulated log: counted while it is made, never read back from its lines."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from operator import attrgetter

from clickstream.demo.cafe.rules import SECOND, milliseconds
from clickstream.demo.cafe.weblog import NOWHERE, BrokenLine, Client, Entry, Request, Source
from clickstream.hours import Hour
from clickstream.tables import BALANCE

GAP = 1800
CAP = 24 * 3600


@dataclass(frozen=True)
class HourTruth:
    """What one hour holds: `lines` is the sum of the kinds; `bytes` of bodies sent."""

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


@dataclass(frozen=True)
class PersonSession:
    """One session of a person: requests of one client and user agent, assets included.

    It ends after more than 1,800 seconds of silence, or at the first hour edge at which it is 24
    hours old. Times are the log's, in whole seconds UTC. Its source is that of the last request
    that has one. Pages are paths, None when no page was viewed.
    """

    client: str
    user_agent: str
    started_at: datetime
    ended_at: datetime
    requests: int
    page_views: int
    landing_page: str | None
    exit_page: str | None
    referrer_domain: str | None
    utm_source: str | None
    utm_medium: str | None
    utm_campaign: str | None
    hours: tuple[Hour, ...]


@dataclass(frozen=True)
class Order:
    """One order, at the time its confirmation page was first seen."""

    number: int
    confirmed_at: datetime
    total_cents: int


@dataclass(frozen=True)
class Truth:
    """Everything there is to find out: per hour, per session (by start, then visitor), per order.

    Sessions are cut to the simulated range, as the log is.
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
        """What all orders come to, in cents."""
        return sum(order.total_cents for order in self.orders)


@dataclass
class _Session:
    """A session that may go on."""

    client: Client
    started: int
    last: int
    requests: int = 0
    source: Source = NOWHERE
    pages: list[str] = field(default_factory=list)
    hours: dict[Hour, None] = field(default_factory=dict)

    def goes_on(self, seconds: int, hour: Hour) -> bool:
        """Whether a request then still belongs to it."""
        is_capped = hour not in self.hours and milliseconds(hour) // SECOND - self.started >= CAP
        return seconds - self.last <= GAP and not is_capped

    def add(self, request: Request, seconds: int, hour: Hour) -> None:
        """Take the next request."""
        self.last = seconds
        self.requests += 1
        self.hours[hour] = None
        if any(request.ask.source):
            self.source = request.ask.source
        if request.kind == "page_requests":
            self.pages.append(request.ask.target.partition("?")[0])

    def finish(self) -> PersonSession:
        """The session as the truth tells it."""
        return PersonSession(
            self.client.address,
            self.client.agent,
            _moment(self.started),
            _moment(self.last),
            self.requests,
            len(self.pages),
            self.pages[0] if self.pages else None,
            self.pages[-1] if self.pages else None,
            *self.source,
            hours=tuple(self.hours),
        )


class Tally:
    """Counts hour after hour; hours come in order and whole."""

    def __init__(self) -> None:
        self._hours: dict[Hour, HourTruth] = {}
        self._open: dict[tuple[str, str], _Session] = {}
        self._ended: list[_Session] = []
        self._orders: dict[int, Order] = {}

    def add(self, hour: Hour, entries: Sequence[Entry]) -> None:
        """Count one hour's entries, given in the order they are logged."""
        requests = [entry for entry in entries if isinstance(entry, Request)]
        rejected = sum(isinstance(entry, BrokenLine) for entry in entries)
        self._hours[hour] = _count(requests, rejected)
        people = [request for request in requests if not request.client.is_machine]
        for request in sorted(people, key=lambda request: request.received // SECOND):
            self._sessionize(request, hour)
            self._note_order(request)

    def truth(self) -> Truth:
        """The truth of all hours so far."""
        sessions = [session.finish() for session in (*self._ended, *self._open.values())]
        sessions.sort(key=attrgetter("started_at", "client", "user_agent"))
        return Truth(dict(self._hours), tuple(sessions), tuple(self._orders.values()))

    def _sessionize(self, request: Request, hour: Hour) -> None:
        key = (request.client.address, request.client.agent)
        seconds = request.received // SECOND
        session = self._open.get(key)
        if session is None or not session.goes_on(seconds, hour):
            if session is not None:
                self._ended.append(session)
            session = self._open[key] = _Session(request.client, seconds, seconds)
        session.add(request, seconds, hour)

    def _note_order(self, request: Request) -> None:
        if receipt := request.ask.receipt:
            at = _moment(request.received // SECOND)
            order = Order(receipt.number, at, receipt.total_cents)
            self._orders.setdefault(receipt.number, order)


def _count(requests: list[Request], rejected: int) -> HourTruth:
    kinds = Counter(request.kind for request in requests)
    return HourTruth(
        lines=len(requests) + rejected,
        **{kind: kinds[kind] for kind in BALANCE},
        rejected=rejected,
        bytes=sum(request.size or 0 for request in requests),
    )


def _moment(seconds: int) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)
