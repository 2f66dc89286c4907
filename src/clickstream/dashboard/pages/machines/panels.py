"""The panels of the Machines page."""

from __future__ import annotations

from dataclasses import dataclass

from clickstream.dashboard.ask.panel import Panel
from clickstream.dashboard.ask.view import Filter, View


@dataclass(frozen=True)
class MachinePanel(Panel):
    """A panel about requests of machines: of all of them, or of the operator that the view names.

    `of_operator` is the dimension of its fact view that has the operator; the panel shows all
    operators if it is empty.
    """

    of_operator: str = ""

    def filters(self, view: View) -> tuple[Filter, ...]:
        """Return the filter by the operator of the view; filters of visits do not apply."""
        if not (self.of_operator and view.operator):
            return tuple(self.only)
        return (*self.only, Filter(self.of_operator, (view.operator,)))


OPERATOR_COLUMNS = (
    "bot_requests",
    "bot_bytes",
    "bot_errors",
    "bot_error_share",
    "bot_confirmed",
    "bot_newest",
)

OPERATORS_PANEL = MachinePanel(
    "operators",
    "machines",
    "Who reads the site",
    {"": (OPERATOR_COLUMNS, ("operator", "bot_class"))},
)

PURPOSES = MachinePanel(
    "purposes",
    "machines",
    "Requests by purpose",
    {"": (("bot_requests",), ("bot_class",))},
    is_over_time=True,
    of_operator="operator",
)

RETURNS = Panel(
    "returns", "machines", "What they send back", {"": (("visits", "conversions"), ("sender",))}
)

MACHINE_PAGES = MachinePanel(
    "machine_pages",
    "machines",
    "Pages that they read",
    {"": (("crawl_requests", "crawl_bytes", "crawl_errors"), ("crawl_page",))},
    of_operator="crawl_operator",
)

ROBOTS = MachinePanel(
    "robots",
    "machines",
    "Do they obey robots.txt",
    {
        "": (
            ("crawl_requests",),
            ("crawl_operator", "crawl_class", "crawl_reason", "crawl_agent", "crawl_path"),
        )
    },
)

SIGNED = MachinePanel(
    "signed",
    "machines",
    "Signed agents",
    {"": (("agent_visits", "agent_page_views", "agent_goal_visits"), ("signed_agent",))},
    also_by=("agent_goal", "agent_step"),
)

BOTS = MachinePanel(
    "bots",
    "machines",
    "Programs and reasons",
    {name: (("bot_requests",), (name,)) for name in ("agent", "bot_reason", "bot_class")},
    of_operator="operator",
)


MACHINES = (OPERATORS_PANEL, PURPOSES, RETURNS, MACHINE_PAGES, ROBOTS, SIGNED, BOTS)
