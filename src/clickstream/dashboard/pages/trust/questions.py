"""Questions about one UTC hour: its line balance, and the rules that built it."""

from __future__ import annotations

from datetime import UTC

from clickstream.core.hours import Hour
from clickstream.dashboard.ask.coverage import period_of_hour
from clickstream.dashboard.ask.periods import start_of
from clickstream.dashboard.ask.question import Question, build_question
from clickstream.dashboard.pages.trust.panels import HOUR
from clickstream.dashboard.widgets.page import PageContext

BUILT_BY = ("library", "settings", "visitor_key", "missing_sources")
"""Dimensions of the hour's second question: the rules that built the hour, and missing servers."""


def hour_questions(page: PageContext) -> list[Question]:
    """Ask for the hour of the page's view."""
    metrics, by = HOUR.parts(page.view)
    period = period_of_hour(hour_on(page), page.zone)
    return [build_question(metrics, by, period), build_question(metrics[:1], BUILT_BY, period)]


def hour_span(page: PageContext) -> str:
    """Format the hour in local time and in UTC."""
    return f"{local_span(page, hour_on(page))} ({hour_on(page)} UTC)"


def hour_on(page: PageContext) -> Hour:
    """Return the view's hour, else the newest published one, else the first of the period."""
    if page.view.hour:
        return page.view.hour
    if page.coverage.newest:
        return Hour.at(page.coverage.newest)
    return Hour.of(start_of(page.period.first).replace(tzinfo=page.zone).astimezone(UTC))


def local_span(page: PageContext, hour: Hour) -> str:
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
