"""Values of the Machines tab's template."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from clickstream.dashboard.ask.log_metrics import bot_share
from clickstream.dashboard.ask.metrics import METRICS
from clickstream.dashboard.ask.panel import grain_of
from clickstream.dashboard.charts.columns import ColumnChart
from clickstream.dashboard.pages.machines.obedience import (
    Kind,
    Obedience,
    RobotsReport,
    report_obedience,
)
from clickstream.dashboard.pages.machines.operator_rows import build_operators
from clickstream.dashboard.pages.machines.panels import BOTS, MACHINE_PAGES, PURPOSES, SIGNED
from clickstream.dashboard.widgets.buckets import buckets_of
from clickstream.dashboard.widgets.course import summarize
from clickstream.dashboard.widgets.lists import ListPanel, list_panel, value_name
from clickstream.dashboard.widgets.page import PageContext
from clickstream.dashboard.widgets.people import suspected_visitors
from clickstream.dashboard.widgets.stacked_columns import stacked_columns, stacks_of

# Requests of machines over time, by purpose.

REQUESTS = METRICS["bot_requests"]

GROUPS: Mapping[str, str] = {
    "search engine": "Search engines",
    "ai training": "AI training",
    "ai search": "AI search and agents",
    "ai user": "AI search and agents",
    "scanner": "Scanners",
}
"""The groups of the chart, by class; all other classes are `OTHERS`."""

OTHERS = "Others"
NAMES = (*dict.fromkeys(GROUPS.values()), OTHERS)


@dataclass(frozen=True)
class PurposesPanel:
    """Columns over time with a part for each group, the same as a table, and a description."""

    names: Sequence[str]
    wide: ColumnChart
    narrow: ColumnChart
    rows: Sequence[Sequence[str]]
    summary: str


def build_purposes(page: PageContext) -> PurposesPanel | None:
    """Ask for the requests over time; return None without a request."""
    records = page.ask(page.questions(PURPOSES)[-1]).records()
    buckets = buckets_of(page.period, grain_of(page.view, page.period))
    if not records or not buckets:
        return None
    of_groups = ((GROUPS.get(row["bot_class"], OTHERS), row) for row in records)
    stacks = stacks_of(page, buckets, REQUESTS, of_groups, NAMES)
    names = [*NAMES]
    chart = stacked_columns(page, buckets, REQUESTS, names, stacks)
    sums = [
        None if None in parts else sum(value or 0 for value in parts)
        for parts in zip(*stacks, strict=True)
    ]
    return PurposesPanel(names, *chart, summarize(page, buckets, sums, REQUESTS))


# The panel of agents whose signatures are verified: their visits, goals and way to an order.


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


MOST_DISOBEDIENT = 6
MOST_EXAMPLES = 3
"""Maximum number of rows and of paths in each that the panel about robots.txt names."""


@dataclass(frozen=True)
class Disobedience:
    """What an operator's machines requested against robots.txt, as shown."""

    name: str
    purpose: str
    text: str
    paths: Sequence[str]


def machines_values(page: PageContext) -> dict[str, Any]:
    """Build the values of the tab's template."""
    report = report_obedience(page)
    return {
        "operators": build_operators(page, report),
        "purposes": build_purposes(page),
        "machine_pages": list_panel(page, MACHINE_PAGES),
        "programs": list_panel(page, BOTS),
        "robots": report,
        "robots_verdict": _verdict(page, report),
        "robots_notes": _notes(page, report),
        "disobedient": [_shown(page, *pair) for pair in report.disobedient[:MOST_DISOBEDIENT]],
        "bots_removed": _share_of_bots(page),
        "suspected": _suspected(page),
        "signed": build_signed(page),
        "no_signed": "No agent with a verified signature came in this range.",
        "all_operators": page.view.without_operator().query,
        "no_bots": "No request of a bot was recognized in this range.",
        "none_of_operator": "No requests of this operator in this range.",
    }


def _share_of_bots(page: PageContext) -> str:
    """State how much of the log the machines make up."""
    total, formats = page.coverage.total, page.formats
    share = bot_share(total) if page.coverage.published else None
    if share is None:
        return ""
    sentence = formats.plural(
        "{share} of the requests without images and scripts are from machines: {number} request.",
        "{share} of the requests without images and scripts are from machines: {number} requests.",
        total["bots"],
        share=formats.share(share, 0),
    )
    if not total["health_checks"]:
        return sentence
    left_out = formats.plural(
        "{number} health check is in neither number.",
        "{number} health checks are in neither number.",
        total["health_checks"],
    )
    return f"{sentence} {left_out}"


def _suspected(page: PageContext) -> str:
    """State how many visitors look like people and are suspected; empty without any."""
    number = suspected_visitors(page)
    if not number:
        return ""
    return page.formats.plural(
        "{number} more visitor has a browser's user agent, but is probably a machine",
        "{number} more visitors have a browser's user agent, but are probably machines",
        number,
    )


def _verdict(page: PageContext, report: RobotsReport) -> str:
    """State in one sentence whether the machines obey."""
    if report.problem:
        return report.problem
    if report.rules is None:
        return "The rules of the site's robots.txt are not known."
    disobedient = report.disobedient
    if not disobedient:
        return "No machine requested a path that robots.txt disallows."
    return page.formats.plural(
        "{number} of {requests} requests was for a path that robots.txt disallows.",
        "{number} of {requests} requests were for paths that robots.txt disallows.",
        sum(obedience.disallowed.total() for _, obedience in disobedient),
        requests=page.formats.count(
            sum(obedience.requests for obedience in report.by_kind.values())
        ),
    )


def _notes(page: PageContext, report: RobotsReport) -> list[str]:
    """State what the paths can't decide."""
    if report.rules is None:
        return []
    formats, notes = page.formats, []
    if report.rules.with_query:
        notes.append(
            formats.plural(
                "{number} rule with a question mark is not checked: queries are not stored.",
                "{number} rules with a question mark are not checked: queries are not stored.",
                report.rules.with_query,
            )
        )
    checked = sum(obedience.requests for obedience in report.by_kind.values())
    unknown = page.answer(("crawl_requests",), filters=()).single()["crawl_requests"] - checked
    if unknown > 0:
        notes.append(
            formats.plural(
                "{number} request for other pages is not checked.",
                "{number} requests for other pages are not checked.",
                unknown,
            )
        )
    return notes


def _shown(page: PageContext, kind: Kind, obedience: Obedience) -> Disobedience:
    operator, bot_class = kind
    text = (
        f"disobeyed {page.formats.count(obedience.disallowed.total())} of "
        f"{page.formats.count(obedience.requests)} requests, e.g."
    )
    in_order = sorted(obedience.disallowed.items(), key=lambda pair: (-pair[1], pair[0]))
    paths = [path for path, _ in in_order[:MOST_EXAMPLES]]
    return Disobedience(
        value_name(page, "operator", operator),
        value_name(page, "bot_class", bot_class),
        text,
        paths,
    )
