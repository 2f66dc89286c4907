"""The panel of agents whose signatures are verified: their visits, goals and way to an order."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from clickstream.dashboard.tabs.machines.panels import SIGNED
from clickstream.dashboard.widgets.lists import ListPanel, list_panel
from clickstream.dashboard.widgets.page import PageContext


@dataclass(frozen=True)
class SignedAgents:
    """The agents, and how many of their visits met each goal and reached each funnel step."""

    agents: ListPanel
    goals: Sequence[tuple[str, str]]
    steps: Sequence[tuple[str, str]]


def build_signed(page: PageContext) -> SignedAgents | None:
    """Ask for the visits of signed agents; None if no keys are set and no agent came."""
    agents = list_panel(page, SIGNED)
    if not agents.rows and not page.settings.bots.agent_keys:
        return None
    goals = page.answer(("agent_goal_visits",), ("agent_goal",), filters=()).rows
    steps = page.answer(("agent_step_visits",), ("agent_step",), filters=()).rows
    names = [step.name for step in page.settings.funnel]
    count = page.formats.count
    return SignedAgents(
        agents,
        [(str(goal), count(visits)) for goal, visits in goals if goal is not None],
        [(names[step - 1], count(n)) for step, n in steps if step and step <= len(names)],
    )
