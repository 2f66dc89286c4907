"""Campaigns over time: the visits of each campaign as a small line, all on one scale."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from clickstream.dashboard.ask.metrics import METRICS
from clickstream.dashboard.ask.panel import GRAIN_DIMENSIONS, ROWS, grain_of
from clickstream.dashboard.ask.view import Filter
from clickstream.dashboard.charts.line import SmallLine, small_line
from clickstream.dashboard.pages.marketing.panels import CAMPAIGNS
from clickstream.dashboard.widgets.buckets import Bucket, buckets_of
from clickstream.dashboard.widgets.course import published_keys, unfinished_place
from clickstream.dashboard.widgets.lists import value_name
from clickstream.dashboard.widgets.page import PageContext


@dataclass(frozen=True)
class CampaignCourse:
    """A campaign's visits over time, its conversions and its conversion rate."""

    name: str
    line: SmallLine
    peak: str
    visits: int
    conversions: int
    rate: str
    query: str


@dataclass(frozen=True)
class CampaignCourses:
    """The largest campaigns.

    `top` is the upper end of their scale; `first` and `last` label the ends of its time axis.
    """

    rows: Sequence[CampaignCourse]
    top: str
    first: str
    last: str
    has_more: bool


def build_campaign_courses(page: PageContext) -> CampaignCourses | None:
    """Ask for the largest campaigns; return None if no visit has a campaign."""
    metrics, by = CAMPAIGNS.parts(page.view)
    filters = CAMPAIGNS.filters(page.view)
    records = page.answer(metrics, by, limit=ROWS + 1, filters=filters).records()
    if not records:
        return None
    shown = records[:ROWS]
    buckets = buckets_of(page.period, grain_of(page.view, page.period))
    courses = _courses(page, buckets, [row["campaign"] for row in shown])
    top = max([v for values in courses.values() for v in values if v is not None], default=0)
    unfinished = unfinished_place(page, buckets)
    return CampaignCourses(
        [_row(page, row, buckets, courses[row["campaign"]], top, unfinished) for row in shown],
        page.formats.count(top),
        buckets[0].label(page.formats, page.period.days),
        buckets[-1].label(page.formats, page.period.days),
        len(records) > ROWS,
    )


def _courses(
    page: PageContext, buckets: Sequence[Bucket], names: Sequence[str]
) -> Mapping[str, list[float | None]]:
    """Return the visits of each campaign in each bucket; None where no hour is published."""
    by = GRAIN_DIMENSIONS[buckets[0].grain]
    filters = (*CAMPAIGNS.filters(page.view), Filter("campaign", tuple(names)))
    answer = page.answer(("visits",), ("campaign", *by), filters=filters)
    counts = {(row[0], tuple(row[1:-1])): float(row[-1]) for row in answer.rows}
    published = published_keys(page, buckets)
    return {
        name: [counts.get((name, b.key), 0.0) if b.key in published else None for b in buckets]
        for name in names
    }


def _row(
    page: PageContext,
    row: Mapping[str, Any],
    buckets: Sequence[Bucket],
    values: Sequence[float | None],
    top: float,
    unfinished: int | None,
) -> CampaignCourse:
    formats, visits = page.formats, int(row["visits"])
    return CampaignCourse(
        value_name(page, "campaign", row["campaign"]),
        small_line(values, top, unfinished),
        _describe_peak(page, buckets, values),
        visits,
        int(row["conversions"]),
        formats.value(METRICS["conversion_rate"], row["conversion_rate"]),
        page.view.with_filter("campaign", row["campaign"]).query,
    )


def _describe_peak(
    page: PageContext, buckets: Sequence[Bucket], values: Sequence[float | None]
) -> str:
    """Name the bucket with the highest number of visits, and that number."""
    highest = max(range(len(values)), key=lambda index: values[index] or 0)
    number = page.formats.value(METRICS["visits"], values[highest])
    return f"{buckets[highest].title(page.formats)}: {number}"
