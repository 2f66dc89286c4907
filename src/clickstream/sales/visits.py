"""The visit of an order, from its session parts, and the earlier visits that led to it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from clickstream.insight.credit import DIRECT, Touch, channel_name, last_non_direct
from clickstream.insight.markov import Path

Part = Mapping[str, Any]
"""A row of session_parts, with the columns PART_COLUMNS."""

_DAY = timedelta(days=1)

PART_COLUMNS = [
    "session_id",
    "visitor_id",
    "session_started_at",
    "first_hit_at",
    "part_id",
    "site",
    "first_page_at",
    "landing_page",
    "channel",
    "source",
    "medium",
    "referrer_domain",
    "utm_campaign",
    "device",
    "country",
    "region",
    "city",
    "referrer_logged",
    "is_bot",
    "opted_out",
]


class VisitArrival(NamedTuple):
    """How a visitor came to the site."""

    channel: str | None = None
    source: str | None = None
    medium: str | None = None
    referrer_domain: str | None = None
    utm_campaign: str | None = None


class Visit(NamedTuple):
    """A visit, with the columns of order_matches."""

    session_id: str
    visitor_id: str
    started_at: datetime
    site: str
    landing_page: str | None
    device: str | None
    country: str | None
    region: str | None
    city: str | None
    arrival: VisitArrival


def visits_of(parts: Iterable[Part]) -> dict[str, Visit]:
    """Return the visits of session parts by session, as the view all_sessions merges them."""
    of_session: dict[str, list[Part]] = defaultdict(list)
    for part in parts:
        of_session[part["session_id"]].append(part)
    return {
        name: _visit(
            sorted(session_parts, key=lambda part: (part["first_hit_at"], part["part_id"]))
        )
        for name, session_parts in of_session.items()
    }


class VisitPath(NamedTuple):
    """The visits of a visitor within the window before a visit, in order; the last one is this.

    `is_cut` is whether earlier visits may be unknown: the visitor's key begins in the window.
    """

    visits: tuple[Visit, ...]
    is_cut: bool = False

    @property
    def visit(self) -> Visit:
        """The visit that the path leads to."""
        return self.visits[-1]

    @property
    def touches(self) -> list[Touch]:
        """The visits as touches."""
        end = self.visit.started_at
        return [
            Touch(visit.arrival.channel, round((end - visit.started_at) / _DAY, 6))
            for visit in self.visits
        ]

    @property
    def arrival(self) -> VisitArrival:
        """The last arrival that is not direct, else that of the visit."""
        return self.visits[last_non_direct(self.touches)].arrival

    @property
    def channels(self) -> Path:
        """The names of the channels, in order."""
        return tuple(channel_name(visit.arrival.channel) for visit in self.visits)


def path_to(visit: Visit, visits: Iterable[Visit], window: timedelta) -> tuple[Visit, ...]:
    """Return those of a visitor's visits that begin within the window before one, and this one."""
    earliest = visit.started_at - window
    before = [earlier for earlier in visits if earliest <= earlier.started_at < visit.started_at]
    return (*sorted(before, key=lambda earlier: (earlier.started_at, earlier.session_id)), visit)


def _visit(parts: Sequence[Part]) -> Visit:
    """Merge the parts of a session, in order: its first page, and its last arrival."""
    first = parts[0]
    pages = [part for part in parts if part["first_page_at"] is not None]
    landing = min(pages, key=lambda part: part["first_page_at"]) if pages else first
    arrivals = [part for part in parts if part["channel"] is not None]
    is_logged = any(part["referrer_logged"] for part in parts)
    direct = VisitArrival(DIRECT if is_logged else None)
    return Visit(
        session_id=first["session_id"],
        visitor_id=first["visitor_id"],
        started_at=first["session_started_at"],
        site=first["site"],
        landing_page=landing["landing_page"],
        device=first["device"],
        country=first["country"],
        region=first["region"],
        city=first["city"],
        arrival=_arrival(arrivals[-1]) if arrivals else direct,
    )


def _arrival(part: Part) -> VisitArrival:
    return VisitArrival(*(part[name] for name in VisitArrival._fields))
