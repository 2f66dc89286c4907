"""The panels of all tabs, and the questions of those that depend on settings or answers."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from clickstream.dashboard.questions.panel import Panel
from clickstream.dashboard.questions.question import Question
from clickstream.dashboard.tabs.machines.obedience import robots_questions
from clickstream.dashboard.tabs.machines.operator_rows import operator_questions, return_questions
from clickstream.dashboard.tabs.machines.panels import MACHINES, OPERATORS_PANEL, RETURNS, ROBOTS
from clickstream.dashboard.tabs.marketing.panels import MARKETING
from clickstream.dashboard.tabs.orders.panels import FUNNEL, ITEMS, ORDER_TIMES, ORDERS
from clickstream.dashboard.tabs.orders.questions import (
    funnel_questions,
    item_questions,
    order_time_questions,
)
from clickstream.dashboard.tabs.orders.wording import goal_wording
from clickstream.dashboard.tabs.overview.panels import OVERVIEW
from clickstream.dashboard.tabs.places.panels import PLACE_SALES, PLACES
from clickstream.dashboard.tabs.places.sales import place_sales_questions
from clickstream.dashboard.tabs.trust.panels import HOUR, SALES_LEDGER, TRUST
from clickstream.dashboard.tabs.trust.questions import hour_questions, hour_span
from clickstream.dashboard.tabs.trust.sales import sales_period, sales_questions
from clickstream.dashboard.tabs.visitors.panels import VISITORS
from clickstream.dashboard.widgets.page import PageContext

PANELS: Mapping[str, Panel] = {
    panel.name: panel
    for panel in (
        *(*OVERVIEW, *VISITORS, *MARKETING, *ORDERS, *PLACES),
        *(*MACHINES, *TRUST),
    )
}
"""Each panel by its name."""

_QUESTIONS: Mapping[str, Callable[[PageContext], list[Question]]] = {
    FUNNEL.name: funnel_questions,
    ITEMS.name: item_questions,
    ORDER_TIMES.name: order_time_questions,
    HOUR.name: hour_questions,
    OPERATORS_PANEL.name: operator_questions,
    RETURNS.name: return_questions,
    ROBOTS.name: robots_questions,
    SALES_LEDGER.name: sales_questions,
    PLACE_SALES.name: place_sales_questions,
}
"""The questions of panels that depend on settings or on answers."""


def questions_of(page: PageContext, panel: Panel) -> list[Question]:
    """Return the questions of a panel on a page."""
    if panel.name in _QUESTIONS:
        return _QUESTIONS[panel.name](page)
    return page.questions(panel)


def title_of(page: PageContext, panel: Panel) -> str:
    """Return the title of a panel, which may depend on the site's goal."""
    return goal_wording(page).titles.get(panel.name) or panel.title


def span_of(page: PageContext, panel: Panel) -> str:
    """Format the dates that a panel shows; of one hour, its time."""
    if panel == SALES_LEDGER:
        return page.days(sales_period(page))
    return hour_span(page) if panel == HOUR else page.days(page.period)
