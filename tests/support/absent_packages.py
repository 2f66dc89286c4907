"""Packages of the project's extras, and commands in a process that lacks the others.

The process has the packages of all tests, but imports of some fail as if they were not installed.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tomllib
from collections.abc import Iterable, Iterator, Sequence
from contextlib import redirect_stderr, redirect_stdout
from functools import cache
from importlib.metadata import PackageNotFoundError, packages_distributions, requires
from io import StringIO
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]


def packages_of(*extras: str) -> set[str]:
    """Return the packages of the project with some extras, and the packages that these need."""
    found: set[tuple[str, str]] = set()
    waiting = [("clickstream", extra) for extra in ("", *extras)]
    while waiting:
        package = waiting.pop()
        if package not in found:
            found.add(package)
            waiting += _needs(*package)
    return {name for name, _ in found} - {"clickstream"}


def _needs(name: str, extra: str) -> Iterator[tuple[str, str]]:
    """Yield the packages that a package needs for an extra, each without and with its extras."""
    from packaging.requirements import Requirement
    from packaging.utils import canonicalize_name

    for needed in map(Requirement, _requirements(name, extra)):
        if needed.marker is None or needed.marker.evaluate({"extra": extra}):
            for one in ("", *needed.extras):
                yield canonicalize_name(needed.name), one


def _requirements(name: str, extra: str) -> Sequence[str]:
    if name == "clickstream":  # the metadata of an editable installation may be outdated
        return PROJECT["optional-dependencies"][extra] if extra else PROJECT["dependencies"]
    try:
        return requires(name) or ()
    except PackageNotFoundError:  # spark is only in requirements-dev.txt
        return ()


def absent_modules(*extras: str) -> list[str]:
    """Return the installed modules that would be absent with these extras alone."""
    from packaging.utils import canonicalize_name

    packages = packages_of(*extras)
    return [
        module
        for module, owners in owners_of_modules().items()
        if packages.isdisjoint(map(canonicalize_name, owners))
    ]


owners_of_modules = cache(packages_distributions)
"""Return the packages that have a module of each name; takes 0.3 s at its first call."""


def run_without(
    modules: Sequence[str], commands: Sequence[Sequence[str]], directory: Path
) -> list[tuple[int, str, str]]:
    """Run commands of `clickstream`, one after the other, in a process that lacks modules.

    Returns the exit code, the output and the error output of each.
    """
    done = subprocess.run(
        [sys.executable, "-m", "tests.support.absent_packages"],
        input=json.dumps([modules, commands]),
        cwd=directory,
        env={"PATH": os.environ["PATH"], "PYTHONPATH": f"{ROOT}/src:{ROOT}"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return [tuple(result) for result in json.loads(done.stdout)]


def _run(arguments: Sequence[str]) -> tuple[int, str, str]:
    from clickstream.cli import main

    sys.argv = ["clickstream", *arguments]
    status: Any = 0
    with redirect_stdout(StringIO()) as out, redirect_stderr(StringIO()) as err:
        try:
            main()
        except SystemExit as end:
            status = end.code
    return int(status or 0), out.getvalue(), err.getvalue()


class _AbsentModules:
    """A finder that fails for some modules before another one finds them."""

    def __init__(self, absent: Iterable[str]) -> None:
        self.absent = frozenset(absent)

    def find_spec(self, name: str, *_: object) -> None:
        if name in self.absent:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)


if __name__ == "__main__":
    absent, given = json.load(sys.stdin)
    sys.meta_path.insert(0, _AbsentModules(absent))
    json.dump([_run(arguments) for arguments in given], sys.stdout)
