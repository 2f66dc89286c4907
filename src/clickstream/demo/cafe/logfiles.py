"""The log files in their directory, as logrotate leaves them: one hour each.

`access.log` is the newest, `access.log.1` the one before, and older ones are compressed:
`access.log.2.gz` and on. Every step of a rotation can be repeated after a crash.
"""

from __future__ import annotations

import gzip
import re
from datetime import UTC, datetime
from pathlib import Path

from clickstream.demo.cafe.weblog import MONTHS
from clickstream.hours import Hour

_STAMP = re.compile(rb"\[(\d\d)/(\w{3})/(\d{4}):(\d\d):\d\d:\d\d \+0000\]")


def current(directory: Path) -> Path:
    """The file that the server writes to."""
    return directory / "access.log"


def rotated(directory: Path, age: int) -> Path:
    """The file of so many hours ago, 1 or more."""
    return directory / f"access.log.{age}{'.gz' if age > 1 else ''}"


def write(path: Path, text: bytes) -> None:
    """Write a whole file, compressed if its name says so; the same text gives the same bytes."""
    path.write_bytes(gzip.compress(text, mtime=0) if path.suffix == ".gz" else text)


def rotate(directory: Path) -> None:
    """Make every file one hour older and begin a new one."""
    finish_rotation(directory)
    _make_room(directory, 2)
    if (previous := rotated(directory, 1)).exists():
        previous.rename(_to_compress(directory))
    if current(directory).exists():
        current(directory).rename(previous)
    current(directory).touch()
    finish_rotation(directory)


def finish_rotation(directory: Path) -> None:
    """Compress what a rotation left plain, in two steps, so no file is ever half compressed."""
    plain, packed = _to_compress(directory), directory / "rotating.gz"
    if plain.exists():
        write(packed, plain.read_bytes())
        packed.rename(rotated(directory, 2))
        plain.unlink()


def _to_compress(directory: Path) -> Path:
    return directory / "access.log.2"


def _make_room(directory: Path, age: int) -> None:
    """Move the file of that age, and those that stand in its way, up to the first free place."""
    oldest = age
    while rotated(directory, oldest).exists():
        oldest += 1
    for number in range(oldest, age, -1):
        rotated(directory, number - 1).rename(rotated(directory, number))


def hour_of(path: Path) -> Hour | None:
    """The hour whose lines a plain log file holds, by its first dated line; None without one."""
    if not path.exists():
        return None
    with path.open("rb") as lines:
        stamp = next(filter(None, map(_STAMP.search, lines)), None)
    if stamp is None:
        return None
    day, month, year, hour = (part.decode() for part in stamp.groups())
    start = datetime(int(year), MONTHS.index(month) + 1, int(day), int(hour), tzinfo=UTC)
    return Hour(start)
