"""Files without inodes, whose times are whole seconds, as SFTP shows them."""

from __future__ import annotations

import gzip
import os
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

import pytest
from tests.support.web_server import WebServer, raw_lines

from clickstream.collect import DirectorySource, FileHandle, FileStat, ListedFile
from clickstream.collect.source import LeftOut
from clickstream.lake import Lake, pull_states
from clickstream.pipeline.pull.host import Pulled, pull_source

SECOND = 1_000_000_000
NOW = time.time


@dataclass
class FarSource:
    """A directory as another machine shows it; `read` counts the bytes read of each file."""

    inner: DirectorySource
    read: dict[str, int] = field(default_factory=dict)

    def list(self) -> list[ListedFile]:
        return [ListedFile(file.name, far(file.stat)) for file in self.inner.list()]

    def list_left_out(self) -> Sequence[LeftOut]:
        return self.inner.list_left_out()

    @contextmanager
    def open(self, name: str) -> Iterator[FileHandle]:
        with self.inner.open(name) as handle:
            yield FarHandle(handle, name, self.read)


@dataclass
class FarHandle:
    inner: FileHandle
    name: str
    counts: dict[str, int]

    def stat(self) -> FileStat:
        return far(self.inner.stat())

    def read(self, offset: int, size: int) -> bytes:
        data = self.inner.read(offset, size)
        self.counts[self.name] = self.counts.get(self.name, 0) + len(data)
        return data

    def skip_hole(self, offset: int) -> int:
        return offset


def far(stat: FileStat) -> FileStat:
    return FileStat(stat.size, stat.modified_ns // SECOND * SECOND)


@pytest.fixture
def server(tmp_path: Path) -> WebServer:
    return WebServer(tmp_path / "logs")


@pytest.fixture
def busy_server(tmp_path: Path) -> WebServer:
    """A server with a line in each second."""
    return WebServer(tmp_path / "logs", apart=timedelta(seconds=1))


def pull(lake: Lake, server: WebServer) -> tuple[Pulled, FarSource]:
    logs = FarSource(DirectorySource(server.directory, "*access*log*"))
    return pull_source(lake, lake.settings.sources[0], logs), logs


def date_back(path: Path, seconds: int) -> None:
    at = int(time.time()) - seconds
    os.utime(path, (at, at))


def big_archive(server: WebServer, name: str, lines: int = 3000) -> Path:
    path = server.directory / name
    path.write_bytes(gzip.compress(b"".join(server.line() for _ in range(lines)), 1))
    return path


def later(monkeypatch: pytest.MonkeyPatch, seconds: int) -> None:
    """Let the next pulls begin some seconds later by the clock here."""
    monkeypatch.setattr(time, "time", lambda: NOW() + seconds)


def test_a_compressed_file_that_was_renamed_is_not_fetched_again(
    lake: Lake, busy_server: WebServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = big_archive(busy_server, "access.log.1.gz")
    date_back(first, 900)
    busy_server.write()
    assert pull(lake, busy_server)[0].lines == 3001
    first.rename(busy_server.directory / "access.log.2.gz")
    size = (busy_server.directory / "access.log.2.gz").stat().st_size
    for seconds in (0, 60, 120):
        later(monkeypatch, seconds)
        pulled, logs = pull(lake, busy_server)
        assert pulled.lines == 0
        assert logs.read.get("access.log.2.gz", 0) < min(size, 200)
    assert "access.log.2.gz" not in logs.read
    assert raw_lines(lake) == busy_server.lines_by_hour()


def test_a_compressed_file_is_fetched_once(lake: Lake, busy_server: WebServer) -> None:
    archive = big_archive(busy_server, "access.log.1.gz", 20_000)
    _, logs = pull(lake, busy_server)
    size = archive.stat().st_size
    assert size <= logs.read["access.log.1.gz"] < size + 200


def test_the_newest_compressed_file_is_known_by_its_trailer(
    lake: Lake, busy_server: WebServer
) -> None:
    big_archive(busy_server, "access.log.1.gz")
    assert pull(lake, busy_server)[0].lines == 3000
    pulled, logs = pull(lake, busy_server)
    assert pulled.lines == 0
    assert logs.read["access.log.1.gz"] < 200


def test_a_file_replaced_within_its_second_by_one_of_the_same_size_is_read(
    lake: Lake, server: WebServer
) -> None:
    server.write()
    at = int(time.time()) - 60
    os.utime(server.log, (at, at))
    assert pull(lake, server)[0].lines == 1
    server.log.write_bytes(server.line())
    os.utime(server.log, (at, at))
    assert pull(lake, server)[0].lines == 1
    assert raw_lines(lake) == server.lines_by_hour()


def test_a_file_is_opened_until_two_pulls_some_seconds_apart_saw_it_unchanged(
    lake: Lake, server: WebServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    server.write()
    server.rename()
    date_back(server.directory / "access.log.1", 60)
    opened = []
    for seconds in (0, 0, 60, 120):
        later(monkeypatch, seconds)
        opened.append([*pull(lake, server)[1].read])
    assert opened == [["access.log.1"], ["access.log.1"], ["access.log.1"], []]


def test_a_second_listing_of_a_pull_opens_changed_files_only(lake: Lake, server: WebServer) -> None:
    for number in range(3):
        server.write()
        server.log.rename(server.directory / f"access.log-{number}")
    server.write()
    logs = FarSource(DirectorySource(server.directory, "*access*log*"))
    opened: list[str] = []
    inner = logs.open

    @contextmanager
    def open_and_write(name: str) -> Iterator[FileHandle]:
        opened.append(name)
        if name == "access.log":
            server.write()
        with inner(name) as handle:
            yield handle

    logs.open = open_and_write  # type: ignore[method-assign]
    pulled = pull_source(lake, lake.settings.sources[0], logs)
    assert sorted(opened) == ["access.log", *(f"access.log-{number}" for number in range(3))]
    assert pulled.lines == 5


def test_lines_of_a_rotation_between_listing_and_opening_come_with_the_same_pull(
    lake: Lake, server: WebServer
) -> None:
    """The name has another, larger file; without inodes a second listing finds the first one."""
    server.write()
    source = FarSource(DirectorySource(server.directory, "*access*log*"))
    listing = source.list

    def list_and_rotate() -> list[ListedFile]:
        files = listing()
        if not server.rotations:
            server.rename()
            server.write()
            server.write()
        return files

    source.list = list_and_rotate  # type: ignore[method-assign]
    assert pull_source(lake, lake.settings.sources[0], source).lines == 3
    assert raw_lines(lake) == server.lines_by_hour()


def test_many_small_files_are_pulled_whole(lake: Lake, server: WebServer) -> None:
    for number in range(40):
        server.write()
        server.write()
        server.log.rename(server.directory / f"access.log-{number}")
    pulled, _ = pull(lake, server)
    assert (pulled.lines, pulled.files) == (80, 40)
    assert pull(lake, server)[0].lines == 0
    assert raw_lines(lake) == server.lines_by_hour()


def test_many_files_that_begin_alike_are_pulled_whole(lake: Lake, tmp_path: Path) -> None:
    banner = b'127.0.0.1 - - [20/Nov/2026:05:50:00 +0000] "GET /start HTTP/1.1" 200 1 "-" "-"\n'
    server = WebServer(tmp_path / "logs", banner)
    for number in range(30):
        server.write()
        server.log.rename(server.directory / f"access.log-{number}")
    for _ in range(3):
        last, _ = pull(lake, server)
    assert (last.lines, last.waiting, last.refused) == (0, [], [])
    found = raw_lines(lake)
    assert sum(lines.pop(banner, 0) for lines in found.values()) == 30
    assert {hour: lines for hour, lines in found.items() if lines} == server.lines_by_hour()


def test_a_state_says_when_the_pull_began_and_what_it_brought(
    lake: Lake, server: WebServer
) -> None:
    server.write()
    before = int(time.time())
    pull(lake, server)
    state = pull_states.pull_state(lake, "web-1")
    assert state.pulled_at is not None
    assert before <= state.pulled_at <= time.time()
    assert (state.lines, state.bytes, state.failure) == (1, len(server.lines[0]), "")
