"""State that the pulls of a host's files share: source, destination, and totals so far.

`host`, `file` and `bookmarks` use it.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Mapping, Set
from dataclasses import dataclass, field
from threading import Lock

from clickstream import parse
from clickstream.collect import LogSource
from clickstream.core.hours import Hour
from clickstream.core.wording import quantity
from clickstream.lake import Lake
from clickstream.lake.bookmarks import Bookmark, FinishedFiles
from clickstream.settings import AUTO, SourceSettings
from clickstream.step_config import log_format_of

REPORT_SECONDS = 10
"""Seconds between two sentences about the progress of a pull."""

MEGABYTE = 1_000_000

CHUNK_BYTES = 32 << 20
"""Limit of the bytes of a file that are pulled at once."""

NamedFormat = str | parse.Format | None
"""The format that the settings name; None if it is detected, and may change within a file."""


@dataclass
class PullTotals:
    """Totals of what a pull stored so far, of all files. Several threads add to it."""

    lines: Counter[Hour] = field(default_factory=Counter)
    bytes: int = 0
    padding: list[int] = field(default_factory=list)
    """Bytes of padding that were left out, for each file that has some."""
    newest: int | None = None
    """Time of the newest line, in Unix seconds; lines from the future do not count."""
    last_format: str = ""
    """The format of the file that was read last; the next file probably has the same."""
    lock: Lock = field(default_factory=Lock, repr=False)

    def add(self, lines: Mapping[Hour, int], size: int, newest: int | None, padding: int) -> None:
        """Count a range: its lines by hour, its bytes, and the padding before it."""
        with self.lock:
            self.lines.update(lines)
            self.bytes += size
            if padding:
                self.padding.append(padding)
            if newest is not None and 0 <= newest <= time.time():
                self.newest = max(newest, self.newest or 0)


@dataclass
class PullProgress:
    """Reports every few seconds how far a pull is.

    `files` is the number of files to read; `report` is called with the sentences.
    """

    host: str
    stored: PullTotals
    report: Callable[[str], None]
    files: int = 0
    done: int = 0
    started: float = field(default_factory=time.monotonic)
    reported: float = field(default_factory=time.monotonic)

    def file_done(self) -> None:
        """Count a file that was read to its end."""
        self.done += 1
        self.tick()

    def tick(self) -> None:
        """Report if the last report is some seconds old."""
        now = time.monotonic()
        if now - self.reported >= REPORT_SECONDS:
            self.reported = now
            self.report(self.sentence)

    @property
    def seconds(self) -> float:
        """Seconds since the pull began."""
        return time.monotonic() - self.started

    @property
    def sentence(self) -> str:
        """Files done, lines and bytes so far, and the rate."""
        size = self.stored.bytes / MEGABYTE
        lines = quantity(self.stored.lines.total(), "new line")
        return (
            f"{self.host}: {self.done:,} of {quantity(self.files, 'file')} read, {lines} so far, "
            f"{size:,.1f} MB at {size / max(self.seconds, 1e-3):,.1f} MB/s."
        )


@dataclass(frozen=True)
class HostPull:
    """One pull of a host's files.

    It began to list at `began_at`, in Unix seconds. `finished` are the files that earlier pulls
    read to their end. `fingerprints` are those of the host's bookmarks when many new files are to
    be read; it is None when each bookmark is looked up. `gives_up_intents` is set when the pull has
    looked at all files: then no file has the bytes of old intended ranges, which are given up.
    """

    lake: Lake
    source: SourceSettings
    host: str
    logs: LogSource
    began_at: int
    finished: FinishedFiles
    stored: PullTotals
    progress: PullProgress
    fingerprints: Set[str] | None = None
    gives_up_intents: bool = False

    def named_format(self, bookmark: Bookmark) -> NamedFormat:
        """Return the format of all lines after a bookmark, if the settings name one."""
        if self.source.format == AUTO:
            return None
        return log_format_of(self.lake.settings, bookmark.log_format)

    @property
    def longest_line_bytes(self) -> int:
        """Limit of the length of a line in bytes; longer lines have no format."""
        return self.lake.settings.clean.longest_line_bytes

    def may_have_bookmark(self, fingerprint: str) -> bool:
        """Return whether a bookmark of this fingerprint may exist and has to be looked up."""
        return self.fingerprints is None or fingerprint in self.fingerprints
