"""Questions of the Orders page about pages that the settings define by expressions.

The expressions say which pages belong to a step of the funnel, or to the menu. This module matches
them, and the questions name the pages, so the same SQL runs on every engine.
"""

from __future__ import annotations

from collections.abc import Sequence

from clickstream.core.expressions import Expression
from clickstream.dashboard.ask.periods import Period
from clickstream.dashboard.ask.question import Question, build_question
from clickstream.dashboard.ask.view import Filter
from clickstream.dashboard.changes.failures import filters_of_visits
from clickstream.dashboard.pages.orders.panels import FAILED, FUNNEL, ITEMS
from clickstream.dashboard.widgets.page import PageContext

MOST_PAGES = 500
"""Maximum number of pages in a question, the largest ones: a visitor can make up addresses."""

_NO_PAGE = ""
"""No page has this name."""


def funnel_questions(page: PageContext) -> list[Question]:
    """Ask for visits by furthest step, then for the errors on the pages of each step."""
    asked = page.questions(FUNNEL)
    for step in range(1, len(page.settings.funnel) + 1):
        asked += step_error_questions(page, step)
    return asked


def item_questions(page: PageContext) -> list[Question]:
    """Ask for all visits by page of the menu, then for those with an order."""
    metrics, by = ITEMS.parts(page.view)
    shown = (*filters_of_visits(page), Filter("page", item_pages(page) or (_NO_PAGE,)))
    return [
        build_question(metrics, by, page.period, (*shown, *ordered), key_days=page.key_days)
        for ordered in ((), (order_filter(page),))
    ]


def order_filter(page: PageContext) -> Filter:
    """Return the filter that chooses visits that met the main goal, such as an order."""
    return Filter("goal", (page.main_goal,))


def item_pages(page: PageContext) -> tuple[str, ...]:
    """Return the pages of the menu that were viewed in the period."""
    expression = page.settings.dashboard.item_pages
    if not expression:
        return ()
    question = build_question(("views",), ("page",), page.period)
    return _matching(expression, [row[0] for row in page.ask(question).rows])


def step_error_questions(
    page: PageContext, step: int, period: Period | None = None
) -> tuple[Question, ...]:
    """Ask for errors of visits on the pages of a step, numbered from 1; nothing without errors.

    The first question is by furthest step of the visits, the second by status.
    """
    failing = failing_pages(page, step)
    if not failing:
        return ()
    filters = (*filters_of_visits(page), Filter("failed_page", failing))
    return tuple(
        build_question(FAILED, (dimension,), period or page.period, filters, key_days=page.key_days)
        for dimension in ("step_of_failed", "failed_status")
    )


def failing_pages(page: PageContext, step: int) -> tuple[str, ...]:
    """Return the pages of a step on which visits of the period met errors."""
    question = build_question(("failed_requests",), ("failed_page",), page.period)
    failed = [row[0] for row in page.ask(question).rows]
    return _matching(page.settings.funnel[step - 1].page, failed)


def _matching(expression: str, names: Sequence[str | None]) -> tuple[str, ...]:
    """Return the names that a setting's expression matches completely, as the pipeline does."""
    matches = Expression(expression).matches
    return tuple(name for name in names if name is not None and matches(name))[:MOST_PAGES]
