"""States in a mail how complete its numbers are: warnings at the top, and the trust line."""

from __future__ import annotations

from clickstream.dashboard.questions.coverage import missing_servers
from clickstream.dashboard.widgets.page import PageContext
from clickstream.dashboard.widgets.trust_line import describe_lines, trust_line
from clickstream.wording import shown_name


def find_warnings(page: PageContext) -> list[str]:
    """Return the warnings to show before the numbers; none if the period is complete."""
    return [*_missing(page), *_without_servers(page), *_not_compared(page)]


def _missing(page: PageContext) -> list[str]:
    number = page.coverage.missing
    if not number:
        return []
    hours = page.formats.count(page.coverage.expected)
    return [
        page.formats.plural(
            "{number} of the {hours} hours of this week is missing, so the numbers are too low.",
            "{number} of the {hours} hours of this week are missing, so the numbers are too low.",
            number,
            hours=hours,
        )
    ]


def _without_servers(page: PageContext) -> list[str]:
    """Write a sentence for each server whose lines are missing in published hours."""
    if not page.coverage.incomplete:
        return []
    return [
        page.formats.plural(
            "{number} hour lacks the log of server {name}: visits may be missing.",
            "{number} hours lack the log of server {name}: visits may be missing.",
            server.hours,
            name=shown_name(server.name),
        )
        for server in missing_servers(page.ask, page.period)
    ]


def _not_compared(page: PageContext) -> list[str]:
    whole = page.compared_dates
    if page.compared is not None or whole is None:
        return []
    return [f"This week or {page.days(whole)} has too few complete hours to compare them."]


def describe_trust(page: PageContext) -> list[str]:
    """Describe the published hours, and the parts of the trust line."""
    formats = page.formats
    expected, missing = page.coverage.expected, page.coverage.missing
    published = f"{formats.count(expected - missing)} of {formats.count(expected)} hours published"
    parts = [*trust_line(page).parts, *describe_lines(page)]
    return [published, *(part.text for part in parts)]
