"""Writes the café's log files: a history of hours, then live traffic, and files that come later.

`access.log` is the newest, `access.log.1` the one before, and older ones are compressed:
`access.log.2.gz` and so on. Each step of a rotation can be repeated after a crash.

The live traffic has no state besides the log files. Each file has the lines of one hour from its
start, so the hour of `access.log` and its size determine the position at which writing continues.

Each older day is a compressed file with the date in its name, as with logrotate's `dateext`. A
second server's file has the late lines, which are missing in the first server's logs.
"""

from __future__ import annotations

import gzip
import re
import time
from bisect import bisect_right
from collections.abc import Callable, Collection, Iterator, Sequence
from datetime import UTC, datetime
from itertools import accumulate, groupby, takewhile
from pathlib import Path
from zlib import crc32

from clickstream.core.errors import InputError
from clickstream.core.hours import Hour, hour_range
from clickstream.demo.cafe.history import traffic
from clickstream.demo.cafe.rules import SECOND, STANDARD, CafeRules
from clickstream.demo.cafe.truth import Truth, TruthTally
from clickstream.demo.cafe.weblog import MONTHS, Entry, Request, render

SECOND_SERVER = "web-2-access.log"
HELD_BACK = "web-2.held-back"
"""The name of the second server's file until its lines shall be pulled; no source reads it."""

_STAMP = re.compile(rb"\[(\d\d)/(\w{3})/(\d{4}):(\d\d):\d\d:\d\d \+0000\]")


def current(directory: Path) -> Path:
    """Return the path of the file that the server writes to."""
    return directory / "access.log"


def rotated(directory: Path, age: int) -> Path:
    """Return the path of the file of `age` hours ago, 1 or more."""
    return directory / f"access.log.{age}{'.gz' if age > 1 else ''}"


def write(path: Path, text: bytes) -> None:
    """Write a file, compressed if its name ends in `.gz`; equal texts give equal bytes."""
    path.write_bytes(gzip.compress(text, mtime=0) if path.suffix == ".gz" else text)


def rotate(directory: Path) -> None:
    """Rename all files to one hour older, and create a new one."""
    finish_rotation(directory)
    _shift_older(directory, 2)
    if (previous := rotated(directory, 1)).exists():
        previous.rename(_to_compress(directory))
    if current(directory).exists():
        current(directory).rename(previous)
    current(directory).touch()
    finish_rotation(directory)


def finish_rotation(directory: Path) -> None:
    """Compress the file that a rotation left plain, then rename it, so that it appears complete."""
    plain, packed = _to_compress(directory), directory / "rotating.gz"
    if plain.exists():
        write(packed, plain.read_bytes())
        packed.rename(rotated(directory, 2))
        plain.unlink()


def _to_compress(directory: Path) -> Path:
    return directory / "access.log.2"


def _shift_older(directory: Path, age: int) -> None:
    """Rename the file of that age, and the next older ones up to the first gap, to one age more."""
    oldest = age
    while rotated(directory, oldest).exists():
        oldest += 1
    for number in range(oldest, age, -1):
        rotated(directory, number - 1).rename(rotated(directory, number))


def hour_of(path: Path) -> Hour | None:
    """Return the hour of a plain log file, by its first line with a time; None without one."""
    if not path.exists():
        return None
    with path.open("rb") as lines:
        stamp = next(filter(None, map(_STAMP.search, lines)), None)
    if stamp is None:
        return None
    day, month, year, hour = (part.decode() for part in stamp.groups())
    start = datetime(int(year), MONTHS.index(month) + 1, int(day), int(hour), tzinfo=UTC)
    return Hour(start)


IsLate = Callable[[Hour, Entry], bool]
"""Whether a line of an hour is late: not in the server's log, but later in another file."""


def write_history(
    directory: Path,
    first: Hour,
    last: Hour,
    rules: CafeRules = STANDARD,
    is_late: IsLate = lambda *_: False,
) -> Truth:
    """Write the logs of the hours `first` to `last`, both included, and return their true figures.

    Late lines are not written, but the figures count them. A missing directory is created. Raises
    InputError if the directory already has an access log.
    """
    if current(directory).exists():
        raise InputError(f"{directory} already has an access log; give an empty directory.")
    directory.mkdir(parents=True, exist_ok=True)
    ages = reversed(range(len(list(hour_range(first, last)))))
    tally = TruthTally()
    for age, (hour, entries) in zip(ages, traffic(rules, first), strict=False):
        tally.add(hour, entries)
        path = rotated(directory, age) if age else current(directory)
        write(path, b"".join(render(entry) for entry in entries if not is_late(hour, entry)))
    return tally.truth()


def _now() -> datetime:
    return datetime.now(UTC)


def live(
    directory: Path,
    rules: CafeRules,
    stop: Callable[[], bool],
    clock: Callable[[], datetime] = _now,
    pause: Callable[[float], None] = time.sleep,
) -> None:
    """Append due lines to `access.log` every second, until `stop()` is true.

    Writing continues at the byte where the files end, even inside a line, and first adds the lines
    that are missing up to now. Without files, it begins with the current hour of `clock`. Files are
    rotated at the end of each hour. Raises InputError if the existing files differ from those that
    this café would have written.
    """
    directory.mkdir(parents=True, exist_ok=True)
    finish_rotation(directory)
    for hour, entries in traffic(rules, hour_in_progress(directory, clock())):
        writing = _HourOfLog(current(directory), hour, entries)
        while not stop():
            now = clock()
            writing.append_until(now)
            if now >= hour.end:
                break
            pause(1.0)
        else:
            return
        rotate(directory)


class _HourOfLog:
    """The log file of one hour, of which a first part may be written already."""

    def __init__(self, path: Path, hour: Hour, entries: Sequence[Entry]) -> None:
        lines = [render(entry) for entry in entries]
        self._path = path
        self._text = b"".join(lines)
        self._times = [entry.written for entry in entries]
        self._ends = list(accumulate(map(len, lines), initial=0))
        path.touch()
        existing = path.read_bytes()
        if not self._text.startswith(existing):
            raise InputError(
                f"{path} has other lines than this café writes in {hour}; "
                "give the rules with which the files in the directory were written."
            )
        self._written = len(existing)

    def append_until(self, now: datetime) -> None:
        """Append the lines that are due."""
        due = self._ends[bisect_right(self._times, now.timestamp() * SECOND)]
        if due > self._written:
            with self._path.open("ab") as file:
                file.write(self._text[self._written : due])
            self._written = due


def hour_in_progress(directory: Path, now: datetime) -> Hour:
    """Return the hour of `access.log`, or the hour with which it begins if it is empty.

    The hours before it are complete.
    """
    if hour := hour_of(current(directory)):
        return hour
    previous = hour_of(rotated(directory, 1))
    return previous.next if previous else Hour.of(now)


def write_older_days(
    directory: Path,
    first: Hour,
    last: Hour,
    rules: CafeRules = STANDARD,
    is_late: IsLate = lambda *_: False,
) -> Iterator[Path]:
    """Write a file for each UTC date of the hours `first` to `last`, and yield each written file.

    Late lines are left out. Existing files are not changed, and files appear complete. So the
    function may be interrupted at any point and called again.
    """
    missing = {
        hour for hour in hour_range(first, last) if not path_of_date(directory, hour).exists()
    }
    if not missing:
        return
    hours = takewhile(lambda pair: pair[0] <= last, traffic(rules, min(missing)))
    for path, of_date in groupby(hours, key=lambda pair: path_of_date(directory, pair[0])):
        lines = b"".join(
            render(entry)
            for hour, entries in of_date
            for entry in entries
            if not is_late(hour, entry)
        )
        if not path.exists():
            _write_whole(path, lines)
            yield path


def path_of_date(directory: Path, hour: Hour) -> Path:
    """Return the path of the file of the hour's UTC date."""
    return directory / f"access.log-{hour.start:%Y%m%d}.gz"


def _write_whole(path: Path, text: bytes) -> None:
    """Write a file under a name that no source reads, then rename it."""
    beside = path.with_name(f"writing{path.suffix}")
    write(beside, text)
    beside.rename(path)


def late_in(hours: Collection[Hour]) -> IsLate:
    """Return the function that selects late lines of some hours: those of half of the clients.

    Broken lines stay in the first server's log, because their time follows from their neighbours.
    """

    def is_late(hour: Hour, entry: Entry) -> bool:
        if hour not in hours or not isinstance(entry, Request):
            return False
        return crc32(entry.client.address.encode()) % 2 == 0

    return is_late


def write_late_lines(directory: Path, hours: Collection[Hour], rules: CafeRules = STANDARD) -> None:
    """Write the second server's file with the late lines of the hours, as HELD_BACK.

    Do nothing if the file exists, also under its later name, or if there are no hours.
    """
    path = directory / HELD_BACK
    if path.exists() or (directory / SECOND_SERVER).exists() or not hours:
        return
    is_late, last = late_in(hours), max(hours)
    text = b"".join(
        render(entry)
        for hour, entries in takewhile(lambda pair: pair[0] <= last, traffic(rules, min(hours)))
        for entry in entries
        if is_late(hour, entry)
    )
    _write_whole(path, text)
