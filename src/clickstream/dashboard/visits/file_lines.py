"""The log lines of visits, read again from the log files of `clickstream open`."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby
from operator import attrgetter

from clickstream.dashboard.questions.log_engine import LogEngine
from clickstream.dashboard.visits.log_lines import (
    MOST_LINES,
    LoggedVisit,
    VisitLine,
    VisitLines,
)
from clickstream.log_facts.visit_lines import days_of


def read_file_lines(
    engine: LogEngine, visits: Sequence[LoggedVisit], most: int = MOST_LINES
) -> VisitLines:
    """Read the first `most` lines of each visit, by the id and in the order of the log."""
    days = {one.session_id: days_of(one.started_at, one.seconds) for one in visits}
    found = engine.place_lines(days)
    shown = [
        line
        for _, of_visit in groupby(found, key=attrgetter("session_id"))
        for line in [*of_visit][:most]
    ]
    texts = engine.masked_lines({(one.path, one.number) for one in shown})
    lines = [
        VisitLine(one.session_id, one.at, one.path, one.number, texts.get((one.path, one.number)))
        for one in shown
    ]
    return VisitLines(lines, 0, len(shown) < len(found))
