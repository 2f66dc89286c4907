"""The questions of panels that depend on settings or on answers, for `panels.questions_of`.

This module imports modules of most tabs, so it is imported when the first panel is opened.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from clickstream.dashboard.questions.question import Question
from clickstream.dashboard.tabs.machines.obedience import robots_questions
from clickstream.dashboard.tabs.machines.operator_rows import operator_questions, return_questions
from clickstream.dashboard.tabs.machines.panels import OPERATORS_PANEL, RETURNS, ROBOTS
from clickstream.dashboard.tabs.orders.panels import FUNNEL, ITEMS, ORDER_TIMES
from clickstream.dashboard.tabs.orders.questions import (
    funnel_questions,
    item_questions,
    order_time_questions,
)
from clickstream.dashboard.tabs.places.panels import PLACE_SALES
from clickstream.dashboard.tabs.places.sales import place_sales_questions
from clickstream.dashboard.tabs.trust.panels import HOUR, SALES_LEDGER
from clickstream.dashboard.tabs.trust.questions import hour_questions
from clickstream.dashboard.tabs.trust.sales import sales_questions
from clickstream.dashboard.widgets.page import PageContext

QUESTIONS: Mapping[str, Callable[[PageContext], list[Question]]] = {
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
