"""After any history of log files, the engine has the facts of a fresh read of the same files."""

from __future__ import annotations

import errno
import gzip
import json
import secrets
import shutil
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from io import StringIO
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console
from tests.support.examples import examples

from clickstream.dashboard.ask.fact_copy import FILE_NAME, Snapshot, columns_of
from clickstream.dashboard.ask.visit_days import VISIT_DAYS
from clickstream.lake.fact_files import FACT_VIEWS
from clickstream.logs import log_file, site_inference
from clickstream.logs.lines_by_date import LinesByDate
from clickstream.logs.log_set import LogSet
from clickstream.logs.open_engine import STATE, LogEngine, PlacedLine, days_of
from clickstream.settings import Settings

SECRET = secrets.token_hex(32)
START = datetime(2026, 11, 20, 22, 30, tzinfo=UTC)
OF_PUBLICATION = ("published_at", "last_arrived_at")
PAGES = ("/", "/menu", "/order?id=1", "/logo.png", "/logo.png", "/admin.php")
AGENTS = ("Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0", "Googlebot/2.1")

Rows = dict[str, Counter[str]]


@pytest.fixture(autouse=True, scope="module")
def small_batches() -> Iterator[None]:
    """Files of some lines have several batches, and some dates a whole sample."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(log_file, "BLOCK_BYTES", 700)
        patch.setattr(log_file, "BATCH_BYTES", 1500)
        patch.setattr(site_inference, "SAMPLE_REQUESTS", 70)
        yield


@dataclass
class Server:
    """A web server that writes logs, and what rotates, damages and removes them."""

    directory: Path
    random: Random
    now: datetime = START
    half: bytes = b""
    domain: str = "shop.example"
    names: int = 0
    actions: dict[str, Callable[[], None]] = field(init=False)

    def __post_init__(self) -> None:
        some = (self.append, self.append_half, self.rotate, self.compress, self.copy_truncate)
        others = (self.truncate, self.delete_oldest, self.add_old, self.wait, self.late_line)
        more = (self.rename_domain, self.touch, self.append_garbage)
        self.actions = {one.__name__: one for one in (*some, *others, *more)}

    @property
    def log(self) -> Path:
        return self.directory / "access.log"

    def lines(self, number: int, at: datetime) -> Iterator[bytes]:
        for _ in range(number):
            at += timedelta(seconds=self.random.choice([0, 1, 20, 300]))
            page, client = self.random.choice(PAGES), self.random.randrange(4)
            yield (
                f'192.0.2.{client} - - [{at:%d/%b/%Y:%H:%M:%S} +0000] "GET {page} HTTP/1.1" 200 5 '
                f'"https://{self.domain}/" "{AGENTS[client % 3 // 2]}"\n'
            ).encode()
        self.now = max(self.now, at)

    def _append(self, data: bytes) -> None:
        with self.log.open("ab") as file:
            file.write(self.half + data)
        self.half = b""

    def append(self) -> None:
        self._append(b"".join(self.lines(self.random.randrange(1, 25), self.now)))

    def append_half(self) -> None:
        [line] = self.lines(1, self.now)
        cut = self.random.randrange(1, len(line))
        self._append(line[:cut])
        self.half = line[cut:]

    def append_garbage(self) -> None:
        self._append(b"no line of a log\n" * self.random.randrange(1, 5))

    def late_line(self) -> None:
        before, self.now = self.now, self.now - timedelta(hours=self.random.choice([1, 24, 50]))
        self._append(b"".join(self.lines(2, self.now)))
        self.now = before

    def wait(self) -> None:
        self.now += timedelta(minutes=self.random.choice([20, 80, 600, 1500, 15_000]))

    def rotate(self) -> None:
        for age in range(12, 0, -1):
            for name in (f"access.log.{age}", f"access.log.{age}.gz"):
                if (path := self.directory / name).exists():
                    path.rename(self.directory / name.replace(f".{age}", f".{age + 1}"))
        if self.log.exists():
            self.log.rename(self.directory / "access.log.1")
        self.half = b""
        self.append()

    def compress(self) -> None:
        for path in self.directory.glob("access.log.?"):
            path.with_name(path.name + ".gz").write_bytes(gzip.compress(path.read_bytes()))
            path.unlink()

    def copy_truncate(self) -> None:
        if self.log.exists():
            self.names += 1
            shutil.copy2(self.log, self.directory / f"access.log-2026{self.names:04}")
        self.truncate()

    def truncate(self) -> None:
        self.log.write_bytes(b"")
        self.half = b""

    def delete_oldest(self) -> None:
        for path in sorted(self.directory.iterdir(), reverse=True)[:1]:
            if path != self.log:
                path.unlink()

    def add_old(self) -> None:
        self.names += 1
        at = self.now - timedelta(hours=self.random.choice([1, 30, 200]))
        data = b"".join(self.lines(self.random.randrange(1, 8), at))
        (self.directory / f"access_old{self.names}.log").write_bytes(data)

    def rename_domain(self) -> None:
        self.domain = "other.example" if self.domain == "shop.example" else "shop.example"

    def touch(self) -> None:
        if self.log.exists():
            self.log.touch()


def open_engine(logs: Path, directory: Path) -> LogEngine:
    directory.mkdir(exist_ok=True)
    if not (directory / STATE).exists():
        (directory / STATE).write_text(json.dumps({"secret": SECRET}))
    console = Console(file=StringIO())
    return LogEngine(LogSet([str(logs)], Settings()), directory, console, follows=True, rest=0)


@contextmanager
def opened(engine: LogEngine) -> Iterator[tuple[Any, set[str]]]:
    """Open a cursor, and return it with the names of all tables."""
    with engine.reader() as reader:
        assert isinstance(reader, Snapshot)
        tables = {name for (name,) in reader.cursor.execute("show tables").fetchall()}
        yield reader.cursor, tables


def rows_of(engine: LogEngine) -> Rows:
    with opened(engine) as (cursor, tables):
        found = {}
        for view in {*FACT_VIEWS} & tables:
            names = sorted({*columns_of(cursor, view)} - {*OF_PUBLICATION})
            rows = cursor.execute(f"select {', '.join(names)} from {view}").fetchall()
            found[view] = Counter(map(str, rows))
    return {view: rows for view, rows in found.items() if rows}


def places_of(engine: LogEngine) -> list[PlacedLine]:
    """Where the lines of all visits are."""
    with opened(engine) as (cursor, tables):
        if "session_facts" not in tables:
            return []
        sql = "select session_id, started_at, duration_seconds from session_facts"
        visits = cursor.execute(sql).fetchall()
    return engine.place_lines({f"{one:016x}": days_of(*times) for one, *times in visits})


@contextmanager
def fresh_engine(logs: Path) -> Iterator[LogEngine]:
    with TemporaryDirectory() as cache, closing(open_engine(logs, Path(cache))) as engine:
        engine.refresh()
        yield engine


def assert_same(found: Rows, expected: Rows, what: object) -> None:
    for view in found.keys() | expected.keys():
        more, less = (one.get(view, Counter()) for one in (found, expected))
        assert [*(more - less)][:2] == [*(less - more)][:2], (view, what)


RESTART = "restart"
ACTIONS = [*Server(Path(), Random(0)).actions, RESTART, "append", "append", "wait", "rotate"]
steps = st.lists(st.lists(st.sampled_from(ACTIONS), min_size=1, max_size=4), min_size=2, max_size=3)


def start_server(logs: Path, seed: int) -> Server:
    """Start a server that has written logs of some dates."""
    logs.mkdir()
    server = Server(logs, Random(seed))
    for age in (9, 3, 2, 1):
        server.now += timedelta(hours=age * 7)
        server.append()
        server.log.rename(logs / f"access.log.{age}")
    server.append()
    return server


def follow(histories: list[list[str]], seed: int) -> None:
    with TemporaryDirectory() as name:
        logs, cache = Path(name) / "logs", Path(name) / "cache"
        server = start_server(logs, seed)
        engine = open_engine(logs, cache)
        engine.refresh()
        for place, actions in enumerate(histories):
            for action in actions:
                if action == RESTART:
                    engine.close()
                    engine = open_engine(logs, cache)
                else:
                    server.actions[action]()
            engine.refresh()
            with fresh_engine(logs) as fresh:
                assert_same(rows_of(engine), rows_of(fresh), histories[: place + 1])
                if place == len(histories) - 1:
                    places = places_of(engine)
                    assert places == places_of(fresh)
        server.append()
        assert {*places} <= {*places_of(engine)}
        engine.close()


def test_the_facts_are_those_of_a_fresh_read() -> None:
    """After a history with most actions; `make test-deep` draws histories."""
    first = ["append_half", "rotate", "late_line", "wait", "append"]
    follow([[*first, RESTART, "copy_truncate", "add_old", "compress", "append_garbage"]], seed=2)


@pytest.mark.deep
@examples(times=3)
@given(steps, st.integers(0, 1 << 16))
def test_the_facts_of_long_histories_are_those_of_a_fresh_read(
    histories: list[list[str]], seed: int
) -> None:
    follow(histories, seed)


def test_only_new_lines_of_the_newest_file_are_read_and_facts_of_the_last_dates_computed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    logs = tmp_path / "logs"
    logs.mkdir()
    server = Server(logs, Random(8))
    server.append()
    server.rotate()
    for _ in range(6):
        server.append()
        server.now += timedelta(days=1)
    with closing(open_engine(logs, tmp_path / "cache")) as engine:
        engine.refresh()
        with monkeypatch.context() as patch:
            patch.delattr(LogSet, "read")
            for _ in range(3):
                server.append()
                assert engine.refresh()
                assert engine.last
                assert engine.last.first in engine.last.lines.days[-3:-1]
        with fresh_engine(logs) as fresh:
            assert_same(rows_of(engine), rows_of(fresh), "a log that grows")


def test_new_lines_of_an_interrupted_refresh_are_counted_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    logs = tmp_path / "logs"
    logs.mkdir()
    server = Server(logs, Random(5))
    server.append()

    def add_and_fail(lines: LinesByDate, *parsed: Any) -> None:
        add(lines, *parsed)
        raise OSError(errno.ENOSPC, "No space left on device")

    add = LinesByDate.add
    with closing(open_engine(logs, tmp_path / "cache")) as engine:
        engine.refresh()
        server.append()
        with monkeypatch.context() as patch:
            patch.setattr(LinesByDate, "add", add_and_fail)
            with pytest.raises(OSError, match="No space"):
                engine.refresh()
        assert engine.refresh()
        with fresh_engine(logs) as fresh:
            assert_same(rows_of(engine), rows_of(fresh), "an interrupted refresh")


def test_a_log_that_was_written_anew_is_read_from_its_beginning(tmp_path: Path) -> None:
    """Also if it is longer than before, and has the same inode."""
    logs = tmp_path / "logs"
    logs.mkdir()
    server = Server(logs, Random(9))
    server.append()
    with closing(open_engine(logs, tmp_path / "cache")) as engine:
        engine.refresh()
        server.log.write_bytes(b"".join(server.lines(60, server.now)))
        assert engine.refresh()
        with fresh_engine(logs) as fresh:
            assert_same(rows_of(engine), rows_of(fresh), "a log that was written anew")


def test_facts_of_unchanged_files_are_kept_and_a_lost_copy_is_computed_again(
    tmp_path: Path,
) -> None:
    start_server(tmp_path / "logs", 3)
    cache = tmp_path / "cache"
    for is_new in (True, False):
        with closing(open_engine(tmp_path / "logs", cache)) as engine:
            assert engine.refresh() is is_new
            rows = rows_of(engine)
    (cache / FILE_NAME).unlink()
    with closing(open_engine(tmp_path / "logs", cache)) as engine:
        assert engine.refresh()
        assert rows_of(engine) == rows
    assert {path.stat().st_mode & 0o77 for path in cache.rglob("*.json")} == {0}


def test_sums_are_computed_after_the_first_page_and_follow_new_lines(tmp_path: Path) -> None:
    server = start_server(tmp_path / "logs", 5)
    with closing(open_engine(tmp_path / "logs", tmp_path / "cache")) as engine:
        assert engine.refresh()
        assert sums_of(engine) == []
        assert not engine.refresh(), "the facts have not changed"
        first = sums_of(engine)
        assert first
        server.append()
        assert engine.refresh()
        followed = sums_of(engine)
        assert followed != first
    with fresh_engine(tmp_path / "logs") as fresh:
        fresh.refresh()
        assert sums_of(fresh) == followed


def sums_of(engine: LogEngine) -> list[tuple[Any, ...]]:
    """The sums of visits; visitors are left out, because keys differ between engines."""
    with engine.reader() as reader:
        assert isinstance(reader, Snapshot)
        if not columns_of(reader.cursor, VISIT_DAYS):
            return []
        return reader.cursor.execute(f"from {VISIT_DAYS} order by all").fetchall()
