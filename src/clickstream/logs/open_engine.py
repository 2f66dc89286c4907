"""The engine of `clickstream open`: facts of log files in a copy of their own.

The pages of visits read their lines again, with `read_file_lines`.
"""

from __future__ import annotations

import json
import secrets
import time
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from itertools import groupby
from operator import attrgetter
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
from rich.console import Console

from clickstream.dashboard.ask.engines import AnswerRow, Reader
from clickstream.dashboard.ask.fact_copy import FactCopy, export_facts
from clickstream.dashboard.ask.question import Question
from clickstream.dashboard.log_notes import LogNotes
from clickstream.dashboard.visits.log_lines import (
    MOST_LINES,
    LoggedVisit,
    VisitLine,
    VisitLines,
)
from clickstream.logs.date_tables import DateBuilder
from clickstream.logs.lines_by_date import HOURS_OF_A_DAY, LinesByDate, date_of
from clickstream.logs.log_set import LogFacts, LogSet
from clickstream.logs.masked_lines import Place, masked_lines
from clickstream.logs.read_logs import place_of_line
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
    placed: list[PlacedLine] = []
    # A session may be open from the day before.
    for day in sorted({*wanted, *(day - 1 for day in wanted)} & {*lines.days}):
        tables = builder.build({day: [*lines.of_day(day)]})
        if day in wanted:
            placed += _place_lines(tables[HITS], tables[SESSION_PARTS], visits, lines)
    return sorted(placed, key=lambda line: (line.session_id, line.at, line.path, line.number))


def _place_lines(
    hits: pa.Table, parts: pa.Table, visits: Iterable[str], lines: LinesByDate
) -> Iterator[PlacedLine]:
    """Yield the file and line of each hit of the visits, from the rows of a date."""
    ids = pc.utf8_slice_codeunits(parts["session_id"].cast(pa.string()), 0, ID_DIGITS)
    is_wanted = pc.is_in(ids, pa.array([*visits]))
    part_ids = parts["part_id"].filter(is_wanted).to_pylist()
    session_of_part = dict(zip(part_ids, ids.filter(is_wanted).to_pylist(), strict=True))
    is_of_visits = pc.is_in(hits["part_id"].cast(pa.string()), pa.array(part_ids, pa.string()))
    columns = ["part_id", "hit_at", "raw_object", "line_number"]
    for row in hits.select(columns).filter(is_of_visits).to_pylist():
        source = lines.sources[int(row["raw_object"])]
        path, number = place_of_line(row["line_number"], source)
        yield PlacedLine(session_of_part[row["part_id"]], row["hit_at"], path, number)


def days_of(started_at: datetime, seconds: int) -> range:
    """Return the days since 1970-01-01 of a visit that began at a UTC time (naive)."""
    first, last = (
        (moment - datetime(1970, 1, 1)) // timedelta(hours=HOURS_OF_A_DAY)
        for moment in (started_at, started_at + timedelta(seconds=seconds))
    )
    return range(first, last + 1)


STATE = "state.json"
REST = 2
"""After a log was read again, this many times the duration pass until the next read."""


class LogEngine:
    """Answers from the facts of a log set.

    The first `refresh` reads the logs, unless the directory has the facts of unchanged files. Later
    ones read what has changed if `follows` is set. Dates before the first affected one keep their
    facts. The directory also has the secret of the visitor ids. Raises CopyInUse if another process
    has it open.
    """

    name = "DuckDB"
    poll_seconds = 1.0

    def __init__(
        self,
        logs: LogSet,
        directory: Path,
        console: Console,
        *,
        follows: bool = False,
        rest: float = REST,
    ) -> None:
        self.logs, self.directory, self._console = logs, directory, console
        self._follows, self._rest, self._rests_until, self._is_open = follows, rest, 0.0, False
        self._lacks_sums = True
        self._copy = FactCopy(directory)
        self._state = _read_state(directory)
        until = self._state.get("until")
        self.until = datetime.fromisoformat(until) if until else None
        self.notes = LogNotes(**self._state.get("notes", {}))
        self.last: LogFacts | None = None
        """What was read last; None if nothing has changed since the last start."""

    def reader(self) -> AbstractContextManager[Reader]:
        """Open a snapshot of the copy."""
        return self._copy.snapshot()

    def refresh(self) -> bool:
        """Read the logs if they have changed; return whether the facts have.

        The sums that speed up pages are computed by the second call, after the first page.
        """
        if self._is_open and self._lacks_sums:
            self._copy.add_sums()
            self._lacks_sums = False
        if self._is_open and (not self._follows or time.monotonic() < self._rests_until):
            return False
        self._is_open, began = True, time.monotonic()
        version = self.logs.version()
        with self._copy.snapshot() as snapshot:  # the copy may be a new, empty one
            is_stored = snapshot.state.version == self._state.get("number")
        if is_stored and version == self._state.get("version"):
            return False
        log_facts = self.logs.read_changes(self._console, self.last)
        self._store(log_facts, version if log_facts.lines.parsed else "")
        before, self.last = self.last, log_facts
        if before and before.lines is not log_facts.lines:
            before.close()
        if before:  # new lines after the first read are usually few
            self._rests_until = time.monotonic() + self._rest * (time.monotonic() - began)
        return True

    def export(self, directory: Path) -> list[Path]:
        """Write the facts as Parquet files; see `export_facts`."""
        with self._copy.snapshot() as snapshot:
            return export_facts(snapshot, directory)

    def place_lines(self, visits: Mapping[str, range]) -> list[PlacedLine]:
        """Return the file and number of each line of some visits.

        `visits` has the days of each visit, since 1970-01-01, by its id. Ids are keyed hashes.
        """
        self.last = self.last or self.logs.read(self._console)
        return place_lines(self.last.lines, self.last.settings, self._secret(), visits)

    def masked_lines(self, places: Collection[Place]) -> Mapping[Place, str]:
        """Return the masked lines at some places; none of stdin."""
        settings = self.last.settings if self.last else self.logs.settings
        return masked_lines(places, self.logs.log_format, settings)

    def _store(self, log_facts: LogFacts, version: str) -> None:
        """Replace the facts of the dates that may have changed, and note what they are of."""
        facts = self.logs.compute(log_facts, self._secret(), self._console)
        first = date.min if log_facts.first is None else date_of(log_facts.first)
        zone = log_facts.settings.site.time_zone
        number = self._copy.replace(facts, first, zone, has_sums=not self._lacks_sums)
        until = log_facts.until.isoformat() if log_facts.until else None
        self.until, self.notes = log_facts.until, log_facts.notes
        new = {"version": version, "number": number, "until": until}
        self._state = {**self._state, **new, "notes": log_facts.notes._asdict()}
        _write_state(self.directory, self._state)

    def _secret(self) -> bytes:
        """Return the secret of visitor ids, which stays the same as long as the directory."""
        if "secret" not in self._state:
            self._state["secret"] = secrets.token_hex(32)
            _write_state(self.directory, self._state)
        return bytes.fromhex(self._state["secret"])

    def ask_views(self, question: Question) -> list[AnswerRow]:
        """Run the question on the copy, which has the rows of the fact views."""
        with self._copy.snapshot() as snapshot:
            return snapshot.rows(question)

    def close(self) -> None:
        """Close the copy, and forget the lines."""
        if self.last:
            self.last.close()
        self._copy.close()


def _read_state(directory: Path) -> dict[str, Any]:
    """Return the stored state; empty if there is none, or if it can't be read."""
    try:
        state = json.loads((directory / STATE).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return state if isinstance(state, dict) else {}


def _write_state(directory: Path, state: dict[str, Any]) -> None:
    path = directory / f".{STATE}"
    path.touch(0o600)
    path.write_text(json.dumps(state), encoding="utf-8")
    path.replace(directory / STATE)


def read_file_lines(
    engine: LogEngine, visits: Sequence[LoggedVisit], most: int = MOST_LINES
) -> VisitLines:
    """Read the first `most` lines of each visit, by the id and in the order of the log."""
    days = {visit.session_id: days_of(visit.started_at, visit.seconds) for visit in visits}
    placed = engine.place_lines(days)
    shown = [
        line
        for _, of_visit in groupby(placed, key=attrgetter("session_id"))
        for line in [*of_visit][:most]
    ]
    texts = engine.masked_lines({(line.path, line.number) for line in shown})
    lines = [
        VisitLine(
            line.session_id, line.at, line.path, line.number, texts.get((line.path, line.number))
        )
        for line in shown
    ]
    return VisitLines(lines, 0, len(shown) < len(placed))
