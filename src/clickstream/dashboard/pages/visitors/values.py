"""The Visitors tab: what people do on the site."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from math import ceil
from typing import Any, Literal

from clickstream.dashboard.ask.dimensions import DIMENSIONS
from clickstream.dashboard.ask.intervals import known_share, wilson
from clickstream.dashboard.ask.metrics import METRICS
from clickstream.dashboard.ask.panel import ROWS, grain_of
from clickstream.dashboard.ask.periods import start_of
from clickstream.dashboard.ask.view import Filter
from clickstream.dashboard.charts.columns import ColumnChart
from clickstream.dashboard.formats import NO_VALUE
from clickstream.dashboard.pages.orders.figures import KeyFigure
from clickstream.dashboard.pages.overview.tiles import build_tiles, describe_before
from clickstream.dashboard.pages.visitors.panels import (
    COHORTS,
    DEVICES,
    NEW_AND_RETURNING,
    VIEWED_PAGES,
)
from clickstream.dashboard.pages.visitors.response_times import build_response_times
from clickstream.dashboard.widgets.buckets import buckets_of
from clickstream.dashboard.widgets.course import ask_course, summarize
from clickstream.dashboard.widgets.lists import (
    KINDS,
    ListPanel,
    list_panel,
    value_name,
    value_title,
)
from clickstream.dashboard.widgets.notes import rotation_moments
from clickstream.dashboard.widgets.page import PageContext
from clickstream.dashboard.widgets.stacked_columns import stacked_columns, stacks_of

# Cohorts: visitors by the week of their first visit, and the weeks in which they came back.
#
# Visitors are recognized until the visitor keys change. So a cohort is followed for three more
# weeks, and not across a change of keys.

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
    first = [weeks.first + _ONE_WEEK * number for number in range((weeks.days - 1) // 7 + 1)]
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


# New and returning visitors: the visits of each kind, their conversions, and both over time.

VISITS = METRICS["visits"]
MOST_ROTATIONS = 3
"""Maximum number of key changes whose dates are shown, the newest ones."""


@dataclass(frozen=True)
class VisitorKind:
    """One kind of visitors. `query` filters by it, or removes that filter."""

    key: str
    name: str
    visits: int
    share: str
    rate: str
    interval: str
    query: str
    is_chosen: bool


@dataclass(frozen=True)
class KindsPanel:
    """Both kinds, their columns over time, and the same as a table.

    `returning` states how many people also came on an earlier day, `rotated` after which changes of
    visitor keys returning visitors count as new. `summary` describes the returning visits over
    time.
    """

    returning: str
    kinds: Sequence[VisitorKind]
    wide: ColumnChart
    narrow: ColumnChart
    rows: Sequence[Sequence[str]]
    rotated: str
    summary: str


def build_kinds(page: PageContext) -> KindsPanel | None:
    """Ask for both kinds; return None without a visit."""
    whole, over_time = page.questions(NEW_AND_RETURNING)
    kinds = {record["visitor_kind"]: record for record in page.ask(whole).records()}
    total = sum(record["visits"] for record in kinds.values())
    if not total:
        return None
    buckets = buckets_of(page.period, grain_of(page.view, page.period))
    keys = [*reversed(KINDS)]  # the returning ones first, at the bottom
    of_kinds = ((row["visitor_kind"], row) for row in page.ask(over_time).records())
    stacks = stacks_of(page, buckets, VISITS, of_kinds, keys)
    names = [KINDS[key] for key in keys]
    return KindsPanel(
        _say_returning(page, kinds),
        [_kind(page, key, kinds.get(key, {}), total) for key in KINDS],
        *stacked_columns(page, buckets, VISITS, names, stacks),
        _rotated(page),
        summarize(page, buckets, stacks[0], VISITS),
    )


def _say_returning(page: PageContext, kinds: Mapping[str, Mapping[str, Any]]) -> str:
    """State how many people also came on an earlier day."""
    returning = kinds["returning"]["visitors"] if "returning" in kinds else 0
    if not returning:
        return "No visitor is known to have come on an earlier day."
    visitors = page.answer(("visitors",)).single()["visitors"]
    return page.formats.plural(
        "At least {number} of {visitors} visitors also came on an earlier day.",
        "At least {number} of {visitors} visitors also came on an earlier day.",
        returning,
        visitors=page.formats.count(visitors),
    )


def _kind(page: PageContext, key: str, figures: Mapping[str, Any], total: int) -> VisitorKind:
    formats, view = page.formats, page.view
    visits, conversions = figures.get("visits", 0), figures.get("conversions", 0)
    rate = known_share(conversions, visits)
    low, high = wilson(conversions, visits)
    interval = NO_VALUE if rate is None else f"{formats.share(low)} – {formats.share(high)}"
    return VisitorKind(
        key,
        value_name(page, "visitor_kind", key),
        visits,
        formats.share(known_share(visits, total)),
        formats.share(rate),
        interval,
        view.toggled("visitor_kind", key).query,
        view.chooses("visitor_kind", key),
    )


def _rotated(page: PageContext) -> str:
    """State when keys changed in the range, or shortly before it, so visitors seem to be new."""
    first = page.period.first - timedelta(days=page.key_days)
    moments = rotation_moments(page, replace(page.period, first=first, until_hour=None))
    if not moments:
        return ""
    days = ", ".join(page.formats.day(moment.date()) for moment in moments[-MOST_ROTATIONS:])
    return f"Visitor keys changed on {days}; after that, everybody counts as new at first."


# Where people go next: the pages viewed after a page, and how often it is the last one.


@dataclass(frozen=True)
class NextRow:
    """A next page. `query` shows the pages after it; empty for visits that left."""

    name: str
    title: str
    width: float
    views: int
    share: str
    query: str


@dataclass(frozen=True)
class NextPages:
    """The pages after `page`, with the name `title` in tooltips. `query` chooses `page`."""

    page: str
    title: str
    query: str
    views: int
    rows: Sequence[NextRow]
    has_more: bool


def build_next_pages(page: PageContext) -> NextPages | None:
    """Find the pages after the page that the filters choose, by default the top page.

    Returns None without a page view.
    """
    other_filters = [
        filter_
        for filter_ in page.view.filters
        if filter_.dimension != "page" or filter_.is_excluded
    ]
    chosen = [filter_ for filter_ in page.view.filters if filter_ not in other_filters]
    if not chosen:
        most_viewed = page.answer(("views",), ("page",), limit=1).rows
        chosen = [Filter("page", (row[0],)) for row in most_viewed]
    if not chosen:
        return None
    filters = (*other_filters, *chosen)
    total = page.answer(("views",), filters=filters).single()["views"]
    rows = page.answer(("views",), ("next_page",), limit=ROWS + 1, filters=filters).rows
    if not total:
        return None
    pages = [value for filter_ in chosen for value in filter_.values]
    return NextPages(
        ", ".join(value_name(page, "page", value) for value in pages),
        ", ".join(value_title(page, "page", value) for value in pages),
        replace(page.view, filters=filters).query,
        total,
        [_row(page, other_filters, name, views, total) for name, views in rows[:ROWS]],
        len(rows) > ROWS,
    )


def _row(
    page: PageContext, other_filters: Sequence[Filter], name: str | None, views: int, total: int
) -> NextRow:
    following = (*other_filters, Filter("page", (name,)))
    return NextRow(
        value_name(page, "next_page", name),
        value_title(page, "next_page", name),
        round(100 * views / total, 1),
        views,
        page.formats.share(known_share(views, total)),
        "" if name is None else replace(page.view, filters=following).query,
    )


FIGURES = ("visitors", "visits", "page_views")
"""The metrics of the key figures."""


def visitors_values(page: PageContext) -> dict[str, Any]:
    """Build the values of the tab's template."""
    return {
        "figures": _figures(page),
        "viewed_pages": _viewed_pages(page),
        "estimated": _estimated(page),
        "next_pages": build_next_pages(page),
        "response_times": build_response_times(page),
        "kinds": build_kinds(page),
        "devices": list_panel(page, DEVICES),
        "cohorts": build_cohorts(page),
        "weeks": WEEKS,
        "too_small": f"fewer than {page.formats.count(SMALLEST_COHORT)} visitors",
        "key_days": page.formats.plural(
            "A visitor is recognized for {number} day at most.",
            "A visitor is recognized for {number} days at most.",
            page.key_days,
        ),
    }


def _figures(page: PageContext) -> list[KeyFigure]:
    """Build the numbers of visitors, visits and page views, as the Overview shows them."""
    course = ask_course(page, grain_of(page.view, page.period), with_money=False)
    return [
        KeyFigure(
            tile.metric.label,
            tile.metric.definition,
            tile.value,
            tile.change,
            tile.hint,
            tile.spark,
            prefix=tile.prefix,
            before=describe_before(page, tile),
        )
        for tile in build_tiles(page, course, FIGURES)
    ]


def _viewed_pages(page: PageContext) -> ListPanel:
    """Build the list of pages; the estimated share of the times is above it, not in a column.

    It is the share of last page views, so each row's value would be close to its exit rate.
    """
    panel = list_panel(page, VIEWED_PAGES, hidden=("estimated_share",))
    if page.view.choice(VIEWED_PAGES.name) == "host" or _has_hosts(page):
        return panel
    host = DIMENSIONS["host"].label
    return replace(panel, choices=[choice for choice in panel.choices if choice[0] != host])


def _has_hosts(page: PageContext) -> bool:
    """Whether the pages have more than one host, so that a list of hosts says something."""
    return len(page.answer(("views",), ("host",), limit=2).rows) > 1


def _estimated(page: PageContext) -> str:
    """State the estimated share of the times on the listed pages; empty if no times are shown."""
    if page.view.choice("viewed_pages") != "page":
        return ""
    answer = page.answer(("views", "estimated_share")).single()
    if answer["estimated_share"] is None:
        return ""
    return f"Time: {page.formats.share(answer['estimated_share'], 0)} estimated"
