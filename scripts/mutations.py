"""Check that the tests find seeded faults: apply each one to a copy of the project, and run tests.

python -m scripts.mutations                      all faults of tests/mutations.toml
python -m scripts.mutations --only midnight      those with this text in the name or the file

The tests must pass without a fault, and a test must fail with it: a module that can't be imported,
or a missing test, counts as "not run". The exit status is 1 unless all faults are found.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
import tomllib
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from queue import SimpleQueue
from typing import Annotated

import pytest
import typer

ROOT = Path(__file__).parents[1]
FAULTS = ROOT / "tests" / "mutations.toml"
PACKAGES = ("clickstream", "clickstream_airflow", "localaws", "trino_duckdb")
AT_ONCE = 2
RESULTS = {pytest.ExitCode.OK: "NOT FOUND", pytest.ExitCode.TESTS_FAILED: "found"}


@dataclass(frozen=True)
class Fault:
    """A fault: `new` replaces the text `old`, which occurs once in `file`; a test must fail then.

    `tests` are files or node ids. `tier` is the marker of tests that `make test` leaves out.
    """

    name: str
    file: str
    old: str
    new: str
    tests: Sequence[str]
    tier: str = ""

    @contextmanager
    def applied(self, directory: Path) -> Iterator[None]:
        """Apply the fault to a copy of the project, and remove it at the end."""
        path = directory / self.file
        text, times = path.read_text(), path.stat()
        path.write_text(text.replace(self.old, self.new))
        try:
            yield
        finally:
            path.write_text(text)
            # Python compiles a module again only if its time or its size has changed.
            os.utime(path, ns=(times.st_atime_ns, times.st_mtime_ns))


def read_faults() -> list[Fault]:
    """Read the list of faults."""
    return [Fault(**entry) for entry in tomllib.loads(FAULTS.read_text())["faults"]]


def copy_project(directory: Path) -> Path:
    """Copy the files that git knows, and new ones, and check that Python imports the copy."""
    listing = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(listing, cwd=ROOT, check=True, capture_output=True, text=True)
    for name in filter(None, listed.stdout.split("\0")):
        if (ROOT / name).is_file():
            (directory / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, directory / name)
    code = f"import {', '.join(PACKAGES)}; print({', '.join(f'{p}.__file__' for p in PACKAGES)})"
    imported = run_python(directory, "-c", code).stdout.split()
    if [Path(path).parents[1] for path in imported] != [directory / "src"] * len(PACKAGES):
        raise RuntimeError(f"Python does not import the copy in {directory}: {imported}")
    return directory


def run_python(directory: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run Python so that it and all processes that it starts import a copy of the project."""
    path = os.pathsep.join((f"{directory}/src", str(directory)))
    environment = {**os.environ, "PYTHONPATH": path}
    command = [sys.executable, *arguments]
    return subprocess.run(
        command, check=False, cwd=directory, env=environment, capture_output=True, text=True
    )


def run_tests(directory: Path, tests: Sequence[str], tier: str = "") -> tuple[int, str]:
    """Run tests of a copy up to the first failure; return the exit status and the decisive line."""
    only = ("-m", tier) if tier else ()
    ended = run_python(directory, "-m", "pytest", "-xq", "-p", "no:cacheprovider", *only, *tests)
    lines = [line for line in ended.stdout.splitlines() if line.strip()] or [ended.stderr[-200:]]
    failures = (line for line in lines if re.match(r"(FAILED|ERROR) ", line))
    return ended.returncode, next(failures, lines[-1])


def main(
    only: Annotated[str, typer.Option(help="Text in the name or the file of a fault.")] = "",
) -> None:
    """Apply seeded faults one by one, and report which of them the tests find."""
    chosen = [
        fault for fault in read_faults() if only.lower() in f"{fault.name} {fault.file}".lower()
    ]
    copies: SimpleQueue[Path] = SimpleQueue()

    def run_without_fault(part: tuple[str, Sequence[str]]) -> tuple[int, str]:
        directory = copies.get()
        try:
            return run_tests(directory, part[1], part[0])
        finally:
            copies.put(directory)

    def run_with(fault: Fault) -> str:
        directory, began = copies.get(), time.monotonic()
        try:
            with fault.applied(directory):
                status, line = run_tests(directory, fault.tests, fault.tier)
        finally:
            copies.put(directory)
        result, seconds = RESULTS.get(status, "not run"), time.monotonic() - began
        typer.echo(f"{result:9} {seconds:4.0f} s  {fault.name}\n{'':17} {line[:140]}")
        return result

    with tempfile.TemporaryDirectory() as top, ThreadPoolExecutor(AT_ONCE) as pool:
        for number in range(AT_ONCE):
            copies.put(copy_project(Path(top, str(number), "project").resolve()))
        for status, line in pool.map(run_without_fault, _parts(chosen)):
            if status != pytest.ExitCode.OK:
                typer.echo(f"The tests do not pass without a fault: {line}", err=True)
                raise typer.Exit(2)
        results = [*pool.map(run_with, chosen)]
    names = [fault.name for fault, result in zip(chosen, results, strict=True) if result != "found"]
    typer.echo(f"\n{results.count('found')} of {len(chosen)} faults found.")
    typer.echo("".join(f"Not found or not run: {name}\n" for name in names), nl=False)
    raise typer.Exit(bool(names))


def _parts(faults: Sequence[Fault]) -> Iterator[tuple[str, Sequence[str]]]:
    """Yield each tier with a part of its tests, so that the parts can run at the same time."""
    for tier in sorted({fault.tier for fault in faults}):
        tests = sorted(
            set(chain.from_iterable(fault.tests for fault in faults if fault.tier == tier))
        )
        yield from ((tier, part) for n in range(AT_ONCE) if (part := tests[n::AT_ONCE]))


if __name__ == "__main__":
    typer.run(main)
