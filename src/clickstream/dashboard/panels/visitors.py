"""The panels of the Visitors page."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta

from clickstream.dashboard.panels.panel import LANDINGS, VISITS, Panel
from clickstream.dashboard.periods import Period
from clickstream.dashboard.texts import mark

FEWEST_WEEKS = 6
"""Weeks that the cohorts go back at least, whatever the range: fewer show nobody coming again."""


@dataclass(frozen=True)
class Cohorts(Panel):
    """Visitors by the week of their first visit, and by the weeks in which they came again."""

    def dates(self, period: Period) -> Period:
        """The weeks of the period from a Monday on, and 6 at least."""
        first = min(period.first, period.last - timedelta(weeks=FEWEST_WEEKS - 1))
        return replace(period, first=first - timedelta(days=first.weekday()))


VISITORS = (
    Panel(
        "viewed_pages",
        "visitors",
        mark("Pages"),
        {
            "page": (("views", "exit_rate", "time_on_page", "estimated_share"), ("page",)),
            "landing_page": (LANDINGS, ("landing_page",)),
            "exit_page": (VISITS, ("exit_page",)),
        },
    ),
    Panel(
        "next_pages",
        "visitors",
        mark("Where people go next"),
        {"": (("views",), ("page", "next_page"))},
    ),
    Panel(
        "kinds",
        "visitors",
        mark("New and returning"),
        {"": (("visits", "conversions", "conversion_rate"), ("visitor_kind",))},
        is_over_time=True,
    ),
    Panel(
        "devices",
        "visitors",
        mark("Devices"),
        {name: (LANDINGS, (name,)) for name in ("device", "browser", "os")},
    ),
    Cohorts(
        "cohorts",
        "visitors",
        mark("Who comes back"),
        {"": (("visitors",), ("first_week", "week"))},
    ),
)
