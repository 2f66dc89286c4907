"""The café's web server at work: it leaves behind a history of logs, and goes on live from there.

Live, nothing is remembered but the log files themselves: each holds one hour from its beginning,
so the hour of `access.log` and its size say exactly where to go on.
"""

from __future__ import annotations

import time
from bisect import bisect_right
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from itertools import accumulate
from pathlib import Path

from clickstream.demo.cafe import logfiles
from clickstream.demo.cafe.rules import SECOND, STANDARD, CafeRules
from clickstream.demo.cafe.traffic import traffic
from clickstream.demo.cafe.truth import Tally, Truth
from clickstream.demo.cafe.weblog import Entry, render
from clickstream.errors import InputError
from clickstream.hours import Hour, hour_range

Clock = Callable[[], datetime]


def write_history(directory: Path, first: Hour, last: Hour, rules: CafeRules = STANDARD) -> Truth:
    """Write the logs of the hours `first` to `last`, both included, and return their truth.

    The directory is made when missing. Raises InputError when it already holds an access log.
    """
    if logfiles.current(directory).exists():
        raise InputError(f"{directory} already holds an access log; give an empty directory.")
    directory.mkdir(parents=True, exist_ok=True)
    ages = reversed(range(len(list(hour_range(first, last)))))
    tally = Tally()
    for age, (hour, entries) in zip(ages, traffic(rules, first), strict=False):
        tally.add(hour, entries)
        path = logfiles.rotated(directory, age) if age else logfiles.current(directory)
        logfiles.write(path, b"".join(map(render, entries)))
    return tally.truth()


def _now() -> datetime:
    return datetime.now(UTC)


def live(
    directory: Path,
    rules: CafeRules,
    stop: Callable[[], bool],
    clock: Clock = _now,
    pause: Callable[[float], None] = time.sleep,
) -> None:
    """Append to `access.log` the lines whose time has come, every second, until `stop()` is true.

    Goes on at the byte where the files stop, even inside a line, and catches up with what was
    missed; without files it begins with the hour that `clock` shows. Rotates at every hour's end.
    Raises InputError when the files are not what this café would have written.
    """
    directory.mkdir(parents=True, exist_ok=True)
    logfiles.finish_rotation(directory)
    for hour, entries in traffic(rules, _resume_at(directory, clock())):
        writing = _HourOfLog(logfiles.current(directory), hour, entries)
        while not stop():
            now = clock()
            writing.append_until(now)
            if now >= hour.end:
                break
            pause(1.0)
        else:
            return
        logfiles.rotate(directory)


class _HourOfLog:
    """One hour's log file, of which some first bytes are already written."""

    def __init__(self, path: Path, hour: Hour, entries: Sequence[Entry]) -> None:
        lines = [render(entry) for entry in entries]
        self._path = path
        self._text = b"".join(lines)
        self._times = [entry.written for entry in entries]
        self._ends = list(accumulate(map(len, lines), initial=0))
        path.touch()
        there = path.read_bytes()
        if not self._text.startswith(there):
            raise InputError(
                f"{path} holds other lines than this café writes in {hour}; "
                "give the directory and the rules it was begun with."
            )
        self._written = len(there)

    def append_until(self, now: datetime) -> None:
        """Append the lines that are logged by now."""
        due = self._ends[bisect_right(self._times, now.timestamp() * SECOND)]
        if due > self._written:
            with self._path.open("ab") as file:
                file.write(self._text[self._written : due])
            self._written = due


def _resume_at(directory: Path, now: datetime) -> Hour:
    """The hour that `access.log` holds, or is to hold."""
    if hour := logfiles.hour_of(logfiles.current(directory)):
        return hour
    previous = logfiles.hour_of(logfiles.rotated(directory, 1))
    return previous.next if previous else Hour.of(now)
