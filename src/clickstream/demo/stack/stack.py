"""The local stack: checks, start, waiting until it is ready, its addresses, and stop.

A lock file in `var/` prevents a second stack in the same directory. Ports are checked before any
process starts.
"""

from __future__ import annotations

import contextlib
import fcntl
import multiprocessing
import os
import re
import shutil
import signal
import subprocess
import sys
import textwrap
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from types import FrameType
from typing import NoReturn

import httpx
import psutil
from honcho.environ import parse_procfile
from rich.console import Console
from rich.markup import escape
from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.table import Table

from clickstream.core.errors import InputError
from clickstream.core.terminal import SafeConsole
from clickstream.dashboard.access.link import login_link
from clickstream.demo import environment_file
from clickstream.demo.stack.airflow_api import AirflowApi
from clickstream.demo.stack.environment import airflow_environment, write_preload
from clickstream.demo.stack.layout import (
    LOGIN,
    Ports,
    Secrets,
    StackError,
    StackLayout,
    write_private,
)
from clickstream.demo.stack.wait_for import status_of

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
        how = f"status {self.status}"
        if self.status < 0:
            how = f"killed by {signal.Signals(-self.status).name}"
        return StackError(
            f"{self.name} ended unexpectedly ({how}), so all processes were stopped. Its log is "
            f"{self.log}.",
            [f"  {textwrap.shorten(line, LONGEST_LINE, placeholder=' …')}" for line in shown],
        )


class Processes:
    """The running processes; a context manager that stops them, with their descendants, at its end.

    Each process writes to its own log file. Processes are stopped in groups, so that a task that is
    finishing can still report to the API, and the API can still use the database. If this program
    is killed, Linux ends the processes, all at once. honcho's Manager has none of this: it stops
    all processes at once, and prints their output to one stream.
    """

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
        is_compound = set(command) & set("&|;")
        line = command if is_compound else f"exec {command}"  # so that signals reach the command
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


def _family(pid: int) -> list[psutil.Process]:
    """Return a process and its descendants, in whatever process group they are."""
    with contextlib.suppress(psutil.NoSuchProcess):
        process = psutil.Process(pid)
        return [process, *process.children(recursive=True)]
    return []


def check_shared_memory() -> None:
    """Raise StackError if semaphores can't be created, as in containers without /dev/shm.

    Airflow's executor needs them; `clickstream build` does not.
    """
    try:
        multiprocessing.Lock()
    except OSError as error:
        raise StackError(
            f"Airflow needs shared memory, and /dev/shm can't be used ({error.strerror}). In a "
            "container, mount a writable tmpfs there, as `docker run` does by default; without "
            "Airflow, use `clickstream build`."
        ) from None


READY_SECONDS = 600
_PAUSE_SECONDS = 0.25
ENDING_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


@dataclass(frozen=True)
class Stack:
    """A started stack: its directories, ports, secrets, environment and processes."""

    layout: StackLayout
    ports: Ports
    secrets: Secrets
    environment: Mapping[str, str] = field(repr=False)
    processes: Processes = field(repr=False)

    def airflow(self) -> AirflowApi:
        """Return a client of the stack's Airflow, with the generated login."""
        return AirflowApi(self.ports.airflow_url, LOGIN, self.secrets.password)

    def ready_parts(self) -> Iterator[str]:
        """Wait for the parts of the stack, and yield the name of each when it is ready."""
        self.wait_until("Local AWS", lambda: status_of(self.ports.aws_url) is not None)
        yield "Local AWS"
        health = f"{self.ports.dashboard_url}/healthz"
        self.wait_until("The dashboard", lambda: status_of(health) == httpx.codes.OK)
        yield "The dashboard"
        version = f"{self.ports.airflow_url}/api/v2/version"
        self.wait_until("Airflow's API", lambda: status_of(version) == httpx.codes.OK)
        yield "Airflow's API"
        with self.airflow() as api:
            for part in ("scheduler", "dag_processor", "triggerer"):
                name = f"Airflow's {part.replace('_', ' ')}"
                self.wait_until(name, partial(_is_healthy, api, part))
                yield name

    def wait(
        self,
        condition: Callable[[], bool] = lambda: False,
        pause_seconds: float = _PAUSE_SECONDS,
    ) -> None:
        """Return when the condition is true. Raises StackError if a process ends before."""
        while not condition():
            if ended := self.processes.ended():
                raise ended.error
            time.sleep(pause_seconds)

    def wait_until(
        self, name: str, ready: Callable[[], bool], deadline_seconds: float = READY_SECONDS
    ) -> None:
        """Like `wait`, but raise StackError with the name `name` after the deadline."""
        deadline = time.monotonic() + deadline_seconds

        def ready_or_late() -> bool:
            if time.monotonic() > deadline:
                raise StackError(
                    f"{name} was not ready within {deadline_seconds:.0f} s; see the logs in "
                    f"{self.layout.logs}."
                )
            return ready()

        self.wait(ready_or_late)


def _is_healthy(api: AirflowApi, part: str) -> bool:
    return api.health().get(part) == "healthy"


@contextlib.contextmanager
def running_stack(
    layout: StackLayout,
    ports: Ports | None = None,
    more: Mapping[str, str] | None = None,
    variables: Mapping[str, str] | None = None,
) -> Iterator[Stack]:
    """Start the processes of the project's Procfile, and stop all of them at the end of the block.

    `more` has further processes (name → shell command), and `variables` further environment
    variables. Ctrl-C, SIGTERM and SIGHUP raise SystemExit in the block. Raises StackError if a port
    is in use, if another stack runs in the directory, or if the system has no shared memory.
    """
    ports = ports or Ports()
    commands = {**read_procfile(layout.root / "Procfile"), **(more or {})}
    check_shared_memory()
    layout.create()
    with _only_one(layout), _signals_raise():
        ports.check_free()
        secrets = Secrets.of(layout)
        write_preload(layout)
        environment = {**airflow_environment(layout, ports, secrets), **(variables or {})}
        with (
            _environment_file(layout, environment),
            Processes(layout.root, layout.logs, environment) as processes,
        ):
            for name, command in commands.items():
                processes.start(name, command)
            yield Stack(layout, ports, secrets, environment, processes)


@contextlib.contextmanager
def _environment_file(layout: StackLayout, environment: Mapping[str, str]) -> Iterator[None]:
    """Write `env.sh` for the time that the stack runs."""
    path = layout.environment_file
    text = environment_file.text_of(path, environment, Path(sys.executable).parent)
    write_private(path, text)
    try:
        yield
    finally:
        path.unlink(missing_ok=True)


@contextlib.contextmanager
def _only_one(layout: StackLayout) -> Iterator[None]:
    """Lock the directory for one stack. The operating system unlocks it if the process ends."""
    with layout.lock_file.open("a+", encoding="utf-8") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            lock.seek(0)
            raise StackError(
                f"A stack already runs in {layout.root} (process {lock.read().strip()}); "
                "stop it with Ctrl-C where it was started, or by `kill` with that number."
            ) from None
        lock.truncate(0)
        lock.write(str(os.getpid()))
        lock.flush()
        yield


@contextlib.contextmanager
def _signals_raise() -> Iterator[None]:
    """Raise SystemExit on the first ending signal, and ignore later ones during the shutdown."""

    def end(number: int, _frame: FrameType | None) -> NoReturn:
        for ending in ENDING_SIGNALS:
            signal.signal(ending, signal.SIG_IGN)
        raise SystemExit(128 + number)

    before = {number: signal.signal(number, end) for number in ENDING_SIGNALS}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def up(
    layout: StackLayout,
    ports: Ports | None = None,
    more: Mapping[str, str] | None = None,
    variables: Mapping[str, str] | None = None,
    console: Console | None = None,
) -> int:
    """Start the stack of a project and run it until Ctrl-C or SIGTERM.

    `more` has further processes (name → shell command), and `variables` further environment
    variables. Raises StackError if the stack can't start or if one of its processes ends
    unexpectedly.
    """
    console = console or SafeConsole()
    environment_file.drop_stack_variables(os.environ)
    with running_stack(layout, ports, more, variables) as stack:
        show_start(stack, console)
        show_addresses(stack, console)
        console.print("Ctrl-C stops everything; the next start continues from here.")
        stack.wait()
    return 0


def show_start(stack: Stack, console: Console) -> None:
    """Wait until the stack is ready, and print a line for each part when it is."""
    started = time.monotonic()
    columns = (SpinnerColumn(), TextColumn("{task.description}"), TimeElapsedColumn())
    with Progress(*columns, console=console, transient=True) as progress:
        progress.add_task("Starting PostgreSQL, the local AWS and Airflow", total=None)
        for part in stack.ready_parts():
            console.print(f"[green]✓[/] {part} is ready ({time.monotonic() - started:.0f} s)")


def show_addresses(stack: Stack, console: Console) -> None:
    """Print the addresses, the logins, and the command by which other shells use the stack.

    The dashboard's link logs in once, so each call prints a new one.
    """
    table = Table.grid(padding=(0, 2))
    table.add_row("Dashboard", login_link(stack.layout.dashboard, stack.ports.dashboard_url))
    table.add_row("", "logs in once, within 24 hours; new link: clickstream dashboard link")
    table.add_row("Airflow", stack.ports.airflow_url)
    table.add_row("Login", f"{LOGIN} / {stack.secrets.password}")
    table.add_row("Local AWS", stack.ports.aws_url)
    table.add_row("Logs", str(stack.layout.logs))
    console.print(table)
    command = environment_file.source_command(stack.layout.environment_file)
    hint = f"To use `clickstream` commands or AWS clients in another shell: {command}"
    console.print(escape(hint), soft_wrap=True, highlight=False)
