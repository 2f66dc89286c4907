"""Words of the page of conversions: about orders, or about the site's own goal."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from clickstream.dashboard.tabs.orders.panels import FUNNEL, ORDER_TIMES
from clickstream.dashboard.texts import mark
from clickstream.dashboard.widgets.page import PageContext


@dataclass(frozen=True)
class GoalWording:
    """Texts that name what the site's main goal is; `titles` are those of panels, by name."""

    met: str
    item_key: str
    times_label: str
    no_visit: str
    titles: Mapping[str, str]


_ORDER = {
    "met": mark("Ordered"),
    "item_key": mark("share of the visits to an item that ordered, with the 95 % interval"),
    "times_label": mark("Visits with an order by weekday and hour"),
    "no_visit": mark("No visit in this range led to an order."),
}
_OTHER = {
    "met": mark("Visits with %(goal)s"),
    "item_key": mark("share of the visits to a page that met %(goal)s, with the 95 %% interval"),
    "times_label": mark("Visits with %(goal)s by weekday and hour"),
    "no_visit": mark("No visit in this range met the goal %(goal)s."),
}
_OTHER_TITLES = {
    FUNNEL.name: mark("The funnel"),
    ORDER_TIMES.name: mark("When people meet the goal %(goal)s"),
}


def goal_wording(page: PageContext) -> GoalWording:
    """Return the words for the page's main goal."""
    text = page.formats.text
    if page.is_main_goal_order:
        return GoalWording(**{name: text(one) for name, one in _ORDER.items()}, titles={})
    goal = page.main_goal
    titles = {name: text(one, goal=goal) for name, one in _OTHER_TITLES.items()}
    return GoalWording(
        **{name: text(one, goal=goal) for name, one in _OTHER.items()}, titles=titles
    )
