"""The questions of panels that depend on settings or on answers, for `panels.questions_of`.

This module imports modules of most tabs, so it is imported when the first panel is opened.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from clickstream.dashboard.ask.question import Question
from clickstream.dashboard.pages.machines.obedience import robots_questions
from clickstream.dashboard.pages.machines.operator_rows import operator_questions, return_questions
from clickstream.dashboard.pages.machines.panels import OPERATORS_PANEL, RETURNS, ROBOTS
from clickstream.dashboard.pages.orders.panels import FUNNEL, ITEMS
from clickstream.dashboard.pages.orders.questions import funnel_questions, item_questions
from clickstream.dashboard.pages.places.panels import PLACE_SALES
from clickstream.dashboard.pages.places.sales import place_sales_questions
from clickstream.dashboard.pages.trust.panels import HOUR, SALES_LEDGER
from clickstream.dashboard.pages.trust.questions import hour_questions
from clickstream.dashboard.pages.trust.sales import sales_questions
from clickstream.dashboard.widgets.page import PageContext

QUESTIONS: Mapping[str, Callable[[PageContext], list[Question]]] = {
    FUNNEL.name: funnel_questions,
    ITEMS.name: item_questions,
    HOUR.name: hour_questions,
    OPERATORS_PANEL.name: operator_questions,
    RETURNS.name: return_questions,
    ROBOTS.name: robots_questions,
    SALES_LEDGER.name: sales_questions,
    PLACE_SALES.name: place_sales_questions,
}
