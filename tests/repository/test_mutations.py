"""The list of seeded faults fits the code and the tests, so that `make test-mutations` can run."""

from __future__ import annotations

from pathlib import Path

from scripts.mutations import ROOT, Fault, read_faults

FAULTS = read_faults()


def test_every_fault_replaces_a_text_that_occurs_once() -> None:
    assert [one.name for one in FAULTS if count_old(one) != 1 or one.new == one.old] == []


def test_every_fault_names_tests_that_exist() -> None:
    assert [one.name for one in FAULTS if not one.tests or not all(map(is_test, one.tests))] == []


def test_no_two_faults_have_one_name() -> None:
    assert len({one.name for one in FAULTS}) == len(FAULTS)


def test_every_package_of_the_library_has_a_fault() -> None:
    packages = {path.parent.name for path in ROOT.glob("src/clickstream/*/__init__.py")}
    assert packages <= {part for one in FAULTS for part in Path(one.file).parts}


def count_old(fault: Fault) -> int:
    return (ROOT / fault.file).read_text().count(fault.old)


def is_test(name: str) -> bool:
    """Whether a test file exists and has the function of a node id."""
    file, _, function = name.partition("::")
    path = ROOT / file
    return path.is_file() and f"def {function or 'test_'}" in path.read_text()
