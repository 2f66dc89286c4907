"""Files that are added to the café's log directory later: older days, and a second server's lines.

Each older day is a compressed file with the date in its name, as with logrotate's `dateext`. The
second server's file has the late lines, which are missing in the first server's logs.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from itertools import groupby, takewhile
from pathlib import Path
from zlib import crc32

from clickstream.core.hours import Hour, hour_range
from clickstream.demo.cafe.history import traffic
from clickstream.demo.cafe.log_files import IsLate, write
from clickstream.demo.cafe.rules import STANDARD, CafeRules
from clickstream.demo.cafe.weblog import Entry, Request, render

SECOND_SERVER = "web-2-access.log"
HELD_BACK = "web-2.held-back"
"""The name of the second server's file until its lines shall be pulled; no source reads it."""


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
