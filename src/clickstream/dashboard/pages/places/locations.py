"""Candidates for a new café on the Places page, by the newest stored plan."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from clickstream.dashboard.ask.periods import Period
from clickstream.dashboard.charts.maps import on_outline, on_world
from clickstream.dashboard.pages.places.report_rows import ReportRanking, build_ranking
from clickstream.dashboard.pages.places.stored_plan import PlannedCandidate, newest_plan
from clickstream.dashboard.widgets.page import PageContext

ROWS = 10
"""Number of candidates on the tab; the page of the plan has all."""

LEADING = 2
"""The first notes: what can't be known, and whether the plan beats people alone."""

NO_PLAN = (
    "No plan is stored yet. Write a file of candidates with the command clickstream locations "
    "candidates; the DAG clickstream_locations then ranks them every Monday."
)


@dataclass(frozen=True)
class LocationPanel:
    """The newest plan: its date and those of its orders, its first candidates, and its limits.

    `leading` are the notes that are always shown.
    """

    day: str
    dates: str
    ranking: ReportRanking
    leading: Sequence[str]
    notes: Sequence[str]


@dataclass(frozen=True)
class MapMark:
    """A candidate on the map: its place in the ranking, its position, and its title."""

    rank: int
    x: float
    y: float
    title: str


def build_locations(page: PageContext) -> LocationPanel | None:
    """Show the newest plan, whatever the page's dates and filters are; None without one."""
    plan = page.once(newest_plan)
    if plan is None:
        return None
    return LocationPanel(
        day=page.formats.day(plan.day, with_year=True),
        dates=page.days(Period(plan.first, plan.last)),
        ranking=build_ranking(page.formats, plan.candidates[:ROWS], ()),
        leading=plan.notes[:LEADING],
        notes=plan.notes[LEADING:],
    )


def map_marks(page: PageContext, country: str | None) -> list[MapMark]:
    """Place the first candidates of the newest plan on the map of the world, or of a country.

    The last one is drawn first, so the first one is above the others.
    """
    plan = page.once(newest_plan) if page.has_shop else None
    marks = []
    for ranked in reversed(plan.candidates[:ROWS] if plan else ()):
        position = _position(ranked, country)
        if position:
            x, y = (round(value, 1) for value in position)
            marks.append(MapMark(ranked.rank, x, y, _title(page, ranked)))
    return marks


def _position(ranked: PlannedCandidate, country: str | None) -> tuple[float, float] | None:
    latitude, longitude = ranked.candidate.point
    if country is None:
        return on_world(longitude, latitude)
    if ranked.place.rpartition(", ")[2] != country:
        return None
    return on_outline(country, longitude, latitude)


def _title(page: PageContext, ranked: PlannedCandidate) -> str:
    return (
        f"{ranked.rank}. {ranked.candidate.name}: about {page.formats.count(ranked.orders.middle)} "
        "web orders a month would move there"
    )
