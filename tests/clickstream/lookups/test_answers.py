"""The cache of answers: whatever becomes of its file, answers are what the function says."""

from __future__ import annotations

import logging
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from multiprocessing import get_context
from pathlib import Path
from random import Random

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.clickstream.lookups.asking import TEXTS, Answer, answer_of, ask, ask_often

from clickstream.clean import devices
from clickstream.clean.devices import Device, device_of
from clickstream.lookups import AnswerCache, code_version

ROOT = Path(__file__).parents[3]


def rows(path: Path) -> int:
    with sqlite3.connect(path) as file:
        (count,) = file.execute("select count(*) from answers").fetchone()
    file.close()
    return int(count)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "cache" / "answers.sqlite"


def test_a_text_is_asked_for_once(path: Path) -> None:
    assert ask(path, TEXTS + TEXTS) == TEXTS
    assert ask(path, [*TEXTS, "another"]) == ["another"]
    assert ask(path, TEXTS) == []


def test_another_version_starts_afresh(path: Path) -> None:
    ask(path, TEXTS)
    assert ask(path, TEXTS, version="2") == TEXTS
    assert ask(path, TEXTS) == []


def test_functions_do_not_share_answers(path: Path) -> None:
    with AnswerCache(path) as cache:
        first = cache.remembering(answer_of, Answer, "1")
        second = cache.remembering(device_of, Device, "1")
        assert first("x") == answer_of("x")
        assert second("x") == device_of("x")


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(texts=st.lists(st.text(st.characters(exclude_categories=()))))
def test_any_text_has_its_answer(path: Path, texts: list[str]) -> None:
    ask(path, texts)


def test_devices_are_the_same_with_and_without(path: Path) -> None:
    agents = ["", "-", "\ud800", "Mozilla/5.0 (iPhone) Instagram 300.0", "curl/8.5.0", "A" * 9000]
    version = code_version(devices, "ua-parser", "ua-parser-builtins", "ua-parser-rs")
    for _ in range(2):
        with AnswerCache(path) as cache:
            remembered = cache.remembering(device_of, Device, version)
            assert [remembered(agent) for agent in agents] == [device_of(agent) for agent in agents]


def test_it_keeps_within_its_limit_and_drops_what_was_used_longest_ago(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    days = iter(range(100))
    monkeypatch.setattr("time.time", lambda: next(days) * 90_000)
    kept, old = TEXTS[:20], TEXTS[20:60]
    ask(path, kept, limit=100)
    ask(path, old, limit=100)
    assert ask(path, kept, limit=100) == []
    ask(path, TEXTS[100:160], limit=100)
    assert rows(path) == 90
    assert ask(path, kept, limit=100) == []
    assert len(ask(path, old, limit=100)) == 30


def test_long_answers_are_not_kept(path: Path) -> None:
    long = ["x" * 3000]
    assert ask(path, long) == long
    assert ask(path, long) == long


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=40)
@given(seed=st.integers(), flips=st.integers(1, 200), keep=st.floats(0, 1))
def test_a_damaged_file_changes_no_answer(path: Path, seed: int, flips: int, keep: float) -> None:
    for file in path.parent.glob("*") if path.parent.exists() else ():
        file.unlink()
    ask(path, TEXTS)
    raw = bytearray(path.read_bytes())
    rng = Random(seed)
    for _ in range(flips):
        raw[rng.randrange(len(raw))] ^= 1 << rng.randrange(8)
    path.write_bytes(raw[: int(len(raw) * keep)])
    ask(path, TEXTS)
    ask(path, TEXTS)


def not_a_database(path: Path) -> None:
    path.parent.mkdir()
    path.write_text("hello " * 1000)


def a_directory(path: Path) -> None:
    path.mkdir(parents=True)


def below_a_file(path: Path) -> None:
    path.parent.write_text("")


def with_other_columns(path: Path) -> None:
    path.parent.mkdir()
    with sqlite3.connect(path) as file:
        file.execute("create table answers (something integer)")
    file.close()


@pytest.mark.parametrize(
    "spoil",
    [not_a_database, a_directory, below_a_file, with_other_columns],
    ids=lambda f: f.__name__,
)
def test_without_a_usable_file_it_says_so_once_and_goes_on(
    path: Path, spoil: Callable[[Path], None], caplog: pytest.LogCaptureFixture
) -> None:
    spoil(path)
    assert ask(path, TEXTS + TEXTS) == TEXTS
    assert [record.levelno for record in caplog.records] == [logging.WARNING]
    assert str(path) in caplog.text


def test_on_a_full_disk_it_says_so_once_and_goes_on(path: Path) -> None:
    ask(path, TEXTS)
    script = (
        f"import resource\n"
        f"from pathlib import Path\n"
        f"from tests.clickstream.lookups.asking import TEXTS, ask\n"
        f"resource.setrlimit(resource.RLIMIT_FSIZE, (400_000, 400_000))\n"
        f"more = [f'more {{n}}' for n in range(15_000)]\n"
        f"assert ask(Path({str(path)!r}), TEXTS + more) == more\n"
    )
    command = [sys.executable, "-c", script]
    run = subprocess.run(command, check=False, cwd=ROOT, capture_output=True, text=True)
    assert run.returncode == 0, run.stderr
    assert run.stderr.count("Going on without the cache") == 1
    assert ask(path, TEXTS) == []


def test_many_processes_share_one_file(path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    with get_context("spawn").Pool(3) as pool:
        asked = pool.starmap(ask_often, [(path, seed) for seed in range(6)])
    assert 0 < sum(asked) < 6 * 10 * 100
    assert rows(path) <= 150
    assert "without the cache" not in capfd.readouterr().err


def test_the_version_of_code_changes_with_the_code(tmp_path: Path) -> None:
    versions = {code_version(devices), code_version(devices, "ua-parser"), code_version(logging)}
    assert len(versions) == 3
