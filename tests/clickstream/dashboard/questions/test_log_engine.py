"""After any history of log files, the engine has the facts of a fresh read of the same files."""

from __future__ import annotations

import gzip
import json
import secrets
import shutil
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from io import StringIO
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console
from tests.support.examples import examples

from clickstream.dashboard.questions.log_engine import CARRIES, STATE, LogEngine
from clickstream.lake.fact_files import FACT_VIEWS
from clickstream.log_facts import own_domain
from clickstream.log_facts.log_set import LogSet
from clickstream.log_files import reading
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
        patch.setattr(reading, "BLOCK_BYTES", 700)
        patch.setattr(reading, "BATCH_BYTES", 1500)
        patch.setattr(own_domain, "SAMPLE_REQUESTS", 70)
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


def rows_of(engine: LogEngine) -> Rows:
    with engine.reader() as reader:
        known = {name for (name,) in reader.cursor.execute("show tables").fetchall()}  # type: ignore[attr-defined]
        found = {}
        for view in {*FACT_VIEWS} & known:
            rows = reader.cursor.execute(f"from {view}").to_arrow_table()  # type: ignore[attr-defined]
            names = sorted({*rows.column_names} - {*OF_PUBLICATION})
            found[view] = Counter(map(str, rows.select(names).to_pylist()))
    return {view: rows for view, rows in found.items() if rows}


def fresh_rows(logs: Path, directory: Path) -> Rows:
    shutil.rmtree(directory, ignore_errors=True)
    with closing(open_engine(logs, directory)) as engine:
        engine.refresh()
        return rows_of(engine)


def assert_same(found: Rows, expected: Rows, what: object) -> None:
    for view in found.keys() | expected.keys():
        more, less = (one.get(view, Counter()) for one in (found, expected))
        assert [*(more - less)][:2] == [*(less - more)][:2], (view, what)


RESTART = "restart"
ACTIONS = [*Server(Path(), Random(0)).actions, RESTART, "append", "append", "wait", "rotate"]
steps = st.lists(st.lists(st.sampled_from(ACTIONS), min_size=1, max_size=4), max_size=4)


def follow(histories: list[list[str]], seed: int) -> None:
    with TemporaryDirectory() as name:
        logs, cache, fresh = (Path(name) / part for part in ("logs", "cache", "fresh"))
        logs.mkdir()
        server = Server(logs, Random(seed))
        for age in (9, 2, 1):
            server.now += timedelta(hours=age * 7)
            server.append()
            server.log.rename(logs / f"access.log.{age}")
        server.append()
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
            assert_same(rows_of(engine), fresh_rows(logs, fresh), histories[: place + 1])
        engine.close()


@examples(times=0.3)
@given(steps, st.integers(0, 1 << 16))
def test_the_facts_are_those_of_a_fresh_read(histories: list[list[str]], seed: int) -> None:
    follow(histories, seed)
