"""The log lines of visits: Athena names them, and the raw objects in S3 have them.

The query reads the hours of the visits only. The lines are masked, see `masking`.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import chain, groupby, islice
from operator import itemgetter
from typing import Any

from clickstream import parse
from clickstream.core.sql_values import SqlValue, sql_literal
from clickstream.dashboard.visits.masking import Mask
from clickstream.lake import Lake, athena, aws_errors
from clickstream.settings import Settings
from clickstream.step_config import log_format_of

MOST_LINES = 1000
"""Maximum number of lines of one visit on its page."""

_HITS_OF_VISITS = """
with

lines as (
    select
        substr(session_parts.session_id, 1, 16) as session_id,
        hits.hit_at,
        hits.raw_object,
        hits.line_number,
        row_number() over (
            partition by session_parts.session_id
            order by hits.hit_at, hits.raw_object, hits.line_number
        ) as place
    from hits
    inner join session_parts
        on
            hits.part_id = session_parts.part_id
            and hits.hour_at = session_parts.hour_at
            and hits.event_date = session_parts.event_date
    where substr(session_parts.session_id, 1, 16) in ({ids})
        and session_parts.event_date in ({dates})
        and session_parts.hour_at in ({hours})
        and hits.event_date in ({dates})
        and hits.hour_at in ({hours})
)

select session_id, hit_at, raw_object, line_number
from lines
where place <= {most}
order by session_id, place
"""


@dataclass(frozen=True)
class LoggedVisit:
    """A visit in the log: its id, the UTC time when it began, and its length in seconds."""

    session_id: str
    started_at: datetime
    seconds: int


@dataclass(frozen=True)
class VisitLine:
    """A line of a visit: its time (UTC, naive), its place, and its text.

    `text` is masked; None if the raw object is deleted.
    """

    session_id: str
    at: datetime
    raw_object: str
    number: int
    text: str | None


@dataclass(frozen=True)
class VisitLines:
    """The lines of visits in order, and the bytes that Athena read to name them.

    `has_more` means that a visit has more lines.
    """

    lines: Sequence[VisitLine]
    scanned_bytes: int
    has_more: bool

    @property
    def are_deleted(self) -> bool:
        """Whether a raw object of the visits no longer exists."""
        return any(line.text is None for line in self.lines)


@aws_errors.translate_errors()
def read_log_lines(lake: Lake, visits: Sequence[LoggedVisit], most: int = MOST_LINES) -> VisitLines:
    """Read the first `most` lines of each visit, by the id and in the order of the log.

    Raises QueryFailed with Athena's reason, and DamagedObject for a damaged raw object.
    """
    hits = athena.query(lake, _statement(visits, most))
    named = [*_first_of_each(hits.rows, most)]
    wanted: dict[str, set[int]] = defaultdict(set)
    for _, _, key, number in named:
        wanted[key].add(number)
    texts = {key: _read_lines(lake, key, numbers) for key, numbers in wanted.items()}
    lines = [
        VisitLine(session_id, at, key, number, texts[key].get(number))
        for session_id, at, key, number in named
    ]
    return VisitLines(lines, hits.scanned_bytes, len(hits.rows) > len(named))


def _first_of_each(rows: Iterable[tuple[Any, ...]], most: int) -> Iterator[tuple[Any, ...]]:
    """Yield the first rows of each visit; the rows of a visit follow each other."""
    for _, of_visit in groupby(rows, key=itemgetter(0)):
        yield from islice(of_visit, most)


def _statement(visits: Sequence[LoggedVisit], most: int) -> str:
    """Return the query for one line more than `most` of each visit."""
    hours = sorted(set(chain.from_iterable(map(_hours, visits))))
    return _HITS_OF_VISITS.format(
        ids=_literals(visit.session_id for visit in visits),
        dates=_literals(sorted({hour.date() for hour in hours})),
        hours=_literals(hours),
        most=most + 1,
    )


def _literals(values: Iterable[SqlValue]) -> str:
    return ", ".join(map(sql_literal, values))


def _hours(visit: LoggedVisit) -> list[datetime]:
    """Return the hours in which a visit may have requests."""
    first = visit.started_at.replace(minute=0, second=0, microsecond=0)
    last = visit.started_at + timedelta(seconds=visit.seconds)
    return [first + timedelta(hours=n) for n in range((last - first) // timedelta(hours=1) + 1)]


def _read_lines(lake: Lake, key: str, numbers: set[int]) -> Mapping[int, str]:
    """Read and mask lines of a raw object by their numbers; nothing if it is deleted."""
    from clickstream.lake import raw  # imports isal, which the dashboard of log files lacks

    raw_object = raw.RawObject(key, 0)
    try:
        stored = raw.read(lake, raw_object)
    except FileNotFoundError:
        return {}
    return dict(_masked(lake.settings, stored, raw_object.log_format, numbers))


def _masked(
    settings: Settings, stored: bytes, log_format: str, numbers: set[int]
) -> Iterator[tuple[int, str]]:
    line_format, mask = log_format_of(settings, log_format), mask_of(settings)
    lines = [line + b"\n" for line in stored.split(b"\n")]
    header, read = b"", 0
    for number in sorted(numbers):
        header = parse.header_after(b"".join(lines[read : number - 1]), line_format, header)
        read = number - 1
        yield number, mask.line(lines[read], line_format, header)


def mask_of(settings: Settings) -> Mask:
    """Return the mask for the settings of a site."""
    return Mask(frozenset(settings.clean.query_parameters), tuple(settings.site.domains))
