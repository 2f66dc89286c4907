"""Candidates for a new café on the Places page, by the newest stored plan."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from clickstream.dashboard.charts.intervals import IntervalAxis
from clickstream.dashboard.charts.maps import frames, on_world
from clickstream.dashboard.formats import NO_VALUE
from clickstream.dashboard.questions.periods import Period
from clickstream.dashboard.tabs.places.stored_plan import PlannedCandidate, newest_plan
from clickstream.dashboard.texts import mark
from clickstream.dashboard.widgets.page import PageContext
from clickstream.insight.location_plan import DrawInterval

ROWS = 10
"""Number of candidates on the tab; the page of the plan has all."""

LEADING = 2
"""The first notes: what can't be known, and whether the plan beats people alone."""

NO_PLAN = mark(
    "No plan is stored yet. Write a file of candidates with the command clickstream locations "
    "candidates; the DAG clickstream_locations then ranks them every Monday."
)


@dataclass(frozen=True)
class LocationRow:
    """A candidate as texts; those of money are empty without a rent or a margin.

    `strip` has the ends and the middle of the interval of what is ranked, on the panel's scale.
    """

    rank: int
    name: str
    place: str
    orders: str
    orders_interval: str
    own_share: str
    top_share: str
    result: str
    result_interval: str
    break_even: str
    flags: str
    strip: DrawInterval


@dataclass(frozen=True)
class LocationPanel:
    """The newest plan: its date and those of its orders, its candidates, and what limits it.

    `zero_at` is where 0 is on the scale of the intervals, from 0 to 100. `leading` are the notes
    that are always shown.
    """

    day: str
    dates: str
    rows: Sequence[LocationRow]
    has_money: bool
    left_out: int
    zero_at: float
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
    shown = plan.candidates[:ROWS]
    ranked_by = [one.ranked_by(plan.is_by_money) for one in shown]
    axis = IntervalAxis.of_intervals(ranked_by)
    return LocationPanel(
        day=page.formats.day(plan.day, with_year=True),
        dates=page.days(Period(plan.first, plan.last)),
        rows=[
            _row(page, one, axis.place_interval(interval))
            for one, interval in zip(shown, ranked_by, strict=True)
        ],
        zero_at=axis.place(0),
        has_money=any(one.result_cents for one in plan.candidates),
        left_out=max(len(plan.candidates) - ROWS, 0),
        leading=plan.notes[:LEADING],
        notes=plan.notes[LEADING:],
    )


def _row(page: PageContext, one: PlannedCandidate, strip: DrawInterval) -> LocationRow:
    """Return a candidate as texts in the language of the page."""
    formats, result = page.formats, one.result_cents
    return LocationRow(
        rank=one.rank,
        name=one.candidate.name,
        place="" if one.place.startswith(one.candidate.name) else one.place,
        orders=formats.count(one.orders.middle),
        orders_interval=f"{formats.count(one.orders.low)} – {formats.count(one.orders.high)}",
        own_share=formats.share(one.own_share, 0),
        top_share=formats.share(one.top_share, 0),
        result=NO_VALUE if result is None else formats.whole_units(result.middle),
        result_interval="" if result is None else _interval(page, result),
        break_even=NO_VALUE if one.break_even is None else formats.share(one.break_even, 0),
        flags=one.flags,
        strip=strip,
    )


def _interval(page: PageContext, cents: DrawInterval) -> str:
    low, high = (page.formats.whole_units(end) for end in (cents.low, cents.high))
    return f"{low} – {high}"


def map_marks(page: PageContext, country: str | None) -> list[MapMark]:
    """Place the first candidates of the newest plan on the map of the world, or of a country.

    The last one is drawn first, so the first one is above the others.
    """
    plan = page.once(newest_plan) if page.has_shop else None
    found = []
    for one in reversed(plan.candidates[:ROWS] if plan else ()):
        position = _position(one, country)
        if position:
            x, y = (round(value, 1) for value in position)
            found.append(MapMark(one.rank, x, y, _title(page, one)))
    return found


def _position(one: PlannedCandidate, country: str | None) -> tuple[float, float] | None:
    latitude, longitude = one.candidate.point
    if country is None:
        return on_world(longitude, latitude)
    if one.place.rpartition(", ")[2] != country:
        return None
    frame = next((f for f in frames(country) if f.holds(longitude, latitude)), None)
    return frame.place(longitude, latitude) if frame else None


def _title(page: PageContext, one: PlannedCandidate) -> str:
    return page.formats.text(
        mark("%(rank)s. %(name)s: about %(orders)s orders a month"),
        rank=one.rank,
        name=one.candidate.name,
        orders=page.formats.count(one.orders.middle),
    )
