"""`clickstream open` with its own cache, temporary files and limits, also in processes."""

from __future__ import annotations

import resource
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import duckdb
from tests.support.access_log import Client
from tests.support.command_line import clean_environment, run_command

LAUNCH = """
import os, runpy, signal, sys
signal_number, cpu_seconds = int(sys.argv[1]), float(sys.argv[2])
signal.signal(signal.SIGPROF, lambda *_: os.kill(os.getpid(), signal_number))
signal.setitimer(signal.ITIMER_PROF, cpu_seconds)
sys.argv[:] = ["clickstream", "open", *sys.argv[3:]]
runpy.run_module("clickstream", run_name="__main__", alter_sys=True)
"""


START = datetime(2026, 11, 20, 9, tzinfo=UTC)


def lines(visits: int) -> list[str]:
    """Lines of visits with two pages each."""
    return [
        Client(f"192.0.2.{visit % 250}").get(f"{at:%Y-%m-%dT%H:%M:%S}", page) + "\n"
        for visit in range(visits)
        for minute, page in enumerate(("/", f"/menu/{visit}"))
        for at in [START + timedelta(minutes=2 * visit + minute)]
    ]


@dataclass(frozen=True)
class OpenCommand:
    """`clickstream open` in `directory`, which gets directories for its cache and other files."""

    directory: Path

    def __post_init__(self) -> None:
        for one in (self.temporary, self.work):
            one.mkdir(parents=True, exist_ok=True)

    @property
    def temporary(self) -> Path:
        return self.directory / "tmp"

    @property
    def work(self) -> Path:
        return self.directory / "work"

    @property
    def leftovers(self) -> list[str]:
        """Names of temporary files, also those beside results."""
        places = (self.temporary, self.work, *self.work.iterdir())
        found = [one.name for place in places if place.is_dir() for one in place.iterdir()]
        return [name for name in found if name.startswith((".", "clickstream-", "tmp"))]

    @property
    def environment(self) -> dict[str, str]:
        own = {"XDG_CACHE_HOME": str(self.directory / "cache"), "TMPDIR": str(self.temporary)}
        return clean_environment() | own

    def start(
        self, *arguments: str | Path, signal_number: int = 0, cpu_seconds: float = 0
    ) -> subprocess.Popen[str]:
        """Start it in a new process, which gets a signal after some CPU seconds."""
        signals = (str(signal_number), str(cpu_seconds))
        return subprocess.Popen(
            [sys.executable, "-c", LAUNCH, *signals, *map(str, arguments)],
            cwd=self.work,
            env=self.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def run(self, *arguments: str | Path, status: int = 0) -> str:
        """Run it in this process; return its errors as one line."""
        done = run_command(("open", *map(str, arguments)), self.work, self.environment)
        assert done.returncode == status, done.stderr
        return " ".join(done.stderr.split())

    def export(self, log: Path, name: str) -> Path:
        """Export the facts of a log, and return their directory."""
        assert "Can't" not in self.run(log, "--export", name)
        return self.work / name


@contextmanager
def file_limit(file_bytes: int) -> Iterator[None]:
    """Let this process write files of at most some bytes, as a full disk does."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (file_bytes, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def finish(process: subprocess.Popen[str], status: int = 0) -> tuple[str, str]:
    """Wait for the end of the process; return its output and its errors as one line."""
    out, err = process.communicate(timeout=300)
    assert process.returncode == status, err
    assert "Traceback" not in err
    assert "Exception" not in err
    return out, " ".join(err.split())


def visits_of(directory: Path) -> list[tuple[object, ...]]:
    """Start, page views and landing page of the exported visits."""
    facts = directory / "session_facts.parquet"
    columns = "started_at, page_views, landing_page"
    return duckdb.sql(f"select {columns} from '{facts}' order by all").fetchall()
