"""The test tiers agree in Makefile, CI and CONTRIBUTING.md, and no skip goes unnoticed."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from _pytest.mark.expression import Expression
from hypothesis import settings
from more_itertools import powerset
from tests.support.examples import TIMES, USUAL

ROOT = Path(__file__).parents[2]
MAKEFILE = (ROOT / "Makefile").read_text()
TIERS = re.findall(r"^(test[a-z-]*): .*\n\t\$\(PYTEST\) ", MAKEFILE, re.MULTILINE)
NOT_IN_CI = {"test-deep"}


@pytest.mark.parametrize("tier", TIERS)
def test_contributing_describes_the_tier(tier: str) -> None:
    assert f"| `make {tier}` |" in (ROOT / "CONTRIBUTING.md").read_text()


def test_ci_runs_every_tier_but_the_longest() -> None:
    run = re.findall(
        r"^ *step \d+ make (test\S*)", (ROOT / ".ci" / "run").read_text(), re.MULTILINE
    )
    assert {*run} == {*TIERS} - NOT_IN_CI


MARKS = {
    "LAKE_TESTS": r"mark\.lake\b",
    "TRINO_TESTS": r"mark\.trino\b|\bengine: Engine\b",
    "DEEP_TESTS": r"mark\.deep\b|first_in_make_test|one_of_each",
}
"""What the source of a test with the mark of a tier contains, by the Makefile's variable."""
DEEP_ALONE = re.findall(r"-m deep (tests/\S+)", MAKEFILE)
"""Folders whose deep tests run on one worker, because they share one server."""


def variable(name: str) -> str:
    value = re.search(rf"^{name} := (.*)$", MAKEFILE, re.MULTILINE)
    assert value, name
    return re.sub(r"\$\((\w+)\)", lambda other: variable(other[1]), value[1])


@pytest.mark.parametrize("tier", MARKS)
def test_tests_with_the_mark_of_a_tier_are_in_its_paths(tier: str) -> None:
    alone = DEEP_ALONE if tier == "DEEP_TESTS" else []
    paths = [ROOT / path for path in [*variable(tier).split(), *alone]]
    assert [path for path in paths if not path.exists()] == []
    marked = [
        path
        for path in (ROOT / "tests").rglob("test_*.py")
        if re.search(MARKS[tier], path.read_text()) and path != Path(__file__)
    ]
    outside = [
        str(path.relative_to(ROOT))
        for path in marked
        if not any(path == one or one in path.parents for one in paths)
    ]
    assert marked
    assert outside == []


@pytest.mark.parametrize("marks", [*powerset(["lake", "trino", "deep"])], ids="+".join)
def test_one_tier_runs_a_test_whatever_its_marks(marks: tuple[str, ...]) -> None:
    usual = re.findall(r"-m '([^']+)'", (ROOT / "pyproject.toml").read_text())
    of_tiers = re.findall(r"-m '?([^'\n]+?)'? \$\((?:LAKE|TRINO|DEEP)_TESTS\)", MAKEFILE)
    expressions = [Expression.compile(text) for text in usual + of_tiers]
    assert len(expressions) == 4
    assert sum(one.evaluate(lambda name, **_: name in marks) for one in expressions) == 1


def test_every_folder_of_tests_belongs_to_a_tier() -> None:
    folders = {path.name for path in (ROOT / "tests").iterdir() if [*path.glob("**/test_*.py")]}
    of_make_test = re.findall(r'"tests/(\w+)"', (ROOT / "pyproject.toml").read_text())
    of_others = re.findall(r"\$\(PYTEST\) tests/(\w+)", MAKEFILE)
    assert folders == {*of_make_test, *of_others}
    assert {*of_make_test}.isdisjoint(of_others)


def test_only_one_module_sets_numbers_of_examples() -> None:
    """EXAMPLES multiplies the examples of every property only if none sets its own number."""
    tests = [path for path in (ROOT / "tests").rglob("*.py") if path != Path(__file__)]
    found = [path.name for path in tests if "max_examples" in path.read_text()]
    assert found == ["examples.py"]
    assert settings().max_examples == USUAL * TIMES


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
    run = run_pytest(tmp_path, "def test_of_no_tier_passes(): pass", ["-m", "lake"])
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
        "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1",  # the hooks need no plugin, and imports take seconds
        "CLICKSTREAM_TESTS_REQUIRE": required,
        "CLICKSTREAM_TESTS_WITHOUT": without,
    }
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-rs", *options, "."]
    return subprocess.run(
        command, check=False, cwd=directory, env=environment, capture_output=True, text=True
    )
