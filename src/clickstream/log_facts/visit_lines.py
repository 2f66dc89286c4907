"""Where the lines of single visits are in the log files."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import pyarrow as pa
import pyarrow.compute as pc

from clickstream.log_facts.date_tables import DateBuilder
from clickstream.log_facts.lines_by_date import HOURS_OF_A_DAY, LinesByDate
from clickstream.log_files.small_files import place_of_line
from clickstream.settings import Settings
from clickstream.tables import HITS, SESSION_PARTS

ID_DIGITS = 16
"""Digits of a session id in the facts."""


@dataclass(frozen=True)
class PlacedLine:
    """A line of a visit: the visit's id, its time (UTC, naive), its file, and its number there."""

    session_id: str
    at: datetime
    path: str
    number: int


def place_lines(
    lines: LinesByDate, settings: Settings, secret: bytes, visits: Mapping[str, range]
) -> list[PlacedLine]:
    """Return the lines of visits, by visit and in their order.

    `visits` has the days since 1970-01-01 of each visit, by its id. `settings` have the site's own
    domains, and `secret` is the one of the facts.
    """
    builder = DateBuilder(settings, secret, lines.first_and_last_hour, datetime.now(UTC))
    wanted = {day for days in visits.values() for day in days}
    found: list[PlacedLine] = []
    # A session may be open from the day before.
    for day in sorted({*wanted, *(one - 1 for one in wanted)} & {*lines.days}):
        tables = builder.build({day: [*lines.of_day(day)]})
        if day in wanted:
            found += _of_date(tables[HITS], tables[SESSION_PARTS], visits, lines)
    return sorted(found, key=lambda one: (one.session_id, one.at, one.path, one.number))


def _of_date(
    hits: pa.Table, parts: pa.Table, visits: Iterable[str], lines: LinesByDate
) -> Iterator[PlacedLine]:
    ids = pc.utf8_slice_codeunits(parts["session_id"].cast(pa.string()), 0, ID_DIGITS)
    is_wanted = pc.is_in(ids, pa.array([*visits]))
    of_part = dict(
        zip(
            parts["part_id"].filter(is_wanted).to_pylist(),
            ids.filter(is_wanted).to_pylist(),
            strict=True,
        )
    )
    chosen = pc.is_in(hits["part_id"].cast(pa.string()), pa.array([*of_part], pa.string()))
    columns = ["part_id", "hit_at", "raw_object", "line_number"]
    for row in hits.select(columns).filter(chosen).to_pylist():
        source = lines.sources[int(row["raw_object"])]
        place = place_of_line(row["line_number"], source)
        yield PlacedLine(of_part[row["part_id"]], row["hit_at"], *place)


def days_of(started_at: datetime, seconds: int) -> range:
    """Return the days since 1970-01-01 of a visit that began at a UTC time (naive)."""
    first, last = (
        (moment - datetime(1970, 1, 1)) // timedelta(hours=HOURS_OF_A_DAY)
        for moment in (started_at, started_at + timedelta(seconds=seconds))
    )
    return range(first, last + 1)
