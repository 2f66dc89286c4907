"""Where incidents are kept: one object of the lake, or a file while the lake can't be reached."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Protocol, TypeVar

from pydantic import TypeAdapter, ValidationError

from clickstream.alerts.incidents import Incidents
from clickstream.core.errors import DamagedObject, InputError
from clickstream.core.wording import describe_duration
from clickstream.lake import Lake, aws_errors
from clickstream.lake.records import RecordStore

T = TypeVar("T")
Change = Callable[[Incidents], tuple[Incidents, T]]
"""Returns changed incidents and a result. It is applied again if another process was faster."""

INCIDENTS = RecordStore("alerts/", Incidents)
"""The record `incidents` has the incidents of a lake."""

CHECKS = RecordStore("alerts/", datetime)
"""The record `checked` has the time of the last check of a lake, within NOTE_INTERVAL."""

NOTE_INTERVAL = timedelta(minutes=10)
"""Time after which a check is noted again; more often would cost a write for each check."""

CHECK_LIMIT = timedelta(hours=2)
"""Age of the last check from which on open incidents may be over: the hourly run checks, too."""


@aws_errors.translate_errors()
def note_check(lake: Lake, now: datetime) -> None:
    """Note that the alerts of a lake were checked at `now` (aware), once per NOTE_INTERVAL."""
    stored = CHECKS.read(lake, "checked")
    if stored is None or abs(now - stored.value) > NOTE_INTERVAL:  # also a note from the future
        CHECKS.put(lake, "checked", now)


@aws_errors.translate_errors()
def describe_old_check(lake: Lake, now: datetime) -> str:
    """Describe since when alerts are not checked; empty if they are, or never were."""
    stored = CHECKS.read(lake, "checked")
    if stored is None or now - stored.value <= CHECK_LIMIT:
        return ""
    return (
        f"Alerts were last checked {describe_duration(now - stored.value)} ago, so open incidents "
        "may be over, and new ones are not open: start clickstream watch."
    )


class IncidentStore(Protocol):
    """Keeps incidents."""

    def change(self, change: Change[T]) -> T:
        """Store what a change makes of the incidents, and return its result."""
        ...


@dataclass(frozen=True)
class LakeStore:
    """The object `alerts/incidents.json` of a lake, which several processes may change."""

    lake: Lake

    @aws_errors.translate_errors()
    def read(self) -> Incidents:
        """Return the stored incidents; none before the first check."""
        with self._damage_named():
            stored = INCIDENTS.read(self.lake, "incidents")
        return stored.value if stored else Incidents()

    @aws_errors.translate_errors()
    def change(self, change: Change[T]) -> T:
        """Change the incidents by compare-and-swap; nothing is written without a change."""
        results: list[T] = []

        def change_incidents(before: Incidents) -> Incidents:
            after, result = change(before)
            results.append(result)
            return after

        with self._damage_named():
            INCIDENTS.update(self.lake, "incidents", Incidents(), change_incidents)
        return results[-1]

    @contextmanager
    def _damage_named(self) -> Iterator[None]:
        try:
            yield
        except ValidationError:
            raise DamagedObject(
                f"{self.lake.uri(INCIDENTS.key('incidents'))} does not have incidents in the form "
                "of this release. Delete it: the next check opens the incidents that hold, and "
                "sends their alerts again."
            ) from None


@dataclass(frozen=True)
class WatchState:
    """What `clickstream watch` keeps on its machine.

    The first times are when a check first failed to read the lake, or to reach Airflow; None while
    it can. Checks follow one another since `watched_since`, and the last one was at `checked_at`.
    `incidents` has at most one open incident: the outage of AWS.
    """

    lake_silent_since: datetime | None = None
    airflow_silent_since: datetime | None = None
    watched_since: datetime | None = None
    checked_at: datetime | None = None
    incidents: Incidents = field(default_factory=Incidents)


_STATE = TypeAdapter(WatchState)


@dataclass
class FileStore:
    """A file of one process. A file that can't be read counts as empty."""

    path: Path
    state: WatchState

    @classmethod
    def open(cls, directory: Path) -> FileStore:
        """Read the state of an earlier process."""
        path = directory / "watch.json"
        state = WatchState()
        with suppress(OSError, ValidationError):
            state = _STATE.validate_json(path.read_bytes())
        return cls(path, state)

    def change(self, change: Change[T]) -> T:
        """Change the incidents of the state."""
        incidents, result = change(self.state.incidents)
        self.write(replace(self.state, incidents=incidents))
        return result

    def write(self, state: WatchState) -> None:
        """Replace the file atomically, if the state has changed."""
        if state == self.state:
            return
        self.state = state
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            with tempfile.NamedTemporaryFile(dir=self.path.parent, delete=False) as file:
                file.write(_STATE.dump_json(state))
            os.replace(file.name, self.path)  # noqa: PTH105 - atomic
        except OSError as error:
            raise InputError(
                f"Can't write {self.path}: {error.strerror}. Set directory of [alerts]."
            ) from None
