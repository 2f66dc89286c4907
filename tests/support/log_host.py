"""A web host whose access logs change in every way that servers, logrotate and people change them.

The web server holds its file open, as nginx does: after a rename it writes on into the renamed
file until it opens its log by name again, and what it writes into a deleted file is gone.
"""

from __future__ import annotations

import gzip
import os
import time
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from clickstream.core.hours import Hour

START = datetime(2026, 11, 20, 5, 50, tzinfo=UTC)
MINUTES_BETWEEN_LINES = 7
LATE = timedelta(hours=2)
BANNER = b'127.0.0.1 - - [20/Nov/2026:05:50:00 +0000] "GET /start HTTP/1.1" 200 1 "-" "-"\n'
"""A line that a server may write first into each file."""

CLOCK_STEP = 7_200
"""Seconds."""

HALF = 20
"""Bytes of a half line: they contain its number, so that no two are alike."""

GENERATIONS = 3
"""Rotated files with a number that logrotate keeps; the next rotation deletes the last one."""

SITES = ("access.log", "shop.access.log")


@dataclass
class Site:
    """The log of one virtual host: its name now, and the file that the server has open."""

    base: str
    path: Path
    file: int = -1
    half: bytes = b""
    is_copied: bool = False
    cuts: int = 0


MOST_CUTS = 7
"""How often a site's log is cut in a schedule. Eight logs that begin alike are told apart by their
first line, and all that begin with the same lines after many more cuts are not found any more."""


class LogHost:
    """Acts by name: `host.act("rename")`, or `host.act("rename shop")` for the second site.

    All lines have the same length, so that files of as many lines have the same size. With a
    `banner`, every file begins with that line. Without `appends`, the server continues at its old
    offset in a truncated file. With `whole_seconds`, files have times as SFTP and older file
    systems show them, of a clock that may be moved.
    """

    def __init__(
        self,
        directory: Path,
        banner: bytes = b"",
        appends: bool = True,
        whole_seconds: bool = False,
    ) -> None:
        directory.mkdir(parents=True, exist_ok=True)
        self.directory, self.banner, self.appends = directory, banner, appends
        self.whole_seconds, self.clock_is_ahead = whole_seconds, 0
        self.hours: dict[bytes, Hour] = {}
        self.fragments: set[bytes] = set()
        self.banners = 0
        self.rotations = 0
        self.sites = [Site(base, directory / base) for base in SITES]

    def act(self, step: str) -> None:
        """Do one of ACTIONS."""
        name, _, shop = step.partition(" ")
        getattr(self, name)(self.sites[bool(shop)])

    def __enter__(self) -> LogHost:
        return self

    def __exit__(self, *_: object) -> None:
        for site in self.sites:
            self._close(site)

    # What the web server does.

    def write(self, site: Site) -> None:
        """Finish a half line if there is one, then write a whole one."""
        text, site.half = site.half + self._line(), b""
        self._put(site, text)

    def write_half(self, site: Site) -> None:
        if not site.half:
            line = self._line()
            self._put(site, line[:HALF])
            site.half = line[HALF:]
            self.fragments |= {line[:HALF], site.half}

    def write_late(self, site: Site) -> None:
        """Write a line of a request that began long before."""
        text, site.half = site.half + self._line(LATE), b""
        self._put(site, text)

    def reopen(self, site: Site) -> None:
        """Finish the half line in the old file, and open the log by its name."""
        if site.half:
            self._put(site, site.half)
            site.half = b""
        self._close(site)

    def hourly(self, site: Site) -> None:
        """Begin a file named after the hour, as rotatelogs does; the old one keeps its name."""
        self.reopen(site)
        self.rotations += 1
        site.path = self.directory / f"{site.base}.{1_763_618_400 + 3_600 * self.rotations}"

    # What logrotate does.

    def rename(self, site: Site) -> None:
        self.rename_only(site)
        self.reopen(site)

    def rename_only(self, site: Site) -> None:
        """Rename; the server has not been told yet."""
        if site.path.exists():
            site.path.rename(self._first_generation(site))

    def dateext(self, site: Site) -> None:
        if site.path.exists():
            self.rotations += 1
            site.path.rename(self.directory / f"{site.base}-{20_261_120 + self.rotations}")
            self.reopen(site)

    def copy(self, site: Site) -> None:
        """Copy the log; what is written before it is truncated will be lost."""
        if site.path.exists():
            self._store(self._first_generation(site), site.path.read_bytes())
            site.is_copied = True

    def truncate(self, site: Site) -> None:
        """Truncate the log if it was copied."""
        if site.is_copied and site.path.exists():
            os.truncate(site.path, 0)
            self._touch(site.path)
        site.is_copied = False

    def copytruncate(self, site: Site) -> None:
        self.copy(site)
        self.truncate(site)

    def gzip_begin(self, site: Site) -> None:
        """Write the first half of a compressed file beside a rotated one."""
        for path in self._rotated(site)[:1]:
            packed = gzip.compress(path.read_bytes(), mtime=0)
            self._store(_packed(path), packed[: len(packed) // 2])

    def gzip_write(self, site: Site) -> None:
        """Write all of it; the plain file is still there."""
        for path in self._rotated(site)[:1]:
            self._store(_packed(path), gzip.compress(path.read_bytes(), mtime=0))
            modified = path.stat().st_mtime_ns
            os.utime(_packed(path), ns=(modified, modified))

    def gzip(self, site: Site) -> None:
        paths = self._rotated(site)[:1]
        self.gzip_write(site)
        for path in paths:
            path.unlink()

    # What people do.

    def shrink(self, site: Site) -> None:
        """Cut the log to half its lines, but leave two."""
        if site.path.exists():
            lines = site.path.read_bytes().splitlines(keepends=True)
            if len(lines) > 2 and site.cuts < MOST_CUTS:
                site.cuts += 1
                kept = lines[: max(2, len(lines) // 2)]
                os.truncate(site.path, sum(map(len, kept)))
                self._touch(site.path)

    def replace(self, site: Site) -> None:
        """Put another file of the same size in the place of the log."""
        if site.path.exists():
            text = self._other(site)
            other = self.directory / "other"
            other.write_bytes(text)
            other.replace(site.path)
            self._touch(site.path)
            site.half = b""
            self._close(site)

    def overwrite(self, site: Site) -> None:
        """Write other lines over those of the log, as many."""
        if site.path.exists():
            self._store(site.path, self._other(site))
            site.half = b""
            self._close(site)

    def remove(self, site: Site) -> None:
        """Delete the oldest rotated file."""
        files = [*self._rotated(site), *self.directory.glob(f"{site.base}*.gz")]
        for path in sorted(files, key=lambda one: one.stat().st_mtime_ns)[:1]:
            path.unlink()

    # What the clock does. Its steps are so long that no second comes twice in a test.

    def step_forward(self, site: Site) -> None:
        self.clock_is_ahead += CLOCK_STEP

    def day(self, site: Site) -> None:
        self.clock_is_ahead += 12 * CLOCK_STEP

    def set_back(self, site: Site) -> None:
        self.clock_is_ahead -= 2 * CLOCK_STEP

    def settle(self) -> None:
        """Finish what is half done, write a last line to each log, compress what is rotated."""
        for site in self.sites:
            self.truncate(site)
            self.write(site)
            while self._rotated(site):
                self.gzip(site)

    def _line(self, late: timedelta = timedelta(0)) -> bytes:
        number = len(self.hours)
        at = START + timedelta(minutes=MINUTES_BETWEEN_LINES * number) - late
        stamp = at.strftime("%d/%b/%Y:%H:%M:%S +0000")
        request = f'"GET /{number:05} HTTP/1.1"'
        text = f'192.0.2.1 - u{number:05} [{stamp}] {request} 200 1 "-" "Mozilla/5.0"\n'
        self.hours[text.encode()] = Hour.of(at)
        return text.encode()

    def _other(self, site: Site) -> bytes:
        """Other lines, as many as the log has."""
        lines = site.path.read_bytes().count(b"\n")
        banners = 1 if self.banner and lines else 0
        self.banners += banners
        return self.banner * banners + b"".join(self._line() for _ in range(lines - banners))

    def _put(self, site: Site, text: bytes) -> None:
        if site.file < 0:
            flags = os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC
            site.file = os.open(site.path, flags | (os.O_APPEND if self.appends else 0), 0o644)
            if not self.appends:
                os.lseek(site.file, 0, os.SEEK_END)
        if self.banner and os.fstat(site.file).st_size == 0:
            self.banners += 1
            text = self.banner + text
        os.write(site.file, text)
        self._touch(site.file)

    def _close(self, site: Site) -> None:
        if site.file >= 0:
            os.close(site.file)
        site.file = -1

    def _first_generation(self, site: Site) -> Path:
        """Move every generation to the next number; returns the name of the first."""
        for number in range(GENERATIONS, 0, -1):
            for suffix in ("", ".gz"):
                path = self.directory / f"{site.path.name}.{number}{suffix}"
                if path.exists() and number == GENERATIONS:
                    path.unlink()
                elif path.exists():
                    path.rename(self.directory / f"{site.path.name}.{number + 1}{suffix}")
        self.rotations += 1
        return self.directory / f"{site.path.name}.1"

    def _rotated(self, site: Site) -> list[Path]:
        """The rotated files that are not compressed, nor still written to under their old name."""
        files = sorted(self.directory.glob(f"{site.base}[.-]*[0-9]"))
        return [path for path in files if path != site.path]

    def _store(self, path: Path, text: bytes) -> None:
        path.write_bytes(text)
        self._touch(path)

    def _touch(self, file: Path | int) -> None:
        if self.whole_seconds:
            now = int(time.time()) + self.clock_is_ahead
            os.utime(file, (now, now))


def _packed(path: Path) -> Path:
    return path.with_name(f"{path.name}.gz")
