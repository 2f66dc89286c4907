"""Key figures of the Overview: each metric's value, its change, and a sparkline."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from clickstream.dashboard.ask.intervals import wilson
from clickstream.dashboard.ask.metrics import Metric
from clickstream.dashboard.ask.periods import Comparison, Period
from clickstream.dashboard.ask.view import MONEY_TILES, TILES
from clickstream.dashboard.changes.wording import change_of
from clickstream.dashboard.charts.line import sparkline
from clickstream.dashboard.formats import NO_VALUE, Change
from clickstream.dashboard.widgets import notes
from clickstream.dashboard.widgets.course import Course, finished_values
from clickstream.dashboard.widgets.page import PageContext
from clickstream.dashboard.widgets.people import people_interval


@dataclass(frozen=True)
class Tile:
    """A key figure: its current value, its change to the usual value, a hint, and a sparkline.

    `interval` has the ends of the 95 % interval. `before` is the value of the period before, and
    `step` the plain change against it; both are empty without such a period.
    """

    metric: Metric
    value: str
    change: Change | None
    hint: str
    spark: Sequence[str]
    query: str
    is_shown: bool
    prefix: str = ""
    before: str = ""
    interval: str = ""
    step: str = ""


LEAST_STEP = 10
"""A count changes by a percentage if at least one of its two numbers reaches this."""

_BEFORE: Mapping[Comparison, str] = {
    "previous": "before: {value}",
    "year": "a year before: {value}",
    "none": "",
}

WITH_MONEY = ("net_sales", "orders", "visits", "conversion_rate")
WITH_GOAL = ("visitors", "visits", "page_views", "conversions")
WITHOUT_GOAL = ("visitors", "visits", "page_views", "engaged_rate")
"""The key figures of the Overview, at most four."""


def overview_metrics(page: PageContext) -> Sequence[str]:
    """Return the metrics of the Overview's key figures."""
    if page.has_money:
        return WITH_MONEY
    return WITHOUT_GOAL if "conversions" in page.hidden else WITH_GOAL


def build_tiles(
    page: PageContext, course: Course, metrics: Sequence[str] | None = None
) -> list[Tile]:
    """Build the tile of each metric that is not hidden, in order; without any, the Overview's."""
    chosen = overview_metrics(page) if metrics is None else metrics
    names = [name for name in chosen if name not in page.hidden]
    now = _values(page, names)
    before = _values(page, names, page.compared) if page.compared else dict.fromkeys(names)
    tiles = []
    for name in names:
        metric = page.metric(name)
        spark = sparkline(finished_values(page, course.buckets, course.values(name)))
        tile = _tile(page, metric, now, before, spark)
        tiles.append(_as_limit(page, tile) if name == "visitors" else tile)
    return tiles


def _values(
    page: PageContext, names: Collection[str], period: Period | None = None
) -> Mapping[str, Any]:
    values = page.answer(TILES, period=period).single()
    if not set(names) & set(MONEY_TILES):
        return values
    return values | page.answer(MONEY_TILES, period=period).single()


def _tile(
    page: PageContext,
    metric: Metric,
    now: Mapping[str, Any],
    before: Mapping[str, Any],
    spark: Sequence[str],
) -> Tile:
    formats, value, earlier = page.formats, now[metric.name], before[metric.name]
    query = replace(page.view, metric=metric.name).query
    is_shown = page.view.metric == metric.name
    if value is None:
        return Tile(metric, NO_VALUE, None, "too little data", spark, query, is_shown)
    change = change_of(page, metric.name)
    return Tile(
        metric,
        formats.brief(metric, value),
        change,
        change.words if change else "",
        spark,
        query,
        is_shown,
        before=formats.brief(metric, earlier) if earlier is not None else "",
        interval=_interval(page, metric, now),
        step=_step(page, metric, now, before),
    )


def _step(
    page: PageContext, metric: Metric, now: Mapping[str, Any], before: Mapping[str, Any]
) -> str:
    """Return the plain change against the period before; empty if a few visits make it.

    An amount is of as many orders as the page counts.
    """
    if before[metric.name] is None:
        return ""
    counted = "orders" if metric.format == "cents" else metric.name
    if metric.format != "share" and max(now[counted], before[counted]) < LEAST_STEP:
        return ""
    change = page.formats.change(metric, now[metric.name], before[metric.name])
    return change.signed_text if change else ""


def describe_before(page: PageContext, tile: Tile) -> str:
    """State the value of the period before and the change; empty if none is compared."""
    value = f"{tile.before} ({tile.step})" if tile.step else tile.before
    return _BEFORE[page.view.compare].format(value=value) if tile.before else ""


def _interval(page: PageContext, metric: Metric, now: Mapping[str, Any]) -> str:
    """Return the 95 % interval of the conversion rate or of the visitors; empty for others."""
    if metric.name == "conversion_rate":
        low, high = wilson(now["conversions"], now["visits"])
        return f"{page.formats.share(low)} – {page.formats.share(high)}"
    if metric.name != "visitors":
        return ""
    people = people_interval(page, now["visitors"])
    return " – ".join(map(page.formats.count, people)) if people else ""


def _as_limit(page: PageContext, tile: Tile) -> Tile:
    """Turn the tile of visitors into an upper limit, after a change of visitor keys.

    Its change is by day, so a change of keys does not affect it. The compared number is an upper
    limit, too, if keys changed since its first date. An upper limit has no interval: people who
    are counted twice are in both of its ends.
    """
    compared = page.compared_dates
    if compared and notes.rotations(page, replace(compared, last=page.period.last)):
        tile = replace(tile, before="", step="")
    if not notes.rotations(page, page.period):
        return tile
    hint = " · ".join(filter(None, [tile.hint, "visitor keys changed"]))
    return replace(tile, prefix="at most", hint=hint, interval="")
