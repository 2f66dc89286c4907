"""The Orders tab: what happens between the first page and an order."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from clickstream.dashboard.ask.intervals import known_share, wilson
from clickstream.dashboard.ask.metrics import METRICS
from clickstream.dashboard.ask.panel import GRAIN_DIMENSIONS, grain_of
from clickstream.dashboard.ask.view import View
from clickstream.dashboard.changes.wording import change_of
from clickstream.dashboard.charts.columns import bar_widths
from clickstream.dashboard.charts.line import sparkline
from clickstream.dashboard.formats import Change
from clickstream.dashboard.pages.orders.figures import (
    KeyFigure,
    count_figure,
    share_figure,
)
from clickstream.dashboard.pages.orders.panels import FAILURES
from clickstream.dashboard.pages.orders.questions import (
    failing_pages,
    item_questions,
    step_error_questions,
)
from clickstream.dashboard.pages.orders.sales import build_sales
from clickstream.dashboard.pages.orders.wording import goal_wording
from clickstream.dashboard.widgets.buckets import buckets_of
from clickstream.dashboard.widgets.course import finished_values, published_keys
from clickstream.dashboard.widgets.goal_proposals import propose_goals
from clickstream.dashboard.widgets.lists import list_panel, value_name
from clickstream.dashboard.widgets.money import explain_no_money
from clickstream.dashboard.widgets.page import PageContext
from clickstream.dashboard.widgets.times import HOURS

# The funnel: visits that reached each step, visits lost before it, and errors on its pages.

MOST_FILTERED = 20
"""Maximum number of pages with errors in one link's filter; the errors panel has them all."""


@dataclass(frozen=True)
class StepErrors:
    """Errors on the pages of a step: affected visits, and those that never reached the step.

    `statuses` are pairs of a status and its visits, in order of their visits.
    """

    visits: int
    stopped: int
    requests: int
    statuses: Sequence[tuple[int, int]]
    query: str


@dataclass(frozen=True)
class FunnelStep:
    """A step, numbered from 1, and the visits that reached it.

    `of_before` is their share of the visits that reached the step before, for the first step their
    share of all visits; None if there are too few of those. `change` is the change of this share to
    its usual value. `lost` is the number of visits that reached the step before and not this one.
    """

    number: int
    name: str
    visits: int
    of_all: float | None
    of_before: float | None
    change: Change | None
    lost: int
    width: float
    errors: StepErrors | None
    query: str
    lost_query: str


@dataclass(frozen=True)
class Funnel:
    """All visits, and the steps in order."""

    visits: int
    steps: Sequence[FunnelStep]

    @property
    def completed(self) -> int:
        """The number of visits that reached the last step."""
        return self.steps[-1].visits if self.steps else 0

    @property
    def worst(self) -> FunnelStep | None:
        """The step after the first that loses the largest share of the visits before it."""
        steps = [step for step in self.steps[1:] if step.of_before is not None]
        return min(steps, key=lambda step: step.of_before or 0.0, default=None)


def build_funnel(page: PageContext) -> Funnel:
    """Ask for the visits that reached each step."""
    names = [step.name for step in page.settings.funnel]
    reached = _reached(page, len(names))
    steps = [_step(page, number, names, reached) for number in range(1, len(names) + 1)]
    return Funnel(reached[0], steps)


def _reached(page: PageContext, steps: int) -> list[int]:
    """Return the visits that reached each number of steps, from 0 (all visits)."""
    answer = page.answer(("visits",), ("furthest_step",))
    furthest = {int(step): int(visits) for step, visits in answer.rows}
    return [
        sum(visits for step, visits in furthest.items() if step >= least)
        for least in range(steps + 1)
    ]


def _step(
    page: PageContext, number: int, names: Sequence[str], reached: Sequence[int]
) -> FunnelStep:
    visits, earlier = reached[number], reached[number - 1]
    largest = max(reached[1], 1)
    return FunnelStep(
        number,
        names[number - 1],
        visits,
        known_share(visits, reached[0]),
        known_share(visits, earlier),
        change_of(page, "step_rate", (("furthest_step", str(number)),), METRICS["conversion_rate"]),
        earlier - visits,
        round(100 * visits / largest, 1),
        _errors(page, number),
        _furthest(page.view, range(number, len(names) + 1)).query,
        _furthest(page.view, [number - 1]).query,
    )


def _furthest(view: View, steps: Sequence[int]) -> View:
    """Return the view of the visits whose furthest step is one of `steps`."""
    filters = tuple(filter_ for filter_ in view.filters if filter_.dimension != "furthest_step")
    view = replace(view, filters=filters)
    for step in steps:
        view = view.with_filter("furthest_step", str(step))
    return view


def _errors(page: PageContext, number: int) -> StepErrors | None:
    asked, failing = step_error_questions(page, number), failing_pages(page, number)
    if not asked:
        return None
    by_step, by_status = (page.ask(question).records() for question in asked)
    if not by_step:
        return None
    view = page.view
    for name in failing:
        view = view.with_filter("failed_page", name)
    statuses = [(int(row["failed_status"]), int(row["failed_visits"])) for row in by_status]
    return StepErrors(
        sum(int(row["failed_visits"]) for row in by_step),
        sum(int(row["failed_visits"]) for row in by_step if int(row["step_of_failed"]) < number),
        sum(int(row["failed_requests"]) for row in by_step),
        sorted(statuses, key=lambda pair: (-pair[1], pair[0])),
        view.query if len(failing) <= MOST_FILTERED else "",
    )


# Menu items: the visits that viewed each item, and the share of them that ordered.


@dataclass(frozen=True)
class ItemRow:
    """A page of the menu: the visits that viewed it, and those of them that ordered.

    `rate` is the share that ordered, `low` and `high` its 95 % interval; None for too few visits.
    """

    name: str
    page: str
    visits: int
    views: int
    seconds: float | None
    orders: int
    rate: float | None
    low: float | None
    high: float | None
    width: float
    query: str


def item_rows(page: PageContext) -> list[ItemRow]:
    """Return the pages of the menu, by number of visits."""
    seen, ordered = (page.ask(question).records() for question in item_questions(page))
    orders = {row["page"]: int(row["page_visits"]) for row in ordered}
    widths = bar_widths([row["page_visits"] for row in seen])
    return [
        _row(page, row, orders.get(row["page"], 0), width)
        for row, width in zip(seen, widths, strict=True)
    ]


def _row(page: PageContext, row: Mapping[str, Any], orders: int, width: float) -> ItemRow:
    visits = int(row["page_visits"])
    rate = known_share(orders, visits)
    low, high = (None, None) if rate is None else wilson(orders, visits)
    return ItemRow(
        value_name(page, "page", row["page"]),
        row["page"],
        visits,
        int(row["views"]),
        row["time_on_page"],
        orders,
        rate,
        low,
        high,
        width,
        page.view.with_filter("page", row["page"]).query,
    )


def rate_axis(rows: Sequence[ItemRow]) -> tuple[float, float]:
    """Return the ends of an axis that contains the intervals of all rows."""
    ends = [end for row in rows for end in (row.low, row.high) if end is not None]
    return (min(ends), max(ends)) if ends else (0.0, 1.0)


@dataclass(frozen=True)
class Totals:
    """Visits of a period, those that met the main goal, and those with an error."""

    visits: int
    orders: int
    failed: int


def orders_values(page: PageContext) -> dict[str, Any]:
    """Build the values of the tab's template."""
    funnel = build_funnel(page)
    items = item_rows(page)
    return {
        "figures": _figures(page, funnel),
        "funnel": funnel,
        "funnel_verdict": _verdict(page, funnel),
        "funnel_note": _funnel_note(page, funnel),
        "words": goal_wording(page),
        "has_goal": bool(page.main_goal),
        "is_order": page.is_main_goal_order,
        "proposed_goals": None if page.main_goal else propose_goals(page),
        "items": items,
        "has_items": page.is_main_goal_order or bool(page.settings.dashboard.item_pages),
        "no_items": _why_no_items(page),
        "rate_axis": rate_axis(items),
        "hours": HOURS,
        "failures": list_panel(page, FAILURES),
        "sales": build_sales(page) if page.has_money else None,
        "no_money": explain_no_money(page),
        "has_shop": page.has_shop,
        "no_failures": "No visit met an error in this range.",
    }


def _figures(page: PageContext, funnel: Funnel) -> list[KeyFigure]:
    """Build the orders, their share, and the visits with an error; without a goal, the funnel's."""
    now = _totals(page)
    return [
        *(_order_figures(page, now) if page.main_goal else [_funnel_figure(page, funnel)]),
        _failed_figure(page, now),
    ]


def _funnel_figure(page: PageContext, funnel: Funnel) -> KeyFigure:
    meaning = "Share of the visits at the first step of the funnel that reached its last step."
    parts = (funnel.completed, funnel.steps[0].visits) if funnel.steps else (0, 0)
    return share_figure(page, "Funnel completed", meaning, parts)


def _failed_figure(page: PageContext, now: Totals) -> KeyFigure:
    meaning = (
        "Share of visits in which at least one request failed: for example, the page does not "
        "exist (status 4xx), or the web server has a fault (status 5xx)."
    )
    change = change_of(page, "failed_rate", like=METRICS["bounce_rate"])
    parts = now.failed, now.visits
    figure = share_figure(page, "Met an error", meaning, parts, change)
    return replace(figure, visits=_visits_with(page.view, "met_error", "yes"))


def _visits_with(view: View, dimension: str, value: str) -> str:
    """Return the query of the view's visits with a value; empty if a filter names others."""
    named = (
        filter_
        for filter_ in view.filters
        if filter_.dimension == dimension and not filter_.is_excluded
    )
    return "" if any(named) else view.with_filter(dimension, value).query


def _order_figures(page: PageContext, now: Totals) -> list[KeyFigure]:
    """Build two figures: the visits that met the main goal, and their share of all visits."""
    count, rate = (page.metric(name) for name in ("conversions", "conversion_rate"))
    orders = count_figure(
        page, count.label, count.definition, now.orders, change_of(page, count.name)
    )
    parts, change = (now.orders, now.visits), change_of(page, rate.name)
    order_rate = share_figure(page, rate.label, rate.definition, parts, change)
    spark, visits = _orders_over_time(page), _visits_with(page.view, "goal", page.main_goal)
    return [replace(orders, spark=sparkline(spark), visits=visits), order_rate]


def _totals(page: PageContext) -> Totals:
    visits = page.answer(("visits", "conversions")).single()
    return Totals(
        visits["visits"] or 0,
        visits["conversions"] or 0,
        page.answer(("failed_visits",)).single()["failed_visits"] or 0,
    )


def _orders_over_time(page: PageContext) -> Sequence[float | None]:
    """Return the visits that met the main goal in each finished bucket."""
    grain = grain_of(page.view, page.period)
    answer = page.answer(("conversions",), GRAIN_DIMENSIONS[grain])
    counts = {row[:-1]: row[-1] for row in answer.rows}
    buckets = buckets_of(page.period, grain)
    published = published_keys(page, buckets)
    values = [counts.get(bucket.key, 0) if bucket.key in published else None for bucket in buckets]
    return finished_values(page, buckets, values)


def _verdict(page: PageContext, funnel: Funnel) -> str:
    """State in one sentence at which step most visits are lost."""
    worst = funnel.worst
    if worst is None or worst.of_before is None:
        return ""
    return (
        f"Most visits are lost before “{worst.name}”: "
        f"{page.formats.share(1 - worst.of_before, 0)} of those at the step before go no further."
    )


def _funnel_note(page: PageContext, funnel: Funnel) -> str:
    """State why the last step differs from the visits that met the main goal."""
    if not page.main_goal or not funnel.steps:
        return ""
    return (
        "A step counts the visits that took all steps before it, in this order. "
        f"“{page.metric('conversions').label}” counts visits on every path, so it may "
        "differ from the last step."
    )


def _why_no_items(page: PageContext) -> str:
    if page.settings.dashboard.item_pages:
        return "No page of a single item was viewed in this range."
    return "Set item_pages in the section [dashboard] to the pages that show a single item."
