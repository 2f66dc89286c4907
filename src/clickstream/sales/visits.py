"""The visit of an order, from its session parts, and the arrival that led to it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, NamedTuple

Part = Mapping[str, Any]
"""A row of session_parts, with the columns PART_COLUMNS."""

DIRECT = "Direct"
LOOK_BACK = timedelta(days=30)
"""How long before an order's visit an earlier arrival counts."""

PART_COLUMNS = [
    *("session_id", "visitor_id", "session_started_at", "first_hit_at", "part_id", "site"),
    *("first_page_at", "landing_page", "channel", "source", "medium", "referrer_domain"),
    *("utm_campaign", "device", "country", "region", "city", "referrer_logged", "is_bot"),
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
    return {name: _visit(sorted(some, key=_place)) for name, some in of_session.items()}


def with_earlier_arrivals(visits: Iterable[Visit], earlier: Iterable[Part]) -> dict[str, Visit]:
    """Return visits by session; a direct one has the visitor's last arrival before it, if any.

    `earlier` are session parts of the visitors.
    """
    of_visitor: dict[str, list[Part]] = defaultdict(list)
    for part in earlier:
        if part["channel"] not in (None, DIRECT) and not part["is_bot"]:
            of_visitor[part["visitor_id"]].append(part)
    return {
        visit.session_id: _with_arrival(visit, of_visitor.get(visit.visitor_id, ()))
        for visit in visits
    }


def _with_arrival(visit: Visit, parts: Sequence[Part]) -> Visit:
    before = [
        part
        for part in parts
        if visit.started_at - LOOK_BACK <= part["session_started_at"] < visit.started_at
    ]
    if visit.arrival.channel != DIRECT or not before:
        return visit
    last = max(before, key=lambda part: (part["session_started_at"], *_place(part)))
    return visit._replace(arrival=_arrival(last))


def _place(part: Part) -> tuple[datetime, str]:
    return part["first_hit_at"], part["part_id"]


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
