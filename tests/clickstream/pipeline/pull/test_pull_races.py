"""Whatever server and logrotate do during a pull, wherever it is killed, each line lands once."""

from __future__ import annotations

import time
import uuid
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass
from itertools import product
from pathlib import Path

import pytest
from hypothesis import event, example, given
from hypothesis import strategies as st
from tests.support.faults import Killed, dying
from tests.support.tiers import first_in_make_test
from tests.support.web_server import RacingSource, WebServer, raw_lines

from clickstream.collect import DirectorySource
from clickstream.lake import Lake
from clickstream.pipeline.pull.host import pull_source
from clickstream.settings import SourceSettings

BANNER = b'127.0.0.1 - - [20/Nov/2026:05:50:00 +0000] "GET /start HTTP/1.1" 200 1 "-" "-"\n'
LAST_PULLS = 4
"""Pulls after which nothing may be left: one whose first sight of a file was its last but one."""


@dataclass(frozen=True)
class Pull:
    """A pull, what happens during it after how many operations each, and where it is killed."""

    during: tuple[tuple[int, str], ...] = ()
    dies: tuple[int, bool] | None = None


SERVER = st.sampled_from(
    ["write", "write", "write_half", "rename", "copy", "truncate", "compress", "begin_to_compress"]
)
PULLS = st.builds(
    Pull,
    st.lists(st.tuples(st.integers(1, 6), SERVER), max_size=5).map(tuple),
    st.none() | st.tuples(st.integers(0, 8), st.booleans()),
)


def run(lake: Lake, source: SourceSettings, server: WebServer, pull: Pull) -> None:
    logs = RacingSource(DirectorySource(server.directory, source.pattern))
    logs.schedule = [(gap, getattr(server, name)) for gap, name in pull.during]
    with suppress(Killed):
        pull_source(dying(lake, *pull.dies) if pull.dies else lake, source, logs)
    for _, act in logs.schedule:
        act()


@example(["write", "write", Pull(), "write", Pull(((1, "rename"), (0, "write")))], b"", True)
@example(["write", Pull(), "write", "write", Pull(dies=(0, True)), "copy", "write"], b"", True)
@example(["write", "write", "write", "write", Pull(), "copy", "write"], BANNER, True)
@example(["write", "write", Pull(), "copy", "write", "write"], b"", False)
@example(["write", Pull(), "write", Pull(((6, "copy"), (0, "truncate"), (0, "write")))], b"", False)
@example(["write", "write", Pull(), "copy", Pull(((4, "write"),))], b"", False)
@example(["write", "write", Pull(), "copy", Pull(((5, "write"),))], b"", False)
@given(
    actions=st.lists(SERVER | PULLS, max_size=16),
    banner=st.sampled_from([b"", BANNER]),
    appends=st.booleans(),
)
def test_every_line_lands_once_in_its_hour(
    lake: Lake, tmp_path: Path, actions: list[str | Pull], banner: bytes, appends: bool
) -> None:
    name = f"host-{uuid.uuid4().hex}"  # every example has a host and a directory of its own
    server = WebServer(tmp_path / name, banner, appends)
    source = SourceSettings(name=name, path=str(server.directory))
    for action in actions:
        if isinstance(action, Pull):
            run(lake, source, server, action)
        else:
            getattr(server, action)()
    server.write()
    server.compress()
    for _ in range(LAST_PULLS):
        last = pull_source(lake, source)
    assert (last.lines, last.refused, last.waiting) == (0, [], [])
    found = raw_lines(lake, name)
    banners = sum(lines.pop(banner, 0) for lines in found.values())
    assert {hour: lines for hour, lines in found.items() if lines} == server.lines_by_hour()
    assert banners == server.banners
    event(f"rotations: {server.rotations}")


@pytest.fixture
def server(tmp_path: Path) -> WebServer:
    return WebServer(tmp_path / "logs")


def test_a_file_written_to_between_the_last_read_and_the_stat_is_not_finished(
    lake: Lake, server: WebServer
) -> None:
    server.write()
    source = lake.settings.sources[0]
    for operations in range(1, 12):
        logs = RacingSource(DirectorySource(server.directory, source.pattern))
        logs.schedule = [(operations, server.write)]
        pull_source(lake, source, logs)
        pull_source(lake, source)
        assert raw_lines(lake) == server.lines_by_hour(), operations


def test_a_resumed_range_with_other_bytes_waits_and_is_named(lake: Lake, server: WebServer) -> None:
    """The intent is of bytes that no file has any more, behind bytes that one still has."""
    server.write()
    source = lake.settings.sources[0]
    pull_source(lake, source)
    begun = server.log.read_bytes()
    server.write()
    with suppress(Killed):
        pull_source(dying(lake, 0, after=True), source)
    server.log.write_bytes(begun + server.line().replace(b"/2 ", b"/x "))
    before = raw_lines(lake)
    pulled = pull_source(lake, source)
    assert (pulled.lines, pulled.refused) == (0, [])
    [waiting] = pulled.waiting
    assert waiting.startswith("access.log does not have bytes 85 to 170")
    assert "1 file WAITING: access.log" in pulled.sentence
    assert raw_lines(lake) == before
    server.log.write_bytes(begun + server.lines[1])
    assert pull_source(lake, source).lines == 1
    assert Counter(pull_source(lake, source).waiting) == Counter()


@pytest.mark.parametrize("rotate", ["rename", "copy_and_truncate"])
def test_a_rotation_during_a_pull_delays_no_line(
    lake: Lake, server: WebServer, rotate: str
) -> None:
    source = lake.settings.sources[0]
    server.write()
    pull_source(lake, source)
    server.write()
    logs = RacingSource(DirectorySource(server.directory, source.pattern))
    logs.schedule = [(1, getattr(server, rotate)), (0, server.write)]
    pulled = pull_source(lake, source, logs)
    assert (pulled.lines, pulled.waiting) == (2, [])
    assert raw_lines(lake) == server.lines_by_hour()


def test_a_file_that_begins_again_with_its_first_line_is_read_while_it_is_shorter(
    lake: Lake, server: WebServer
) -> None:
    source = lake.settings.sources[0]
    for _ in range(50):
        server.write()
    assert pull_source(lake, source).lines == 50
    server.log.write_bytes(server.lines[0] + server.line() + server.line())
    assert pull_source(lake, source).lines == 3
    assert pull_source(lake, source).lines == 0


@pytest.mark.parametrize("lines", [1, 7, 49])
def test_a_copy_that_is_not_whole_yet_is_no_other_file(
    lake: Lake, server: WebServer, lines: int
) -> None:
    source = lake.settings.sources[0]
    for _ in range(50):
        server.write()
    pull_source(lake, source)
    for end in (b"", server.lines[lines][:30]):
        (server.directory / "access.log.1").write_bytes(b"".join(server.lines[:lines]) + end)
        assert pull_source(lake, source).lines == 0


def test_a_server_may_begin_every_file_with_the_same_line(lake: Lake, tmp_path: Path) -> None:
    """A rotation a day for weeks: far more files begin alike than have numbered names."""
    server = WebServer(tmp_path / "logs", BANNER)
    source = lake.settings.sources[0]
    for number in range(20):
        server.write()
        if number % 3:
            pull_source(lake, source)
        server.rename()
    pull_source(lake, source)
    found = raw_lines(lake)
    assert sum(lines.pop(BANNER, 0) for lines in found.values()) == 20
    assert found == server.lines_by_hour()


@pytest.mark.parametrize(("kept", "further"), first_in_make_test(product((2, 5, 9), (1, 3, 20))))
def test_a_file_that_is_cut_to_its_first_lines_and_written_on_gives_its_new_lines(
    lake: Lake, server: WebServer, kept: int, further: int
) -> None:
    source = lake.settings.sources[0]
    for _ in range(10):
        server.write()
    pull_source(lake, source)
    server.log.write_bytes(b"".join(server.lines[:kept]))
    assert pull_source(lake, source).lines == 0
    for _ in range(further):
        server.write()
    assert pull_source(lake, source).lines == further
    server.write()
    assert pull_source(lake, source).lines == 1
    server.rename()
    server.compress()
    assert pull_source(lake, source).lines == 0
    assert raw_lines(lake) == server.lines_by_hour()


def test_a_file_that_is_cut_twice_gives_each_line_once(lake: Lake, server: WebServer) -> None:
    source = lake.settings.sources[0]
    for kept in (20, 6, 3):
        server.log.write_bytes(b"".join(server.lines[:kept]))
        for _ in range(10):
            server.write()
        pull_source(lake, source)
    assert raw_lines(lake) == server.lines_by_hour()


@pytest.mark.parametrize("pulled", [0, 1, 3])
def test_lines_behind_bytes_that_a_killed_pull_intended_and_no_file_has_are_pulled_later(
    lake: Lake, server: WebServer, monkeypatch: pytest.MonkeyPatch, pulled: int
) -> None:
    source, now = lake.settings.sources[0], time.time
    for _ in range(pulled):
        server.write()
    if pulled:
        pull_source(lake, source)
    kept = server.log.read_bytes() if pulled else b""
    server.write()
    with suppress(Killed):
        pull_source(dying(lake, 0, after=True), source)
    destroyed = server.lines.pop()
    server.log.write_bytes(kept)
    server.lines.append(destroyed.replace(b"GET /", b"GET /other-"))
    server.log.write_bytes(kept + server.lines[-1])
    assert pull_source(lake, source).lines == int(not pulled)
    monkeypatch.setattr(time, "time", lambda: now() + 3600)
    later = pull_source(lake, source)
    assert (later.lines, later.waiting) == (int(bool(pulled)), [])
    server.write()
    assert pull_source(lake, source).lines == 1
    assert raw_lines(lake) == server.lines_by_hour()


def test_a_file_that_is_cut_within_lines_that_came_after_a_cut_gives_each_line_once(
    lake: Lake, server: WebServer
) -> None:
    source = lake.settings.sources[0]
    kept: list[bytes] = []
    for lines in (5, 3, 4, 2):
        server.log.write_bytes(b"".join(kept))
        for _ in range(lines):
            server.write()
        pull_source(lake, source)
        kept = server.log.read_bytes().splitlines(keepends=True)[:-1]
    assert raw_lines(lake) == server.lines_by_hour()


@pytest.mark.parametrize("shared", [1, 2, 5])
def test_logs_of_two_sites_that_begin_with_equal_lines_keep_all_of_them(
    lake: Lake, server: WebServer, shared: int
) -> None:
    source = lake.settings.sources[0]
    lines = [server.line() for _ in range(12)]
    (server.directory / "access.log").write_bytes(b"".join(lines[:10]))
    (server.directory / "shop-access.log").write_bytes(b"".join(lines[:shared] + lines[10:]))
    assert pull_source(lake, source).lines == 10 + shared + 2
    assert pull_source(lake, source).lines == 0


@pytest.mark.parametrize("gap", range(1, 7))
def test_a_file_that_was_empty_when_it_was_opened_is_read_as_the_file_that_was_identified(
    lake: Lake, server: WebServer, gap: int
) -> None:
    """Its first lines appear, and are replaced by others, at any operations of the pull."""
    source = lake.settings.sources[0]
    for until_lines in range(1, 7):
        server.write()
        server.copy()
        server.truncate()
        logs = RacingSource(DirectorySource(server.directory, source.pattern))
        logs.schedule = [(until_lines, server.write), (gap, server.copy)]
        logs.schedule += [(0, server.truncate), (0, server.write)]
        pull_source(lake, source, logs)
        for _, act in logs.schedule:
            act()
        for _ in range(LAST_PULLS):
            pull_source(lake, source)
        assert raw_lines(lake) == server.lines_by_hour(), until_lines
