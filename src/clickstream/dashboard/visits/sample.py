"""The first log lines of some visits of a view, to see at once what they have in common."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from clickstream.dashboard.visits.listing import (
    NamedPlaces,
    Record,
    ShownVisit,
    records,
    shown_visits,
)
from clickstream.dashboard.visits.log_lines import LoggedVisit, VisitLine, VisitLines
from clickstream.dashboard.visits.questions import sample_question
from clickstream.dashboard.widgets.page import PageContext

SAMPLE_VISITS, SAMPLE_LINES = 5, 8
"""The size of a sample: a number of visits, and of lines of each."""


@dataclass(frozen=True)
class SamplePage:
    """The values of the page: each visit with its lines, and how they were read."""

    visits: Sequence[tuple[ShownVisit, Sequence[VisitLine]]]
    read: VisitLines


def sample_visits(page: PageContext) -> list[Record]:
    """Return some visits of the view, the same ones each time."""
    question = sample_question(page.period, page.view.filters, SAMPLE_VISITS, page.key_days)
    return records(page.ask(question).records())


def logged(visits: Sequence[Record]) -> list[LoggedVisit]:
    """Return where the log has some visits."""
    return [
        LoggedVisit(visit["session_id"], visit["started_at"], visit["duration_seconds"] or 0)
        for visit in visits
    ]


def build_sample(page: PageContext, visits: Sequence[Record], read: VisitLines) -> SamplePage:
    """Put the visits and their lines together."""
    of_visit: dict[str, list[VisitLine]] = defaultdict(list)
    for line in read.lines:
        of_visit[line.session_id].append(line)
    shown = shown_visits(page, visits, NamedPlaces(page, page.period))
    return SamplePage([(visit, of_visit[visit.id]) for visit in shown], read)
