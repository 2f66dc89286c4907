from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from clickstream.core.errors import InputError
from clickstream.demo.stack import stack as room
from clickstream.demo.stack.stack import Processes, read_procfile

KILLED = """
import os, signal
os.environ["CALLER"] = str(os.getpid())
from pathlib import Path
from clickstream.demo.stack.stack import Processes
with Processes(Path(), Path(), os.environ) as running:
    running.start("simple", "sleep 1000")
    running.start("compound", "true && exec sleep 1000")
    print(*running.pids().values(), flush=True)
    os.kill(os.getpid(), signal.SIGKILL)
"""
SLOW_SETPRIV = """#!/bin/sh
while test -d /proc/"$CALLER"; do sleep 0.02; done
exec {} "$@"
"""
SURVIVOR = "trap '' TERM; sleep 1000 & echo $! > survivor; wait; sleep 1000"
DEADLINE_SECONDS = 300


def until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + DEADLINE_SECONDS
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def is_running(pid: int) -> bool:
    return psutil.pid_exists(pid) and psutil.Process(pid).status() != psutil.STATUS_ZOMBIE


@pytest.fixture
def running(tmp_path: Path) -> Processes:
    return Processes(tmp_path, tmp_path, os.environ)


def test_each_process_writes_to_its_own_log(running: Processes) -> None:
    with running:
        running.start("a", "echo one; echo two >&2")
        until(lambda: running.ended() is not None)
    assert running.log_of("a").read_text() == "one\ntwo\n"


def test_one_that_ends_by_itself_is_told_with_the_end_of_its_log(running: Processes) -> None:
    with running:
        running.start("steady", "sleep 1000")
        routine = 'seq -f "%g [info     ] routine" 40; echo INFO: routine'
        running.start("weak", f"seq 100; {routine}; exit 3")
        until(lambda: running.ended() is not None)
        ended = running.ended()
    assert ended is not None
    first, *log = ended.error.printed.splitlines()
    assert first == (
        "weak ended unexpectedly (status 3), so all processes were stopped. Its log is "
        f"{running.log_of('weak')}. (CS-601)"
    )
    assert log == [f"  {number}" for number in range(96, 101)]


def test_one_that_was_killed_is_told_with_the_signal_and_without_routine(
    running: Processes,
) -> None:
    with running:
        running.start("scheduler", "echo '2026-11-28T13:16:03Z [info ] routine'; kill -9 $$")
        until(lambda: running.ended() is not None)
        ended = running.ended()
    assert ended is not None
    assert "scheduler ended unexpectedly (killed by SIGKILL)" in ended.error.printed
    assert len(ended.error.printed.splitlines()) == 1


def test_processes_end_in_waves_with_the_services_last(running: Processes, tmp_path: Path) -> None:
    tell = "trap 'echo {0} >> order; exit' TERM; touch {0}.up; while :; do sleep 0.02; done"
    names = ["postgres", "localaws", "api-server", "scheduler"]
    with running:
        for name in names:
            running.start(name, tell.format(name))
        until(lambda: all((tmp_path / f"{name}.up").exists() for name in names))
    order = (tmp_path / "order").read_text().split()
    assert order[:2] == ["scheduler", "api-server"]
    assert sorted(order[2:]) == ["localaws", "postgres"]


def test_a_process_that_ignores_the_signal_is_killed(
    running: Processes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(room, "GRACE_SECONDS", 0.2)
    survivor = tmp_path / "survivor"
    with running:
        running.start("stubborn", SURVIVOR)
        until(lambda: survivor.exists() and survivor.read_text().endswith("\n"))
    until(lambda: not is_running(int(survivor.read_text())))


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux ends processes with their parent")
def test_no_process_remains_of_a_program_that_is_killed(tmp_path: Path) -> None:
    command = [sys.executable, "-c", KILLED]
    killed = subprocess.run(command, cwd=tmp_path, stdout=subprocess.PIPE, text=True, check=False)
    assert killed.returncode == -signal.SIGKILL
    pids = [*map(int, killed.stdout.split())]
    assert len(pids) == 2
    until(lambda: not any(map(is_running, pids)))


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux ends processes with their parent")
def test_a_process_whose_caller_is_killed_before_linux_was_told_does_not_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    setpriv = tmp_path / "setpriv"
    setpriv.write_text(SLOW_SETPRIV.format(shutil.which("setpriv")))
    setpriv.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=os.pathsep)
    test_no_process_remains_of_a_program_that_is_killed(tmp_path)


def test_a_missing_procfile_is_an_error_of_ours(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="start from the project's directory"):
        read_procfile(tmp_path / "Procfile")
