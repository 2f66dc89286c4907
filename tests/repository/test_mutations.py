"""The list of seeded faults fits the code and the tests, so that `make test-mutations` can run."""

from __future__ import annotations

from scripts.mutations import ROOT, read_faults

FAULTS = read_faults()


def test_every_fault_replaces_a_text_that_occurs_once() -> None:
    assert [
        fault.name for fault in FAULTS if (ROOT / fault.file).read_text().count(fault.old) != 1
    ] == []


def test_every_fault_names_tests_that_exist() -> None:
    assert [
        fault.name for fault in FAULTS if not fault.tests or not all(map(is_test, fault.tests))
    ] == []


def is_test(name: str) -> bool:
    """Whether a test file exists and has the function of a node id."""
    file, _, function = name.partition("::")
    path = ROOT / file
    return path.is_file() and f"def {function or 'test_'}" in path.read_text()
