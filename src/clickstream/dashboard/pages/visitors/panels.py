"""The panels of the Visitors page."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta

from clickstream.dashboard.ask.panel import LANDINGS, VISITS, Panel
from clickstream.dashboard.ask.periods import Period
from clickstream.dashboard.ask.response_metrics import RESPONSE_METRICS

RESPONSE_NAMES = tuple(metric.name for metric in RESPONSE_METRICS)

FEWEST_WEEKS = 6
"""Minimum number of weeks of the cohorts, in any range: fewer show too few returning visitors."""


@dataclass(frozen=True)
class Cohorts(Panel):
    """Visitors by the week of their first visit, and by the weeks in which they came back."""

    def dates(self, period: Period) -> Period:
        """Return the period from a Monday on, with at least 6 weeks."""
        first = min(period.first, period.last - timedelta(weeks=FEWEST_WEEKS - 1))
        return replace(period, first=first - timedelta(days=first.weekday()))


VIEWED_PAGES = Panel(
    "viewed_pages",
    "visitors",
    "Pages",
    {
        "page": (("views", "exit_rate", "time_on_page", "estimated_share"), ("page",)),
        "landing_page": (LANDINGS, ("landing_page",)),
        "exit_page": (VISITS, ("exit_page",)),
        "host": (("views", "page_visits", "exit_rate", "time_on_page"), ("host",)),
    },
)

RESPONSE_TIMES = Panel(
    "response_times", "visitors", "How long people wait", {"": (RESPONSE_NAMES, ("page",))}
)

NEXT_PAGES = Panel(
    "next_pages", "visitors", "Where people go next", {"": (("views",), ("page", "next_page"))}
)

NEW_AND_RETURNING = Panel(
    "kinds",
    "visitors",
    "New and returning",
    {"": (("visits", "visitors", "conversions", "conversion_rate"), ("visitor_kind",))},
    is_over_time=True,
    has_intervals=True,
)

DEVICES = Panel(
    "devices",
    "visitors",
    "Devices",
    {name: (LANDINGS, (name,)) for name in ("device", "browser", "os")},
)

COHORTS = Cohorts(
    "cohorts", "visitors", "Who comes back", {"": (("visitors",), ("first_week", "week"))}
)


VISITORS = (VIEWED_PAGES, NEXT_PAGES, RESPONSE_TIMES, NEW_AND_RETURNING, DEVICES, COHORTS)
