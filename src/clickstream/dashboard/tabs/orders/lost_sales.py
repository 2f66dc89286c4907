"""An estimate of the orders and the amount that are lost before each step of the funnel."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from clickstream.dashboard.questions.intervals import SHARE_MINIMUM
from clickstream.dashboard.questions.view import Filter
from clickstream.dashboard.tabs.orders.funnel import Funnel
from clickstream.dashboard.texts import mark
from clickstream.dashboard.widgets.page import PageContext

FEWEST_ORDERS = 10
"""An average of fewer orders says nothing about the next one."""

ON_THE_WEB = Filter("sold_by", ("web", "app"))


@dataclass(frozen=True)
class LostSales:
    """What is lost before each step, by its number, and how it is computed; empty if unknown."""

    before: Mapping[int, str]
    note: str


def lost_sales(page: PageContext, funnel: Funnel) -> LostSales:
    """Estimate what the visits that went no further would have ordered.

    They are taken to order as often as the visits that did reach the step, so what the later steps
    lose is not counted here.
    """
    average = _average_order(page)
    if average is None or not page.is_main_goal_order:
        return LostSales({}, "")
    before = {}
    for step in funnel.steps[1:]:
        if step.visits >= SHARE_MINIMUM:
            orders = step.lost * funnel.completed / step.visits
            if round(orders):
                before[step.number] = _text(page, orders, orders * average)
    return LostSales(before, _note(page, average) if before else "")


def _average_order(page: PageContext) -> float | None:
    """Return the average of the orders on the web, in hundredths; None of too few."""
    filters = (*page.view.filters, ON_THE_WEB)
    found = page.answer(("orders", "average_order"), filters=filters).single()
    return found["average_order"] if (found["orders"] or 0) >= FEWEST_ORDERS else None


def _text(page: PageContext, orders: float, cents: float) -> str:
    return page.formats.plural(
        "about %(number)s order, %(amount)s",
        "about %(number)s orders, %(amount)s",
        round(orders),
        amount=page.formats.whole_units(cents),
    )


def _note(page: PageContext, average: float) -> str:
    return page.formats.text(
        mark(
            "“About … orders” is an estimate: the visits that went no further at this step, times "
            "the share of the visits at this step that reached the last one, times the average "
            "order on the web (%(average)s). What is lost at later steps is not part of it."
        ),
        average=page.formats.money(round(average), page.formats.currency),
    )
