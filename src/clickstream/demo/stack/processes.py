"""Runs the processes of a Procfile: starts all, and ends all of them with their descendants.

Each process writes to its own log file. Processes are ended in groups, so that a task that is
finishing can still report to the API, and the API can still use the database. If this program is
killed, Linux ends the processes, all at once.
"""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import signal
import subprocess
import sys
import textwrap
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import psutil
from honcho.environ import parse_procfile

from clickstream.demo.stack.layout import StackError
from clickstream.errors import InputError

ENDED_LATER = (("api-server",), ("localaws", "postgres"))
"""Processes that others depend on: they are ended after all others, in this order of groups."""

GRACE_SECONDS = 20
LINES_READ = 200
"""The last lines of an ended process's log, in which its error is searched."""

LINES_SHOWN = 5
LONGEST_LINE = 200
ROUTINE = re.compile(r"\b(INFO|DEBUG)\b|\[(info|debug)\s*\]")
"""Lines of a log that are about no error."""

_UNLESS_ORPHANED = 'test "$PPID" = "$0" && exec "$@"'
"""For a shell whose first argument is the id of its caller, and the others a command."""


def read_procfile(path: Path) -> dict[str, str]:
    """Read name → shell command, in the file's order. Raises InputError if it can't be read."""
    try:
        commands: dict[str, str] = parse_procfile(path.read_text(encoding="utf-8")).processes
    except OSError as error:
        raise InputError(
            f"Can't read {path}: {error.strerror}; start from the project's directory."
        ) from None
    return commands


@dataclass(frozen=True)
class EndedProcess:
    """A process that ended without being stopped."""

    name: str
    status: int
    log: Path

    @property
    def error(self) -> StackError:
        """The error that describes it, with the last lines of its log that are not routine."""
        with self.log.open(encoding="utf-8", errors="replace") as lines:
            last = [line.rstrip() for line in deque(lines, LINES_READ)]
        shown = [line for line in last if line and not ROUTINE.search(line)][-LINES_SHOWN:]
        return StackError(
            f"{self.name} ended unexpectedly ({self._how}), so all processes were stopped. Its log "
            f"is {self.log}.",
            [f"  {textwrap.shorten(line, LONGEST_LINE, placeholder=' …')}" for line in shown],
        )

    @property
    def _how(self) -> str:
        """How it ended: its exit status, or the signal that killed it."""
        if self.status >= 0:
            return f"status {self.status}"
        return f"killed by {signal.Signals(-self.status).name}"


class Processes:
    """The running processes; a context manager that stops them at its end."""

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
        """Start a shell command in its own session, with its output appended to `NAME.log`.

        Call it in the main thread: the process ends with the thread that started it.
        """
        line = f"exec {command}" if _is_simple(command) else command
        with self.log_of(name).open("ab") as log:
            self._running[name] = subprocess.Popen(
                ends_with_caller(["/bin/sh", "-c", line]),
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
        """Return name → process id."""
        return {name: process.pid for name, process in self._running.items()}

    def ended(self) -> EndedProcess | None:
        """Return the first process that has ended without being stopped, or None."""
        for name, process in self._running.items():
            status = process.poll()
            if status is not None:
                return EndedProcess(name, status, self.log_of(name))
        return None

    def stop(self) -> None:
        """End all processes and their descendants; kill those that remain after GRACE_SECONDS."""
        later = {name for wave in ENDED_LATER for name in wave}
        for wave in ([name for name in self._running if name not in later], *ENDED_LATER):
            self._stop([self._running.pop(name) for name in wave if name in self._running])

    def _stop(self, leaders: Sequence[subprocess.Popen[bytes]]) -> None:
        family = [process for leader in leaders for process in _family(leader.pid)]
        for leader in leaders:
            leader.terminate()  # only the leader: a scheduler lets its running tasks finish
        _, alive = psutil.wait_procs(family, timeout=GRACE_SECONDS)
        for process in alive:
            with contextlib.suppress(psutil.NoSuchProcess):
                process.kill()
        for leader in leaders:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(leader.pid, signal.SIGKILL)  # processes that were started since
            leader.wait()


def ends_with_caller(command: Sequence[str]) -> list[str]:
    """Make Linux send SIGTERM to the command's process when the process that starts it is killed.

    The setting survives `exec`, and its children end with it by their own means. A caller that was
    killed before Linux knew of the setting sends no signal; the command is then not run. Other
    systems have no such setting; the command is then returned as it is.
    """
    setpriv = shutil.which("setpriv") if sys.platform == "linux" else None
    if setpriv is None:
        return [*command]
    at_its_end = [setpriv, "--pdeathsig", "TERM", "--"]
    return [*at_its_end, "/bin/sh", "-c", _UNLESS_ORPHANED, str(os.getpid()), *command]


def _is_simple(command: str) -> bool:
    """Whether the shell can replace itself by the command, so that signals reach the command."""
    return not set(command) & set("&|;")


def _family(pid: int) -> list[psutil.Process]:
    """Return a process and its descendants, in whatever process group they are."""
    with contextlib.suppress(psutil.NoSuchProcess):
        process = psutil.Process(pid)
        return [process, *process.children(recursive=True)]
    return []
