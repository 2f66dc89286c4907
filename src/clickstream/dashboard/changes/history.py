"""Whether a page's range can be compared with the weeks before, and if not, the reason."""

from __future__ import annotations

from datetime import datetime, timedelta

from clickstream.dashboard.ask.periods import Period, cut_at
from clickstream.dashboard.changes.looks import LEAST_SIZE
from clickstream.dashboard.changes.weeks import (
    LEAST_WEEKS,
    LONGEST_DAYS,
    WEEKS,
    Weeks,
    find_weeks,
)
from clickstream.dashboard.widgets.page import PageContext

LEAST_CHANGE = 0.1
"""Minimum relative change of a number that is clearly more or less than usual."""


def find_history(page: PageContext) -> tuple[Weeks | None, str]:
    """Return the weeks that the page's range is compared with; None and the reason without them."""
    end = page.coverage.complete_to
    if end is None:
        return None, ""
    checked = cut_at(page.period, end)
    if problem := _problem(page, checked):
        return None, problem
    weeks = find_weeks(page, checked)
    if len(weeks.numbers) < LEAST_WEEKS:
        return None, _too_little_history(page, weeks)
    return weeks, ""


def _problem(page: PageContext, checked: Period) -> str:
    """Return why a range can't be compared, empty if it can."""
    formats = page.formats
    if checked.days > LONGEST_DAYS:
        days = formats.count(LONGEST_DAYS)
        return f"Ranges of more than {days} days are not checked for unusual changes."
    coverage = page.coverage
    if coverage.is_nearly_complete(checked):
        return ""
    if page.starts_at and not coverage.is_mostly_missing:
        return _log_begins(page, page.starts_at)
    return formats.plural(
        "{number} of {hours} hours is missing or lacks a server's log, so "
        "unusual changes can't be found.",
        "{number} of {hours} hours are missing or lack a server's log, so "
        "unusual changes can't be found.",
        coverage.missing + coverage.incomplete,
        hours=formats.count(coverage.expected),
    )


def _log_begins(page: PageContext, begins: datetime) -> str:
    """State since when there are figures, and when a day and the chosen range can be compared.

    A range of a few days counts as a week.
    """
    days = max(page.chosen_dates.days, 7)
    first = begins.date() + timedelta(weeks=LEAST_WEEKS, days=begins.hour > 0)
    return (
        f"Figures since {page.formats.day(begins.date())}. Comparisons with the weeks "
        f"before from {page.formats.day(first)} for a day, from "
        f"{page.formats.day(first + timedelta(days=days - 1))} for {days} days."
    )


def _too_little_history(page: PageContext, weeks: Weeks) -> str:
    begins = page.log_begins
    if begins and begins.date() > weeks.week_before(LEAST_WEEKS).first:
        return _log_begins(page, begins)
    return page.formats.plural(
        "Too little history to say what is unusual: of the {weeks} weeks before, {number} is "
        "complete, and {least} are needed.",
        "Too little history to say what is unusual: of the {weeks} weeks before, {number} are "
        "complete, and {least} are needed.",
        len(weeks.numbers),
        weeks=page.formats.count(WEEKS),
        least=page.formats.count(LEAST_WEEKS),
    )


def describe_too_few(page: PageContext) -> str:
    """State how many visits a comparison needs."""
    least = page.formats.count(LEAST_SIZE)
    return f"Too few visits to say what is unusual: {least} are needed."


def describe_basis(page: PageContext, weeks: Weeks) -> str:
    """State what the range is compared with, and which change is clear."""
    is_cut, is_whole = weeks.checked.until_hour is not None, len(weeks.numbers) == WEEKS
    times = "weekdays and hours" if is_cut else "weekdays"
    part = "" if is_whole else f"{page.formats.count(len(weeks.numbers))} of "
    share = page.formats.share(LEAST_CHANGE, 0)
    return (
        f"Usual is the average of the same {times} in {part}the {page.formats.count(WEEKS)} "
        f"weeks before. A change is clear if it is at least {share} and more than chance explains."
    )
