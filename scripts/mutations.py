"""Check that the tests find seeded faults: apply each one to a copy of the project, and run tests.

python -m scripts.mutations                      all faults of tests/mutations.toml
python -m scripts.mutations --only midnight      those with this word in the name or the file
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
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from queue import SimpleQueue
from typing import Annotated

import pytest
import typer

ROOT = Path(__file__).parents[1]
FAULTS = ROOT / "tests" / "mutations.toml"
PACKAGES = ("clickstream", "clickstream_airflow", "localaws")
AT_ONCE = 2

Tests = tuple[str, ...]
"""Arguments of pytest: the option for the tier, if it is not that of `make test`, then the tests."""


@dataclass(frozen=True)
class Fault:
    """A fault: `new` replaces the text `old`, which occurs once in `file`; `tests` must fail then.

    `tier` is the marker of tests that `make test` leaves out.
    """

    name: str
    file: str
    old: str
    new: str
    tests: Tests
    tier: str = ""

    @property
    def run(self) -> Tests:
        """The arguments of pytest."""
        return (*(("-m", self.tier) if self.tier else ()), *self.tests)

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
            # Python compiles a module again only if its time or size differs.
            os.utime(path, ns=(times.st_atime_ns, times.st_mtime_ns))


def read_faults(path: Path = FAULTS) -> list[Fault]:
    """Read the list of faults."""
    listed = tomllib.loads(path.read_text())["faults"]
    return [Fault(**{**one, "tests": tuple(one["tests"])}) for one in listed]


def copy_project(directory: Path) -> Path:
    """Copy the files that git knows, and new ones, and check that Python imports the copy."""
    listed = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    names = subprocess.run(listed, cwd=ROOT, check=True, capture_output=True, text=True).stdout
    for name in filter(None, names.split("\0")):
        if (ROOT / name).is_file():
            target = directory / name
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, target)
    code = f"import {', '.join(PACKAGES)}; print({', '.join(f'{p}.__file__' for p in PACKAGES)})"
    command = [sys.executable, "-c", code]
    found = subprocess.run(
        command, cwd=directory, env=_environment(directory), check=True, capture_output=True
    )
    if not all(path.startswith(str(directory / "src")) for path in found.stdout.decode().split()):
        raise typer.TyperException(f"Python does not import the copy: {found.stdout.decode()}")
    return directory


def _environment(directory: Path) -> dict[str, str]:
    """Return the variables with which all processes of the tests import the copy."""
    return {**os.environ, "PYTHONPATH": os.pathsep.join((f"{directory}/src", str(directory)))}


def run_tests(directory: Path, tests: Tests) -> tuple[int, str]:
    """Run tests in a copy; return the exit status, and the last line that says what happened."""
    command = [sys.executable, "-m", "pytest", "-x", "-q", "-p", "no:cacheprovider", *tests]
    ended = subprocess.run(
        command, cwd=directory, env=_environment(directory), capture_output=True, text=True
    )
    lines = [line for line in ended.stdout.splitlines() if line.strip()] or [ended.stderr[-300:]]
    failed = (line for line in lines if re.match(r"(FAILED|ERROR) ", line))
    return ended.returncode, next(failed, lines[-1])


def verdict(before: tuple[int, str], after: tuple[int, str]) -> tuple[str, str]:
    """Return whether a fault is found, from the results of its tests without and with it."""
    for when, (status, line) in (("without the fault", before), ("with the fault", after)):
        if status not in (pytest.ExitCode.OK, pytest.ExitCode.TESTS_FAILED):
            return "tests did not run", f"{when}: {line}"
    if before[0] != pytest.ExitCode.OK:
        return "tests fail without it", before[1]
    is_found = after[0] == pytest.ExitCode.TESTS_FAILED
    return "found" if is_found else "NOT FOUND", after[1]


def main(
    only: Annotated[str, typer.Option(help="A word in the name or the file of a fault.")] = "",
) -> None:
    """Apply seeded faults one by one, and report which of them the tests find."""
    chosen = [one for one in read_faults() if only.lower() in f"{one.name} {one.file}".lower()]
    with tempfile.TemporaryDirectory(prefix="mutations-") as top:
        copies: SimpleQueue[Path] = SimpleQueue()
        for number in range(AT_ONCE):
            copies.put(copy_project(Path(top, str(number), "project")))

        def run(tests: Tests, fault: Fault | None = None) -> tuple[int, str]:
            directory, begin = copies.get(), time.monotonic()
            try:
                if fault is None:
                    return run_tests(directory, tests)
                with fault.applied(directory):
                    status, line = run_tests(directory, tests)
                    print(f"{time.monotonic() - begin:5.0f} s  {fault.name}", flush=True)
                    return status, line
            finally:
                copies.put(directory)

        with ThreadPoolExecutor(AT_ONCE) as pool:
            kinds = [*dict.fromkeys(one.run for one in chosen)]
            before = dict(zip(kinds, pool.map(run, kinds), strict=True))
            after = [*pool.map(lambda one: run(one.run, one), chosen)]
    results = [verdict(before[one.run], how) for one, how in zip(chosen, after, strict=True)]
    print()
    for fault, (result, line) in zip(chosen, results, strict=True):
        print(f"{result:21} {fault.name} ({fault.file})\n{'':21} {line[:160]}")
    found = sum(result == "found" for result, _ in results)
    print(f"\n{found} of {len(chosen)} faults found.")
    raise typer.Exit(found < len(chosen) or not chosen)


if __name__ == "__main__":
    typer.run(main)
