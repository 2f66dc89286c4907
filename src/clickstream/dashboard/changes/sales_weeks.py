"""The weeks whose sales a range's orders and amounts are compared with.

The shop is read apart from the log, so complete hours of the log may lack their sales.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime, timedelta

from clickstream.dashboard.ask.coverage import to_local
from clickstream.dashboard.ask.periods import Period, start_of
from clickstream.dashboard.changes.weeks import LEAST_WEEKS, WEEKS, Weeks, ask_weeks
from clickstream.dashboard.widgets.page import PageContext

SALES = ("orders", "net_sales", "sales_squares")
"""Metrics that every page with money asks for the whole, so that they are asked once."""

MOST_UNSEEN = 5.0
"""Orders that the hours since the shop was last read usually bring. If they bring more, their
absence can't be chance: with 5, it has a probability of 0.7 %."""


def sales_weeks(page: PageContext, weeks: Weeks) -> Weeks | None:
    """Return the weeks before that have sales; None if they are few, or if the range lacks sales.

    A source may have sales only since a date, or the shop may have failed to answer.
    """
    series = ask_weeks(page, weeks, SALES, filters=())[()]["orders"]
    numbers = [number for number in weeks.numbers if series.weeks[number] > 0]
    last, until_hour = weeks.checked.last, weeks.checked.until_hour
    end = weeks.checked.end if until_hour is None else start_of(last, until_hour)
    if len(numbers) < LEAST_WEEKS or not is_read_until(page, end):
        return None
    return replace(weeks, numbers=numbers)


def is_read_until(page: PageContext, end: datetime) -> bool:
    """Whether every source was read until a local moment, or hardly sells between.

    A pull without changes leaves no trace, so the newest publication is a lower limit.
    """
    read = _last_read(page, end.date())
    if read is None or read >= end:
        return True
    first = read.date() - timedelta(weeks=WEEKS)
    history = Period(first, read.date() - timedelta(days=1))
    rows = page.answer(("orders",), ("weekday", "hour"), history, filters=()).rows
    usual = {(day, hour): orders / WEEKS for day, hour, orders in rows}
    hours = int((end - read) / timedelta(hours=1))
    times = (read + timedelta(hours=number) for number in range(hours))
    unseen: float = sum(usual.get((at.isoweekday(), at.hour), 0.0) for at in times)
    return unseen <= MOST_UNSEEN


def _last_read(page: PageContext, last: date) -> datetime | None:
    """Return the local hour in which the source that was read longest ago was last published."""
    around = Period(last - timedelta(weeks=WEEKS), max(page.now.date(), last) + timedelta(days=1))
    rows = page.answer(("sales_published",), ("sales_source",), around, filters=()).rows
    times = [to_local(at, page.zone) for _, at in rows if at is not None]
    return min(times).replace(minute=0, second=0, microsecond=0) if times else None
