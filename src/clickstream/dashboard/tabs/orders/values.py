"""The Orders tab: what happens between the first page and an order."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from clickstream.dashboard.changes.wording import change_of
from clickstream.dashboard.charts.line import sparkline
from clickstream.dashboard.questions.metrics import METRICS
from clickstream.dashboard.questions.panel import GRAIN_DIMENSIONS, grain_of
from clickstream.dashboard.questions.view import View
from clickstream.dashboard.tabs.orders.figures import (
    KeyFigure,
    ShareParts,
    count_figure,
    share_figure,
)
from clickstream.dashboard.tabs.orders.funnel import Funnel, build_funnel
from clickstream.dashboard.tabs.orders.items import item_rows, rate_axis
from clickstream.dashboard.tabs.orders.panels import FAILURES
from clickstream.dashboard.tabs.orders.questions import order_time_questions
from clickstream.dashboard.tabs.orders.sales import build_sales
from clickstream.dashboard.tabs.orders.wording import goal_wording
from clickstream.dashboard.widgets.buckets import buckets_of
from clickstream.dashboard.widgets.course import finished_values, published_keys
from clickstream.dashboard.widgets.goal_proposals import propose_goals
from clickstream.dashboard.widgets.goals import goal_rows, pace_text
from clickstream.dashboard.widgets.lists import list_panel
from clickstream.dashboard.widgets.money import explain_no_money
from clickstream.dashboard.widgets.page import PageContext
from clickstream.dashboard.widgets.times import HOURS, times_of


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
    times = times_of(page, page.ask(order_time_questions(page)[0]))
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
        "times": times,
        "hours": HOURS,
        "failures": list_panel(page, FAILURES),
        "goals": goal_rows(page),
        "pace_text": lambda pace: pace_text(page.formats, pace),
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
    return share_figure(page, "Funnel completed", meaning, _completion(funnel))


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
    named = (one for one in view.filters if one.dimension == dimension and not one.is_excluded)
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


def _completion(funnel: Funnel) -> ShareParts:
    return (funnel.completed, funnel.steps[0].visits) if funnel.steps else (0, 0)


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
    values = [counts.get(one.key, 0) if one.key in published else None for one in buckets]
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
