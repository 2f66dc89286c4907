"""Key figures of the Overview: each metric's value, its change, and a sparkline."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from clickstream.dashboard.charts.line import sparkline
from clickstream.dashboard.formats import Change
from clickstream.dashboard.questions.intervals import count_moved, share_moved, wilson
from clickstream.dashboard.questions.metrics import METRICS, Metric
from clickstream.dashboard.questions.periods import Period
from clickstream.dashboard.questions.view import TILES
from clickstream.dashboard.texts import mark
from clickstream.dashboard.widgets import notes
from clickstream.dashboard.widgets.course import Course
from clickstream.dashboard.widgets.page import PageContext


@dataclass(frozen=True)
class Tile:
    """A key figure: its current value, its change, a hint, and a sparkline.

    A change that chance explains is neither good nor bad. `before` is the compared value, empty if
    nothing is compared.
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


def build_tiles(page: PageContext, course: Course) -> list[Tile]:
    """Build the tile of each metric that the page shows, in the order of TILES."""
    now = page.answer(TILES).single()
    before = page.answer(TILES, period=page.compared).single() if page.compared else None
    rotated = notes.rotations(page, page.period)
    tiles = []
    for name in TILES:
        if name in page.hidden:
            continue
        metric = METRICS[name]
        spark = sparkline(course.values(name))
        tile = _tile(page, metric, now, before, spark)
        tiles.append(_as_limit(page, tile, rotated) if name == "visitors" else tile)
    return tiles


def _tile(
    page: PageContext,
    metric: Metric,
    now: Mapping[str, Any],
    before: Mapping[str, Any] | None,
    spark: Sequence[str],
) -> Tile:
    formats, value = page.formats, now[metric.name]
    past = before[metric.name] if before else None
    change = None
    if past is not None and value is not None:
        change = formats.change(metric, value, past)
        if change and before and not _has_moved(metric, now, before):
            change = replace(change, is_good=None)
    query = replace(page.view, metric=metric.name).query
    shown = formats.value(metric, value)
    hint = _hint(page, metric, now, past)
    is_shown = page.view.metric == metric.name
    compared = "" if past is None else formats.value(metric, past)
    return Tile(metric, shown, change, hint, spark, query, is_shown, before=compared)


def _has_moved(metric: Metric, now: Mapping[str, Any], before: Mapping[str, Any]) -> bool:
    """Whether chance does not explain the change; only then it is good or bad."""
    values = now[metric.name], before[metric.name]
    if metric.format == "share":
        return share_moved(values[0], now["visits"], values[1], before["visits"])
    return count_moved(*values)


def _hint(page: PageContext, metric: Metric, now: Mapping[str, Any], past: Any) -> str:
    formats = page.formats
    if now[metric.name] is None:
        return formats.text(mark("too little data"))
    if metric.name == "conversion_rate":
        low, high = wilson(now["conversions"], now["visits"])
        return f"{formats.share(low)} – {formats.share(high)}"
    if past is None:
        return ""
    return formats.text(mark("was %(value)s"), value=formats.value(metric, past))


def _as_limit(page: PageContext, tile: Tile, rotated: int) -> Tile:
    """Turn the tile of visitors into an upper limit without comparison, after a change of keys."""
    is_compared = page.compared is not None
    crossed = is_compared and notes.rotations(page, _span(page)) > 0
    if not rotated and not crossed:
        return tile
    hint = page.formats.text(mark("not compared: visitor keys changed"))
    if rotated:
        hint = page.formats.text(mark("visitor keys changed"))
    prefix = page.formats.text(mark("at most")) if rotated else ""
    return replace(tile, change=None, hint=hint, prefix=prefix, before="")


def _span(page: PageContext) -> Period:
    """Return the period from the first compared date to the last shown date."""
    assert page.compared_dates is not None  # noqa: S101  only asked while comparing
    return replace(page.compared_dates, last=page.period.last, until_hour=None)
