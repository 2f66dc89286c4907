"""The wheel, installed without extras into a virtual environment of its own, checks log files."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.support.access_log import Client

ROOT = Path(__file__).parents[2]
UV = Path(sys.executable).with_name("uv")

Clickstream = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture(scope="module")
def clickstream(tmp_path_factory: pytest.TempPathFactory) -> Clickstream:
    """Install the wheel, and return a function that runs its command beside a log."""
    directory = tmp_path_factory.mktemp("bare")
    uv("build", "--wheel", "--out-dir", directory, ROOT)
    [wheel] = directory.glob("*.whl")
    uv("venv", "--python", sys.executable, directory / "venv")
    pins = ("--constraint", ROOT / "requirements.txt")
    uv("pip", "install", "--python", directory / "venv", *pins, wheel)
    ana = Client("192.0.2.1")
    lines = [ana.get("2026-11-20T05:10:00", "/"), ana.get("2026-11-20T05:12:00", "/menu")]
    (directory / "access.log").write_text("\n".join(lines) + "\n")
    return lambda *arguments: run(directory / "venv/bin/clickstream", *arguments, cwd=directory)


def uv(*arguments: object) -> None:
    """Run uv with the packages of its cache, or else with the network."""
    done = run(UV, *arguments, "--offline", cwd=ROOT)
    if done.returncode:
        done = run(UV, *arguments, cwd=ROOT)
    assert done.returncode == 0, done.stderr


def run(*command: object, cwd: Path) -> subprocess.CompletedProcess[str]:
    words = [str(word) for word in command]
    return subprocess.run(words, check=False, cwd=cwd, capture_output=True, text=True)


def test_commands_on_log_files_work(clickstream: Clickstream) -> None:
    for arguments in (["bots", "check", "access.log"], ["--help"]):
        done = clickstream(*arguments)
        assert (done.returncode, done.stderr) == (0, ""), arguments
        assert done.stdout, arguments


def test_other_commands_name_the_extra_to_install(clickstream: Clickstream) -> None:
    for command, extra in ((["verify"], "lake"), (["try", "access.log"], "open")):
        done = clickstream(*command)
        assert done.returncode == 1
        assert f"pip install 'clickstream[{extra}]'" in done.stderr
        assert "Traceback" not in done.stderr
