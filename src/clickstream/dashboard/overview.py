"""The Overview tab, which answers how the café is doing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from clickstream.dashboard.course import ask_course
from clickstream.dashboard.goals import GoalRow, goal_rows
from clickstream.dashboard.lists import ListPanel, list_panel
from clickstream.dashboard.movers import Mover, find_movers
from clickstream.dashboard.page import Page
from clickstream.dashboard.panels import grain_of
from clickstream.dashboard.tiles import Tile, build_tiles
from clickstream.dashboard.times import TimesPanel, build_times
from clickstream.dashboard.trend import TrendPanel, build_trend


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
    # Only the chart's links name the grain that fits: others keep the view's own.
    drawn = replace(page, view=replace(page.view, grain=grain))
    course = ask_course(page, grain)
    return Overview(
        build_tiles(page, course),
        build_trend(drawn, course),
        list_panel(page, "sources"),
        list_panel(page, "pages"),
        build_times(page),
        find_movers(page),
        goal_rows(page),
    )
