"""Measures the cost of work: CPU time of this process, of its commands and of the local AWS."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import boto3
import psutil
from tests.support.localaws_process import LocalAwsProcess

from benchmarks.age.plan import REGION
from clickstream import settings
from clickstream.lake import Lake, open_lake

PATIENCE_SECONDS = 900
"""Time limit of a command, after which it is stopped and counts as failed."""


@dataclass
class Cost:
    """CPU seconds of the work and of the local AWS, requests of boto3, and elapsed seconds."""

    cpu: float = 0.0
    aws_cpu: float = 0.0
    requests: int = 0
    wall: float = 0.0

    def add(self, other: Cost) -> None:
        """Add the cost of more work."""
        self.cpu += other.cpu
        self.aws_cpu += other.aws_cpu
        self.requests += other.requests
        self.wall += other.wall


@dataclass(frozen=True)
class Ran:
    """A command that has ended: its exit code, None if it was stopped, and its output's lines."""

    exit_code: int | None
    output: Sequence[str]
    cost: Cost

    @property
    def last_line(self) -> str:
        """The last line that it printed."""
        return next((line for line in reversed(self.output) if line), "")


class Workbench:
    """The lake of a directory, open on a running local AWS, and a meter of work on it."""

    def __init__(self, directory: Path, aws: LocalAwsProcess) -> None:
        self.directory = directory
        self._aws = psutil.Process(aws.pid)
        self._variables = _variables(directory, aws.endpoint)
        self._requests = 0
        session = boto3.Session("local", "local", region_name=REGION)
        session.events.register("before-send", self._count)
        self.lake: Lake = open_lake(
            settings.load(directory / "clickstream.toml", self._variables), session
        )

    def reopened(self) -> Lake:
        """Open the lake again, as in a new process."""
        return Lake(self.lake.settings, self.lake.session)

    @contextmanager
    def measured(self) -> Iterator[Cost]:
        """Measure the work of the block; the cost is complete when the block ends."""
        cost = Cost()
        before = _own_cpu(), self._aws_cpu(), self._requests, time.monotonic()
        try:
            yield cost
        finally:
            after = _own_cpu(), self._aws_cpu(), self._requests, time.monotonic()
            cpu, aws_cpu, requests, wall = (b - a for a, b in zip(before, after, strict=True))
            cost.add(Cost(cpu, aws_cpu, int(requests), wall))

    def run(self, *arguments: str) -> Ran:
        """Run a command of `clickstream` on the lake in its own process."""
        command = [sys.executable, "-m", "clickstream.cli", *arguments]
        with self.measured() as cost:
            exit_code, printed = _run(command, self.directory, self._variables)
        return Ran(exit_code, printed.splitlines(), cost)

    def _count(self, **_: object) -> None:
        self._requests += 1

    def _aws_cpu(self) -> float:
        """CPU seconds of the server and its workers, those that have ended included."""
        processes = [self._aws, *self._aws.children(recursive=True)]
        return float(sum(sum(process.cpu_times()[:4]) for process in processes))


def _run(
    command: Sequence[str], directory: Path, variables: Mapping[str, str]
) -> tuple[int | None, str]:
    """Return exit code and output; no code for a command that was stopped."""
    try:
        ended = subprocess.run(
            command,
            cwd=directory,
            env=variables,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
            timeout=PATIENCE_SECONDS,
        )
    except subprocess.TimeoutExpired as error:
        printed = error.output or b""
        return None, printed.decode() if isinstance(printed, bytes) else printed
    return ended.returncode, ended.stdout


def _variables(directory: Path, endpoint: str) -> dict[str, str]:
    """Return the environment of commands, in which Python stores compiled modules."""
    inherited = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}
    return inherited | {
        "CLICKSTREAM_SETTINGS": str(directory / "clickstream.toml"),
        "AWS_ENDPOINT_URL": endpoint,
        "AWS_ACCESS_KEY_ID": "local",
        "AWS_SECRET_ACCESS_KEY": "local",
        "AWS_DEFAULT_REGION": REGION,
        "COLUMNS": "200",
    }


def _own_cpu() -> float:
    """CPU seconds of this process and of the commands that it has waited for."""
    return sum(os.times()[:4])
