"""The panels of the Trust page."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC

from clickstream.dashboard.coverage import BALANCE, period_of_hour
from clickstream.dashboard.page import Page
from clickstream.dashboard.panels.panel import Panel
from clickstream.dashboard.periods import Period, start_of
from clickstream.dashboard.questions import Question, build_question
from clickstream.dashboard.texts import mark
from clickstream.hours import Hour

BUILT_BY = ("library", "settings", "visitor_key", "missing_sources")
"""Dimensions of the hour's second question: the rules that built the hour, and missing servers."""


@dataclass(frozen=True)
class HourPanel(Panel):
    """One UTC hour: its line balance, and the rules that built it."""

    def questions_on(self, page: Page) -> list[Question]:
        """Return its questions about the hour of the page's view."""
        metrics, by = self.parts(page.view)
        period = self.period_on(page)
        return [build_question(metrics, by, period), build_question(metrics[:1], BUILT_BY, period)]

    def period_on(self, page: Page) -> Period:
        """Return the period of the hour."""
        return period_of_hour(hour_on(page), page.zone)

    def span(self, page: Page) -> str:
        """Format the hour in local time and in UTC."""
        text = mark("%(span)s (%(hour)s UTC)")
        return page.formats.text(text, span=local_span(page, hour_on(page)), hour=hour_on(page))


def hour_on(page: Page) -> Hour:
    """Return the view's hour, else the newest published one, else the first of the period."""
    if page.view.hour:
        return page.view.hour
    if page.coverage.newest:
        return Hour.at(page.coverage.newest)
    return Hour.of(start_of(page.period.first).replace(tzinfo=page.zone).astimezone(UTC))


def local_span(page: Page, hour: Hour) -> str:
    """Format the local time of an hour, such as Fri, 20 Nov, 05:00 – 06:00.

    If clocks change then, the times have the abbreviation of their zone: 01:00 BST – 01:00 GMT.
    """
    around = (hour.previous.start, hour.start, hour.end)
    before, start, end = (moment.astimezone(page.zone) for moment in around)
    is_plain = before.utcoffset() == start.utcoffset() == end.utcoffset()
    formats = page.formats
    first, last = (
        formats.time(moment) if is_plain else f"{formats.time(moment)} {moment.tzname()}"
        for moment in (start, end)
    )
    day = formats.day(start.date(), with_weekday=True, with_year=start.year != page.now.year)
    return f"{day}, {first} – {last}"


TRUST = (
    HourPanel("hour", "trust", mark("One hour"), {"": (("published_hours", *BALANCE), ())}),
    Panel(
        "hours",
        "trust",
        mark("Lines per hour"),
        {"": (("lines", "late_lines"), ("day", "hour"))},
    ),
    Panel("balance", "trust", mark("How the lines were counted"), {"": (BALANCE, ("day",))}),
    Panel(
        "log_sources",
        "trust",
        mark("Where the lines come from"),
        {"": (("source_lines", "source_late", "source_newest"), ("log_source",))},
    ),
    Panel(
        "rejects",
        "trust",
        mark("Lines that could not be read"),
        {"": (("rejected_lines", "longest_rejected_line"), ("reject_reason",))},
    ),
    Panel(
        "bots",
        "trust",
        mark("Bots and AI agents"),
        {name: (("bot_requests",), (name,)) for name in ("bot_class", "agent", "bot_reason")},
    ),
    Panel(
        "errors",
        "trust",
        mark("Errors that people met"),
        {"": (("errors", "people_with_errors"), ("error_page", "status"))},
    ),
    Panel(
        "rules",
        "trust",
        mark("How the hours were built"),
        {
            "": (
                ("published_hours", "first_hour", "newest_hour"),
                ("library", "settings", "visitor_key"),
            )
        },
    ),
)
