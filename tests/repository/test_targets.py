"""Each target of the Makefile ends well at its smallest size, in a copy of the project.

Other tests run what these targets start: tests, lint, types, golden, and the stack of `demo` and
`up`. Not run are `dashboard`, `geoip` and `map` (downloads by npm), `lock` (asks PyPI),
`screenshots`, `fuzz` (needs atheris), and `bench` and `clean`, which change the environment.
"""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from scripts.mutations import ROOT, copy_project
from tests.support.access_log import Client, append

pytestmark = pytest.mark.deep
STAMPS = (".venv/uv.stamp", ".venv/run.stamp", ".venv/dev.stamp")
MAKE = ("make", *(option for stamp in STAMPS for option in ("--old-file", stamp)))
"""Installs nothing: the copy shares the environment of the project."""


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = copy_project(tmp_path_factory.mktemp("project"))
    (directory / ".venv").symlink_to(ROOT / ".venv")
    return directory


@pytest.mark.parametrize(
    "target", ["help", "env", "docs", "sbom", "clean-demo", "age DAYS=3 LINES=20"]
)
def test_a_target_ends_well(project: Path, target: str) -> None:
    run = subprocess.run(
        [*MAKE, *target.split()], cwd=project, capture_output=True, text=True, check=False
    )
    assert run.returncode == 0, run.stdout[-3000:] + run.stderr[-3000:]


@contextmanager
def started(project: Path, *arguments: str) -> Iterator[str]:
    """Start a server by make, yield its first line with an address, and stop it by Ctrl-C."""
    server = subprocess.Popen(
        [*MAKE, *arguments],
        cwd=project,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )
    assert server.stdout is not None
    lines: list[str] = []
    try:
        for line in server.stdout:
            lines.append(line)
            if "http://127.0.0.1:" in line:
                break
        else:
            pytest.fail("".join(lines))
        yield line
    finally:
        os.killpg(server.pid, signal.SIGINT)
        server.communicate(timeout=120)


def test_open_shows_the_address_of_its_dashboard(project: Path, tmp_path: Path) -> None:
    append(tmp_path / "access.log", [Client("192.0.2.1").get("2026-11-20T05:10:00", "/")])
    with started(project, "open", f"LOGS={tmp_path}") as line:
        assert "127.0.0.1" in line
