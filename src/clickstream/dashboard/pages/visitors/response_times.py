"""Response times by page, and the visits that end after people had to wait."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from clickstream.dashboard.ask.intervals import share_difference
from clickstream.dashboard.ask.metrics import METRICS
from clickstream.dashboard.ask.panel import ROWS
from clickstream.dashboard.ask.response_metrics import FEWEST_VISITS
from clickstream.dashboard.charts.columns import bar_widths
from clickstream.dashboard.formats import NO_VALUE
from clickstream.dashboard.pages.visitors.panels import RESPONSE_NAMES
from clickstream.dashboard.widgets.lists import value_name, value_title
from clickstream.dashboard.widgets.page import PageContext


@dataclass(frozen=True)
class ResponseRow:
    """A page with its formatted figures; `lost` is the number of visits lost, or why not."""

    name: str
    title: str
    query: str
    width: float
    visits: str
    median: str
    p95: str
    slow: str
    lost: str
    is_lost: bool


@dataclass(frozen=True)
class ResponseTimes:
    """Pages whose response times are logged, those with many visits first."""

    rows: Sequence[ResponseRow]
    has_more: bool
    note: str


def build_response_times(page: PageContext) -> ResponseTimes | None:
    """Find the response times of pages; None if no log of the range has them."""
    if not page.answer(("timed_views",)).single()["timed_views"]:
        return None
    answer = page.answer(RESPONSE_NAMES, ("page",), limit=ROWS + 1)
    records = [record for record in answer.records() if record["timed_visits"]]
    shown = records[:ROWS]
    widths = bar_widths([record["timed_visits"] for record in shown])
    rows = [_row(page, record, width) for record, width in zip(shown, widths, strict=True)]
    text = (
        "Slow is a second or more. Visits lost: exits after slow views beyond the share of exits "
        "after quick views of the same page, as a 95% interval. It is no proof of the cause. "
        f"Pages with fewer than {page.formats.count(FEWEST_VISITS)} visits have no values."
    )
    return ResponseTimes(rows, len(records) > ROWS, text)


def _row(page: PageContext, record: Mapping[str, Any], width: float) -> ResponseRow:
    is_enough = record["timed_visits"] >= FEWEST_VISITS
    lost = lost_visits(record) if is_enough else None

    def figure(name: str) -> str:
        return page.shown(METRICS[name], record[name]) if is_enough else NO_VALUE

    slow = (
        page.formats.share(record["slow_views"] / record["timed_views"]) if is_enough else NO_VALUE
    )
    return ResponseRow(
        value_name(page, "page", record["page"]),
        value_title(page, "page", record["page"]),
        page.view.toggled("page", record["page"]).query,
        width,
        page.formats.count(record["timed_visits"]),
        figure("median_response"),
        figure("p95_response"),
        slow,
        _lost_text(page, lost, is_enough),
        lost is not None,
    )


def lost_visits(record: Mapping[str, Any]) -> tuple[int, int] | None:
    """Return how many visits ended because of slow views of a page, as a 95 % interval.

    It is the number of slow views times the difference between the shares of exits after slow and
    after quick views. None if chance can explain the difference.
    """
    slow, quick = record["slow_views"], record["timed_views"] - record["slow_views"]
    if not slow or not quick:
        return None
    low, high = share_difference((record["slow_exits"], slow), (record["quick_exits"], quick))
    return (round(low * slow), round(high * slow)) if low > 0 else None


def _lost_text(page: PageContext, lost: tuple[int, int] | None, is_enough: bool) -> str:
    if not is_enough:
        return NO_VALUE
    if lost is None:
        return "none seen"
    low, high = map(page.formats.count, lost)
    return f"{low} – {high}" if low != high else low
