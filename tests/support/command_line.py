"""Commands of `clickstream` in processes of their own, forked from one that has the imports.

A new Python process needs 2 s of CPU time for its imports, more than most commands.
"""

from __future__ import annotations

import multiprocessing
import os
import runpy
import sys
import tempfile
from collections.abc import Mapping
from multiprocessing.context import ForkServerContext
from pathlib import Path
from subprocess import CompletedProcess
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.support.localaws_process import LocalAwsProcess

# Nothing that reads the environment at import, as the consoles of the command line do.
IMPORTS = [
    *("clickstream.pipeline.backfill.backfill", "clickstream.pipeline.pull.all_hosts"),
    *("clickstream.dashboard.access.shares", "clickstream.dashboard.digest"),
    *("clickstream.settings", "rich.progress", "rich.table", "typer"),
    "tests.support.service_descriptions",
]


def clean_environment() -> dict[str, str]:
    """The environment without credentials of AWS and without settings."""
    return {k: v for k, v in os.environ.items() if not k.startswith(("AWS_", "CLICKSTREAM_"))}


class CommandLine:
    """Runs a command of `clickstream` beside its settings, with a local AWS."""

    def __init__(
        self, name: str, directory: Path, settings: str, aws: LocalAwsProcess, columns: int
    ) -> None:
        (directory / "clickstream.toml").write_text(settings, encoding="utf-8")
        self.name, self.directory, self.endpoint = name, directory, aws.endpoint
        own = {**aws.environment(), "COLUMNS": str(columns)}
        self.environment = clean_environment() | own

    def run(self, *arguments: str) -> CompletedProcess[str]:
        return run_command((self.name, *arguments), self.directory, self.environment)


def run_command(
    arguments: tuple[str, ...], directory: Path, environment: Mapping[str, str], stdin: str = ""
) -> CompletedProcess[str]:
    """Run `clickstream` with arguments in a directory; returns its exit code and output."""
    with tempfile.TemporaryDirectory() as folder:
        files = [Path(folder, name) for name in ("stdin", "stdout", "stderr")]
        files[0].write_text(stdin, encoding="utf-8")
        process = _context().Process(
            target=_become, args=(arguments, directory, dict(environment), files)
        )
        process.start()
        process.join()
        out, err = (file.read_text(encoding="utf-8") for file in files[1:])
        return CompletedProcess(arguments, process.exitcode or 0, out, err)


def _context() -> ForkServerContext:
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(IMPORTS)
    return context


def _become(
    arguments: tuple[str, ...], directory: Path, environment: dict[str, str], files: list[Path]
) -> None:
    """Turn this process into the command line: its streams, directory, environment, arguments."""
    for number, file in enumerate(files):
        os.dup2(os.open(file, os.O_RDWR | os.O_CREAT), number)
    sys.stdin = open(0, encoding="utf-8", closefd=False)  # noqa: SIM115
    os.environ.clear()
    os.environ.update(environment)
    os.chdir(directory)
    sys.argv = ["clickstream", *arguments]
    runpy.run_module("clickstream.cli", run_name="__main__")
