"""A web server and logrotate on a real directory, and a source that lets them act during a pull."""

from __future__ import annotations

import gzip
import os
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Protocol

from clickstream.collect import DirectorySource, FileHandle, FileStat, ListedFile
from clickstream.collect.source import LeftOut
from clickstream.core.hours import Hour
from clickstream.lake import Lake, objects, raw

START = datetime(2026, 11, 20, 5, 50, tzinfo=UTC)
APART = timedelta(minutes=7)


def time_of(number: int, apart: timedelta = APART) -> datetime:
    """When the request of a line happened."""
    return START + apart * number


class WebServer:
    """Writes numbered lines, seven minutes apart, to access.log, and rotates it in every way.

    Write many lines with less time `apart`: each hour is an object of the lake, which takes as long
    as hundreds of lines. With a `banner`, every new or truncated file begins with that line.
    Without `appends`, the server continues at its old offset after a truncation, which leaves NULs
    before it.
    """

    def __init__(
        self, directory: Path, banner: bytes = b"", appends: bool = True, apart: timedelta = APART
    ) -> None:
        directory.mkdir(parents=True, exist_ok=True)
        self.directory, self.log = directory, directory / "access.log"
        self.banner, self.appends, self.apart = banner, appends, apart
        self.lines: list[bytes] = []
        self.banners = 0
        self.rotations = 0
        self.half = b""
        self._offset = 0
        self._is_copied = False

    def line(self) -> bytes:
        stamp = time_of(len(self.lines), self.apart).strftime("%d/%b/%Y:%H:%M:%S +0000")
        text = (
            f'192.0.2.1 - - [{stamp}] "GET /{len(self.lines)} HTTP/1.1" 200 1 "-" "Mozilla/5.0"\n'
        )
        self.lines.append(text.encode())
        return self.lines[-1]

    def write(self) -> None:
        """Finish a half line if there is one, then write a whole one."""
        self.truncate()
        self._put(self.half + self.line())
        self.half = b""

    def write_half(self) -> None:
        self.truncate()
        line = self.half or self.line()
        self._put(line[:20])
        self.half = line[20:]

    def rename(self) -> None:
        self.truncate()
        if not self.half and self.log.exists():
            self.log.rename(self._next_name())
            self._offset = 0

    def copy(self) -> None:
        """Copy the log. Nothing is written before it is truncated: that would be lost for good."""
        self.truncate()
        if not self.half and self.log.exists():
            self._next_name().write_bytes(self.log.read_bytes())
            self._is_copied = True

    def truncate(self) -> None:
        """Truncate the log if it was copied."""
        if self._is_copied:
            os.truncate(self.log, 0)
            self._is_copied = False

    def copy_and_truncate(self) -> None:
        self.copy()
        self.truncate()

    def compress(self) -> None:
        """Compress the rotated files."""
        for path in self._rotated():
            path.with_name(f"{path.name}.gz").write_bytes(gzip.compress(path.read_bytes()))
            path.unlink()

    def begin_to_compress(self) -> None:
        """Write the first half of the compressed file beside a rotated one."""
        for path in self._rotated()[:1]:
            packed = gzip.compress(path.read_bytes())
            path.with_name(f"{path.name}.gz").write_bytes(packed[: len(packed) // 2])

    def lines_by_hour(self) -> dict[Hour, Counter[bytes]]:
        """Every line written so far; the banners are in the hour of the line that follows each."""
        hours: dict[Hour, Counter[bytes]] = {}
        for number, line in enumerate(self.lines):
            hours.setdefault(Hour.of(time_of(number, self.apart)), Counter())[line] += 1
        return hours

    def _put(self, text: bytes) -> None:
        is_new = not self.log.exists() or not self.log.stat().st_size
        if is_new and self.banner:
            self.banners += 1
            text = self.banner + text
        if not self.log.exists():
            self.log.touch()
        with self.log.open("r+b") as log:
            self._offset = log.seek(0, os.SEEK_END) if self.appends else log.seek(self._offset)
            self._offset += log.write(text)

    def _rotated(self) -> list[Path]:
        return sorted(self.directory.glob("access.log.*[0-9]"))

    def _next_name(self) -> Path:
        self.rotations += 1
        return self.directory / f"access.log.{self.rotations}"


class Steps(Protocol):
    """A source in which something may happen with each operation."""

    def step(self) -> None:
        """Let happen what is due after one more operation."""


@dataclass
class RacingSource:
    """A directory in which something happens between any two operations of a pull.

    `schedule` holds what happens and after how many further operations.
    """

    inner: DirectorySource
    schedule: list[tuple[int, Callable[[], None]]] = field(default_factory=list)
    operations: int = 0

    def list(self) -> list[ListedFile]:
        found = self.inner.list()
        self.step()
        return found

    def list_left_out(self) -> Sequence[LeftOut]:
        return self.inner.list_left_out()

    @contextmanager
    def open(self, name: str) -> Iterator[FileHandle]:
        self.step()
        with self.inner.open(name) as handle:
            yield RacingHandle(handle, self)

    def step(self) -> None:
        """Let happen what is due after one more operation."""
        self.operations += 1
        while self.schedule and self.schedule[0][0] <= self.operations:
            self.operations = 0
            self.schedule.pop(0)[1]()


@dataclass
class RacingHandle:
    """An open file; something may happen after each operation on it."""

    inner: FileHandle
    source: Steps

    def stat(self) -> FileStat:
        self.source.step()
        return self.inner.stat()

    def read(self, offset: int, size: int) -> bytes:
        data = self.inner.read(offset, size)
        self.source.step()
        return data

    def skip_hole(self, offset: int) -> int:
        return self.inner.skip_hole(offset)


def raw_lines(lake: Lake, host: str = "web-1") -> dict[Hour, Counter[bytes]]:
    """Every raw line that was pulled from a host, by the hour it was stored in."""
    found: dict[Hour, Counter[bytes]] = {}
    for key, size in objects.listing(lake, raw.RAW):
        _, hour, name = key.split("/")
        if name.startswith(f"{host}-"):
            lines = raw.read(lake, raw.RawObject(key, size)).splitlines(keepends=True)
            found.setdefault(Hour.parse(hour), Counter()).update(lines)
    return found
