"""Sentences about servers whose lines are missing, or unusually few, in hours of the range."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from clickstream.completeness import LowHour
from clickstream.dashboard.questions.coverage import last_arrivals, missing_servers, to_local
from clickstream.dashboard.widgets.page import PageContext
from clickstream.hours import Hour, HourSpan, group_hours

MOST_SPANS = 4
"""Maximum number of spans of hours that a sentence names."""


@dataclass(frozen=True)
class ServerRow:
    """A server whose lines are missing in hours: its technical name, and a sentence."""

    name: str
    text: str


def missing_server_rows(page: PageContext) -> list[ServerRow]:
    """Return the servers whose lines are missing in published hours of the range, by name."""
    if not page.coverage.incomplete:
        return []
    rows = []
    for server in missing_servers(page.ask, page.period):
        start, end = (to_local(moment, page.zone) for moment in (server.first, server.newest))
        text = page.formats.plural(
            "{number} hour lacks this server's log, at {first}. It could not be read, so visits "
            "may be missing. They are added when it can be read again.",
            "{number} hours lack this server's log, from {first} to {last}. It could not be read, "
            "so visits may be missing. They are added when it can be read again.",
            server.hours,
            first=page.formats.moment(start),
            last=page.formats.moment(end + timedelta(hours=1)),
        )
        rows.append(ServerRow(server.name, text))
    return rows


def low_server_rows(page: PageContext) -> list[ServerRow]:
    """Describe the hours in which a server logged unusually few lines, by server."""
    by_host: dict[str, list[LowHour]] = {}
    for one in page.low_hours:
        by_host.setdefault(one.host, []).append(one)
    arrived = last_arrivals(page.ask, page.period, [*by_host]) if by_host else {}
    return [
        ServerRow(host, _describe_low(page, some, arrived.get(host)))
        for host, some in sorted(by_host.items())
    ]


def _describe_low(page: PageContext, some: Sequence[LowHour], arrived: datetime | None) -> str:
    formats = page.formats
    text = formats.plural(
        "{number} hour has {lines} lines; in other weeks it has about {expected} "
        "({spans}). It is perhaps incomplete.",
        "{number} hours have {lines} lines; in other weeks they have about {expected} "
        "({spans}). They are perhaps incomplete.",
        len(some),
        lines=formats.count(sum(one.lines for one in some)),
        expected=formats.count(sum(one.expected for one in some)),
        spans=_spans(page, [one.hour for one in some]),
    )
    if arrived is None:
        return text
    when = formats.moment(to_local(arrived, page.zone))
    return f"{text} Its newest lines arrived at {when}."


def _spans(page: PageContext, hours: Sequence[Hour]) -> str:
    spans = [describe_span(page, span) for span in group_hours(hours)]
    more = len(spans) - MOST_SPANS
    if more > 0:
        spans[MOST_SPANS:] = [page.formats.plural("{number} more", "{number} more", more)]
    return ", ".join(spans)


def describe_span(page: PageContext, span: HourSpan) -> str:
    """Describe consecutive hours: day, start and end."""
    start, end = (to_local(hour.naive, page.zone) for hour in (span.first, span.last.next))
    return f"{page.formats.moment(start)} – {page.formats.moment(end)}"
