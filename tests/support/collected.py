"""What pulls must collect from a host: the lines that were readable in the files they opened."""

from __future__ import annotations

import errno
import zlib
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from threading import RLock

from tests.support.log_host import HALF, LogHost
from tests.support.web_server import RacingHandle

from clickstream.collect import FileHandle, ListedFile, LogSource
from clickstream.collect.source import LeftOut
from clickstream.core.hours import Hour
from clickstream.lake import Lake, objects, raw
from clickstream.pipeline.pull.host import Pulled

Line = tuple[bytes, bytes]
"""A line; a banner with the beginning of the next line, which tells it from other banners."""


@dataclass(frozen=True)
class Opened:
    """What was in a file when a pull opened it, and when it closed it."""

    name: str
    before: bytes
    after: bytes

    def lines(self, banner: bytes) -> set[Line]:
        """The lines that were there all the time: nobody can read what the host destroys first."""
        return readable_lines(self.before, banner) & readable_lines(self.after, banner)


@dataclass
class WatchedSource:
    """A source on a directory of this machine, in which something happens during a pull.

    `schedule` holds what happens and after how many further operations. From the operation `breaks`
    on, no file can be read any more. `opened` is what was in each file when it was opened and what
    was still in it when it was closed, as read from `directory` beside the source.
    """

    directory: Path
    schedule: list[tuple[int, Callable[[], None]]] = field(default_factory=list)
    breaks: int | None = None
    opened: list[Opened] = field(default_factory=list)
    inner: LogSource = field(init=False)
    _lock: RLock = field(default_factory=RLock)
    _since_last: int = 0
    _operations: int = 0

    def list(self) -> list[ListedFile]:
        self.step()
        found = self.inner.list()
        self.step()
        return found

    def list_left_out(self) -> Sequence[LeftOut]:
        return self.inner.list_left_out()

    @contextmanager
    def open(self, name: str) -> Iterator[FileHandle]:
        self.step()
        with self.inner.open(name) as handle, (self.directory / name).open("rb") as file:
            before = file.read()
            yield _WatchedHandle(handle, self)
            file.seek(0)
            self.opened.append(Opened(name, before, file.read()))

    def step(self) -> None:
        """Let happen what is due after one more operation."""
        with self._lock:
            self._operations += 1
            self._since_last += 1
            while self.schedule and self.schedule[0][0] <= self._since_last:
                self._since_last = 0
                self.schedule.pop(0)[1]()

    @property
    def is_broken(self) -> bool:
        return self.breaks is not None and self._operations > self.breaks


@dataclass
class _WatchedHandle(RacingHandle):
    source: WatchedSource

    def read(self, offset: int, size: int) -> bytes:
        if self.source.is_broken:
            raise OSError(errno.EIO, "Input/output error")
        return super().read(offset, size)


class Collected:
    """Compares what is in raw with what pulls must have collected from a host."""

    def __init__(self, lake: Lake, host: LogHost, name: str) -> None:
        self.lake, self.host, self.name = lake, host, name
        self.must: dict[Line, str] = {}
        self._found: dict[str, list[bytes]] = {}

    def add(self, pulled: Pulled, opened: Iterable[Opened]) -> None:
        """Count the lines of files that a successful pull opened.

        A file that the pull named as refused or waiting may be collected later.
        """
        named = {text.split()[0].rstrip(":") for text in (*pulled.refused, *pulled.waiting)}
        for file in opened:
            if file.name not in named:
                self.must |= dict.fromkeys(file.lines(self.host.banner), file.name)

    def on_disk(self) -> list[Opened]:
        """The files that are there now."""
        paths = sorted(self.host.directory.glob("*access*log*"))
        texts = [(path.name, path.read_bytes()) for path in paths]
        return [Opened(name, text, text) for name, text in texts]

    @property
    def destroyed(self) -> int:
        """The lines that the host destroyed before a pull could see them."""
        return len(self.host.hours.keys() - {line for line, _ in self.must})

    def check(self) -> None:
        """Every line that must be in raw is there once, in its hour, and no other line is."""
        found = self._raw_lines()
        lines = Counter(line for _, line in found)
        banners = lines.pop(self.host.banner, 0)
        must = {line: why for (line, _), why in self.must.items() if line != self.host.banner}
        must_banners = sum(line == self.host.banner for line, _ in self.must)
        assert {line: why for line, why in must.items() if line not in lines} == {}, "lost"
        assert {line: n for line, n in lines.items() if n > 1} == {}, "doubled"
        texts = {line.lstrip(b"\0") for line in lines}  # a hole may lie before a line
        assert texts - self.host.hours.keys() - self.host.fragments == set(), "invented"
        hours = self.host.hours
        assert {(h, line) for h, line in found if hours.get(line, h) != h} == set(), "wrong hour"
        assert must_banners <= banners <= self.host.banners, "banners lost or doubled"

    def lines(self) -> set[bytes]:
        """The lines of the host that are in raw."""
        return {line for _, line in self._raw_lines()}

    def _raw_lines(self) -> list[tuple[object, bytes]]:
        """Every raw line of the host with its hour; each object is read once."""
        for key, size in objects.listing(self.lake, raw.RAW):
            if key.split("/")[2].startswith(f"{self.name}-") and key not in self._found:
                text = raw.read(self.lake, raw.RawObject(key, size))
                self._found[key] = text.splitlines(keepends=True)
        return [
            (Hour.parse(key.split("/")[1]), line)
            for key, lines in self._found.items()
            for line in lines
        ]


def readable_lines(content: bytes, banner: bytes) -> set[Line]:
    """The finished lines of a file. A half line may be finished elsewhere, or never.

    A banner without a finished line behind it is left out: nobody can tell the same beginning of
    two files apart.
    """
    pieces = _uncompressed(content).lstrip(b"\0").splitlines(keepends=True)
    return {
        (line, after[:HALF] if line == banner else b"")
        for line, after in zip(pieces, [*pieces[1:], b""], strict=False)
        if line.endswith(b"\n") and (line != banner or after.endswith(b"\n"))
    }


def _uncompressed(content: bytes) -> bytes:
    """The text of a file as far as it goes."""
    if not content.startswith(b"\x1f\x8b"):
        return content
    return zlib.decompressobj(wbits=31).decompress(content)
