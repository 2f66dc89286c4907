"""What comes to the café's directory later: the logs of older days, and a second server's lines.

Older days are one compressed file each, with the date in its name, as logrotate's `dateext` leaves
them. The second server's file holds the lines of some hours that the first one's logs leave out.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from itertools import groupby, takewhile
from pathlib import Path
from zlib import crc32

from clickstream.demo.cafe.history import traffic
from clickstream.demo.cafe.log_files import IsLate, write
from clickstream.demo.cafe.rules import STANDARD, CafeRules
from clickstream.demo.cafe.weblog import Entry, Request, render
from clickstream.hours import Hour, hour_range

SECOND_SERVER = "web-2-access.log"


def write_older_days(
    directory: Path, first: Hour, last: Hour, rules: CafeRules = STANDARD
) -> Iterator[Path]:
    """Write a file for each UTC date of the hours `first` to `last`, yielding each when written.

    Files that exist are left alone, and a file appears whole, so this may be interrupted at any
    point and called again.
    """
    missing = {hour for hour in hour_range(first, last) if not _of_date(directory, hour).exists()}
    if not missing:
        return
    hours = takewhile(lambda one: one[0] <= last, traffic(rules, min(missing)))
    for path, of_date in groupby(hours, key=lambda one: _of_date(directory, one[0])):
        lines = b"".join(render(entry) for hour, entries in of_date for entry in entries)
        if not path.exists():
            _write_whole(path, lines)
            yield path


def _of_date(directory: Path, hour: Hour) -> Path:
    return directory / f"access.log-{hour.start:%Y%m%d}.gz"


def _write_whole(path: Path, text: bytes) -> None:
    """Write a file beside its place and move it there; no source takes the name of the first."""
    beside = path.with_name(f"writing{path.suffix}")
    write(beside, text)
    beside.rename(path)


def late_in(hours: Collection[Hour]) -> IsLate:
    """Return what decides which lines of some hours are the second server's: half of the clients'.

    Lines that are no records stay with the first server, whose neighbours date them.
    """

    def is_late(hour: Hour, entry: Entry) -> bool:
        if hour not in hours or not isinstance(entry, Request):
            return False
        return crc32(entry.client.address.encode()) % 2 == 0

    return is_late


def write_late_lines(
    directory: Path, hours: Collection[Hour], rules: CafeRules = STANDARD
) -> Path | None:
    """Write the second server's file, with the late lines of the hours; None if it exists."""
    path = directory / SECOND_SERVER
    if path.exists() or not hours:
        return None
    is_late, last = late_in(hours), max(hours)
    text = b"".join(
        render(entry)
        for hour, entries in takewhile(lambda one: one[0] <= last, traffic(rules, min(hours)))
        for entry in entries
        if is_late(hour, entry)
    )
    _write_whole(path, text)
    return path
