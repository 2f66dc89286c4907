"""Words of the page of conversions: about orders, or about the site's own goal."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from clickstream.dashboard.pages.orders.panels import FUNNEL
from clickstream.dashboard.widgets.page import PageContext


@dataclass(frozen=True)
class GoalWording:
    """Texts that name what the site's main goal is; `titles` are those of panels, by name."""

    met: str
    item_key: str
    titles: Mapping[str, str]


_ORDER = {
    "met": "Ordered",
    "item_key": "share of the visits to an item that ordered, with the 95 % interval",
}
_OTHER = {
    "met": "Visits with {goal}",
    "item_key": "share of the visits to a page that met {goal}, with the 95 % interval",
}
_OTHER_TITLES = {FUNNEL.name: "The funnel"}


def goal_wording(page: PageContext) -> GoalWording:
    """Return the words for the page's main goal."""
    if page.is_main_goal_order:
        return GoalWording(**_ORDER, titles={})
    goal = page.main_goal
    titles = {name: text.format(goal=goal) for name, text in _OTHER_TITLES.items()}
    return GoalWording(
        **{name: text.format(goal=goal) for name, text in _OTHER.items()}, titles=titles
    )
