"""The Overview tab, which answers how the café is doing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from clickstream.dashboard import charts, lists, movers, notes
from clickstream.dashboard.buckets import Bucket, buckets_of
from clickstream.dashboard.charts import HeatMap, LineChart, Series
from clickstream.dashboard.formats import NO_VALUE, Change
from clickstream.dashboard.goals import GoalRow, goal_rows
from clickstream.dashboard.intervals import wilson
from clickstream.dashboard.lists import ListPanel
from clickstream.dashboard.metrics import METRICS, Metric
from clickstream.dashboard.movers import Mover
from clickstream.dashboard.notes import Note
from clickstream.dashboard.page import Page
from clickstream.dashboard.panels import GRAIN_DIMENSIONS, grain_of
from clickstream.dashboard.texts import mark
from clickstream.dashboard.view import TILES, Grain

Records = Mapping[tuple[Any, ...], Mapping[str, Any]]
"""Figures of buckets by their keys."""

AT_MOST = mark("at most: visitor keys rotated in this range, and who came back counts again")


@dataclass(frozen=True)
class Tile:
    """A key figure: its value now, how it changed, a hint, and its course."""

    metric: Metric
    value: str
    change: Change | None
    hint: str
    spark: Sequence[str]
    query: str
    is_shown: bool
    prefix: str = ""


@dataclass(frozen=True)
class NumberedNote:
    """A note as the chart numbers it."""

    number: int
    when: str
    note: Note


@dataclass(frozen=True)
class TrendPanel:
    """The main chart, drawn for wide and for narrow screens, and the same as a table."""

    metric: Metric
    grain: Grain
    wide: LineChart
    narrow: LineChart
    rows: Sequence[tuple[str, str, str]]
    notes: Sequence[NumberedNote]
    grains: Sequence[tuple[Grain, str]]
    label: str


@dataclass(frozen=True)
class TimesPanel:
    """When people come: a heat map of weekdays and hours, and the same as a table."""

    chart: HeatMap
    table: Sequence[tuple[str, Sequence[str]]]
    is_empty: bool


@dataclass(frozen=True)
class Overview:
    """All panels of the tab."""

    tiles: Sequence[Tile]
    trend: TrendPanel
    sources: ListPanel
    pages: ListPanel
    times: TimesPanel
    moved: Sequence[Mover] | None
    goals: Sequence[GoalRow]


def build_overview(page: Page) -> Overview:
    """Ask for everything that the tab shows."""
    grain = grain_of(page.view, page.period)
    page = replace(page, view=replace(page.view, grain=grain))
    buckets = buckets_of(page.period, grain)
    now, then = _course(page, grain)
    return Overview(
        _tiles(page, buckets, now),
        _trend(page, buckets, now, then),
        lists.list_panel(page, "sources"),
        lists.list_panel(page, "pages"),
        _times(page),
        movers.find_movers(page),
        goal_rows(page),
    )


def _course(page: Page, grain: Grain) -> tuple[Records, Records]:
    """The figures of the period's buckets, and of those it is compared with."""
    by = GRAIN_DIMENSIONS[grain]
    now = page.answer(TILES, by)
    then = page.answer(TILES, by, page.compared_dates) if page.compared else None
    return _by_key(now.records(), by), _by_key(then.records() if then else [], by)


def _by_key(records: Sequence[Mapping[str, Any]], by: Sequence[str]) -> Records:
    return {tuple(record[name] for name in by): record for record in records}


def _tiles(page: Page, buckets: Sequence[Bucket], course: Records) -> list[Tile]:
    now = page.answer(TILES).single()
    before = page.answer(TILES, period=page.compared).single() if page.compared else None
    rotated = notes.rotations(page, page.period)
    tiles = []
    for name in TILES:
        metric = METRICS[name]
        values = _values(page, buckets, course, name)
        tile = _tile(page, metric, now, before, charts.sparkline(values))
        tiles.append(_as_limit(page, tile, rotated) if name == "visitors" else tile)
    return tiles


def _tile(
    page: Page,
    metric: Metric,
    now: Mapping[str, Any],
    before: Mapping[str, Any] | None,
    spark: Sequence[str],
) -> Tile:
    formats, value = page.formats, now[metric.name]
    is_small = _is_small(metric, now)
    past = before[metric.name] if before and not _is_small(metric, before) else None
    change = None
    if past is not None and value is not None and not is_small:
        change = formats.change(metric, value, past)
    query = replace(page.view, metric=metric.name, grain=None).query
    shown = NO_VALUE if is_small else formats.value(metric, value)
    hint = _hint(page, metric, now, past)
    is_shown = page.view.metric == metric.name
    return Tile(metric, shown, change, hint, spark, query, is_shown)


def _is_small(metric: Metric, figures: Mapping[str, Any]) -> bool:
    """Whether there are too few visits for a share."""
    return (figures["visits"] or 0) < metric.smallest_group


def _hint(page: Page, metric: Metric, now: Mapping[str, Any], past: Any) -> str:
    formats = page.formats
    if _is_small(metric, now):
        return formats.text(mark("too little data"))
    if metric.name == "conversion_rate":
        low, high = wilson(now["conversions"], now["visits"])
        return f"{formats.share(low)} – {formats.share(high)}"
    if past is None:
        return ""
    return formats.text(mark("was %(value)s"), value=formats.value(metric, past))


def _as_limit(page: Page, tile: Tile, rotated: int) -> Tile:
    """The tile of visitors over a rotation of keys: an upper limit that is not compared."""
    is_compared = page.compared is not None
    crossed = is_compared and notes.rotations(page, _span(page)) > 0
    if not rotated and not crossed:
        return tile
    hint = page.formats.text(mark("not compared: visitor keys rotated"))
    if rotated:
        hint = page.formats.text(mark("visitor keys rotated"))
    prefix = page.formats.text(mark("at most")) if rotated else ""
    return replace(tile, change=None, hint=hint, prefix=prefix)


def _span(page: Page) -> Any:
    """From the first compared date to the last date of the period."""
    assert page.compared_dates is not None  # noqa: S101  only asked while comparing
    return replace(page.compared_dates, last=page.period.last, until_hour=None)


def _values(
    page: Page, buckets: Sequence[Bucket], course: Records, name: str
) -> list[float | None]:
    """A metric's values; None where no hour is published, and for shares of too few visits."""
    metric = METRICS[name]
    published = _published(page, buckets)
    values: list[float | None] = []
    for bucket in buckets:
        figures = course.get(bucket.key)
        if bucket.key not in published:
            values.append(None)
        elif figures is None:
            values.append(0 if metric.format == "count" else None)
        else:
            value = figures[name]
            values.append(None if value is None else float(value))
    return values


def _published(page: Page, buckets: Sequence[Bucket]) -> set[tuple[Any, ...]]:
    """The keys of the buckets of which an hour is published."""
    if buckets and buckets[0].grain == "hour":
        answer = page.answer(("published_hours",), ("day", "hour"))
        return {(row[0], row[1]) for row in answer.rows}
    days = page.coverage.days
    if buckets and buckets[0].grain == "week":
        return {b.key for b in buckets if any(b.start.date() <= d < b.end.date() for d in days)}
    return {(day,) for day in days}


def _trend(page: Page, buckets: Sequence[Bucket], now: Records, then: Records) -> TrendPanel:
    metric, formats = METRICS[page.view.metric], page.formats
    values = _values(page, buckets, now, metric.name)
    past = [bucket.shifted(page.shift) for bucket in buckets]
    before = [_past_value(then, bucket, metric) for bucket in past]
    found, places = _numbered(page, buckets)
    rows = [
        (bucket.title(formats), formats.value(metric, value), formats.value(metric, earlier))
        for bucket, value, earlier in zip(buckets, values, before, strict=True)
    ]
    series = Series(
        values,
        before,
        [bucket.label(formats, page.period.days) for bucket in buckets],
        [_title(row, old.title(formats), bool(then)) for row, old in zip(rows, past, strict=True)],
        [bucket.days for bucket in buckets],
        _unfinished_from(page, buckets, values),
        places,
    )

    def label_of(value: float) -> str:
        return formats.tick(metric, value)

    grain = page.view.grain or "day"
    return TrendPanel(
        metric,
        grain,
        charts.line_chart(series, charts.WIDE, label_of),
        charts.line_chart(series, charts.NARROW, label_of),
        rows,
        found,
        [(one, replace(page.view, grain=one).query) for one in _grains(page)],
        formats.days(page.period.first, page.period.last),
    )


def _grains(page: Page) -> list[Grain]:
    """The grains that make a chart of the period."""
    grains: tuple[Grain, ...] = ("hour", "day", "week")
    fine = [g for g in grains if grain_of(replace(page.view, grain=g), page.period) == g]
    return [g for g in fine if len(buckets_of(page.period, g)) > 1]


def _past_value(then: Records, bucket: Bucket, metric: Metric) -> float | None:
    figures = then.get(bucket.key)
    if figures is None or figures[metric.name] is None:
        return 0.0 if then and metric.format == "count" else None
    return float(figures[metric.name])


def _title(row: tuple[str, str, str], past: str, is_compared: bool) -> str:
    when, value, before = row
    return f"{when}: {value}\n{past}: {before}" if is_compared else f"{when}: {value}"


def _unfinished_from(
    page: Page, buckets: Sequence[Bucket], values: Sequence[float | None]
) -> int | None:
    """The place of the bucket in which the published hours end, unless they fill it."""
    end = page.coverage.complete_to
    for place, bucket in enumerate(buckets):
        if end is not None and bucket.start < end < bucket.end and values[place] is not None:
            return place
    return None


def _numbered(
    page: Page, buckets: Sequence[Bucket]
) -> tuple[list[NumberedNote], Mapping[int, int]]:
    """The notes with their numbers, and the place of each number on the chart."""
    numbered: list[NumberedNote] = []
    places: dict[int, int] = {}
    for note in notes.find_notes(page):
        place = next((i for i, b in enumerate(buckets) if b.start <= note.at < b.end), None)
        if place is None:
            continue
        number = places.setdefault(place, len(places) + 1)
        numbered.append(NumberedNote(number, page.formats.day(note.at.date()), note))
    return numbered, places


def _times(page: Page) -> TimesPanel:
    """Visits by weekday and hour, divided by how often the weekday lies in the published days."""
    metric = METRICS[page.view.choice("times")]
    answer = page.answer((metric.name,), ("weekday", "hour"))
    counts = {(weekday, hour): count for weekday, hour, count in answer.rows}
    times = [day.isoweekday() for day in page.coverage.days]
    weekdays = page.formats.weekdays()
    values = [
        [counts.get((day, hour), 0) / max(times.count(day), 1) for hour in range(24)]
        for day in weekdays
    ]
    names = [page.formats.weekday(day) for day in weekdays]
    label = page.formats.text(metric.label)
    titles = [
        [f"{name}, {page.formats.hour(h)}: {value:.1f} {label}" for h, value in enumerate(row)]
        for name, row in zip(names, values, strict=True)
    ]
    columns = {hour: f"{hour:02}" for hour in range(0, 24, 3)}
    table = [
        (name, [f"{value:.1f}" for value in row]) for name, row in zip(names, values, strict=True)
    ]
    return TimesPanel(charts.heat_map(values, names, columns, titles), table, not counts)
