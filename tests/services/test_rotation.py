"""Each request that nginx logs lands in the lake once, however logrotate rotates its log."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from threading import Event, Thread

import pytest
from tests.support.nginx import Nginx, rotate, running_nginx

from clickstream.lake import Lake, objects, raw
from clickstream.pipeline.pull.host import pull_source

CLIENTS, REQUESTS, ROTATIONS = 4, 1500, 6
OTHERS = 1_000_000


@pytest.fixture
def nginx(tmp_path: Path) -> Iterator[Nginx]:
    with running_nginx(tmp_path, tmp_path / "logs") as server:
        yield server


@pytest.fixture
def pulling(reopen: Callable[[], Lake]) -> Iterator[Event]:
    """Pull without pause from a second thread until the test is over."""
    over, errors = Event(), []

    def pull_until_over() -> None:
        own = reopen()
        while not over.is_set():
            try:
                pull_source(own, own.settings.sources[0])
            except Exception as error:
                errors.append(error)

    thread = Thread(target=pull_until_over)
    thread.start()
    yield over
    over.set()
    thread.join()
    assert errors == []


def lost_and_doubled(lake: Lake, requested: int) -> tuple[list[int], list[int]]:
    """The numbers below `requested` that the lake's raw lines lack, and those it has twice."""
    found: Counter[int] = Counter()
    for key, size in objects.listing(lake, raw.RAW):
        text = raw.read(lake, raw.RawObject(key, size))
        found.update(map(int, re.findall(rb'"GET /page/(\d+) ', text)))
    lost = [number for number in range(requested) if number not in found]
    return lost, sorted(number for number, times in found.items() if times > 1 and number < OTHERS)


def test_rename_and_create_under_load_loses_and_doubles_no_line(
    lake: Lake, tmp_path: Path, nginx: Nginx, pulling: Event
) -> None:
    """As Debian's nginx package rotates: rename, create, signal, compress one rotation later."""
    reopen_logs = ["postrotate", f"  kill -USR1 {nginx.process.pid}", "endscript"]
    with nginx.load(CLIENTS, REQUESTS):
        for _ in range(ROTATIONS):
            nginx.get(OTHERS, OTHERS + 100)
            rotate(tmp_path, nginx.logs, "create 0640", "compress", "delaycompress", *reopen_logs)
    pulling.set()
    pull_source(lake, lake.settings.sources[0])
    assert lost_and_doubled(lake, CLIENTS * REQUESTS) == ([], [])


def test_copytruncate_between_requests_loses_and_doubles_no_line(
    lake: Lake, tmp_path: Path, nginx: Nginx, pulling: Event
) -> None:
    """Nothing is logged while logrotate copies and truncates; pulls go on meanwhile."""
    for rotation in range(ROTATIONS):
        nginx.get(rotation * 500, rotation * 500 + 499)
        rotate(tmp_path, nginx.logs, "copytruncate", "compress", "delaycompress")
    pulling.set()
    pull_source(lake, lake.settings.sources[0])
    assert lost_and_doubled(lake, ROTATIONS * 500) == ([], [])
