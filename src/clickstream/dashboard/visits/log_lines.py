"""The log lines of a visit: Athena names them, and the raw objects in S3 have them.

The query reads the hours of the visit only. The lines are masked, see `masking`.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from clickstream import parse
from clickstream.dashboard.questions.literals import sql_literal
from clickstream.dashboard.visits.masking import Mask
from clickstream.lake import Lake, athena, aws_errors, raw
from clickstream.lake.raw import RawObject
from clickstream.settings import Settings
from clickstream.step_config import log_format_of

MOST_LINES = 1000
"""Maximum number of lines that a page shows."""

_HITS_OF_A_VISIT = """
select hits.hit_at, hits.raw_object, hits.line_number
from hits
inner join session_parts
    on
        hits.part_id = session_parts.part_id
        and hits.hour_at = session_parts.hour_at
        and hits.event_date = session_parts.event_date
where substr(session_parts.session_id, 1, 16) = ?
    and session_parts.session_started_at = ?
    and session_parts.event_date between ? and ?
    and session_parts.hour_at between ? and ?
    and hits.event_date between ? and ?
    and hits.hour_at between ? and ?
order by hits.hit_at, hits.raw_object, hits.line_number
limit 1001
"""
"""One row more than MOST_LINES; the local Athena takes no parameter as a limit."""


@dataclass(frozen=True)
class VisitLine:
    """A line of a visit: its time (UTC, naive), its place, and its text.

    `text` is masked; None if the raw object is deleted.
    """

    at: datetime
    raw_object: str
    number: int
    text: str | None


@dataclass(frozen=True)
class VisitLines:
    """The lines of a visit in order, and the bytes that Athena read to name them."""

    lines: Sequence[VisitLine]
    scanned_bytes: int
    has_more: bool

    @property
    def are_deleted(self) -> bool:
        """Whether a raw object of the visit no longer exists."""
        return any(one.text is None for one in self.lines)


@aws_errors.translate_errors()
def read_log_lines(lake: Lake, session_id: str, started_at: datetime, seconds: int) -> VisitLines:
    """Read the lines of a visit that began at a UTC time and lasted some seconds.

    Raises QueryFailed with Athena's reason, and DamagedObject for a damaged raw object.
    """
    values = _values(session_id, started_at, seconds)
    found = athena.query(lake, _HITS_OF_A_VISIT, values)
    named = found.rows[:MOST_LINES]
    wanted: dict[str, set[int]] = defaultdict(set)
    for _, key, number in named:
        wanted[key].add(number)
    texts = {key: _read_lines(lake, key, numbers) for key, numbers in wanted.items()}
    lines = [VisitLine(at, key, number, texts[key].get(number)) for at, key, number in named]
    return VisitLines(lines, found.scanned_bytes, len(found.rows) > MOST_LINES)


def _values(session_id: str, started_at: datetime, seconds: int) -> list[str]:
    """Return the values of the query: the id, and twice the dates and hours of the visit."""
    last = started_at + timedelta(seconds=seconds)
    days = [sql_literal(started_at.date()), sql_literal(last.date())]
    hours = [sql_literal(_hour(started_at)), sql_literal(_hour(last))]
    visit = [sql_literal(session_id), sql_literal(started_at)]
    return [*visit, *days, *hours, *days, *hours]


def _hour(moment: datetime) -> datetime:
    return moment.replace(minute=0, second=0, microsecond=0)


def _read_lines(lake: Lake, key: str, numbers: set[int]) -> Mapping[int, str]:
    """Read and mask lines of a raw object by their numbers; nothing if it is deleted."""
    raw_object = RawObject(key, 0)
    try:
        stored = raw.read(lake, raw_object)
    except FileNotFoundError:
        return {}
    return dict(_masked(lake.settings, stored, raw_object.log_format, numbers))


def _masked(
    settings: Settings, stored: bytes, log_format: str, numbers: set[int]
) -> Iterator[tuple[int, str]]:
    known, mask = log_format_of(settings, log_format), mask_of(settings)
    lines = [line + b"\n" for line in stored.split(b"\n")]
    header, read = b"", 0
    for number in sorted(numbers):
        header = parse.header_after(b"".join(lines[read : number - 1]), known, header)
        read = number - 1
        yield number, mask.line(lines[read], known, header)


def mask_of(settings: Settings) -> Mask:
    """Return the mask for the settings of a site."""
    return Mask(frozenset(settings.clean.query_parameters), tuple(settings.site.domains))
