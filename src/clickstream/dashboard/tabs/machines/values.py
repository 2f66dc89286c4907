"""Values of the Machines tab's template."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from clickstream.dashboard.questions.log_metrics import bot_share
from clickstream.dashboard.tabs.machines.obedience import (
    Kind,
    Obedience,
    RobotsReport,
    report_obedience,
)
from clickstream.dashboard.tabs.machines.operator_rows import build_operators
from clickstream.dashboard.tabs.machines.panels import BOTS, MACHINE_PAGES
from clickstream.dashboard.tabs.machines.purposes import build_purposes
from clickstream.dashboard.tabs.machines.signed import build_signed
from clickstream.dashboard.widgets.lists import list_panel, value_name
from clickstream.dashboard.widgets.page import PageContext
from clickstream.dashboard.widgets.people import suspected_visitors

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
    found = report.disobedient
    if not found:
        return "No machine requested a path that robots.txt disallows."
    return page.formats.plural(
        "{number} of {requests} requests was for a path that robots.txt disallows.",
        "{number} of {requests} requests were for paths that robots.txt disallows.",
        sum(one.disallowed.total() for _, one in found),
        requests=page.formats.count(sum(one.requests for one in report.by_kind.values())),
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
    checked = sum(one.requests for one in report.by_kind.values())
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


def _shown(page: PageContext, kind: Kind, one: Obedience) -> Disobedience:
    operator, bot_class = kind
    text = (
        f"disobeyed {page.formats.count(one.disallowed.total())} of "
        f"{page.formats.count(one.requests)} requests, e.g."
    )
    in_order = sorted(one.disallowed.items(), key=lambda pair: (-pair[1], pair[0]))
    paths = [path for path, _ in in_order[:MOST_EXAMPLES]]
    return Disobedience(
        value_name(page, "operator", operator),
        value_name(page, "bot_class", bot_class),
        text,
        paths,
    )
