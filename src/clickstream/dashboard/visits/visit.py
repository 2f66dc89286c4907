"""One visit: its page views and errors in order, its goals and steps, and the visitor's visits."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from clickstream.dashboard.ask.coverage import to_local
from clickstream.dashboard.ask.periods import Period
from clickstream.dashboard.formats import NO_VALUE
from clickstream.dashboard.visits.listing import (
    NamedPlaces,
    Record,
    ShownVisit,
    device_of,
    local_start,
    records,
    shown_visits,
)
from clickstream.dashboard.visits.questions import (
    errors_question,
    goals_question,
    page_views_question,
    visit_question,
    visitor_question,
)
from clickstream.dashboard.widgets.page import PageContext

MOST_OTHERS = 100
"""Maximum number of the visitor's other visits on the page."""


@dataclass(frozen=True)
class Moment:
    """A page view of a visit, or an error that it met; `status` is set for errors.

    `stay` is the time on the page, which the web server can't measure for the last page.
    """

    time: str
    page: str
    stay: str = ""
    is_estimated: bool = False
    response: str = ""
    status: str = ""


@dataclass(frozen=True)
class VisitPage:
    """The values of the page of one visit; `facts` are pairs of a label and a value."""

    id: str
    title: str
    facts: Sequence[tuple[str, str]]
    goals: Sequence[str]
    steps: Sequence[tuple[str, bool]]
    moments: Sequence[Moment]
    other_visits: Sequence[ShownVisit]
    has_more: bool


def find_visit(page: PageContext, session_id: str) -> Record | None:
    """Return the visit with an id, of the days whose facts are kept; None without such a visit."""
    keep_days = page.settings.dashboard.keep_days
    rows = page.ask(visit_question(session_id, page.now.date(), keep_days)).records()
    return records(rows)[0] if rows else None


def build_visit(page: PageContext, visit: Record) -> VisitPage:
    """Ask for all that the page of a visit shows."""
    day = Period(visit["local_date"], visit["local_date"])
    views = page.ask(page_views_question(visit["session_id"], day.first)).records()
    goals = page.ask(goals_question([visit["session_id"]], day)).records()
    question = visitor_question(
        visit["visitor_id"], visit["local_date"], page.key_days, MOST_OTHERS + 2
    )
    visits = records(page.ask(question).records())
    others = [other for other in visits if other["session_id"] != visit["session_id"]]
    local, formats = local_start(page, visit), page.formats
    when = f"{formats.day(local.date(), with_weekday=True, with_year=True)}, {formats.time(local)}"
    return VisitPage(
        visit["session_id"],
        f"Visit of {when}",
        _facts(page, visit, day),
        [_times(page, str(goal["goal"]), goal["times"]) for goal in goals],
        _steps(page, visit),
        _moments(page, visit, views, day),
        shown_visits(page, others[:MOST_OTHERS], NamedPlaces(page, day, filtered=False)),
        len(others) > MOST_OTHERS,
    )


def _facts(page: PageContext, visit: Record, day: Period) -> list[tuple[str, str]]:
    """Return what is known of the visit as a whole; the place by the visitors of its day."""
    place = NamedPlaces(page, day, filtered=False).name_of(visit)
    system = " · ".join(filter(None, (device_of(visit), visit["os"])))
    facts = [
        ("Channel", visit["channel"]),
        ("Source", visit["source"]),
        ("Medium", visit["medium"]),
        ("Campaign", visit["campaign"]),
        ("Content", visit["content"]),
        ("Term", visit["term"]),
        ("Referrer", visit["referrer"]),
        ("Place", place),
        ("Device", system),
        ("Page views", page.formats.count(visit["page_views"])),
        ("Visit length", page.formats.seconds(visit["duration_seconds"] or 0)),
        ("Visitor", visit["visitor_id"]),
    ]
    return [(label, str(value)) for label, value in facts if value]


def _times(page: PageContext, name: str, times: int) -> str:
    return name if times == 1 else f"{name} × {page.formats.count(times)}"


def _steps(page: PageContext, visit: Record) -> list[tuple[str, bool]]:
    """Return the names of the funnel's steps, and whether the visit reached each of them."""
    reached = visit["funnel_steps"] or 0
    return [(step.name, number < reached) for number, step in enumerate(page.settings.funnel)]


def _moments(
    page: PageContext, visit: Record, views: Sequence[Record], day: Period
) -> list[Moment]:
    """Return page views and errors by time."""
    errors = page.ask(errors_question([visit["session_id"]], day)).records()
    moments: list[tuple[datetime, Moment]] = []
    for view in views:
        at = visit["started_at"] + timedelta(seconds=view["seconds_in_visit"])
        moments.append((at, _view(page, view, at)))
    moments += [(error["first_at"], _error(page, error)) for error in errors]
    return [moment for _, moment in sorted(moments, key=lambda pair: pair[0])]


def _view(page: PageContext, view: Record, at: datetime) -> Moment:
    formats, dwell, response = page.formats, view["dwell_seconds"], view["response_ms"]
    return Moment(
        _clock(page, at),
        view["page"] or NO_VALUE,
        NO_VALUE if dwell is None else formats.seconds(dwell),
        bool(view["is_estimated"]) and dwell is not None,
        "" if response is None else formats.milliseconds(response),
    )


def _error(page: PageContext, error: Record) -> Moment:
    status = _times(page, str(error["status"]), error["requests"])
    return Moment(_clock(page, error["first_at"]), error["page"] or NO_VALUE, status=status)


def _clock(page: PageContext, moment: datetime) -> str:
    """Format a UTC moment as local time with seconds, which a visit is about."""
    return page.formats.clock(to_local(moment, page.zone))
