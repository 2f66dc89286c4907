"""Schedules: what people, Airflow and crashes do to a lake, as data, and how it is carried out.

A step may be disturbed at its n-th write to S3 or commit to Glue: another step is then done in
between, from its first to its last write, as by another process; or the process is killed there.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.support.faults import Killed
from tests.support.lakes import build_all
from tests.support.traffic import FIRST, HOSTS, Traffic

from clickstream.core.hours import Hour, hour_range
from clickstream.lake import Lake, hour_ledger
from clickstream.pipeline.publish.publish import build_hour, hours_to_build
from clickstream.pipeline.pull.host import pull_source
from clickstream.settings import SourceSettings

TENTHS = 10


@dataclass(frozen=True)
class Pull:
    """A server has written so many tenths of its log, cut at any byte, and is pulled."""

    host: str
    tenths: int = TENTHS


@dataclass(frozen=True)
class Build:
    """Somebody builds an hour: so many after FIRST."""

    hour: int


@dataclass(frozen=True)
class Range:
    """Somebody builds hours in one go, from so many to so many after FIRST."""

    first: int
    last: int


@dataclass(frozen=True)
class Run:
    """An hour's scheduled run: it builds its own hour and those it has to make good for."""

    hour: int


@dataclass(frozen=True)
class Disturbed:
    """A step that is disturbed after so many writes, by other steps or, if by none, its end."""

    step: Done
    writes: int
    by: tuple[Done, ...] = ()


Done = Pull | Build | Range | Run
Step = Done | Disturbed


@dataclass
class World:
    """One lake and the servers' logs as far as they are written."""

    lake: Lake
    traffic: Traffic
    directory: Path
    written: dict[str, int] = field(default_factory=dict)
    owed: list[Done] = field(default_factory=list)
    """Killed and not yet run again."""

    def carry_out(self, schedule: list[Step]) -> None:
        """Every step, and then what ends any schedule: all that is left comes, and is built."""
        for step in schedule:
            self.do(step, self.lake)
        for step in (*self.owed, *map(Pull, HOSTS)):
            self.do(step, self.lake)
        published = hour_ledger.published_hours(self.lake, FIRST, self.traffic.last)
        missing = {*hour_range(FIRST, self.traffic.last)} - published
        late = {*hours_to_build(self.lake, self.traffic.last.next).hours}
        for hour in sorted((missing | late) - {self.traffic.last.next}):
            build_hour(self.lake, hour, "made good")

    def do(self, step: Step, lake: Lake) -> None:
        """One step, by whoever has the lake's clients."""
        match step:
            case Pull(host, tenths):
                self._write(host, tenths)
                pull_source(lake, self._source(host))
            case Build(hour):
                build_hour(lake, FIRST.plus(hour), "built")
            case Range(first, last):
                build_all(lake, FIRST.plus(first), FIRST.plus(last), "range")
            case Run(hour):
                self._run(lake, FIRST.plus(hour))
            case Disturbed(inner, writes, by):
                self._disturb(inner, writes, by)

    def _run(self, lake: Lake, hour: Hour) -> None:
        for one in hours_to_build(lake, hour).hours:
            build_hour(lake, one, "run")

    def _disturb(self, step: Done, writes: int, by: tuple[Step, ...]) -> None:
        def disturbance() -> None:
            if not by:
                self.owed.append(step)
                raise Killed
            for other in by:
                self.do(other, self.lake)

        with suppress(Killed):
            self.do(step, disturbed(self.lake, writes, disturbance))

    def _source(self, host: str) -> SourceSettings:
        return SourceSettings(name=host, path=str(self.directory / host), format="combined")

    def _write(self, host: str, tenths: int) -> None:
        """Let the log grow to so many tenths; it never shrinks."""
        text = "".join(f"{line}\n" for line in self.traffic.logs[host]).encode()
        size = max(self.written.get(host, 0), len(text) * tenths // TENTHS)
        self.written[host] = size
        path = self.directory / host / "access.log"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text[:size])


WRITES = ("put_object", "delete_objects", "update_table")


def disturbed(lake: Lake, writes: int, disturbance: Callable[[], None]) -> Lake:
    """The lake of a process that is disturbed once, before a write that follows so many others."""
    left = [writes]

    def before_write() -> None:
        left[0] -= 1
        if left[0] == -1:
            disturbance()

    copy = Lake(lake.settings, lake.session)
    for service in ("s3", "glue"):
        copy.__dict__[service] = _Watched(getattr(lake, service), before_write)
    return copy


class _Watched:
    """A client of AWS that tells of each write before it is made."""

    def __init__(self, real: Any, before_write: Callable[[], None]) -> None:
        self._real, self._before_write = real, before_write

    def __getattr__(self, name: str) -> Any:
        call = getattr(self._real, name)
        if name not in WRITES:
            return call

        def write(**request: Any) -> Any:
            self._before_write()
            return call(**request)

        return write
