"""The local stack: checks, start, waiting until it is ready, and stop.

A lock file in `var/` prevents a second stack in the same directory. Ports are checked before any
process starts.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import signal
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from types import FrameType
from typing import NoReturn

import httpx

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
from clickstream.demo.stack.processes import Processes, read_procfile
from clickstream.demo.stack.shared_memory import check_shared_memory
from clickstream.demo.stack.wait_for import status_of

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
        self.wait_until("Local AWS", self._aws_answers)
        yield "Local AWS"
        self.wait_until("The dashboard", self._dashboard_answers)
        yield "The dashboard"
        self.wait_until("Airflow's API", self._api_answers)
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
        self, what: str, ready: Callable[[], bool], deadline_seconds: float = READY_SECONDS
    ) -> None:
        """Like `wait`, but raise StackError with the name `what` after the deadline."""
        deadline = time.monotonic() + deadline_seconds

        def ready_or_late() -> bool:
            if time.monotonic() > deadline:
                raise StackError(
                    f"{what} was not ready within {deadline_seconds:.0f} s; see the logs in "
                    f"{self.layout.logs}."
                )
            return ready()

        self.wait(ready_or_late)

    def _aws_answers(self) -> bool:
        return status_of(self.ports.aws_url) is not None

    def _api_answers(self) -> bool:
        return status_of(f"{self.ports.airflow_url}/api/v2/version") == httpx.codes.OK

    def _dashboard_answers(self) -> bool:
        return status_of(f"{self.ports.dashboard_url}/healthz") == httpx.codes.OK


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
