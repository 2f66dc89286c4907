"""Cohorts: visitors by the week of their first visit, and the weeks in which they came back.

Visitors are recognized until the visitor keys change. So a cohort is followed for three more weeks,
and not across a change of keys.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from math import ceil
from typing import Literal

from clickstream.dashboard.questions.periods import start_of
from clickstream.dashboard.tabs.visitors.panels import COHORTS
from clickstream.dashboard.widgets.notes import rotation_moments
from clickstream.dashboard.widgets.page import PageContext

WEEKS = 3
"""Number of columns: the weeks after that of the first visit, in which all of a cohort came."""

SMALLEST_COHORT = 30
MOST_COHORTS = 12
LEVELS = 5
"""Number of shades of the cells, without the empty one."""

State = Literal["known", "open", "rotated", "small", "ahead"]
_ONE_WEEK = timedelta(weeks=1)


@dataclass(frozen=True)
class CohortCell:
    """The share of a cohort that visited in a week.

    The share is final (`known`), may still change (`open`), or is not shown: `rotated` if visitor
    keys changed, `small` if the cohort is too small, `ahead` if the week has not begun.
    """

    state: State
    text: str = ""
    title: str = ""
    level: int = 0


@dataclass(frozen=True)
class Cohort:
    """The visitors whose first visit was in a week."""

    week: str
    visitors: str
    cells: Sequence[CohortCell]


@dataclass(frozen=True)
class CohortPanel:
    """The cohorts, the newest first, and the states that occur in their cells."""

    cohorts: Sequence[Cohort]
    states: frozenset[State]


Counts = Mapping[tuple[date, date], int]
"""Visitors by the week of their first visit and the week of a visit."""


def build_cohorts(page: PageContext) -> CohortPanel:
    """Ask for the cohorts of the range's weeks."""
    (question,) = page.questions(COHORTS)
    counts = {(first, week): int(number) for first, week, number in page.ask(question).rows}
    weeks = COHORTS.dates(page.period)
    rotations = rotation_moments(page, weeks)
    first = [weeks.first + _ONE_WEEK * place for place in range((weeks.days - 1) // 7 + 1)]
    shown = [week for week in first if counts.get((week, week))][-MOST_COHORTS:]
    highest = _highest(page, counts, shown, rotations)
    cohorts = [_cohort(page, counts, week, rotations, highest) for week in reversed(shown)]
    states = frozenset(cell.state for cohort in cohorts for cell in cohort.cells)
    return CohortPanel(cohorts, states)


def _cohort(
    page: PageContext, counts: Counts, week: date, rotations: Sequence[datetime], highest: float
) -> Cohort:
    size = counts[week, week]
    cells = []
    for later in range(1, WEEKS + 1):
        state = _state(page, week, later, size, rotations)
        came = counts.get((week, week + _ONE_WEEK * later), 0)
        cells.append(_cell(page, state, came, size, highest))
    return Cohort(page.formats.day(week), page.formats.count(size), cells)


def _state(
    page: PageContext, week: date, later: int, size: int, rotations: Sequence[datetime]
) -> State:
    start, end = start_of(week), start_of(week + _ONE_WEEK * (later + 1))
    known_to = page.coverage.complete_to
    if known_to is None or known_to <= end - _ONE_WEEK:
        return "ahead"
    if any(start < moment < end for moment in rotations):
        return "rotated"
    if size < SMALLEST_COHORT:
        return "small"
    return "known" if known_to >= end else "open"


def _cell(page: PageContext, state: State, came: int, size: int, highest: float) -> CohortCell:
    formats = page.formats
    if state in ("rotated", "ahead"):
        return CohortCell(state)
    if state == "small":
        return CohortCell(state, "–")
    share = came / size
    level = ceil(LEVELS * share / highest) if highest else 0
    title = f"{formats.count(came)} of {formats.count(size)} visitors"
    return CohortCell(state, formats.share(share, 0 if share == 1 else 1), title, level)


def _highest(
    page: PageContext, counts: Counts, shown: Sequence[date], rotations: Sequence[datetime]
) -> float:
    """Return the highest share of a later week, which gets the darkest shade."""
    shares = [
        counts.get((week, week + _ONE_WEEK * later), 0) / counts[week, week]
        for week in shown
        for later in range(1, WEEKS + 1)
        if _state(page, week, later, counts[week, week], rotations) in ("known", "open")
    ]
    return max(shares, default=0)
