"""Who publishes a range waits for its turn, but neither for the dead nor for ever."""

from __future__ import annotations

import multiprocessing
import time
from pathlib import Path
from threading import Event, Thread

import pytest

from clickstream.lake import turns

_forks = multiprocessing.get_context("forkserver")


def hold(directory: Path, has_it: Event) -> None:
    with turns.turn(directory):
        has_it.set()
        time.sleep(60)


def test_one_after_the_other(tmp_path: Path) -> None:
    at_once, most = 0, 0

    def publish() -> None:
        nonlocal at_once, most
        for _ in range(5):
            with turns.turn(tmp_path):
                at_once += 1
                most = max(most, at_once)
                time.sleep(0.01)
                at_once -= 1

    threads = [Thread(target=publish) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert most == 1


def test_a_process_that_is_killed_has_no_turn(tmp_path: Path) -> None:
    has_it = _forks.Event()
    process = _forks.Process(target=hold, args=(tmp_path, has_it))
    process.start()
    assert has_it.wait(30)
    process.kill()
    process.join()
    with turns.turn(tmp_path), (tmp_path / "publishing.lock").open("w") as file:
        assert not turns._is_taken(file)  # for it is ours


def test_nobody_waits_for_ever(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(turns, "LONGEST_WAIT_SECONDS", 0.1)
    entered = False
    with turns.turn(tmp_path), turns.turn(tmp_path):
        entered = True
    assert entered


def test_all_go_on_where_nothing_can_be_written(tmp_path: Path) -> None:
    no_directory = tmp_path / "file"
    no_directory.touch()
    with turns.turn(no_directory / "below"), turns.turn(no_directory / "below"):
        assert no_directory.is_file()


def test_an_error_is_not_swallowed(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError), turns.turn(tmp_path):
        raise FileNotFoundError
