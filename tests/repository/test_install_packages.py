"""What the Makefile prints while packages are installed."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from scripts import install_packages

SCRIPT = Path(install_packages.__file__)
UV = "print('Resolved 212 packages in 1s'); print('Prepared 40 packages in 2s')"


def run(code: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(SCRIPT), "Packages", "of", "x.txt", "--", sys.executable, "-c"]
    return subprocess.run([*command, code], capture_output=True, text=True, check=False)


def test_what_is_installed_is_printed_before_and_after() -> None:
    done = run(UV)
    first, *_, last = done.stdout.splitlines()
    assert first.startswith("… Packages of x.txt")
    assert last.startswith("✓ Packages of x.txt: 40 packages downloaded (")
    assert (done.returncode, done.stderr) == (0, "")


def test_a_failed_installation_shows_the_output_of_the_installer() -> None:
    done = run(f"{UV}; import sys; sys.exit('no matching distribution')")
    assert done.stdout.splitlines()[-1].startswith("✗ Packages of x.txt: 40 packages downloaded (")
    assert done.stderr.splitlines()[-1] == "no matching distribution"
    assert done.returncode == 1


def test_a_long_installation_is_never_silent(capsys: pytest.CaptureFixture[str]) -> None:
    command = [sys.executable, "-c", "import time; time.sleep(0.5)"]
    assert install_packages.run("Packages", command, every=0.05) == 0
    first, *between, last = capsys.readouterr().out.splitlines()
    assert first.startswith("…")
    assert {line[0] for line in between} == {"…"}
    assert last.startswith("✓")
