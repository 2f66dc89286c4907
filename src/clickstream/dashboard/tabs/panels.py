"""The panels of all tabs, and their questions, titles and dates.

The pages of all tabs import this module, so it imports only the definitions of panels.
"""

from __future__ import annotations

from collections.abc import Mapping

from clickstream.dashboard.questions.panel import Panel
from clickstream.dashboard.questions.question import Question
from clickstream.dashboard.tabs.machines.panels import MACHINES
from clickstream.dashboard.tabs.marketing.panels import MARKETING
from clickstream.dashboard.tabs.orders.panels import ORDERS
from clickstream.dashboard.tabs.orders.wording import goal_wording
from clickstream.dashboard.tabs.overview.panels import OVERVIEW
from clickstream.dashboard.tabs.places.panels import PLACES
from clickstream.dashboard.tabs.trust.panels import HOUR, SALES_LEDGER, TRUST
from clickstream.dashboard.tabs.visitors.panels import VISITORS
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
    from clickstream.dashboard.tabs.panel_questions import QUESTIONS

    if panel.name in QUESTIONS:
        return QUESTIONS[panel.name](page)
    return page.questions(panel)


def title_of(page: PageContext, panel: Panel) -> str:
    """Return the title of a panel, which may depend on the site's goal."""
    return goal_wording(page).titles.get(panel.name) or panel.title


def span_of(page: PageContext, panel: Panel) -> str:
    """Format the dates that a panel shows; of one hour, its time."""
    from clickstream.dashboard.tabs.trust.questions import hour_span
    from clickstream.dashboard.tabs.trust.sales import sales_period

    if panel == SALES_LEDGER:
        return page.days(sales_period(page))
    return hour_span(page) if panel == HOUR else page.days(page.period)
