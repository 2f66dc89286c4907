"""Whether a page's range can be compared with the weeks before, and if not, the reason."""

from __future__ import annotations

from datetime import datetime, timedelta

from clickstream.dashboard.changes.looks import LEAST_SIZE
from clickstream.dashboard.changes.weeks import (
    LEAST_WEEKS,
    LONGEST_DAYS,
    WEEKS,
    Weeks,
    find_weeks,
)
from clickstream.dashboard.questions.periods import Period, cut_at
from clickstream.dashboard.texts import mark
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
        return formats.plural(
            "Ranges of more than %(number)s day are not checked for unusual changes.",
            "Ranges of more than %(number)s days are not checked for unusual changes.",
            LONGEST_DAYS,
        )
    coverage = page.coverage
    if coverage.is_nearly_complete(checked):
        return ""
    if page.starts_at and not coverage.is_mostly_missing:
        return _log_begins(page, page.starts_at)
    return formats.plural(
        "%(number)s of %(hours)s hours is missing or lacks a server's log, so "
        "unusual changes can't be found.",
        "%(number)s of %(hours)s hours are missing or lack a server's log, so "
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
    return page.formats.text(
        mark(
            "Figures since %(begins)s. Comparisons with the weeks before from %(day)s for a day, "
            "from %(range)s for %(days)s days."
        ),
        begins=page.formats.day(begins.date()),
        day=page.formats.day(first),
        range=page.formats.day(first + timedelta(days=days - 1)),
        days=days,
    )


def _too_little_history(page: PageContext, weeks: Weeks) -> str:
    begins = page.log_begins
    if begins and begins.date() > weeks.week_before(LEAST_WEEKS).first:
        return _log_begins(page, begins)
    return page.formats.plural(
        "Too little history to say what is unusual: of the %(weeks)s weeks before, %(number)s is "
        "complete, and %(least)s are needed.",
        "Too little history to say what is unusual: of the %(weeks)s weeks before, %(number)s are "
        "complete, and %(least)s are needed.",
        len(weeks.numbers),
        weeks=page.formats.count(WEEKS),
        least=page.formats.count(LEAST_WEEKS),
    )


def describe_too_few(page: PageContext) -> str:
    """State how many visits a comparison needs."""
    return page.formats.plural(
        "Too few visits to say what is unusual: %(number)s is needed.",
        "Too few visits to say what is unusual: %(number)s are needed.",
        LEAST_SIZE,
    )


def describe_basis(page: PageContext, weeks: Weeks) -> str:
    """State what the range is compared with, and which change is clear."""
    is_cut, is_whole = weeks.checked.until_hour is not None, len(weeks.numbers) == WEEKS
    texts = {
        (False, True): mark(
            "Usual is the average of the same weekdays in the %(all)s weeks before."
        ),
        (True, True): mark(
            "Usual is the average of the same weekdays and hours in the %(all)s weeks before."
        ),
        (False, False): mark(
            "Usual is the average of the same weekdays in %(number)s of the %(all)s weeks before."
        ),
        (True, False): mark(
            "Usual is the average of the same weekdays and hours in %(number)s of the %(all)s "
            "weeks before."
        ),
    }
    numbers = {"all": WEEKS, "number": len(weeks.numbers)}
    shown = {name: page.formats.count(number) for name, number in numbers.items()}
    usual = page.formats.text(texts[is_cut, is_whole], **shown)
    clear = mark("A change is clear if it is at least %(share)s and more than chance explains.")
    return f"{usual} {page.formats.text(clear, share=page.formats.share(LEAST_CHANGE, 0))}"
