"""Whether a page's range can be compared with the days before, and if not, the reason."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime, timedelta

import numpy as np

from clickstream.dashboard.ask.coverage import to_local
from clickstream.dashboard.ask.periods import Period, cut_at, start_of
from clickstream.dashboard.changes.days import HISTORY, LONGEST_DAYS, Days, ask_days, find_days
from clickstream.dashboard.widgets.page import PageContext
from clickstream.insight.verdicts import FEWEST

SALES = ("orders", "net_sales", "sales_squares")
"""Metrics that every page with money asks for the whole, so that they are asked once."""

MOST_UNSEEN = 5.0
"""Orders that the hours since the shop was last read usually bring. If they bring more, their
absence can't be chance: with 5, it has a probability of 0.7 %."""


def needed_days(length: int) -> int:
    """Return how many known days before a range of some days a comparison needs."""
    return min(max(length, 7), 28)


def find_history(page: PageContext) -> tuple[Days | None, str]:
    """Return the days that the page's range is compared with; None and the reason without them."""
    end = page.coverage.complete_to
    if end is None:
        return None, ""
    checked = cut_at(page.period, end)
    if problem := _problem(page, checked):
        return None, problem
    days = find_days(page, checked)
    needed = needed_days(checked.days)
    if days.is_known.sum() >= needed:
        return days, ""
    begins = page.log_begins
    if begins and begins.date() > checked.first - timedelta(days=needed):
        return None, _log_begins(page, begins)
    return None, (
        f"Too little history to compare with: of the {HISTORY} days before, "
        f"{days.is_known.sum()} are complete, and {needed} are needed."
    )


def _problem(page: PageContext, checked: Period) -> str:
    """Return why a range can't be compared, empty if it can."""
    formats, coverage = page.formats, page.coverage
    if checked.days > LONGEST_DAYS:
        days = formats.count(LONGEST_DAYS)
        return f"Ranges of more than {days} days are not checked for unusual changes."
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
    """State since when there are figures, and when the chosen range can be compared."""
    days = page.chosen_dates.days
    whole = begins.date() + timedelta(days=begins != start_of(begins.date()))
    first = whole + timedelta(days=needed_days(days) + days - 1)
    span = page.formats.plural("a day", "{number} days", days)
    return (
        f"Figures since {page.formats.day(begins.date())}: "
        f"{span} can be compared from {page.formats.day(first)}."
    )


def describe_too_few(page: PageContext) -> str:
    """State how many visits a comparison needs."""
    return f"Too few visits to compare: {page.formats.count(FEWEST)} are needed."


def describe_basis(page: PageContext, days: Days) -> str:
    """State what the range is compared with, and what "as usual" means."""
    formats, number = page.formats, int(days.is_known.sum())
    times = "the hours so far of" if days.is_cut else ""
    band = formats.share(page.settings.dashboard.usual_band, 0)
    before = f"{number} of the {HISTORY}" if number < HISTORY else f"the {HISTORY}"
    return (
        f"Usual is predicted from {f'{times} ' if times else ''}{before} days before. As usual: "
        f"less than {band} away, with 90% probability."
    )


def days_with_sales(page: PageContext, days: Days) -> Days | None:
    """Return the days whose sales are read; None if they are few, or if the range lacks sales.

    A source may have sales only since a date, or the shop may have failed to answer. A date is read
    if it has an order, or an entry of the sales ledger of each source that had one before.
    """
    until, last = days.checked.until_hour, days.checked.last
    end = days.checked.end if until is None else start_of(last, until)
    if not is_read_until(page, end):
        return None
    orders = ask_days(page, days, SALES, filters=())[()]["orders"].days
    sold = {day for day, number in zip(days.span.dates, orders, strict=True) if number}
    read = _read_dates(page, end.date())
    begins = min([*map(min, read.values()), *sold], default=days.span.last)
    is_read = np.array(
        [
            day >= begins
            and (day in sold or all(day in own or day < min(own) for own in read.values()))
            for day in days.span.dates
        ]
    )
    is_known = days.is_known & is_read[:HISTORY]
    is_range_read = is_read[HISTORY:-1].all()
    enough = is_known.sum() >= needed_days(days.checked.days)
    return replace(days, is_known=is_known) if enough and is_range_read else None


def is_read_until(page: PageContext, end: datetime) -> bool:
    """Whether every source was read until a local moment, or hardly sells between.

    A pull without changes leaves no trace, so the newest publication is a lower limit.
    """
    read = _last_read(page, end.date())
    if read is None or read >= end:
        return True
    first = read.date() - timedelta(days=HISTORY)
    history = Period(first, read.date() - timedelta(days=1))
    rows = page.answer(("orders",), ("weekday", "hour"), history, filters=()).rows
    usual = {(day, hour): orders * 7 / HISTORY for day, hour, orders in rows}
    hours = int((end - read) / timedelta(hours=1))
    times = (read + timedelta(hours=number) for number in range(hours))
    unseen: float = sum(usual.get((at.isoweekday(), at.hour), 0.0) for at in times)
    return unseen <= MOST_UNSEEN


def _last_read(page: PageContext, last: date) -> datetime | None:
    """Return the local hour in which the source that was read longest ago was last published."""
    times = [to_local(max(own.values()), page.zone) for own in _read_dates(page, last).values()]
    return min(times).replace(minute=0, second=0, microsecond=0) if times else None


def _read_dates(page: PageContext, last: date) -> dict[str, dict[date, datetime]]:
    """Return when each date of each source was last published, around the range and before it."""
    first = last - timedelta(days=HISTORY + LONGEST_DAYS)
    around = Period(first, max(page.now.date(), last) + timedelta(days=1))
    ledger = page.answer(("sales_published",), ("sales_source", "day"), around, filters=())
    read: dict[str, dict[date, datetime]] = {}
    for source, day, at in ledger.rows:
        if at is not None:
            read.setdefault(source, {})[day] = at
    return read
