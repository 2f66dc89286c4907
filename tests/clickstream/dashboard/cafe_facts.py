"""Fact rows of a simulated café, made from its truth without a pipeline.

Weeks of visits take seconds, so that what changes in the café's story can be looked for.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from itertools import takewhile
from typing import Any
from zoneinfo import ZoneInfo

from tests.clickstream.dashboard.builders import KINDS, FactStore
from tests.clickstream.dashboard.week_facts import store_of, table_of

from clickstream.core.hours import Hour
from clickstream.demo.cafe import CafeRules, PersonSession, Truth, agents
from clickstream.demo.cafe.history import traffic
from clickstream.demo.cafe.rules import CITY_TIME, SECOND
from clickstream.demo.cafe.truth import TruthTally
from clickstream.demo.cafe.weblog import Request

Key = tuple[str, str]
Error = tuple[datetime, str, int]
ZONE = CITY_TIME


@dataclass(frozen=True)
class CafeWeeks:
    """The truth of some days of a café: its visits, errors of people, and requests of bots.

    `errors` has (UTC, page, status) by visitor, `bots` the requests by hour and class.
    """

    truth: Truth
    errors: Mapping[Key, Sequence[Error]]
    bots: Mapping[tuple[Hour, str], int]

    def visits(self, first: date, last: date) -> list[PersonSession]:
        """The visits that began on local dates."""
        return [
            visit
            for visit in self.truth.sessions
            if visit.pages and first <= local(visit.started_at).date() <= last
        ]

    def bot_requests(self, day: date) -> int:
        """The requests of bots on a local date."""
        return sum(n for (hour, _), n in self.bots.items() if local(hour.start).date() == day)

    def people_with(self, page: str, status: int, day: date) -> set[Key]:
        """The visitors who met an error on a page on a local date."""
        return {
            key
            for key, errors in self.errors.items()
            for at, name, met in errors
            if (name, met) == (page, status) and local(at).date() == day
        }

    def store(self) -> FactStore:
        """Its fact files."""
        visits = [visit for visit in self.truth.sessions if visit.pages]
        return store_of(
            {
                "session_facts": table_of("session_facts", _columns(_sessions(visits))),
                "page_view_facts": table_of("page_view_facts", _columns(_page_views(visits))),
                "goal_facts": table_of("goal_facts", _columns(_goals(visits))),
                "session_error_facts": table_of(
                    "session_error_facts", _columns(self._session_errors(visits))
                ),
                "hour_facts": table_of("hour_facts", _columns(self._hours())),
                "bot_facts": table_of("bot_facts", _columns(self._bots())),
            }
        )

    def _session_errors(self, visits: Sequence[PersonSession]) -> Iterator[dict[str, Any]]:
        for number, visit in enumerate(visits, 1):
            met: dict[tuple[str, int], list[datetime]] = defaultdict(list)
            for at, page, status in self.errors.get(visit.visitor, ()):
                if visit.started_at <= at <= visit.ended_at:
                    met[page, status].append(at)
            for (page, status), times in met.items():
                yield {
                    **_when(number, visit),
                    "page": page,
                    "status": status,
                    "kind": "server_error" if status >= 500 else "client_error",
                    "requests": len(times),
                    "first_at": min(times).replace(tzinfo=None),
                }

    def _hours(self) -> Iterator[dict[str, Any]]:
        for hour, truth in self.truth.hours.items():
            yield {
                **_hour(hour),
                **{kind: getattr(truth, kind) for kind in KINDS},
                "lines": truth.lines,
                "late_lines": 0,
                "waiting_lines": 0,
                "library_version": "1.0",
                "settings_digest": "settings-1",
                "visitor_key": "key-1",
            }

    def _bots(self) -> Iterator[dict[str, Any]]:
        for (hour, kind), requests in self.bots.items():
            yield {**_hour(hour), "bot_class": kind, "requests": requests}


def simulate_weeks(rules: CafeRules, first: date, last: date) -> CafeWeeks:
    """Simulate the local dates `first` to `last`."""
    tally = TruthTally()
    errors: dict[Key, list[Error]] = defaultdict(list)
    bots: Counter[tuple[Hour, str]] = Counter()
    start, end = _midnight(first), _midnight(last + timedelta(days=1))
    for hour, entries in takewhile(lambda one: one[0].start < end, traffic(rules, Hour.of(start))):
        tally.add(hour, entries)
        for entry in entries:
            if not isinstance(entry, Request) or entry.ask.is_asset:
                continue
            if entry.client.is_machine:
                bots[hour, _bot_class(entry.client.agent)] += 1
            elif entry.status >= 400:
                at = datetime.fromtimestamp(entry.received // SECOND, UTC)
                key = entry.client.address, entry.client.agent
                errors[key].append((at, _page(entry.ask.target), entry.status))
    return CafeWeeks(tally.truth(), errors, bots)


def local(moment: datetime) -> datetime:
    """A moment in the café's own time."""
    return moment.astimezone(ZONE)


def _midnight(day: date) -> datetime:
    return datetime(day.year, day.month, day.day, tzinfo=ZoneInfo(ZONE.key)).astimezone(UTC)


def _page(target: str) -> str:
    return target.partition("?")[0].rstrip("/") or "/"


def _bot_class(agent: str) -> str:
    """A class of bots, which need not be the pipeline's."""
    if agent == agents.HIDDEN_CRAWLER:
        return "behaves like a bot"
    known = ("Googlebot", "bingbot", "DuckDuckBot", "YandexBot", "UptimeRobot", "Bytespider")
    return next((name for name in known if name in agent), "other")


def _columns(rows: Iterator[dict[str, Any]]) -> dict[str, list[Any]]:
    columns: dict[str, list[Any]] = defaultdict(list)
    for row in rows:
        for name, value in row.items():
            columns[name].append(value)
    return dict(columns)


def _when(number: int, visit: PersonSession) -> dict[str, Any]:
    start = local(visit.started_at)
    return {
        "session_id": f"{number:016x}",
        "visitor_id": f"{hash(visit.visitor) & (2**63 - 1):016x}",
        "local_date": start.date(),
        "local_hour": start.hour,
        "session_date": visit.started_at.date(),
    }


def _hour(hour: Hour) -> dict[str, Any]:
    start = local(hour.start)
    return {
        "hour_at": hour.naive,
        "local_date": start.date(),
        "local_hour": start.hour,
        "event_date": hour.start.date(),
    }


def _sessions(visits: Sequence[PersonSession]) -> Iterator[dict[str, Any]]:
    for number, visit in enumerate(visits, 1):
        yield {
            **_when(number, visit),
            "channel": visit.channel,
            "source": visit.source,
            "referrer_domain": visit.referrer_domain,
            "utm_campaign": visit.utm_campaign,
            "landing_page": visit.landing_page,
            "exit_page": visit.exit_page,
            "device": visit.equipment.device,
            "browser": visit.equipment.browser,
            "os": visit.equipment.os,
            "country": visit.place.country,
            "region": visit.place.region,
            "city": visit.place.city,
            "page_views": visit.page_views,
            "conversions": visit.conversions,
            "is_bounce": visit.is_bounce,
            "is_engaged": visit.is_engaged,
        }


def _page_views(visits: Sequence[PersonSession]) -> Iterator[dict[str, Any]]:
    for number, visit in enumerate(visits, 1):
        when = _when(number, visit)
        for page, _ in visit.pages:
            yield {**when, "page": page}


def _goals(visits: Sequence[PersonSession]) -> Iterator[dict[str, Any]]:
    for number, visit in enumerate(visits, 1):
        for goal in dict.fromkeys(visit.goals):
            yield {**_when(number, visit), "goal": goal, "times": visit.goals.count(goal)}
