"""The log files: their rotation, and live traffic that goes on exactly where they stop."""

import gzip
import os
import re
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.support.examples import examples

from clickstream.core.errors import InputError
from clickstream.core.hours import Hour
from clickstream.demo.cafe import CafeRules, live, log_files, simulate, write_history

FIRST, LAST = Hour.parse("2026-10-24T21"), Hour.parse("2026-10-25T01")
RULES = CafeRules(seed=11, visitors_per_hour=12, bots_per_hour=2)


class Clock:
    """A clock that only a pause moves on; a pause at its last moment ends the run."""

    def __init__(self, now: datetime, until: datetime, seconds: int) -> None:
        self.now, self.until, self.step = now, until, timedelta(seconds=seconds)
        self.is_over = False

    def pause(self, _: float) -> None:
        self.is_over = self.now >= self.until
        self.now = min(self.now + self.step, self.until)


def run(directory: Path, start: datetime, until: datetime, step: int = 601) -> None:
    clock = Clock(start, until, step)
    live(directory, RULES, lambda: clock.is_over, lambda: clock.now, clock.pause)


def everything(directory: Path) -> bytes:
    """All logs, oldest first."""

    def age(path: Path) -> int:
        return int(re.search(r"log\.?(\d*)", path.name)[1] or 0)

    paths = sorted(directory.iterdir(), key=age, reverse=True)
    return b"".join(
        gzip.decompress(p.read_bytes()) if p.suffix == ".gz" else p.read_bytes() for p in paths
    )


def lines_until(moment: datetime, first: Hour = FIRST) -> bytes:
    lines = simulate(first, Hour.of(moment), RULES).lines
    return b"".join(line.raw for line in lines if line.at <= moment)


def test_history_is_rotated_and_compressed_and_its_truth_is_the_simulations(tmp_path):
    truth = write_history(tmp_path / "logs", FIRST, LAST, RULES)
    names = sorted(path.name for path in (tmp_path / "logs").iterdir())
    assert names == [
        *("access.log", "access.log.1", "access.log.2.gz", "access.log.3.gz", "access.log.4.gz")
    ]
    assert everything(tmp_path / "logs") == lines_until(LAST.end)
    assert truth == simulate(FIRST, LAST, RULES).truth


def test_the_same_history_gives_the_same_bytes(tmp_path):
    for name in ("one", "two"):
        write_history(tmp_path / name, FIRST, LAST, RULES)
    for path in (tmp_path / "one").iterdir():
        assert path.read_bytes() == (tmp_path / "two" / path.name).read_bytes()


def test_history_is_not_written_over_another(tmp_path):
    write_history(tmp_path, FIRST, FIRST, RULES)
    with pytest.raises(InputError, match="already has an access log"):
        write_history(tmp_path, FIRST, LAST, RULES)


def test_live_goes_on_from_history_over_rotations(tmp_path):
    write_history(tmp_path, FIRST, LAST, RULES)
    until = LAST.end + timedelta(hours=2, minutes=20)
    run(tmp_path, LAST.end, until, step=97)
    assert everything(tmp_path) == lines_until(until)
    assert len(list(tmp_path.iterdir())) == 8


def test_live_without_history_begins_with_the_clocks_hour(tmp_path):
    start = FIRST.start + timedelta(minutes=25)
    run(tmp_path / "new", start, start + timedelta(minutes=10), step=1)
    assert everything(tmp_path / "new") == lines_until(start + timedelta(minutes=10))


def test_live_catches_up_with_hours_it_has_missed(tmp_path):
    write_history(tmp_path, FIRST, FIRST, RULES)
    moment = FIRST.start + timedelta(hours=4, minutes=1)
    run(tmp_path, moment, moment)
    assert everything(tmp_path) == lines_until(moment)


@examples(times=0.5)
@given(minutes=st.lists(st.integers(0, 100), min_size=1, max_size=4), lost=st.integers(0, 500))
def test_live_restarts_anywhere_even_inside_a_line(tmp_path_factory, minutes, lost):
    directory = tmp_path_factory.mktemp("logs")
    now = FIRST.start
    for more in minutes:
        run(directory, now, now := now + timedelta(minutes=more))
        log = directory / "access.log"
        os.truncate(log, max(0, log.stat().st_size - lost))
    run(directory, now, now)
    assert everything(directory) == lines_until(now)


@pytest.mark.parametrize("calls", range(1, 7))
def test_a_rotation_that_dies_is_taken_up_again(tmp_path, monkeypatch, calls):
    write_history(tmp_path, FIRST, LAST, RULES)
    left = iter(range(calls))

    def dying(name: str) -> Callable[..., None]:
        real = getattr(os, name)

        def call(*arguments, **keywords):
            if next(left, None) is None:
                raise KeyboardInterrupt
            return real(*arguments, **keywords)

        return call

    with monkeypatch.context() as patched:
        patched.setattr(os, "rename", dying("rename"))
        patched.setattr(os, "unlink", dying("unlink"))
        with pytest.raises(KeyboardInterrupt):
            run(tmp_path, LAST.end, LAST.end + timedelta(minutes=70))
    until = LAST.end + timedelta(hours=2, minutes=5)
    run(tmp_path, LAST.end, until)
    assert everything(tmp_path) == lines_until(until)


def test_files_of_another_cafe_are_not_gone_on_with(tmp_path):
    write_history(tmp_path, FIRST, LAST, CafeRules(seed=12))
    with pytest.raises(InputError, match="other lines than this café writes in 2026-10-25T01"):
        run(tmp_path, LAST.end, LAST.end)


def test_the_hour_of_a_file_without_a_dated_line_is_unknown(tmp_path):
    (tmp_path / "access.log").write_bytes(b"\n198.18.0.1 - - [24/Oct")
    assert log_files.hour_of(tmp_path / "access.log") is None
    assert log_files.hour_of(tmp_path / "missing") is None
