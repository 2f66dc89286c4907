"""When people come: visits by weekday and hour."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import chain

from clickstream.dashboard.ask.answers import Answer
from clickstream.dashboard.charts.heat import NARROW_STEP, HeatMap, heat_map
from clickstream.dashboard.formats import NO_VALUE
from clickstream.dashboard.widgets.page import PageContext

HOURS = [f"{hour:02}" for hour in range(24)]
"""The heads of the table's columns."""


@dataclass(frozen=True)
class TimesPanel:
    """Visits by weekday and hour, as a heat map and as a table; `summary` names the peak."""

    wide: HeatMap
    narrow: HeatMap
    rows: Sequence[Sequence[str]]
    is_empty: bool
    summary: str


def build_times(page: PageContext) -> TimesPanel:
    """Build visits by weekday and hour, divided by how often that hour of the week is published."""
    return times_of(page, page.answer((page.view.choice("times"),), ("weekday", "hour")))


Times = Mapping[tuple[int, int], int]
"""How often each weekday and hour occurs."""


def times_of(page: PageContext, answer: Answer, times: Times | None = None) -> TimesPanel:
    """Divide an answer by weekday and hour by how often that hour of the week occurs.

    Without `times`, these are the published hours.
    """
    metric = page.metric(answer.question.metrics[0])
    counts = {(weekday, hour): count for weekday, hour, count in answer.rows}
    if times is None:
        hours = page.answer(("published_hours",), ("weekday", "hour"))
        times = {(weekday, hour): number for weekday, hour, number in hours.rows}
    weekdays = page.formats.weekdays()
    values = [
        [
            counts.get((day, hour), 0) / times[day, hour] if times.get((day, hour)) else None
            for hour in range(24)
        ]
        for day in weekdays
    ]
    names = [page.formats.weekday(day) for day in weekdays]
    label = metric.label

    def show(value: float | None) -> str:
        return NO_VALUE if value is None else page.formats.decimal(value)

    titles = [
        [f"{name}, {page.formats.hour(h)}: {show(value)} {label}" for h, value in enumerate(row)]
        for name, row in zip(names, values, strict=True)
    ]
    columns = {hour: HOURS[hour] for hour in range(0, 24, 4)}
    rows = [(name, *map(show, row)) for name, row in zip(names, values, strict=True)]
    cells = zip(chain(*values), chain(*titles), strict=True)
    _, peak = max(cells, key=lambda cell: cell[0] or 0)
    return TimesPanel(
        heat_map(values, names, columns, titles),
        heat_map(values, names, columns, titles, NARROW_STEP),
        rows,
        not counts,
        f"Most: {peak}.",
    )
