"""The Makefile's paths of a tier hold all tests with its mark, so no test runs nowhere."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
MARKS = {
    "LAKE": r"mark\.lake\b|first_in_make_test",
    "TRINO": r"mark\.trino\b|\bengine: Engine\b",
    "DEEP": r"mark\.deep\b",
}
"""What the source of a test with the mark of a tier contains, by the Makefile's variable."""


def variable(name: str) -> str:
    makefile = (ROOT / "Makefile").read_text()
    value = re.search(rf"^{name} := (.*)$", makefile, re.MULTILINE)
    assert value, name
    return re.sub(r"\$\((\w+)\)", lambda other: variable(other[1]), value[1])


@pytest.mark.parametrize("tier", MARKS)
def test_tests_with_the_mark_of_a_tier_are_in_its_paths(tier: str) -> None:
    paths = [ROOT / path for path in variable(tier).split()]
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


def test_every_folder_of_tests_belongs_to_a_tier() -> None:
    folders = {path.name for path in (ROOT / "tests").iterdir() if [*path.glob("**/test_*.py")]}
    listed = re.findall(r"tests/(\w+)", (ROOT / "pyproject.toml").read_text())
    others = re.findall(
        r"pytest\S* tests/(\w+)|\$\(PYTEST\) tests/(\w+)", (ROOT / "Makefile").read_text()
    )
    assert folders <= {*listed, *(one or other for one, other in others)}
