"""A simulated café whose orders and log lines reach a lake in pieces, and its true matches."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from functools import cached_property
from itertools import islice, zip_longest
from pathlib import Path
from typing import NamedTuple

from tests.support.cafe_shops import Story, readable_time
from tests.support.lake_settings import ROOT

from clickstream.clean.pages import PageRules, page_name
from clickstream.core.hours import Hour, hour_range
from clickstream.demo.cafe import CafeRules
from clickstream.demo.cafe.history import traffic
from clickstream.demo.cafe.rules import SECOND
from clickstream.demo.cafe.shop import ShopOrder
from clickstream.demo.cafe.truth import PersonSession, TruthTally
from clickstream.demo.cafe.weblog import Entry, Request, render
from clickstream.lake.visitor_keys import KeyPeriod
from clickstream.settings import Settings, SiteSettings, load
from clickstream.settings.sales import SalesSettings

MAP = """
title = "café"
[orders]
files = "orders*.csv"
[orders.columns]
order_id = "id"
ordered_at = "at"
total = "total"
sold_by = "by"
status = "status"
customer = "customer"
[consents]
files = "consents*.csv"
[consents.columns]
customer = "customer"
purpose = "purpose"
recorded_at = "at"
state = "state"
"""


class TrueMatch(NamedTuple):
    """The columns of order_matches that the simulation knows."""

    method: str
    why_none: str | None
    seconds_apart: float | None
    confirmation_views: int
    landing_page: str | None
    channel: str | None
    source: str | None
    medium: str | None
    referrer_domain: str | None
    utm_campaign: str | None


class TrueTouch(NamedTuple):
    """The columns of order_touches that the simulation knows."""

    touch: int
    channel: str | None
    source: str | None
    medium: str | None
    referrer_domain: str | None
    utm_campaign: str | None
    days_before: float
    is_window_cut: bool


@dataclass
class MatchedCafe:
    """The entries of a log, without those that are lost, and the shop whose orders they confirm."""

    first: Hour
    last: Hour
    rules: CafeRules
    chance: random.Random
    window: timedelta
    attribution: timedelta = timedelta(days=7)
    lost: set[int] = field(default_factory=set)
    refusing: set[str] = field(default_factory=set)

    @cached_property
    def story(self) -> Story:
        return Story(self.rules, self.first, self.last)

    @cached_property
    def entries(self) -> dict[Hour, list[Entry]]:
        """The entries that are kept; all lines about some orders are lost."""
        number = len([*hour_range(self.first, self.last)])
        found = dict(islice(traffic(self.rules, self.first), number))
        receipts = {n for some in found.values() for e in some if (n := number_of(e))}
        self.lost |= {*self.chance.sample(sorted(receipts), len(receipts) // 10)}
        self.lost |= {min(receipts), max(receipts)}  # probably near hours that are not published
        return {
            hour: [e for e in some if number_of(e) not in self.lost] for hour, some in found.items()
        }

    def lines(self, is_late: bool) -> bytes:
        """The lines that arrive in time, or late: those of some clients in every seventh hour."""
        return b"".join(
            render(entry)
            for hour, entries in self.entries.items()
            for entry in entries
            if _is_late(hour, entry) == is_late
        )

    def write_orders(self, directory: Path, moment: datetime) -> None:
        """Write what the shop has at a moment."""
        lines = [
            f"{one.number},{readable_time(one.ordered_at).isoformat()}Z,"
            f"{one.total_cents / 100:.2f},{one.sold_by},{one.status},{one.customer or ''}"
            for one in self.story.at(moment).orders.values()
        ]
        _write_csv(directory / "orders.csv", ["id,at,total,by,status,customer", *lines])

    def refuse(self, directory: Path, moment: datetime) -> None:
        """Let every third customer refuse; a fourth of all had refused and has agreed again."""
        orders = self.story.at(moment).orders.values()
        customers = sorted(
            {one.customer for one in orders if one.customer and one.sold_by == "web"}
        )
        self.refusing = {*customers[::3]}
        times = (f"{moment - timedelta(minutes=2):%FT%TZ}", f"{moment:%FT%TZ}")
        states = dict.fromkeys(customers[1::4], ("denied", "granted"))
        states |= dict.fromkeys(self.refusing, ("granted", "withdrawn"))
        lines = [
            f"{name},match,{at},{state}"
            for name, both in states.items()
            for at, state in zip(times, both, strict=True)
        ]
        _write_csv(directory / "consents.csv", ["customer,purpose,at,state", *lines])

    def truth(self, moment: datetime) -> dict[str, TrueMatch]:
        """Return the match of each order that the shop has at a moment."""
        sessions = self._sessions
        return {
            str(one.number): self._match(one, sessions)
            for one in self.story.at(moment).orders.values()
        }

    def touches(self, moment: datetime) -> dict[str, list[TrueTouch]]:
        """Return the touches of each order with a visit."""
        truth = self.truth(moment)
        return {
            str(one.number): [*self._touches(one.number)]
            for one in self.story.at(moment).orders.values()
            if truth[str(one.number)].method == "number"
        }

    def _touches(self, number: int) -> Iterator[TrueTouch]:
        visit, own = self._visit(number, self._sessions)
        begin = visit.started_at - self.attribution
        is_cut = begin < max(self.first.start, _period(visit).start)
        path = self._path(visit, own)
        for place, one in enumerate(path, 1):
            days = (visit.started_at - one.started_at) / timedelta(days=1)
            yield TrueTouch(place, *_of_arrival(one), round(days, 6), is_cut)

    def _path(self, visit: PersonSession, own: Sequence[PersonSession]) -> list[PersonSession]:
        """Return the visits in the window before one, and this one."""
        begin = visit.started_at - self.attribution
        return [*(one for one in _known_before(visit, own) if one.started_at >= begin), visit]

    def _arrival(
        self, visit: PersonSession, own: Sequence[PersonSession]
    ) -> tuple[str | None, ...]:
        """Return the arrival of a visit, or the visitor's last one before it that is not direct."""
        before = [one for one in self._path(visit, own)[:-1] if one.channel != "Direct"]
        return _of_arrival(before[-1] if visit.channel == "Direct" and before else visit)

    def ended(self) -> Counter[tuple[date, str]]:
        """Count the journeys that ended in nothing, by their last date and path."""
        buying = {id(self._visit(number, self._sessions)[0]) for number in self._views}
        of_visitors: dict[object, list[PersonSession]] = {}
        for one in self._sessions:
            of_visitors.setdefault((one.visitor, _period(one)), []).append(one)
        found: Counter[tuple[date, str]] = Counter()
        for own in of_visitors.values():
            in_order = sorted(own, key=lambda one: one.started_at)
            for one, following in zip_longest(in_order, in_order[1:]):
                ends = one.started_at.date() + self.attribution
                goes_on = following is not None and following.started_at.date() <= ends
                if ends <= self.last.start.date() and not goes_on and id(one) not in buying:
                    path = " > ".join(each.channel or "Unknown" for each in self._path(one, own))
                    found[ends, path] += 1
        return found

    @cached_property
    def _sessions(self) -> Sequence[PersonSession]:
        tally = TruthTally()
        for hour, entries in self.entries.items():
            tally.add(hour, entries)
        return tally.truth().sessions

    def _visit(
        self, number: int, sessions: Sequence[PersonSession]
    ) -> tuple[PersonSession, list[PersonSession]]:
        """Return the visit that saw the confirmation first, and all visits of its visitor."""
        view = self._views[number][0]
        own = [one for one in sessions if one.visitor == view.client[:2]]
        [visit] = [one for one in own if one.started_at <= _time(view) <= one.ended_at]
        return visit, own

    @cached_property
    def _views(self) -> dict[int, list[Request]]:
        found: dict[int, list[Request]] = {}
        for entry in sorted(_requests(self.entries.values()), key=lambda one: one.received):
            if (number := number_of(entry)) and entry.status in (200, 304):
                found.setdefault(number, []).append(entry)
        return found

    def _match(self, order: ShopOrder, sessions: Sequence[PersonSession]) -> TrueMatch:
        at = readable_time(order.ordered_at).replace(tzinfo=UTC)
        if order.sold_by != "web":
            return TrueMatch("none", "not on the web", None, 0, *[None] * 6)
        begin, end = at - timedelta(minutes=10), at + self.window
        views = [one for one in self._views.get(order.number, ()) if begin <= _time(one) <= end]
        if order.customer in self.refusing:
            return TrueMatch("none", "opted out", None, len(views), *[None] * 6)
        if not views:
            is_known = begin >= self.first.start and end < self.last.end
            why = "no request" if is_known else "hour incomplete"
            return TrueMatch("none", why, None, 0, *[None] * 6)
        visit, own = self._visit(order.number, sessions)
        led_by = self._arrival(visit, own)
        page = visit.landing_page and page_name(visit.landing_page, PageRules())
        apart = (_time(views[0]) - at).total_seconds()
        return TrueMatch("number", None, apart, len(views), page, *led_by)


def _write_csv(path: Path, lines: Sequence[str]) -> None:
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")


def number_of(entry: Entry) -> int | None:
    """Return the number of the order that a request confirms."""
    receipt = entry.ask.receipt if isinstance(entry, Request) else None
    return receipt.number if receipt else None


def cafe_settings(settings: Settings, directory: Path, cafe: MatchedCafe) -> Settings:
    """The settings of a lake of the café, with a shop of files in a directory."""
    (directory / "map.toml").write_text(MAP, encoding="utf-8")
    (directory / "shop").mkdir()
    shop = SalesSettings(
        name="shop", kind="csv", columns="map.toml", currency="GBP", path=str(directory / "shop")
    )
    hours = round(cafe.window.total_seconds() / 3600)
    times = {"window_hours": hours, "attribution_days": cafe.attribution.days}
    orders = load(ROOT / "cafe.toml", {}).orders.model_copy(update=times)
    return settings.model_copy(
        update={
            "sales": (shop,),
            "orders": orders,
            "site": SiteSettings(domains=cafe.rules.domains),
            "directory": directory,
        }
    )


def _known_before(visit: PersonSession, own: Sequence[PersonSession]) -> list[PersonSession]:
    """Return the visits before one that have the same key, in order."""
    known = (one for one in own if _period(one) == _period(visit))
    return sorted(
        (one for one in known if one.started_at < visit.started_at),
        key=lambda one: one.started_at,
    )


def _period(visit: PersonSession) -> KeyPeriod:
    return KeyPeriod.of(Hour.of(visit.started_at), 30)


def _of_arrival(visit: PersonSession) -> tuple[str | None, ...]:
    return visit.channel, visit.source, visit.medium, visit.referrer_domain, visit.utm_campaign


def _requests(hours: Sequence[list[Entry]]) -> Iterator[Request]:
    return (e for some in hours for e in some if isinstance(e, Request))


def _time(request: Request) -> datetime:
    return datetime.fromtimestamp(request.received // SECOND, UTC)


def _is_late(hour: Hour, entry: Entry) -> bool:
    is_chosen = isinstance(entry, Request) and entry.client.address[-1] in "02468"
    return is_chosen and hour.start.hour in (12, 13)
