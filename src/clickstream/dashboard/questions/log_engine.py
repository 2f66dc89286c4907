"""The engine of `clickstream open`: facts of log files in a copy of their own."""

from __future__ import annotations

import json
import secrets
import time
from collections.abc import Collection, Mapping
from contextlib import AbstractContextManager
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

from rich.console import Console

from clickstream.dashboard.questions.engines import AnswerRow, Reader
from clickstream.dashboard.questions.fact_copy import FactCopy
from clickstream.dashboard.questions.fact_export import export_facts
from clickstream.dashboard.questions.question import Question
from clickstream.lake.fact_files import FactFile, Manifest
from clickstream.log_facts.lines_by_date import date_of
from clickstream.log_facts.log_notes import LogNotes
from clickstream.log_facts.log_set import LogFacts, LogSet
from clickstream.log_facts.stored_rows import StoredDate
from clickstream.log_facts.visit_lines import PlacedLine, place_lines
from clickstream.log_files.masked_lines import Place, masked_lines

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
        self._rows: dict[str, StoredDate] = {}
        self._copy = FactCopy(directory, self._row_of)
        self._state = _read_state(directory)
        self.until: datetime | None = _moment(self._state.get("until"))
        self.notes = LogNotes(**self._state.get("notes", {}))
        self.last: LogFacts | None = None
        """What was read last; None if nothing has changed since the last start."""

    def _row_of(self, file: FactFile) -> Any:
        return self._rows[file.key].read()

    def reader(self) -> AbstractContextManager[Reader]:
        """Open a snapshot of the copy."""
        return self._copy.snapshot()

    def refresh(self) -> bool:
        """Read the logs if they have changed; return whether the facts have."""
        if self._is_open and (not self._follows or time.monotonic() < self._rests_until):
            return False
        self._is_open, began = True, time.monotonic()
        version = self.logs.version()
        if self._has_facts_of(version):
            return False
        found = self.logs.compute(self._secret(), self._console, self.last)
        before, self.last = self.last, found
        if before and before.lines is not found.lines:
            before.close()
        self._store(found, version if found.lines.parsed else "")
        if before:  # new lines after the first read are usually few
            self._rests_until = time.monotonic() + self._rest * (time.monotonic() - began)
        return True

    def _has_facts_of(self, version: str) -> bool:
        """Whether the copy has the facts of a version of the logs; it may be a new, empty one."""
        with self._copy.snapshot() as snapshot:
            is_stored = snapshot.state.version == self._state.get("number")
        return is_stored and version == self._state.get("version")

    def export(self, directory: Path) -> list[Path]:
        """Write the facts as Parquet files; see `export_facts`."""
        with self._copy.snapshot() as snapshot:
            return export_facts(snapshot, directory)

    def place_lines(self, visits: Mapping[str, range]) -> list[PlacedLine]:
        """Return where the lines of visits are, given by their ids and days since 1970-01-01."""
        self.last = self.last or self.logs.read(self._console)
        return place_lines(self.last.lines, self.last.settings, self._secret(), visits)

    def masked_lines(self, places: Collection[Place]) -> Mapping[Place, str]:
        """Return the masked lines at some places; none of stdin."""
        settings = self.last.settings if self.last else self.logs.settings
        return masked_lines(places, self.logs.log_format, settings)

    def _store(self, found: LogFacts, version: str) -> None:
        with self._copy.snapshot() as snapshot:
            number, stored = snapshot.state.version + 1, snapshot.file_keys()
        first = date.min if found.first is None else date_of(found.first)
        files = {
            view: {
                **{
                    day: FactFile(key, 0, "")
                    for day, key in stored.get(view, {}).items()
                    if day < first
                },
                **{day: _file(view, day, rows) for day, rows in by_date.items()},
            }
            for view, by_date in found.rows.by_view()
        }
        self._rows = {
            files[view][day].key: rows
            for view, by_date in found.rows.by_view()
            for day, rows in by_date.items()
        }
        zone = found.settings.site.time_zone
        self._copy.update(Manifest(number, datetime.now(UTC), zone, files))
        self._rows.clear()
        found.rows.close()
        self.until = found.until
        until = found.until.isoformat() if found.until else None
        self.notes = found.notes
        new = {"version": version, "number": number, "until": until}
        self._state = {**self._state, **new, "notes": found.notes._asdict()}
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


def _file(view: str, day: date, rows: StoredDate) -> FactFile:
    """Name the rows of a view and a date by their content."""
    return FactFile(f"{view}/{day}-{rows.digest}", rows.number, "")


def _read_state(directory: Path) -> dict[str, Any]:
    """Return the stored state; empty if there is none, or if it can't be read."""
    try:
        found = json.loads((directory / STATE).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def _write_state(directory: Path, state: dict[str, Any]) -> None:
    path = directory / f".{STATE}"
    path.touch(0o600)
    path.write_text(json.dumps(state), encoding="utf-8")
    path.replace(directory / STATE)


def _moment(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None
