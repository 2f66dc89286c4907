"""The Overview tab: how the café is doing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from clickstream.dashboard.changes.history import describe_too_few
from clickstream.dashboard.changes.verdicts import find_changes
from clickstream.dashboard.questions.panel import grain_of
from clickstream.dashboard.tabs.overview.movers import NOTHING_MOVED, Mover, find_movers
from clickstream.dashboard.tabs.overview.panels import PAGES, SOURCES
from clickstream.dashboard.tabs.overview.tiles import Tile, build_tiles
from clickstream.dashboard.tabs.overview.today import describe_today
from clickstream.dashboard.tabs.overview.trend import TrendPanel, build_trend
from clickstream.dashboard.widgets.course import ask_course
from clickstream.dashboard.widgets.goal_proposals import propose_goals
from clickstream.dashboard.widgets.goals import GoalRow, Pace, goal_rows, pace_text, sales_pace
from clickstream.dashboard.widgets.lists import ListPanel, choices_of, list_panel
from clickstream.dashboard.widgets.money import explain_no_money
from clickstream.dashboard.widgets.page import PageContext
from clickstream.dashboard.widgets.times import HOURS, TimesPanel, build_times

_BEFORE: Mapping[str, str] = {
    "previous": "before: {value}",
    "year": "a year before: {value}",
    "none": "",
}


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
    sales: Pace | None


def build_overview(page: PageContext) -> Overview:
    """Ask for everything that the tab shows."""
    grain = grain_of(page.view, page.period)
    # Only the chart's links name the resolved grain; other links keep the view's own.
    drawn = replace(page, view=replace(page.view, grain=grain))
    course = ask_course(page, grain)
    return Overview(
        build_tiles(page, course),
        build_trend(drawn, course),
        list_panel(page, SOURCES),
        list_panel(page, PAGES),
        build_times(page),
        find_movers(page),
        goal_rows(page),
        sales_pace(page),
    )


def overview_values(page: PageContext) -> dict[str, Any]:
    """Build the values of the tab's template."""
    data = build_overview(page)
    compared = page.compared_dates if page.compared else None
    span = page.days(compared) if compared else ""
    grains = {"hour": "by hour", "day": "by day", "week": "by week"}
    return {
        "data": data,
        "compared_span": span,
        "trend_choices": [
            (grains[grain], query, grain == data.trend.grain) for grain, query in data.trend.grains
        ],
        "trend_label": f"{data.trend.metric.label}, {data.trend.label}. {data.trend.summary}",
        "more_notes": page.formats.plural(
            "{number} more note", "{number} more notes", len(data.trend.notes.others)
        ),
        "note_day": max(page.period.first, min(page.period.last, page.now.date())),
        "note_hours": [(hour, page.formats.hour(hour)) for hour in range(24)],
        "trend_rows": [row if compared else row[:2] for row in data.trend.rows],
        "times_choices": choices_of(page, "times"),
        "hours": HOURS,
        "moved_choices": choices_of(page, "moved"),
        "nothing_moved": NOTHING_MOVED,
        "not_compared": page.once(find_changes).reason or describe_too_few(page),
        "before_text": _BEFORE[page.view.compare],
        "pace_text": lambda pace: pace_text(page.formats, pace),
        "sales_text": lambda pace: pace_text(page.formats, pace, page.formats.whole_units),
        "today": describe_today(page),
        "no_money": explain_no_money(page),
        "proposed_goals": propose_goals(page) if not data.goals else None,
    }
