"""Runs the processes of a Procfile as one thing: started together, ended together, none left over.

Each process writes to its own log file. They are ended in waves, so that a task which is just
finishing can still tell the API, and the API the database.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import psutil
from honcho.environ import parse_procfile

from clickstream.demo.stack.layout import StackError
from clickstream.errors import InputError

ENDED_LATER = (("api-server",), ("localaws", "postgres"))
"""What the other processes stand on: after those have ended these end, in this order."""

GRACE_SECONDS = 20
LINES_SHOWN = 20


def read_procfile(path: Path) -> dict[str, str]:
    """Name → shell command, in the file's order."""
    try:
        commands: dict[str, str] = parse_procfile(path.read_text(encoding="utf-8")).processes
    except OSError as error:
        raise InputError(
            f"Can't read {path}: {error.strerror}; start from the project's directory."
        ) from None
    return commands


@dataclass(frozen=True)
class Ended:
    """A process that ended by itself."""

    name: str
    status: int
    log: Path

    @property
    def error(self) -> StackError:
        """What happened, with the end of the process's log."""
        with self.log.open(encoding="utf-8", errors="replace") as lines:
            tail = "".join(deque(lines, LINES_SHOWN))
        return StackError(
            f"{self.name} ended by itself (status {self.status}), so everything was stopped. "
            f"The last lines of {self.log}:\n{tail}"
        )


class Processes:
    """The running processes; use as a context manager, whose end is theirs."""

    def __init__(self, directory: Path, logs: Path, environment: Mapping[str, str]) -> None:
        self._directory = directory
        self._logs = logs
        self._environment = dict(environment)
        self._running: dict[str, subprocess.Popen[bytes]] = {}

    def __enter__(self) -> Processes:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def start(self, name: str, command: str) -> None:
        """Start a shell command in a session of its own, its output appended to `NAME.log`."""
        with self.log_of(name).open("ab") as log:
            self._running[name] = subprocess.Popen(  # noqa: S602  its lines are shell commands
                f"exec {command}" if _is_simple(command) else command,
                shell=True,
                cwd=self._directory,
                env=self._environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def log_of(self, name: str) -> Path:
        """The process's log file."""
        return self._logs / f"{name}.log"

    def pids(self) -> dict[str, int]:
        """The id of each process by its name."""
        return {name: process.pid for name, process in self._running.items()}

    def ended(self) -> Ended | None:
        """The first process that ended by itself, if any has."""
        for name, process in self._running.items():
            status = process.poll()
            if status is not None:
                return Ended(name, status, self.log_of(name))
        return None

    def stop(self) -> None:
        """End every process and all its descendants, by force after a grace period."""
        later = {name for wave in ENDED_LATER for name in wave}
        for wave in ([name for name in self._running if name not in later], *ENDED_LATER):
            self._stop([self._running.pop(name) for name in wave if name in self._running])

    def _stop(self, leaders: Sequence[subprocess.Popen[bytes]]) -> None:
        family = [process for leader in leaders for process in _family(leader.pid)]
        for leader in leaders:
            leader.terminate()  # the leader alone: a scheduler lets its running tasks finish
        _, alive = psutil.wait_procs(family, timeout=GRACE_SECONDS)
        for process in alive:
            with contextlib.suppress(psutil.NoSuchProcess):
                process.kill()
        for leader in leaders:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(leader.pid, signal.SIGKILL)  # whoever was born meanwhile
            leader.wait()


def _is_simple(command: str) -> bool:
    """Whether the shell can become the command, which then gets the signals itself."""
    return not set(command) & set("&|;")


def _family(pid: int) -> list[psutil.Process]:
    """The process and its descendants, whatever group those have put themselves into."""
    with contextlib.suppress(psutil.NoSuchProcess):
        process = psutil.Process(pid)
        return [process, *process.children(recursive=True)]
    return []
