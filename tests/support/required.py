"""Which skips of tests are acceptable; imported by tests/conftest.py.

A test skips, and names what to install, where a program or the shared data is absent. With
CLICKSTREAM_TESTS_REQUIRE=all, which CI sets, such a skip fails the run, except for the programs in
CLICKSTREAM_TESTS_WITHOUT (names separated by commas) and for the shared data, which only the
project's own machines have. Both variables are taken out of the environment: the settings of the
pipeline refuse variables with their prefix that they do not know.
"""

from __future__ import annotations

import os
import shutil

import pytest

REQUIRED = os.environ.pop("CLICKSTREAM_TESTS_REQUIRE", "")
WITHOUT = os.environ.pop("CLICKSTREAM_TESTS_WITHOUT", "")

SHARED_DATA_IS_ABSENT = ("the shared data is not here", "the real logs are not here")


def require_program(name: str, package: str) -> str:
    """Return the path of a program; skip the test where it is absent, naming its Debian package."""
    found = shutil.which(name, path=f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin")
    if not found:
        pytest.skip(f"{name} is missing: install the package {package}")
    return found


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Name each skip that is a failure."""
    for skipped in _unexpected_skips(terminalreporter):
        terminalreporter.write_line(f"UNEXPECTED SKIP: {skipped}", red=True)


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    """Fail the run for an unexpected skip."""
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    if session.exitstatus == pytest.ExitCode.OK and reporter and _unexpected_skips(reporter):
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def _unexpected_skips(reporter: pytest.TerminalReporter) -> list[str]:
    if REQUIRED != "all":
        return []
    without = [f"{name} is missing" for name in WITHOUT.split(",") if name]
    expected = [*SHARED_DATA_IS_ABSENT, *without]
    skips = [f"{r.nodeid}: {r.longrepr[2]}" for r in reporter.stats.get("skipped", [])]
    return [skip for skip in skips if not any(reason in skip for reason in expected)]
