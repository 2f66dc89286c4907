"""Values of the Trust tab's template: its panels, and sentences about them."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from clickstream.dashboard.pages.trust.completeness import Trust, build_trust
from clickstream.dashboard.pages.trust.hour import build_hour
from clickstream.dashboard.pages.trust.sales import build_sales
from clickstream.dashboard.widgets.page import PageContext
from clickstream.dashboard.widgets.trust_line import TrustPart, describe_lines

MOST_RUNS = 6
"""Maximum number of runs of missing hours that the page names."""


def trust_values(page: PageContext) -> dict[str, Any]:
    """Build the values of the tab's template."""
    data = build_trust(page)
    closed = "Every line is counted once: as people, bots, assets, health checks or rejected."
    broken = "Some lines are not accounted for: run clickstream verify."
    earlier = page.formats.plural(
        "{number} earlier day of the range is in the CSV file.",
        "{number} earlier days of the range are in the CSV file.",
        data.hours.days_left,
    )
    return {
        "data": data,
        "incidents": _open_problems(page),
        "one_hour": build_hour(page) if page.view.hour else None,
        "sales": build_sales(page) if page.settings.sales else None,
        "verdict": _verdict(page, data),
        "lines_described": _described(page) if page.coverage.published else (),
        "balance_verdict": closed if data.balance.is_closed else broken,
        "days_left": earlier,
        "more_missing": _more_missing(page, data),
        **_empty_texts(page),
    }


def _open_problems(page: PageContext) -> list[tuple[str, str]]:
    """Describe what is open, muted or not known, each with a name and a sentence."""
    formats, state = page.formats, page.lake_state

    def local(moment: datetime) -> str:
        return formats.moment(moment.astimezone(page.zone))

    rows = [
        (f"since {local(incident.opened_at)}", incident.text) for incident in state.incidents.open
    ]
    rows += [("now", problem.sentence) for problem in state.problems]
    for mute in state.mutes:
        why = f"{mute.rule}: {mute.why}" if mute.rule else mute.why
        rows.append((f"muted until {local(mute.until)}", why))
    return rows + [("not known", sentence) for sentence in state.doubts]


def _described(page: PageContext) -> list[TrustPart]:
    """State how the lines were counted, and how old the list of hosting networks is."""
    dated: datetime | None = page.answer(("networks_dated",), filters=()).single()["networks_dated"]
    if dated is None:
        text = "no list of hosting networks"
    else:
        when = page.formats.day(dated.date(), with_year=True)
        text = f"hosting networks of {when}"
    return [*describe_lines(page), TrustPart(text, "suspects")]


def _empty_texts(page: PageContext) -> dict[str, str]:
    """Return what panels without rows state; without a published hour, all state that."""
    nothing = "No hour of this range is published."
    texts = {
        "no_lines": "The published hours of this range have no lines.",
        "no_rejects": "Every line of this range could be read.",
        "no_suspects": "No visitor of the searched dates is suspected to be a machine.",
        "no_errors": "Nobody met an error in this range.",
    }
    is_published = page.coverage.published
    shown = {name: text if is_published else nothing for name, text in texts.items()}
    return {**shown, "nothing_published": nothing}


def _more_missing(page: PageContext, data: Trust) -> str:
    """Count the runs of missing hours that the page does not name."""
    more = len(data.hours.missing) - MOST_RUNS
    if more <= 0:
        return ""
    return page.formats.plural("{number} more gap", "{number} more gaps", more)


def _verdict(page: PageContext, data: Trust) -> str:
    """State in one sentence whether the numbers can be trusted."""
    formats, coverage = page.formats, page.coverage
    if not coverage.published:
        return "There are no numbers in this range."
    if not data.balance.is_closed:
        return "Some lines are not accounted for; don't use these numbers."
    if coverage.missing:
        return formats.plural(
            "{number} hour is missing; every line of the other hours is accounted for.",
            "{number} hours are missing; every line of the other hours is accounted for.",
            coverage.missing,
        )
    if coverage.incomplete:
        return formats.plural(
            "{number} hour lacks a server's log, so visits may be missing; all "
            "lines that arrived are accounted for.",
            "{number} hours lack a server's log, so visits may be missing; all "
            "lines that arrived are accounted for.",
            coverage.incomplete,
        )
    if page.low_hours:
        return formats.plural(
            "{number} hour is perhaps incomplete: a server logged unusually few lines.",
            "{number} hours are perhaps incomplete: a server logged unusually few lines.",
            len({low_hour.hour for low_hour in page.low_hours}),
        )
    if coverage.total["waiting_lines"]:
        return formats.plural(
            "{number} line waits and is in no number; all others are accounted for.",
            "{number} lines wait and are in no number; all others are accounted for.",
            coverage.total["waiting_lines"],
        )
    hours = formats.count(coverage.published)
    return (
        f"All {formats.count(coverage.total['lines'])} lines of the {hours} published "
        "hours are accounted for."
    )
