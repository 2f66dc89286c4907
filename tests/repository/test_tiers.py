"""The test tiers agree in Makefile, CI and CONTRIBUTING.md, and no skip goes unnoticed."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
MAKEFILE = (ROOT / "Makefile").read_text()
TIERS = re.findall(r"^(test[a-z-]*): .*\n\t\$\(BIN\)/pytest ", MAKEFILE, re.MULTILINE)
MARKERS = [tier.removeprefix("test-") for tier in TIERS if tier != "test"]


@pytest.mark.parametrize("tier", TIERS)
def test_contributing_describes_the_tier(tier: str) -> None:
    assert f"| `make {tier}` |" in (ROOT / "CONTRIBUTING.md").read_text()


def test_ci_runs_every_tier_but_the_deep_one() -> None:
    run = re.findall(r"^step \d+ make (test\S*)", (ROOT / ".ci" / "run").read_text(), re.MULTILINE)
    assert [*run, "test-deep"] == TIERS


def test_make_test_leaves_out_every_other_tier(request: pytest.FixtureRequest) -> None:
    for marker in MARKERS:
        assert f"-m {marker} " in MAKEFILE
        assert f"not {marker}" in " ".join(request.config.getini("addopts"))


SKIPPING = """
from tests.support.required import require_program
def test_without_a_need_passes(): pass
def test_with_a_missing_program_skips(): require_program("no-such-program", "its-package")
"""


@pytest.mark.parametrize(
    ("required", "without", "status"),
    [
        ("", "", pytest.ExitCode.OK),
        ("all", "", pytest.ExitCode.TESTS_FAILED),
        ("all", "other", pytest.ExitCode.TESTS_FAILED),
        ("all", "other,no-such-program", pytest.ExitCode.OK),
    ],
)
def test_a_skip_fails_where_everything_is_required(
    tmp_path: Path, required: str, without: str, status: pytest.ExitCode
) -> None:
    run = run_pytest(tmp_path, SKIPPING, [], required=required, without=without)
    assert run.returncode == status, run.stdout
    assert "no-such-program is missing: install the package its-package" in run.stdout
    assert ("UNEXPECTED SKIP" in run.stdout) == (status != pytest.ExitCode.OK)


def test_a_tier_without_tests_fails(tmp_path: Path) -> None:
    run = run_pytest(tmp_path, "def test_of_no_tier_passes(): pass", ["-m", "browser"])
    assert run.returncode == pytest.ExitCode.NO_TESTS_COLLECTED, run.stdout


def run_pytest(
    directory: Path, tests: str, options: list[str], required: str = "", without: str = ""
) -> subprocess.CompletedProcess[str]:
    """Run pytest on a directory of its own that has the hooks of tests/conftest.py."""
    (directory / "conftest.py").write_text("from tests.support.required import *\n")
    (directory / "test_it.py").write_text(tests)
    environment = {
        **os.environ,
        "PYTHONPATH": str(ROOT),
        "CLICKSTREAM_TESTS_REQUIRE": required,
        "CLICKSTREAM_TESTS_WITHOUT": without,
    }
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-rs", *options, "."]
    return subprocess.run(
        command, check=False, cwd=directory, env=environment, capture_output=True, text=True
    )
