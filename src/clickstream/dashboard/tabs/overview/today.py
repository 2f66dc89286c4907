"""Net sales so far today, beside those of the same weekday by the same hour."""

from __future__ import annotations

from clickstream.dashboard.changes.candidates import count_candidate
from clickstream.dashboard.changes.sales_weeks import SALES, is_read_until, sales_weeks
from clickstream.dashboard.changes.weeks import Weeks, ask_weeks, find_weeks
from clickstream.dashboard.questions.metrics import METRICS
from clickstream.dashboard.questions.periods import Period
from clickstream.dashboard.widgets.page import PageContext


def describe_today(page: PageContext) -> str:
    """State the net sales of today's complete hours; empty if the page has none."""
    end, today = page.coverage.complete_to, page.now.date()
    if end is None or end.date() != today or not end.hour or not page.has_money:
        return ""
    if not is_read_until(page, end):
        return ""
    so_far = Period(today, today, end.hour)
    weeks = sales_weeks(page, find_weeks(page, so_far))
    series = ask_weeks(page, weeks or Weeks(so_far), SALES)[()]
    # As the tile's comparison does, it leaves out weeks that are far from the others.
    usual = count_candidate("net_sales", (), weeks, series).compared.expected if weeks else None
    now, hour = _brief(page, series["net_sales"].now), page.formats.hour(end.hour)
    if usual is None:
        return f"So far today {now}, until {hour}."
    weekday = page.formats.long_weekday(today)
    return (
        f"So far today {now}; usually {_brief(page, usual)} by this hour ({hour}) on a {weekday}."
    )


def _brief(page: PageContext, cents: float) -> str:
    return page.formats.brief(METRICS["net_sales"], cents)
