"""The panels of all tabs, and their questions, titles and dates.

The pages of all tabs import this module, so it imports only the definitions of panels.
"""

from __future__ import annotations

from collections.abc import Mapping

from clickstream.dashboard.ask.panel import Panel
from clickstream.dashboard.ask.question import Question
from clickstream.dashboard.pages.machines.panels import MACHINES
from clickstream.dashboard.pages.marketing.panels import MARKETING
from clickstream.dashboard.pages.orders.panels import ORDERS
from clickstream.dashboard.pages.orders.wording import goal_wording
from clickstream.dashboard.pages.overview.panels import OVERVIEW
from clickstream.dashboard.pages.places.panels import PLACES
from clickstream.dashboard.pages.trust.panels import HOUR, SALES_LEDGER, TRUST
from clickstream.dashboard.pages.visitors.panels import VISITORS
from clickstream.dashboard.widgets.page import PageContext

PANELS: Mapping[str, Panel] = {
    panel.name: panel
    for panel in (
        *OVERVIEW,
        *VISITORS,
        *MARKETING,
        *ORDERS,
        *PLACES,
        *MACHINES,
        *TRUST,
    )
}
"""Each panel by its name."""


def questions_of(page: PageContext, panel: Panel) -> list[Question]:
    """Return the questions of a panel on a page."""
    from clickstream.dashboard.pages.panel_questions import QUESTIONS

    if panel.name in QUESTIONS:
        return QUESTIONS[panel.name](page)
    return page.questions(panel)


def title_of(page: PageContext, panel: Panel) -> str:
    """Return the title of a panel, which may depend on the site's goal."""
    return goal_wording(page).titles.get(panel.name) or panel.title


def span_of(page: PageContext, panel: Panel) -> str:
    """Format the dates that a panel shows; of one hour, its time."""
    from clickstream.dashboard.pages.trust.questions import hour_span
    from clickstream.dashboard.pages.trust.sales import sales_period

    if panel == SALES_LEDGER:
        return page.days(sales_period(page))
    return hour_span(page) if panel == HOUR else page.days(page.period)
